"""Stand-ins for Android's C library, compiled here: shared objects of Android's names that hand each call on to glibc.

Android's libraries name what they need by file (`libc.so`) and version (`LIBC`). Objects of those names and that
version satisfy a loader that knows nothing of Android; the libraries themselves stay as they are. A function that
glibc has alike is a jump to it; those that differ are in `native/bionic.c`.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from converters.android.artifacts import ARTIFACTS, MAVEN_PLUGIN
from converters.android.toolchain import check, pom
from tests.android_app.maven import MissingError, maven

NATIVE = Path(__file__).parent / "native"
C_LIBRARY = ("libc.so", "libm.so", "libdl.so", "liblog.so")
"""In the order in which a process that does not look for them itself must load them."""

__all__ = ["C_LIBRARY", "NATIVE", "Machine", "MissingError", "Sources", "fetch"]


@dataclasses.dataclass(frozen=True)
class Machine:
    """A processor: what its programs are called here and how its assembler says what the stand-ins say.

    Attributes:
        abi: Android's name for it, a folder in an AAR.
        tools: prefix of its compiler and its nm.
        jump: to a function of glibc, with `{}` for its name.
        nothing: the instructions of a function that answers 0.
    """

    abi: str
    tools: str
    jump: str
    nothing: str


ARM64 = Machine("arm64-v8a", "aarch64-linux-gnu-", "b {}", "mov x0, #0\nret")
X86_64 = Machine("x86_64", "", "jmp {}@PLT", "xor %eax, %eax\nret")


def fetch(folder: Path) -> list[Path]:
    """TFLite's AARs from Maven Central into `folder`, with the checksums that an app's build demands.

    Raises:
        MissingError: Maven or a JDK is not there, or Maven Central gives nothing.
    """
    artifacts = [artifact for artifact in ARTIFACTS if artifact.use == "runtime-aar"]
    (folder / "pom.xml").write_text(pom(artifacts, folder), "utf-8")
    maven(folder, f"{':'.join(MAVEN_PLUGIN)}:copy")
    check(artifacts, folder)
    return [folder / artifact.file_name for artifact in artifacts]


@dataclasses.dataclass(frozen=True)
class Sources:
    """Compiles for one machine; `scratch` takes what is generated on the way."""

    machine: Machine
    scratch: Path

    def undefined(self, library: Path) -> set[str]:
        """What a library needs of others, with versions: "fopen@LIBC"."""
        command = [f"{self.machine.tools}nm", "-D", str(library)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return set(re.findall(r"^ +[Uw] (\S+)$", listed, re.MULTILINE))

    def c_library(self, libraries: Iterable[Path], out: Path) -> None:
        """libc.so, libm.so, libdl.so and liblog.so for everything that `libraries` need of them, into `out`.

        Raises:
            subprocess.CalledProcessError: among it is a function that neither glibc nor `bionic.c` has.
        """
        needed = {name for library in libraries for name in self.undefined(library)}
        bionic = {name.removesuffix("@LIBC") for name in needed if name.endswith("@LIBC")}
        written = (NATIVE / "bionic.c").read_text()
        ours = set(re.findall(r"BIONIC\([^,]+, (\w+)", written)) | {"__sF"}
        jumps = "".join(
            f".globl via_{name}\n.type via_{name}, %function\n"
            f"via_{name}: {self.machine.jump.format(name)}\n.symver via_{name},{name}@LIBC\n"
            for name in sorted(bionic - ours)
        )
        self._assembly("forward.s", jumps)
        self._assembly("empty.s", "")
        (self.scratch / "version.map").write_text("LIBC { global: *; };\n")
        named = ["-Wl,--version-script=version.map"]
        # An unknown function ends the build.
        full = ["-Wl,-z,defs", "-Wl,--no-as-needed", "-lm", "-ldl", "-lpthread"]
        self.library(out / "libc.so", [NATIVE / "bionic.c", "forward.s"], [*named, *full])
        for name in (
            "libm.so",
            "libdl.so",
        ):  # Android's versions of these are asked for, and answered by libc.so
            self.library(out / name, ["empty.s"], named)
        self.library(out / "liblog.so", [NATIVE / "log.c"])

    def stubs(self, name: str, functions: Iterable[str]) -> str:
        """An assembly file `name` whose functions all answer 0; returns `name`."""
        self._assembly(
            name,
            "".join(
                f".globl {function}\n.type {function}, %function\n{function}: {self.machine.nothing}\n"
                for function in sorted(functions)
            ),
        )
        return name

    def library(self, path: Path, sources: Sequence[Path | str], options: Sequence[str] = ()) -> None:
        """A shared object that calls itself by its file's name."""
        self.compile(
            ["-shared", "-fPIC", *map(str, sources), f"-Wl,-soname,{path.name}", *options, "-o", str(path)]
        )

    def compile(self, arguments: Sequence[str]) -> None:
        command = [f"{self.machine.tools}gcc", "-O1", "-Wall", "-Werror", "-fno-builtin", *arguments]
        subprocess.run(command, cwd=self.scratch, env={**os.environ, "LC_ALL": "C"}, check=True)

    def _assembly(self, name: str, code: str) -> None:
        (self.scratch / name).write_text(f'.text\n{code}.section .note.GNU-stack,"",%progbits\n')
