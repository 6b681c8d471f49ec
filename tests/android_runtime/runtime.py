"""Run .tflite files on Android's TFLite 2.16.1 (arm64, emulated, or x86-64) and see what its delegates take.

    runtime = AndroidRuntime(build())
    ran = runtime.run(Path("model.tflite"), [picture], delegate="xnnpack")
    ran.results[0][0], ran.delegations, ran.version

The CPU computes, with "xnnpack" or "none" for `delegate`; the GPU's delegate does where `opencl.py` lends it a device.
`ask` also answers for "gpu" and "nnapi" without any, whose own code chooses operators as on a phone before it meets the
stubs in place of a driver; and for hundreds of files in one start of the emulator.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from tests.android_runtime.library import LIBRARIES, Library

Delegate = Literal["none", "xnnpack", "gpu", "nnapi"]
SDK = 34
TIMEOUT_S = 600  # of the emulator, and 1 more for each request
_REPLACED = re.compile(
    r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((\w+)\) node, yielding (\d+) partitions"
)
_DTYPES = {
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
}


class RefusedError(Exception):
    """The library did not load or run a file, or died of it; the message has its own words."""


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output as the library has it; `scale` is 0 where it is not quantised."""

    dtype: np.dtype
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclasses.dataclass(frozen=True)
class Delegation:
    """One line of the library's log: what a delegate took.

    Attributes:
        delegate: its name in the library, such as "TfLiteXNNPackDelegate".
        taken, total: operators of the graph.
        pieces: into how many the graph falls, those of the delegate and those left together.
    """

    delegate: str
    taken: int
    total: int
    pieces: int


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked of the library.

    Attributes:
        model: a .tflite file.
        runs: the inputs of each run, each with one array for every input of the model, in its dtype and shape.
        sdk: the API level that Android would name.
    """

    model: Path
    delegate: Delegate = "xnnpack"
    runs: tuple[tuple[np.ndarray, ...], ...] = ()
    threads: int = 1
    sdk: int = SDK


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the library said and gave.

    Attributes:
        version: of the library, as it says itself.
        inputs, outputs: empty when it was refused before they were known.
        results: outputs by run.
        delegations: what was taken; empty where a delegate took nothing.
        refused: why the file did not load or run, in one line; None where it did.
        took_ms: of every run, computing alone; of an emulated library it says nothing.
        processor_ms: the same in time of the processor, all threads together, which other work does not lengthen.
        log: the library's own lines; some it says once only, to the first of several requests.
    """

    version: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    results: tuple[tuple[np.ndarray, ...], ...]
    delegations: tuple[Delegation, ...]
    refused: str | None
    took_ms: tuple[float, ...]
    processor_ms: tuple[float, ...]
    log: tuple[str, ...]

    @property
    def taken(self) -> int:
        """Operators that a delegate took."""
        return sum(delegation.taken for delegation in self.delegations)


class AndroidRuntime:
    """The library, emulated or not.

    Args:
        library: what `library.build` gave.
        environment: more of it for the driver (`opencl.Gpu.environment`).
    """

    def __init__(self, library: Library, environment: Mapping[str, str] | None = None) -> None:
        self.library = library
        self.environment = dict(environment or {})

    def run(
        self,
        model: Path,
        inputs: Sequence[np.ndarray],
        *,
        delegate: Literal["none", "xnnpack", "gpu"] = "xnnpack",
        threads: int = 1,
    ) -> Answer:
        """Run a model of one input on each of `inputs`, which have its shape and dtype.

        Raises:
            RefusedError: the library does not load or run it.
        """
        runs = tuple((array,) for array in inputs)
        (answer,) = self.ask([Request(model, delegate, runs, threads)])
        if answer.refused:
            raise RefusedError(f"{model}: {answer.refused}")
        return answer

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer a request; a file that crashes the library is refused and takes no other with it."""
        with tempfile.TemporaryDirectory() as folder:
            lines = []
            for number, request in enumerate(requests):
                Path(folder, f"{number}.tflite").symlink_to(request.model.absolute())
                if request.runs:
                    arrays = (np.ascontiguousarray(array) for run in request.runs for array in run)
                    Path(folder, f"{number}.in").write_bytes(b"".join(map(np.ndarray.tobytes, arrays)))
                lines.append(f"{request.delegate} {request.sdk} {request.threads} {number}\n")
            said = self._drive(folder, "".join(lines))
            sections = re.split(r"^@end (-?\d+)\n", said, flags=re.MULTILINE)
            if len(sections) != 2 * len(requests) + 1:
                raise RefusedError(f"the driver itself ended early: {said[-500:]}")
            return [
                _answer(text, int(code), Path(folder, f"{number}.out"), len(request.runs))
                for number, (request, text, code) in enumerate(
                    zip(requests, sections[::2], sections[1::2], strict=False)
                )
            ]

    def _drive(self, folder: str, requests: str) -> str:
        home = self.library.folder
        ran = subprocess.run(
            self.library.command(folder, *(home / name for name in LIBRARIES)),
            input=requests,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S + requests.count("\n"),
            env={"PATH": os.environ.get("PATH", ""), **self.library.environment(), **self.environment},
            cwd=folder,  # where qemu leaves a core dump, if it does
            check=False,
        )
        return ran.stdout


def _answer(text: str, code: int, outputs: Path, runs: int) -> Answer:
    lines = [line for line in text.splitlines() if line]
    facts = [line[1:].split(" ", 1) for line in lines if line.startswith("@")]
    # The library logs each line twice, for logcat and for standard error: logcat's is kept.
    log = tuple(
        line for line in lines if not re.match(r"@|(INFO|ERROR|WARNING|VERBOSE): |qemu: uncaught", line)
    )
    refused = next((f"cannot {step}" for kind, step in facts if kind == "refused"), None)
    if refused is None and code != 0:
        refused = f"ended with {code}"
    if refused is not None:
        refused = "; ".join([refused, *(line[2:] for line in log if line.startswith("E/"))])
    outs = tuple(_tensor(step) for kind, step in facts if kind == "output")
    results = _results(outputs.read_bytes(), outs, runs) if runs and refused is None else ()
    return Answer(
        version=next((step for kind, step in facts if kind == "version"), ""),
        inputs=tuple(_tensor(step) for kind, step in facts if kind == "input"),
        outputs=outs,
        results=results,
        delegations=tuple(
            Delegation(found[3], int(found[1]), int(found[2]), int(found[4]))
            for found in map(_REPLACED.search, log)
            if found
        ),
        refused=refused,
        took_ms=tuple(int(step.split()[0]) / 1e6 for kind, step in facts if kind == "took"),
        processor_ms=tuple(int(step.split()[1]) / 1e6 for kind, step in facts if kind == "took"),
        log=log,
    )


def _tensor(words: str) -> Tensor:
    dtype, scale, zero_point, *shape = words.split()
    return Tensor(np.dtype(_DTYPES[dtype]), tuple(map(int, shape)), float(scale), int(zero_point))


def _results(content: bytes, outputs: tuple[Tensor, ...], runs: int) -> tuple[tuple[np.ndarray, ...], ...]:
    results, start = [], 0
    for _ in range(runs):
        arrays = []
        for tensor in outputs:
            count = int(np.prod(tensor.shape))
            arrays.append(np.frombuffer(content, tensor.dtype, count, start).reshape(tensor.shape))
            start += count * tensor.dtype.itemsize
        results.append(tuple(arrays))
    if start != len(content):
        raise RefusedError(f"{len(content):,} bytes of outputs instead of {start:,}")
    return tuple(results)
