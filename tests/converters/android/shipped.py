"""What an APK ships, as classes that a desktop JVM runs: Debian's enjarify turns its dex back into class files.

Enjarify writes class files of version 49, in which an interface may hold no code, and Kotlin's do: the version of
interfaces is raised to 52 (Java 8). The JVM verifies all of it as it loads it.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

from converters.android.build import AppOptions, build_app
from tests.converters.android.tools import needed_toolchain
from tests.harness import absent

ENJARIFY = Path("/usr/lib/python3/dist-packages/enjarify/main.py")

_INTERFACE = 0x0200
_JAVA_8 = 52
_UTF8, _LONG, _DOUBLE = 1, 5, 6
# The length of a constant behind its tag ("The Java Virtual Machine Specification", 4.4), but for UTF-8's.
_LENGTHS = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4}


def shipped_app(scratch: Path, *, benchmark: bool = False) -> Path:
    """The classes of the app as `app build` ships it, with the demo model; or the test ends for want of a tool."""
    needed_toolchain()
    build_app(scratch / "app.apk", AppOptions(benchmark=benchmark))
    return shipped_classes(scratch / "app.apk", scratch)


def in_place_of(classes: Path, shipped: Path, packages: Sequence[str], scratch: Path) -> Path:
    """A folder for Maven's `-Dclasses`: what it compiled to, with these packages as the APK has them instead."""
    mixed = scratch / "classes"
    shutil.copytree(classes, mixed)
    for package in packages:
        shutil.rmtree(mixed / package)
        shutil.copytree(shipped / package, mixed / package)
    return mixed


def shipped_classes(apk: Path, scratch: Path) -> Path:
    """A folder in `scratch` with every class of the APK's dex files, or the test ends where enjarify is missing."""
    if not ENJARIFY.is_file():
        absent(f"{ENJARIFY} not found (Debian: apt-get install enjarify)")
    jar, folder = scratch / "shipped.jar", scratch / "shipped"
    said = subprocess.run(
        [
            "/usr/bin/python3",
            "-O",
            "-m",
            "enjarify.main",
            "-f",
            "-o",
            jar,
            apk,
        ],  # its script may find another Python
        env={"PYTHONPATH": str(ENJARIFY.parents[1])},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    ).stdout
    assert "0 classes had errors" in said, said[-2000:]
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(with_interface_code(archive.read(name)))
    return folder


def with_interface_code(data: bytes) -> bytes:
    """The class file, of version 52 where it is an interface."""
    (count,) = struct.unpack_from(">H", data, 8)
    at, number = 10, 1
    while number < count:
        tag = data[at]
        at += 3 + struct.unpack_from(">H", data, at + 1)[0] if tag == _UTF8 else 1 + _LENGTHS[tag]
        number += 2 if tag in (_LONG, _DOUBLE) else 1
    (flags,) = struct.unpack_from(">H", data, at)
    return data[:6] + struct.pack(">H", _JAVA_8) + data[8:] if flags & _INTERFACE else data
