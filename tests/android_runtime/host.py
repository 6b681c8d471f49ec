"""TFLite 2.16.1 as an Android emulator runs it, on this machine's own JVM: its x86-64 library from Maven Central.

    host = build()
    subprocess.run(["java", *host.jvm_arguments(), "-cp", f"{classes}:...", ...], env=host.environment(log=file))

The Java classes of the AARs find their JNI library, unmodified, through `java.library.path`; what it needs of
Android's C library comes from the stand-ins (`standins.py`). They are found through the environment, or, in a process
that was started without it, by `System.load` of each of `standins.C_LIBRARY` before anything of TFLite is touched,
which the app's tests do with the folder that `-Dtflite.host` names.

What counts here: results, and what XNNPACK takes. Times count beside each other, not as a phone's. On a processor with
AVX-512 this library's XNNPACK ends the process on int8 files (`breaks_xnnpack`); its arm64 build has no such code.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from tests.android_runtime import library
from tests.android_runtime.cache import CACHE
from tests.android_runtime.standins import X86_64

SDK = 34


@dataclasses.dataclass(frozen=True)
class Host:
    """What a JVM needs.

    Attributes:
        folder: holds TFLite's own libraries, and libc.so, libm.so, libdl.so and liblog.so in place of Android's.
        classes: the jars of TFLite's Java API, for a class path.
    """

    folder: Path
    classes: tuple[Path, ...]

    def jvm_arguments(self) -> list[str]:
        """For `java`; the tests of the app load the stand-ins from the second property's folder."""
        return [f"-Djava.library.path={self.folder}", f"-Dtflite.host={self.folder}"]

    def environment(self, log: Path | None = None, sdk: int = SDK) -> dict[str, str]:
        """This process's environment and what the stand-ins read of it.

        Args:
            log: a file that gets every line of Android's log as `logcat -v tag` shows it ("I/tflite: Replacing 7 out of
                9 node(s) ..."), at its end; it may be emptied at any time.
            sdk: the API level that Android would name (`ro.build.version.sdk`).
        """
        found = os.environ.get("LD_LIBRARY_PATH")
        return {
            **os.environ,
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [str(self.folder), found])),
            "ANDROID_SDK": str(sdk),
            **({} if log is None else {"ANDROID_LOG": str(log)}),
        }


def build(cache: Path = CACHE) -> Host:
    """Fetch and compile, or find what an earlier call has left in `cache`.

    Raises:
        MissingError: this is no Linux on x86-64, a tool is not installed, or Maven Central gives nothing.
    """
    folder = library.build(X86_64, cache).folder
    return Host(folder, tuple(sorted((folder / "classes").glob("*.jar"))))


def breaks_xnnpack() -> bool:
    """Whether XNNPACK of this library's x86-64 build ends the process on int8 files here, as the app itself decides.

    Its AVX-512 kernels load parameters from addresses that are not aligned as the instruction demands.
    """
    flags = Path("/proc/cpuinfo").read_text().partition("\nflags")[2].partition("\n")[0]
    return "avx512f" in flags.split()
