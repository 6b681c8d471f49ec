"""A .tflite file run in a child process, so that a file from anywhere can end that process and not this one.

The runtime is native code that trusts its file: a hostile one can crash it or make it take memory without
end. The child has its own limits (`sandbox_child.py`), no pipe but the three standard ones, and a clock;
whatever becomes of it is one `TFLiteFileError` here. It is no wall against a file made to take over the
runtime: the child runs with the user's own rights.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from swiftformer_keras.errors import TFLiteFileError
from swiftformer_keras.shown import shown

CHILD = Path(__file__).with_name("sandbox_child.py")
TIMEOUT_S = 120.0  # for loading, and for every run
_MAX_HEADER_BYTES = 1 << 16
_MAX_RESULT_BYTES = 1 << 28
_DTYPES = {"float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool"}


@dataclasses.dataclass(frozen=True)
class TensorDetails:
    """An input or output as the runtime has it; `scale` is 0 where it is not quantised."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


class Runner:
    """A loaded file; see `run_in_child`."""

    def __init__(
        self, path: Path, process: subprocess.Popen[bytes], errors: IO[bytes], timeout_s: float
    ) -> None:
        self._where = shown(path)
        self._process = process
        self._errors = errors
        self._timeout_s = timeout_s
        header, _ = self._exchange(b"")
        self.inputs = self._details(header, "inputs")
        self.outputs = self._details(header, "outputs")

    def run(self, values: np.ndarray) -> tuple[np.ndarray, float]:
        """The first output for the first input.

        Args:
            values: in the input's shape and dtype.

        Returns:
            The output and how long the runtime took, in milliseconds.

        Raises:
            TFLiteFileError: the file crashed, ran out of its limits, or does not take these values.
        """
        content = np.ascontiguousarray(values).tobytes()
        request = {"shape": values.shape, "dtype": values.dtype.name, "size": len(content)}
        header, result = self._exchange(json.dumps(request).encode() + b"\n" + content)
        try:
            shape = tuple(int(size) for size in header["shape"])
            dtype = header["dtype"]
            if dtype not in _DTYPES:
                raise ValueError(dtype)
            return np.frombuffer(result, dtype).reshape(shape), float(header["elapsed_ms"])
        except (KeyError, TypeError, ValueError):
            raise self._nonsense() from None

    def _exchange(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a request and read the answer, within the time allowed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(self._timeout_s, stop)
        timer.start()
        try:
            if request:
                with contextlib.suppress(BrokenPipeError, OSError):
                    self._process.stdin.write(request)
                    self._process.stdin.flush()
            line = self._process.stdout.readline(_MAX_HEADER_BYTES)
            header = self._header(line, late.is_set())
            size = header.get("size")
            if type(size) is not int or not 0 <= size <= _MAX_RESULT_BYTES:
                raise self._nonsense()
            content = self._process.stdout.read(size)
        finally:
            timer.cancel()
        if len(content) != size:
            raise self._ended(late.is_set())
        if "error" in header:
            raise TFLiteFileError(
                f"{self._where}: LiteRT refuses it: {_reason(str(header['error']))}. Export it again"
            )
        return header, content

    def _header(self, line: bytes, late: bool) -> dict[str, Any]:
        if not line.endswith(b"\n"):
            raise self._ended(late)
        try:
            header = json.loads(line)
        except (ValueError, RecursionError):
            raise self._nonsense() from None
        if not isinstance(header, dict):
            raise self._nonsense()
        return header

    def _details(self, header: dict[str, Any], kind: str) -> tuple[TensorDetails, ...]:
        try:
            return tuple(
                TensorDetails(
                    tuple(int(size) for size in tensor["shape"]),
                    str(tensor["dtype"]),
                    float(tensor["scales"][0]) if tensor["scales"] else 0.0,
                    int(tensor["zero_points"][0]) if tensor["zero_points"] else 0,
                )
                for tensor in header[kind]
            )
        except (KeyError, TypeError, ValueError):
            raise self._nonsense() from None

    def _ended(self, late: bool) -> TFLiteFileError:
        """Why there is no answer: the clock, a signal, or an error of the child's own."""
        if late:
            return TFLiteFileError(
                f"{self._where}: took longer than {self._timeout_s:g} s and was stopped. Use a smaller model"
            )
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        code = self._process.poll()
        if code is not None and code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return TFLiteFileError(
                f"{self._where}: crashes the TFLite runtime ({name}); it ran in a process of its own. "
                "It is damaged or hostile; do not use it"
            )
        self._errors.seek(0)
        lines = [
            line for line in self._errors.read(1 << 16).decode(errors="replace").splitlines() if line.strip()
        ]
        return TFLiteFileError(
            f"{self._where}: could not be run (the child process ended with {code}"
            f"{': ' + _reason(lines[-1]) if lines else ''}). Check the installation with swiftformer doctor"
        )

    def _nonsense(self) -> TFLiteFileError:
        return TFLiteFileError(f"{self._where}: its process gave no sensible answer. Do not use the file")


@contextlib.contextmanager
def run_in_child(path: Path, *, threads: int = 1, timeout_s: float = TIMEOUT_S) -> Iterator[Runner]:
    """Load a .tflite file in a child process; the child ends with the block.

    Raises:
        TFLiteFileError: the runtime refuses the file or crashes on it.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                str(CHILD),
                str(Path(path).absolute()),
                str(threads),
                str(int(timeout_s) * 4),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=tempfile.gettempdir(),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            close_fds=True,
        )
        try:
            yield Runner(Path(path), process, errors, timeout_s)
        finally:
            process.kill()
            with contextlib.suppress(BrokenPipeError, OSError):
                process.stdin.close()  # type: ignore[union-attr]
            process.stdout.close()  # type: ignore[union-attr]
            process.wait()


def _reason(text: str) -> str:
    """The line of a message of LiteRT's that says most, without its source position."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shown(lines[0] if lines else "it gives no reason", 200).rstrip(".")
