"""A `benchmark_model` that can be given as a file, pushed and run, and prints what a real one printed somewhere else.

The file is a real executable of 200 bytes for x86-64, so a phone that runs it must have that ABI among its own
(`PhoneDescription(abis=ABIS)`, as emulators have). All it does is to run in its place the program that
the variable PHONE_X names; the phone's environment has it.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.phone.userland import Call

PROGRAM = "recorded-benchmark-model"
VARIABLE = "PHONE_X"
ABIS = ("x86_64", "arm64-v8a")

_CODE = bytes.fromhex(
    "488b0c24"  # mov rcx, [rsp]             the count of arguments
    "488d742408"  # lea rsi, [rsp+8]           the arguments
    "488d54ce08"  # lea rdx, [rsi+rcx*8+8]     the environment
    "4889d3"  # mov rbx, rdx
    "49b8"
    + f"{VARIABLE}=".encode().hex()  # mov r8, "PHONE_X="
    + "488b3b"  # again: mov rdi, [rbx]
    "4885ff"  # test rdi, rdi
    "7416"  # jz fail
    "4883c308"  # add rbx, 8
    "4c3907"  # cmp [rdi], r8
    "75ef"  # jne again
    "4883c708"  # add rdi, 8
    "b83b000000"  # mov eax, 59                execve(rdi, rsi, rdx)
    "0f05"  # syscall
    "bf7e000000"  # fail: mov edi, 126
    "b83c000000"  # mov eax, 60                exit(126)
    "0f05"  # syscall
)
_BASE, _HEADER, _SEGMENT = 0x400000, 64, 56


def write_tool(path: Path) -> Path:
    """Write the file: an ELF header, one segment that holds everything, and the code."""
    start = _HEADER + _SEGMENT
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, 0x3E, 1, _BASE + start, _HEADER, 0, 0, _HEADER, _SEGMENT, 1, 0, 0, 0
    )
    size = start + len(_CODE)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    path.write_bytes(header + segment + _CODE)
    path.chmod(0o755)
    return path


@dataclasses.dataclass(frozen=True)
class Printed:
    """What a run of the tool prints, and its exit status."""

    out: str
    err: str = ""
    status: int = 0


@dataclasses.dataclass
class RecordedTool:
    """Answers by the delegate that the flags ask for: "cpu", "gpu" or "nnapi".

    Attributes:
        outputs: a text, or what makes one from the flags.
        runs: the flags of every run, in order; "affinity" is the mask that `taskset` gave.
        seconds: how long a run takes.
    """

    outputs: Mapping[str, str | Printed | Callable[[dict[str, str]], str]]
    seconds: float = 0.0
    runs: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def __call__(self, call: Call) -> int:
        flags = {}
        for word in call.arguments:
            name, _, value = word.removeprefix("--").partition("=")
            flags[name] = value
        self.runs.append({**flags, "affinity": call.affinity})
        graph = flags.get("graph", "")
        if not call.phone.paths.real(graph).is_file():
            call.err(f"ERROR: Could not open '{graph}'.\nERROR: Failed to load model {graph}\n")
            call.err("ERROR: Benchmarking failed.\n")
            return 1
        delegate = (
            "gpu"
            if flags.get("use_gpu") == "true"
            else "nnapi"
            if flags.get("use_nnapi") == "true"
            else "cpu"
        )
        if self.seconds and call.wait(self.seconds):
            return 137
        answer = self.outputs[delegate]
        printed = Printed(answer(flags)) if callable(answer) else answer
        if isinstance(printed, str):
            printed = Printed(printed)
        call.out(printed.out)
        call.err(printed.err)
        return printed.status


def nothing_recorded(call: Call) -> int:
    """A tool was pushed and run, but the test gave it nothing to say."""
    call.err("ERROR: this phone was given no recorded output\n")
    return 1
