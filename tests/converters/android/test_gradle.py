"""The Gradle project, which cannot be run here: it names what the builder names, and its demo model is sound."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np

from converters.android import manifest
from converters.android.artifacts import KOTLIN
from converters.android.compile import RULES
from converters.android.models import INDEX, check_models, entries
from converters.android.resources import DEFAULT_VERSION_CODE
from converters.android.sources import NAMESPACE, demo_models, find_sources
from converters.tflite.metadata import read_metadata
from swiftformer_keras import __version__
from tests.converters.android import tools
from tests.harness import ROOT

PROJECT = ROOT / "android_app"
BUILD = (PROJECT / "app" / "build.gradle.kts").read_text("utf-8")
CATALOGUE = tomllib.loads((PROJECT / "gradle" / "libs.versions.toml").read_text("utf-8"))
VERSIONS = CATALOGUE["versions"]


def test_it_names_the_folders_that_the_builder_compiles() -> None:
    sources = find_sources(benchmark=True, project=PROJECT)
    app = PROJECT / "app"
    # By convention Android's plugin takes src/main and, for a build type of that name, src/benchmark.
    conventional = {app / "src/main/kotlin", app / "src/benchmark/kotlin"}
    added = {(app / path).resolve() for path in re.findall(r'\.kotlin\.srcDir\("([^"]+)"\)', BUILD)}
    assert 'create("benchmark")' in BUILD
    assert conventional | added == set(sources.kotlin)
    for language in ("kotlin", "java"):  # src/test needs Robolectric, which this project does not bring
        assert f'sourceSets["test"].{language}.setSrcDirs(emptyList<String>())' in BUILD
    assert sources.manifests == (
        app / "src/main/AndroidManifest.xml",
        app / "src/benchmark/AndroidManifest.xml",
    )
    assert (sources.resources, sources.assets) == (app / "src/main/res", app / "src/main/assets")
    assert all(
        path.exists() for path in (*sources.kotlin, *sources.manifests, sources.resources, sources.assets)
    )
    (rules,) = re.findall(r'proguardFiles\("([^"]+)"\)', BUILD)
    assert (app / rules).resolve() == RULES.resolve()


def test_versions_agree() -> None:
    assert VERSIONS["kotlin"] == KOTLIN
    assert int(VERSIONS["min-sdk"]) == manifest.MIN_SDK
    assert int(VERSIONS["target-sdk"]) == manifest.TARGET_SDK
    libraries = {library["module"] for library in CATALOGUE["libraries"].values()}
    assert libraries == {
        f"com.google.ai.edge.litert:{name}" for name in ("litert", "litert-gpu", "litert-gpu-api")
    }
    assert VERSIONS["litert"].startswith("1.4.")
    assert f'namespace = "{NAMESPACE}"' in BUILD
    assert f'applicationId = "{NAMESPACE}"' in BUILD
    assert f'versionName = "{__version__}"' in BUILD
    assert f"versionCode = {DEFAULT_VERSION_CODE}" in BUILD


def test_every_alias_is_in_the_catalogue() -> None:
    text = BUILD + (PROJECT / "build.gradle.kts").read_text("utf-8")
    known = {f"plugins.{name.replace('-', '.')}" for name in CATALOGUE["plugins"]}
    known |= {f"versions.{name.replace('-', '.')}" for name in VERSIONS}
    known |= {name.replace("-", ".") for name in CATALOGUE["libraries"]}
    used = {name.removesuffix(".get") for name in re.findall(r"\blibs\.([a-z.]+[a-z])", text)}
    assert used <= known, used - known
    assert {name for name in known if not name.startswith("versions.")} <= used


def parse_errors(*scripts: Path) -> str:
    """What the Kotlin compiler's own parser says of Gradle scripts."""
    compiler = os.pathsep.join(
        map(str, [*tools.needed_toolchain().files("compiler"), *tools.needed_toolchain().files("library")])
    )
    program = Path(__file__).parent / "java" / "ParseKotlin.java"
    command = [tools.needed_jdk().java, "-Xmx500m", "-cp", compiler, program, *scripts]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


def test_the_scripts_are_kotlin(tmp_path: Path) -> None:
    """Syntax: what their names mean, only Gradle knows."""
    broken = tmp_path / "broken.gradle.kts"
    broken.write_text('plugins {\n    alias(libs.plugins.x\n}\nrootProject.name = = "x"\n')
    scripts = [PROJECT / name for name in ("settings.gradle.kts", "build.gradle.kts", "app/build.gradle.kts")]
    assert all(script.stat().st_size for script in scripts)
    said = parse_errors(*scripts, broken)
    assert [line.split(": ")[0] for line in said.splitlines()] == [
        "broken.gradle.kts:2",
        "broken.gradle.kts:4",
    ], said


def test_libraries_bring_no_permissions_and_may_use_androidx() -> None:
    """Android's merger adds three where a library's manifest names no SDK, as litert-gpu-api 1.0.1's does."""
    manifest_file = (PROJECT / "app/src/main/AndroidManifest.xml").read_text("utf-8")
    removed = re.findall(
        r'<uses-permission android:name="android.permission.(\w+)" tools:node="remove" />', manifest_file
    )
    assert {"READ_EXTERNAL_STORAGE", "WRITE_EXTERNAL_STORAGE", "READ_PHONE_STATE", "INTERNET"} <= set(removed)
    assert "android.useAndroidX=true" in (PROJECT / "gradle.properties").read_text("utf-8").splitlines()


def test_the_wrapper_checks_what_it_downloads() -> None:
    lines = (PROJECT / "gradle/wrapper/gradle-wrapper.properties").read_text("utf-8").splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert (
        properties["distributionUrl"] == r"https\://services.gradle.org/distributions/gradle-8.11.1-bin.zip"
    )
    # As the recipe of Docker's official image for this version has it.
    assert properties["distributionSha256Sum"] == (
        "f397b287023acdba1e9f6fc5ea72d22dd63669d59ed4a289a29b1a76eee151c6"
    )


def test_the_bundled_model_is_the_demos_and_litert_computes_its_golden_logits() -> None:
    import json

    (path,) = demo_models(PROJECT)
    assert path.stat().st_size < 4_000_000
    card = read_metadata(path)
    assert card.licence.startswith("Apache-2.0")
    assert card.precision == "int8"
    assert card.labels is not None and len(card.labels) == 10
    index = json.loads((path.parent / INDEX).read_text("utf-8"))
    made = {
        entry.name.rsplit("/", 1)[-1]: entry.content
        for entry in entries(check_models([path], newer_runtime=False))
    }
    fresh = json.loads(made[INDEX])
    (stored,), (computed,) = index.pop("models"), fresh.pop("models")
    assert index == fresh
    golden, golden_now = stored.pop("golden"), computed.pop("golden")
    assert stored == computed
    difference = np.abs(np.subtract(golden["logits"], golden_now["logits"])).max()
    assert difference <= golden["largest_difference"]  # another processor's kernels may round otherwise
    assert golden["largest_difference"] == golden_now["largest_difference"]
    assert (path.parent / golden["picture"]).read_bytes() == made["golden.png"]
