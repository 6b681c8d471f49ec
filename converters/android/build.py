"""One APK, from models and the app's sources: every step in order, and an account of what came out."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from converters.android import apk, models, notices, signing
from converters.android.artifacts import ARTIFACTS, TFLITE
from converters.android.compile import compile_code
from converters.android.jdk import Jdk, find_jdk
from converters.android.manifest import MIN_SDK, TARGET_SDK, check_application_id, merged
from converters.android.resources import (
    DEFAULT_VERSION_CODE,
    DEFAULT_VERSION_NAME,
    check_icon,
    check_name,
    check_version,
    link_resources,
)
from converters.android.runtime import DEFAULT_ABIS, Runtime, check_abis, open_runtime
from converters.android.sources import NAMESPACE, AppSources, demo_models, find_sources
from converters.android.toolchain import cache_folder, is_prepared, prepare_toolchain
from swiftformer_keras import __version__
from swiftformer_keras.errors import AppOptionError, OutputError
from swiftformer_keras.files import check_output, fingerprint, sidecar, write_with_record
from swiftformer_keras.shown import shown

BUILD_ASSET = "assets/build.json"
_STEPS = 7

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class AppOptions:
    """How the app is made.

    Attributes:
        models: .tflite files with this project's metadata; none stands for the embedded demo's.
        application_id: by which a phone knows the app.
        name, icon: instead of the app's own.
        version_code, version_name: instead of this package's. Google Play takes an update only with a higher code.
        keystore, key_alias: the release key; without one the debug key signs.
        abis: whose native libraries go in.
        runtime_aars: instead of Maven Central's TFLite.
        benchmark: with the benchmark entry.
    """

    models: tuple[Path, ...] = ()
    application_id: str = NAMESPACE
    name: str | None = None
    icon: Path | None = None
    version_code: int | None = None
    version_name: str | None = None
    keystore: Path | None = None
    key_alias: str | None = None
    abis: tuple[str, ...] = DEFAULT_ABIS
    runtime_aars: tuple[Path, ...] = ()
    benchmark: bool = False


@dataclasses.dataclass(frozen=True)
class BuildReport:
    """What came out.

    Attributes:
        unsigned_sha256: of the APK before signing: on one machine the same inputs give the same.
        parts: bytes in the APK by what they are: models, native libraries, code, the rest.
        large_pages: of each native library, whether it is linked for memory pages of 16 KB.
        code_from_cache: nothing had to be compiled.
    """

    application_id: str
    version_code: int
    version_name: str
    size_bytes: int
    unsigned_sha256: str
    parts: dict[str, int]
    models: tuple[dict[str, Any], ...]
    abis: tuple[str, ...]
    runtime: str
    large_pages: dict[str, bool]
    signed_by: signing.SignedBy
    debug_key: bool
    benchmark: bool
    code_from_cache: bool

    @property
    def linked_for_large_pages(self) -> bool:
        return all(self.large_pages.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        values = dataclasses.asdict(self)
        for name in ("models", "abis"):
            values[name] = list(values[name])
        for name in ("schemes", "verified_by"):
            values["signed_by"][name] = list(values["signed_by"][name])
        return {**values, "linked_for_large_pages": self.linked_for_large_pages}


def build_app(
    out: Path,
    options: AppOptions,
    *,
    force: bool = False,
    progress: Progress | None = None,
    prompt: signing.Prompt | None = None,
    key: signing.SigningKey | None = None,
) -> BuildReport:
    """Write the APK, and a JSON record of what made it beside it.

    What can be refused without building is refused first. The same inputs give the same bytes before signing where
    Python, the JDK and the processor are the same, too: the golden logits are as its kernels round.

    Args:
        prompt: asks for a keystore's password; None where nobody can be asked.
        key: of the options, where `open_key` has given it before; nobody is asked again then.

    Raises:
        AppOptionError, PictureError: an option makes no sense.
        MissingToolError, ToolchainError: no JDK, no Maven, or its files cannot be had.
        KeystoreError, SignatureError: the key cannot be used.
        AppSourceError: the app's sources are at fault.
        OutputError: `out` may not be written, or there is no room.
        Otherwise as `models.check_models`.
    """
    out = Path(out)

    def tell(step: str, done: int) -> None:
        if progress is not None:
            progress(step, done, _STEPS)

    check_options(out, options, force=force)
    sources = find_sources(benchmark=options.benchmark)
    jdk = find_jdk()
    check_runtime(options)
    key = key or open_key(jdk, options, prompt)
    paths = options.models or tuple(demo_models(sources.project))
    tell("checking the models", 0)
    bundled = models.check_models(paths, newer_runtime=bool(options.runtime_aars), progress=progress)
    tell("preparing the build tools" + ("" if is_prepared() else ": 310 MB are downloaded, once"), 1)
    tools = prepare_toolchain()
    manifest = merged(sources.manifests, options.application_id)
    with _scratch() as scratch:
        runtime = open_runtime(options.runtime_aars or tools.aars(), options.abis, scratch)
        tell("compiling resources", 2)
        folder = scratch / "resources"
        folder.mkdir()
        linked = link_resources(
            tools,
            sources.resources,
            manifest,
            folder,
            name=options.name,
            icon=options.icon,
            version_code=options.version_code,
            version_name=options.version_name,
        )
        tell("compiling the app", 3)
        code = compile_code(
            jdk, tools, sources, linked.r_java, runtime.jars, cache_folder(), lambda step: tell(step, 3)
        )
        tell("packing", 5)
        entries = [
            *apk.entries_of(linked.base_apk),
            *(apk.Entry(dex.name, dex.read_bytes()) for dex in code.dex),
            *runtime.libraries,
            *models.entries(bundled),
            *(apk.Entry(name, path.read_bytes()) for name, path in sources.asset_files().items()),
            notices.notices(bundled, [path.name for path in options.runtime_aars], runtime.licences),
            _build_facts(options, runtime),
        ]
        unsigned = scratch / "unsigned.apk"
        apk.pack(entries, unsigned)
        packed = unsigned.read_bytes()
        tell("signing and verifying", 6)
        signed = signing.sign(jdk, packed, key)
        with write_with_record(out, force=force) as (temporary, record):
            temporary.write_bytes(signed)
            signed_by = signing.verify(jdk, tools, temporary)
            report = BuildReport(
                options.application_id,
                options.version_code or DEFAULT_VERSION_CODE,
                options.version_name or DEFAULT_VERSION_NAME,
                len(signed),
                hashlib.sha256(packed).hexdigest(),
                _parts(entries),
                tuple(_account(model) for model in bundled),
                options.abis,
                _runtime_name(options),
                runtime.large_pages,
                signed_by,
                key.debug,
                options.benchmark,
                code.from_cache,
            )
            record.update(_record(options, paths, sources, jdk, report))
    return report


def check_options(out: Path, options: AppOptions, *, force: bool) -> None:
    """Refuse what can be refused without a JDK.

    Raises:
        AppOptionError, PictureError, OutputError: as `build_app`.
    """
    if out.suffix != ".apk":
        raise AppOptionError(f"{shown(out)}: an app's file name ends in .apk")
    check_output(out, force=force)
    check_output(sidecar(out), force=force)
    check_application_id(options.application_id)
    if options.name is not None:
        check_name(options.name)
    check_version(options.version_code, options.version_name)
    if options.icon is not None:
        check_icon(options.icon)
    if options.key_alias is not None and options.keystore is None:
        raise AppOptionError(
            f"the key {shown(options.key_alias, 60)!r} is in no keystore. Give its file with --keystore"
        )
    if check_abis(options.abis) != options.abis:
        raise AppOptionError("ABIs must be given once each, in the order of the list")


def check_runtime(options: AppOptions) -> None:
    """Refuse the user's own run-time libraries before any long work.

    Raises:
        AppOptionError: they lack something.
    """
    if options.runtime_aars:
        with _scratch() as scratch:
            open_runtime(options.runtime_aars, options.abis, scratch)


def open_key(jdk: Jdk, options: AppOptions, prompt: signing.Prompt | None) -> signing.SigningKey:
    """The release key, or the debug key where there is no keystore; tried once.

    Raises:
        KeystoreError, SignatureError: it cannot be used.
    """
    if options.keystore is None:
        key = signing.debug_key(jdk)
    else:
        key = signing.release_key(options.keystore, options.key_alias, prompt)
    signing.check_key(jdk, key)
    return key


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what lies between the steps, gone at the end; a full disk there is the place's fault."""
    try:
        with tempfile.TemporaryDirectory(prefix="swiftformer-app-") as folder:
            yield Path(folder)
    except OSError as error:
        where = shown(error.filename or tempfile.gettempdir())
        raise OutputError(f"{where}: cannot be written: {error.strerror or error}") from error


def _build_facts(options: AppOptions, runtime: Runtime) -> apk.Entry:
    """What the app, and `app run`, read about how it was built."""
    facts = {
        "format": "swiftformer-build",
        "version": 1,
        "application_id": options.application_id,
        "swiftformer_keras": __version__,
        "runtime": _runtime_name(options),
        "linked_for_large_pages": all(runtime.large_pages.values()),
        "benchmark": options.benchmark,
    }
    return apk.Entry(BUILD_ASSET, (json.dumps(facts, indent=1) + "\n").encode())


def _runtime_name(options: AppOptions) -> str:
    if options.runtime_aars:
        return ", ".join(path.name for path in options.runtime_aars)
    return f"TFLite {TFLITE}"


def _account(model: models.BundledModel) -> dict[str, Any]:
    return {
        "file": model.file,
        "sha256": model.sha256,
        "size_bytes": len(model.content),
        "name": model.card.name,
        "precision": model.card.precision,
        "classes": len(model.card.labels or ()),
        "licence": model.card.licence,
        "largest_difference": model.largest_difference,
    }


def _parts(entries: Sequence[apk.Entry]) -> dict[str, int]:
    """Bytes before compression."""
    sizes = {"models": 0, "native libraries": 0, "code": 0, "other": 0}
    for entry in entries:
        if entry.name.endswith(".tflite"):
            sizes["models"] += len(entry.content)
        elif entry.name.endswith(".so"):
            sizes["native libraries"] += len(entry.content)
        else:
            sizes["code" if entry.name.endswith(".dex") else "other"] += len(entry.content)
    return sizes


def _record(
    options: AppOptions, paths: Sequence[Path], sources: AppSources, jdk: Jdk, report: BuildReport
) -> dict[str, Any]:
    """What made the APK: nothing of it says where files lay."""
    from converters.android.sources import fingerprint_of

    files = [(p.relative_to(sources.project).as_posix(), p) for p in sources.kotlin_files()]
    return {
        "inputs": {
            "models": [fingerprint(path) for path in paths],
            "sources": fingerprint_of(files),
            "icon": None if options.icon is None else fingerprint(options.icon),
            "runtime_aars": [fingerprint(path) for path in options.runtime_aars],
        },
        "tools": {"java": jdk.version, **{a.coordinates: a.sha256 for a in ARTIFACTS}},
        "sdk": {"min": MIN_SDK, "target": TARGET_SDK},
        "report": report.to_dict(),
    }
