"""The app's own sources: beside the package in a clone, inside it in an installed wheel; and their fingerprint.

The Gradle project names the same folders (a test compares them).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from swiftformer_keras.errors import AppSourceError
from swiftformer_keras.shown import shown

PROJECT_VARIABLE = "SWIFTFORMER_ANDROID_APP"
NAMESPACE = "dev.swiftformer.app"
MAIN_ACTIVITY = f"{NAMESPACE}.MainActivity"
_IN_CLONE = Path(__file__).resolve().parents[2] / "android_app"
_IN_WHEEL = Path(__file__).resolve().parent / "project"


@dataclasses.dataclass(frozen=True)
class AppSources:
    """Folders of one set of sources.

    Attributes:
        project: the folder `android_app`.
        kotlin: folders of Kotlin files, core first.
        manifests: the app's own, then what is merged into it.
        resources: the folder `res`.
        assets: the folder of assets; models in it are those of the Gradle project and not taken along.
    """

    project: Path
    kotlin: tuple[Path, ...]
    manifests: tuple[Path, ...]
    resources: Path
    assets: Path

    def kotlin_files(self) -> list[Path]:
        """Every Kotlin file, in an order that is the same everywhere."""
        return [path for folder in self.kotlin for path in _sorted(folder, "*.kt")]

    def asset_files(self) -> dict[str, Path]:
        """Assets other than models, by their names in the APK."""
        return {
            f"assets/{path.relative_to(self.assets).as_posix()}": path
            for path in (_sorted(self.assets, "*") if self.assets.is_dir() else [])
            if path.is_file() and "models" not in path.relative_to(self.assets).parts[:1]
        }


def find_sources(*, benchmark: bool, project: Path | None = None) -> AppSources:
    """The sources of the release app, or of the one with the benchmark entry.

    Raises:
        AppSourceError: they are not there.
    """
    if project is None:
        chosen = os.environ.get(PROJECT_VARIABLE)
        candidates = [Path(chosen)] if chosen else [_IN_CLONE, _IN_WHEEL]
        project = next((p for p in candidates if (p / "app" / "src" / "main").is_dir()), candidates[0])
    sets = ["main", "benchmark"] if benchmark else ["main"]
    app = project / "app" / "src"
    sources = AppSources(
        project,
        (project / "core/src/main/kotlin", *(app / name / "kotlin" for name in sets)),
        tuple(app / name / "AndroidManifest.xml" for name in sets),
        app / "main" / "res",
        app / "main" / "assets",
    )
    for path in (*sources.kotlin, *sources.manifests, sources.resources):
        if not path.exists():
            raise AppSourceError(
                f"{shown(path)}: the app's sources are not complete. Install the package again, or update the clone"
            )
    return sources


def demo_models(project: Path) -> list[Path]:
    """The models that the Gradle project bundles: the embedded demo."""
    return _sorted(project / "app/src/main/assets/models", "*.tflite")


def fingerprint_of(files: Iterable[tuple[str, Path]]) -> str:
    """A hash of names and contents."""
    digest = hashlib.sha256()
    for name, path in files:
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _sorted(folder: Path, pattern: str) -> list[Path]:
    return sorted(
        (p for p in folder.rglob(pattern) if p.is_file()), key=lambda p: p.relative_to(folder).parts
    )
