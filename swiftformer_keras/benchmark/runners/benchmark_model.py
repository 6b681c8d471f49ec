"""The runner that needs no app: TFLite's or LiteRT 2.x's `benchmark_model`, given as a file.

The tool gives figures over a process's runs and no single ones, warms up for a set time and not until the latency is
stable, and has no output of the model to look at; what follows from that is noted in the result.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from swiftformer_keras.benchmark.affinity import crowded, taskset_mask
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.moments import now
from swiftformer_keras.benchmark.plan import Configuration, ProcessBudget
from swiftformer_keras.benchmark.quoting import checked_path, script
from swiftformer_keras.benchmark.residency import NNAPI_NAMES_DEVICES_API
from swiftformer_keras.benchmark.result import ProcessResult
from swiftformer_keras.benchmark.runners.log import last_lines
from swiftformer_keras.benchmark.runners.tool_output import ToolOutput, parse_tool_output, why_it_failed
from swiftformer_keras.errors import BenchmarkOutputError, BenchmarkPlanError
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.session import DeviceSession
    from swiftformer_keras.benchmark.transfer import RemoteFile

WARM_UP_SECONDS = 1.0
"""Of each process, before its timed runs; the tool's own default is half of it."""

_MEMORY_RUNS = 8
_QUICK_S = 20.0
_MAX_SAID = 4 << 20
_MACHINES = {0xB7: "arm64-v8a", 0x28: "armeabi-v7a", 0x3E: "x86_64", 0x03: "x86", 0xF3: "riscv64"}
_NO_NNAPI_CPU = "--disable_nnapi_cpu=true"
_DELEGATE_FLAGS = {"cpu": (), "gpu": ("--use_gpu=true",), "nnapi": ("--use_nnapi=true", _NO_NNAPI_CPU)}
_TIMED_SHARE = 0.95  # of the seconds that were asked for: the rest is the tool's own work between two runs
_ANY_ACCELERATOR = "any but NNAPI's own CPU driver"


@dataclasses.dataclass
class BenchmarkModelRunner:
    """The tool as a file on this computer.

    Attributes:
        binary: built for the phone's processor.
        binary_sha256: of its bytes as they were recorded; nothing else is run.
    """

    binary: Path
    binary_sha256: str | None = None
    name: str = "benchmark_model"
    _remote: dict[str, str] = dataclasses.field(default_factory=dict, init=False)  # by the session's folder

    def check(self, configurations: Sequence[Configuration], facts: DeviceFacts) -> None:
        """Refuse a file that cannot run on this phone, and cores that it has not got.

        Raises:
            BenchmarkPlanError, AffinityError: one of these.
        """
        abi = abi_of(self.binary)
        if facts.abis and abi not in facts.abis:
            raise BenchmarkPlanError(
                f"{shown(self.binary)}: is built for {abi}, and {shown(facts.serial, 60)} runs "
                f"{', '.join(facts.abis)}. Give a benchmark_model for one of these"
            )
        for affinity in {each.affinity for each in configurations if each.affinity is not None}:
            taskset_mask(affinity, facts)

    def prepare(self, session: DeviceSession) -> None:
        """Put the tool on the phone.

        Raises:
            PushMismatchError: the file is no longer the one that was recorded.
            DeviceError: the phone does not take it.
        """
        remote = session.push(self.binary, self.binary_sha256)
        session.shell(("chmod", "755", remote.path), _QUICK_S)
        self._remote[session.folder] = remote.path

    def run(
        self,
        session: DeviceSession,
        configuration: Configuration,
        model: RemoteFile,
        budget: ProcessBudget,
        round_number: int,
    ) -> ProcessResult:
        """Measure in a fresh process.

        Raises:
            DeviceError: the phone is gone, or the time limit has passed.
        """
        command = [
            self._remote[session.folder],
            *self._arguments(configuration, checked_path(model.path), budget),
        ]
        crowd = None
        if configuration.affinity is not None:
            mask = taskset_mask(configuration.affinity, session.facts)
            command = ["taskset", mask, *command]
            crowd = crowded(mask, configuration.threads)
        started = now()
        # What it logs goes to stderr and what it prints to stdout: in one stream the order stays.
        line = script(" ".join("{}" for _ in command) + " 2>&1", *command)
        done = session.run_script(
            line, budget.time_limit_s, limit_bytes=_MAX_SAID, what="benchmark_model's run"
        )
        text = done.stdout.decode("utf-8", "replace")
        try:
            found = parse_tool_output(text)
        except BenchmarkOutputError as error:
            said = why_it_failed(text)
            code = "" if done.returncode == 0 else f" (it ended with {_ended(done.returncode)})"
            why = f"{f'benchmark_model says: {said}' if said else str(error)}{code}"
            return ProcessResult(
                round=round_number, started_at=started, error=shown(why, 300), log_excerpt=last_lines(text)
            )
        error_line = _wrong(found, configuration, done.returncode, budget)
        return ProcessResult(
            round=round_number,
            started_at=started,
            initialization_ms=found.initialization_ms,
            first_inference_ms=found.first_inference_ms,
            aggregate=found.timed,
            memory_kib=found.peak_memory_kib if budget.kind == "memory" else None,
            runtime_version=found.runtime_version,
            replacing=found.replacing,
            accelerator=_accelerator(configuration, session.facts, found),
            notes=(*_notes(found, budget), *([] if crowd is None else [crowd])),
            error=error_line,
            log_excerpt=None if error_line is None else last_lines(text),
        )

    def _arguments(self, configuration: Configuration, model: str, budget: ProcessBudget) -> list[str]:
        memory = budget.kind == "memory"
        return [
            f"--graph={model}",
            f"--num_threads={configuration.threads}",
            f"--num_runs={_MEMORY_RUNS if memory else budget.runs}",
            f"--min_secs={0 if memory else budget.seconds:g}",
            f"--max_secs={budget.time_limit_s:g}",
            "--warmup_runs=1",
            f"--warmup_min_secs={0 if memory else WARM_UP_SECONDS:g}",
            *_DELEGATE_FLAGS[configuration.delegate],
            *(["--report_peak_memory_footprint=true"] if memory else []),
        ]


def abi_of(binary: Path) -> str:
    """The ABI of an ELF executable, from its header (System V ABI, "ELF header": e_machine).

    Raises:
        BenchmarkPlanError: it cannot be read, or is no such file.
    """
    try:
        with open(binary, "rb") as file:
            header = file.read(20)
    except (OSError, ValueError) as error:
        raise BenchmarkPlanError(
            f"{shown(binary)}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    if len(header) < 20 or header[:4] != b"\x7fELF":
        raise BenchmarkPlanError(
            f"{shown(binary)}: is no Android program. Give the benchmark_model that was built for the phone"
        )
    machine = struct.unpack_from("<H" if header[5] == 1 else ">H", header, 18)[0]
    return _MACHINES.get(machine, f"another processor ({machine:#x})")


def _wrong(
    found: ToolOutput, configuration: Configuration, returncode: int, budget: ProcessBudget
) -> str | None:
    """Why figures that could be read do not count."""
    flags = _DELEGATE_FLAGS[configuration.delegate]
    if flags and flags[0] in found.unknown_flags:
        hint = "; LiteRT 2.x has no NNAPI" if configuration.delegate == "nnapi" else ""
        return f"this benchmark_model does not know {flags[0]}, so it ran on the CPU{hint}"
    if returncode != 0:
        return f"benchmark_model ended with {_ended(returncode)} after its results"
    wanted = _MEMORY_RUNS if budget.kind == "memory" else budget.runs
    if found.timed.count < wanted:
        return f"benchmark_model measured {found.timed.count} runs of {wanted}"
    return None


def _ended(returncode: int) -> str:
    """An exit code as the shell has it: from 128 on a signal."""
    return f"signal {returncode - 128}" if returncode > 128 else f"code {returncode}"


def _accelerator(configuration: Configuration, facts: DeviceFacts, found: ToolOutput) -> str | None:
    """NNAPI's own CPU driver is kept out where Android lets it, and where this tool knows the flag for it."""
    if configuration.delegate != "nnapi" or (facts.sdk or 0) < NNAPI_NAMES_DEVICES_API:
        return None
    return None if _NO_NNAPI_CPU in found.unknown_flags else _ANY_ACCELERATOR


def _notes(found: ToolOutput, budget: ProcessBudget) -> tuple[str, ...]:
    notes = [f"{'TFLite' if found.format == 'tflite' else 'LiteRT 2.x'} benchmark_model: no single runs"]
    notes.append(f"warm-up of {WARM_UP_SECONDS:g} s, not until the latency is stable")
    if found.timed.median_ms is None:
        notes.append("the tool gives no median: its mean stands for it")
    total_s = found.timed.count * found.timed.mean_ms / 1000
    if budget.kind == "timed" and total_s < _TIMED_SHARE * budget.seconds:
        notes.append(
            f"its timed runs took {total_s:.3g} s together, and {budget.seconds:.3g} s were asked for"
        )
    if found.says is not None and found.replacing is None:
        notes.append(found.says)
    return tuple(notes)
