"""Kotlin to dex: kotlinc, then R8, kept by the hash of all that went into it.

No `invoke-custom` may come out: the desktop's way of making lambdas does not exist on Android 8 (`dex.py` looks), and
calls outside the public API of the lowest Android are refused (`public_api.py`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from converters.android import public_api
from converters.android.dex import check_dex
from converters.android.jdk import HEAP, Jdk, run
from converters.android.manifest import MIN_SDK
from converters.android.sources import AppSources, fingerprint_of
from converters.android.toolchain import Toolchain, forget_old, mark_used
from swiftformer_keras.errors import AppSourceError

KOTLIN_OPTIONS = (
    "-no-stdlib",
    "-no-reflect",
    "-jvm-target",
    "1.8",
    "-Xjdk-release=8",
    "-Xlambdas=class",
    "-Xsam-conversions=class",
    "-Xstring-concat=inline",
    "-Xnullability-annotations=@android.annotation:ignore",
)
_SHORT_RUN = (HEAP, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""For programs of seconds: the JVM's second compiler takes more time than it saves (of R8, half)."""
RULES = Path(__file__).with_name("shrink.pro")
_KEPT = 8
"""Of the app's code as earlier builds made it: of other sources and libraries."""
_RECIPE = 1
"""To be raised when the steps below change."""


@dataclasses.dataclass(frozen=True)
class Code:
    """The app's dex files; `from_cache`: an earlier build has made them."""

    dex: tuple[Path, ...]
    from_cache: bool


def compile_code(
    jdk: Jdk,
    tools: Toolchain,
    sources: AppSources,
    r_java: Path,
    runtime_jars: Sequence[Path],
    cache: Path,
    tell: Callable[[str], None],
) -> Code:
    """Compile the app, or find what an earlier build of the same inputs has left in `cache`.

    Args:
        runtime_jars: TFLite's classes.
        tell: is told the name of each step that is really done.

    Raises:
        AppSourceError: a source does not compile, or what comes out cannot run on every Android from 8.
    """
    libraries = [*tools.files("library"), *runtime_jars]
    files = [(p.relative_to(sources.project).as_posix(), p) for p in sources.kotlin_files()]
    inputs = [*files, ("R.java", r_java), ("rules", RULES), *((path.name, path) for path in libraries)]
    key = _key(tools, str(jdk.version), repr(KOTLIN_OPTIONS), fingerprint_of(inputs))
    folder = cache / f"code-{key}"

    def make(out: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            classes = Path(scratch) / "classes"
            classes.mkdir()
            tell("compiling Kotlin")
            _compile_sources(jdk, tools, sources, r_java, libraries, classes)
            tell("checking against Android's public API")
            public_api.check(jdk, tools, classes, libraries)
            tell("shrinking and making dex")
            jar = Path(scratch) / "app.jar"
            _jar(classes, jar)
            _shrink(jdk, tools, [jar, *libraries], Path(scratch))
            for dex in sorted(Path(scratch).glob("*.dex")):
                shutil.copyfile(dex, out / dex.name)
        for dex in sorted(out.glob("*.dex")):
            check_dex(dex)

    from_cache = _kept(folder, make)
    return Code(tuple(sorted(folder.glob("*.dex"))), from_cache)


def _compile_sources(
    jdk: Jdk, tools: Toolchain, sources: AppSources, r_java: Path, libraries: Sequence[Path], classes: Path
) -> None:
    run(
        [jdk.javac, "-nowarn", "-Xlint:-options", "--release", "8", "-d", classes, r_java],
        "javac",
        AppSourceError,
    )
    class_path = os.pathsep.join(map(str, [tools.android_jar, *libraries, classes]))
    kotlin = os.pathsep.join(str(path) for path in [*tools.files("compiler"), *tools.files("library")])
    arguments: list[str | Path] = [jdk.java, *_SHORT_RUN, "-cp", kotlin]
    arguments += [
        "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        *KOTLIN_OPTIONS,
        "-cp",
        class_path,
        "-d",
        classes,
    ]
    run([*arguments, *sources.kotlin_files()], "The Kotlin compiler", AppSourceError)


def _shrink(jdk: Jdk, tools: Toolchain, inputs: Sequence[Path], out: Path) -> None:
    """R8: dex of the inputs without what is never called; of the Kotlin library a tenth remains."""
    (dexer,) = tools.files("dexer")
    arguments: list[str | Path] = [jdk.java, *_SHORT_RUN, "-cp", dexer, "com.android.tools.r8.R8"]
    arguments += ["--release", "--min-api", str(MIN_SDK), "--lib", tools.android_jar, "--lib", jdk.home]
    run([*arguments, "--pg-conf", RULES, "--output", out, *inputs], "R8", AppSourceError)


def _jar(classes: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(classes.rglob("*.class")):
            archive.writestr(zipfile.ZipInfo(path.relative_to(classes).as_posix()), path.read_bytes())


def _kept(folder: Path, make: Callable[[Path], None]) -> bool:
    """See that `folder` is as `make` filled it, now or in an earlier build, which is returned.

    It appears whole or not at all.
    """
    if folder.is_dir():
        mark_used(folder)
        return True
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        make(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # another build was faster
                raise
    forget_old(folder, keep=_KEPT)
    return False


def _key(tools: Toolchain, *parts: str) -> str:
    return hashlib.sha256("\0".join([str(_RECIPE), tools.key, *parts]).encode()).hexdigest()[:24]
