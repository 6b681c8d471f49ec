"""Whole builds: the same bytes twice, and what others' tools say of them."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from converters.android import build
from converters.android.apk import data_offsets
from converters.android.build import AppOptions, BuildReport, build_app
from converters.android.deploy import deploy as deploy_checkpoint
from converters.android.sources import demo_models, find_sources
from converters.tflite.export import export
from converters.tflite.metadata import read_metadata
from swiftformer_keras import data
from swiftformer_keras.cli.text import file_size
from swiftformer_keras.errors import (
    AppSourceError,
)
from swiftformer_keras.labels import imagenet_labels
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import PREPROCESSINGS, apply, normalize
from tests import reference
from tests.converters.android.tools import needed_jdk, needed_program, needed_toolchain, tiny_model
from tests.harness import ROOT, assert_refused, assert_same_logits
from tests.swiftformer_keras.cli.running import assert_one_line, call_cli, environment


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildReport]:
    """The app with the embedded demo model, a name and an icon."""
    needed_toolchain()
    folder = tmp_path_factory.mktemp("built")
    icon = folder / "icon.png"
    Image.new("RGB", (300, 200), (200, 30, 40)).save(icon)
    return folder / "app.apk", build_app(folder / "app.apk", leaves(icon))


def leaves(icon: Path) -> AppOptions:
    """Everything of the app's own that its user chooses."""
    return AppOptions(
        application_id="com.example.leaves",
        name='Tom\'s "Leaves" @ 5 & <b>',
        icon=icon,
        version_code=20_401,
        version_name="2.4.1-autumn",
    )


@pytest.mark.slow
def test_aapt2_reads_what_was_asked_for(built: tuple[Path, BuildReport]) -> None:
    path, report = built
    said = subprocess.run(
        [needed_toolchain().aapt2, "dump", "badging", path], capture_output=True, text=True, check=True
    ).stdout
    assert "package: name='com.example.leaves' versionCode='20401' versionName='2.4.1-autumn'" in said
    assert (report.version_code, report.version_name) == (20_401, "2.4.1-autumn")
    assert "minSdkVersion:'26'" in said
    assert "targetSdkVersion:'36'" in said
    strings = subprocess.run(
        [needed_toolchain().aapt2, "dump", "strings", path], capture_output=True, text=True, check=True
    ).stdout
    assert ' : Tom\'s "Leaves" @ 5 & <b>\n' in strings
    assert [line for line in said.splitlines() if line.startswith("uses-permission")] == [
        "uses-permission: name='android.permission.CAMERA'"
    ]
    assert "launchable-activity: name='dev.swiftformer.app.MainActivity'" in said
    assert "native-code: 'arm64-v8a'" in said
    assert "application-debuggable" not in said
    resources = subprocess.run(
        [needed_toolchain().aapt2, "dump", "resources", path], capture_output=True, text=True, check=True
    ).stdout
    assert "ic_launcher_foreground.png" in resources


@pytest.mark.slow
def test_apksigner_and_dexdump(built: tuple[Path, BuildReport], tmp_path: Path) -> None:
    path, report = built
    said = subprocess.run(
        [needed_program("apksigner", "apksigner"), "verify", "-v", "--print-certs", path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "v2 scheme (APK Signature Scheme v2): true" in said
    assert "v3 scheme (APK Signature Scheme v3): true" in said
    assert report.signed_by.certificate_sha256 in said
    with zipfile.ZipFile(path) as archive:
        archive.extract("classes.dex", tmp_path)
        assert "classes2.dex" not in archive.namelist()
    dumped = subprocess.run(
        [needed_program("dexdump", "dexdump"), "-d", tmp_path / "classes.dex"],
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    ).stdout
    assert "invoke-custom" not in dumped
    assert "invoke-polymorphic" not in dumped
    assert "'Ldev/swiftformer/app/MainActivity;'" in dumped
    assert "'Ldev/swiftformer/core/Preprocessing;'" in dumped
    assert "BenchmarkInstrumentation" not in dumped


@pytest.mark.slow
def test_what_is_in_the_apk(built: tuple[Path, BuildReport]) -> None:
    path, report = built
    (model,) = demo_models(find_sources(benchmark=False).project)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        index = json.loads(archive.read("assets/models/index.json"))
        facts = json.loads(archive.read("assets/build.json"))
        notices = archive.read("assets/licences/NOTICES.txt").decode()
        assert archive.read(f"assets/models/{model.name}") == model.read_bytes()
        assert archive.read("assets/models/golden.png").startswith(b"\x89PNG")
        libraries = [name for name in names if name.endswith(".so")]
    assert [entry["file"] for entry in index["models"]] == [model.name]
    assert facts["application_id"] == "com.example.leaves"
    for library in (
        "kotlin-stdlib:2.0.21",
        "tensorflow-lite:2.16.1",
        "Apache License",
    ):
        assert library in notices
    for absent in ("robolectric", "flatbuffers", "tensorflow-lite-metadata"):
        assert absent not in notices
    offsets = data_offsets(path)
    assert len(libraries) == 2
    assert all(offsets[name] % 16384 == 0 for name in libraries)
    assert offsets[f"assets/models/{model.name}"] % 4 == 0
    assert path.stat().st_size == report.size_bytes <= 10_000_000
    assert not report.linked_for_large_pages  # TFLite 2.16.1 is not, and the report says so
    record = json.loads(path.with_name("app.apk.json").read_text("utf-8"))
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["inputs"]["models"][0]["file"] == model.name
    assert str(ROOT) not in json.dumps(record)


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes_without_the_cache(
    built: tuple[Path, BuildReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, report = built
    monkeypatch.setattr(build, "cache_folder", lambda: tmp_path / "cache")
    icon = tmp_path / "another name.png"
    icon.write_bytes((path.parent / "icon.png").read_bytes())
    again = build_app(tmp_path / "again.apk", leaves(icon))
    assert not again.code_from_cache
    assert again.unsigned_sha256 == report.unsigned_sha256
    assert (tmp_path / "again.apk").read_bytes() == path.read_bytes()  # RSA signatures have no randomness


@pytest.mark.slow
def test_the_benchmark_build_and_two_abis(tmp_path: Path) -> None:
    needed_toolchain()
    models = (tiny_model(tmp_path, "a.tflite"), tiny_model(tmp_path, "b.tflite"))
    options = AppOptions(models=models, abis=("arm64-v8a", "x86_64"), benchmark=True)
    report = build_app(tmp_path / "bench.apk", options)
    assert report.benchmark
    assert [model["file"] for model in report.models] == ["a.tflite", "b.tflite"]
    with zipfile.ZipFile(tmp_path / "bench.apk") as archive:
        assert {name.split("/")[1] for name in archive.namelist() if name.startswith("lib/")} == {
            "arm64-v8a",
            "x86_64",
        }
        assert b"BenchmarkInstrumentation" in archive.read("classes.dex")
        assert "BenchmarkActivity".encode("utf-16-le") in archive.read("AndroidManifest.xml")


@pytest.mark.slow
def test_an_imagenet_file_gives_the_app_of_a_thousand_classes(tmp_path: Path) -> None:
    needed_toolchain()
    labels = imagenet_labels()
    classifier = reference.classifier(
        "swiftformer_xs", preprocessing=PREPROCESSINGS["timm"], labels=labels, name="swiftformer_xs"
    )
    file, out = tmp_path / "imagenet.tflite", tmp_path / "app.apk"
    export(classifier, file, precision="float16")
    ran = call_cli("app", "build", "--out", out, "--model", file, "--name", "ImageNet")
    assert ran.returncode == 0, ran.stderr
    with zipfile.ZipFile(out) as archive:
        index = json.loads(archive.read("assets/models/index.json"))
        shipped = archive.read("assets/models/imagenet.tflite")
    (entry,) = index["models"]
    assert (entry["file"], entry["sha256"]) == (
        "imagenet.tflite",
        hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    assert read_metadata(shipped).labels == labels
    assert (len(labels), labels[0]) == (1000, "tench, Tinca tinca")
    golden = entry["golden"]
    picture = apply(open_picture(data.sample_pictures()[0]), PREPROCESSINGS["timm"])
    wanted = classifier.predict(normalize(picture, PREPROCESSINGS["timm"])[None], verbose=0)[0]
    assert_same_logits(golden["logits"], wanted, golden["largest_difference"])
    size = out.stat().st_size
    assert f"app.apk is written, {file_size(size)}: " in ran.stdout
    assert f"imagenet.tflite: float16, 1000 classes, {file_size(len(shipped))}" in ran.stdout
    assert size < 6_000_000 + len(shipped)


@pytest.mark.slow
def test_make_demo_gives_the_app_as_well(tmp_path: Path) -> None:
    needed_toolchain()
    environment_made = Path(sys.prefix)
    command = [needed_program("make", "make"), "--old-file", environment_made / ".run", "demo"]
    command += [f"VENV={environment_made}", f"OUT={tmp_path / 'demo'}"]
    plain = {name: value for name, value in environment().items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    ran = subprocess.run(
        command, cwd=ROOT, env=plain, capture_output=True, text=True, timeout=600, check=False
    )
    assert ran.returncode == 0, ran.stderr
    with zipfile.ZipFile(tmp_path / "demo" / "fashion_mnist.apk") as archive:
        index = json.loads(archive.read("assets/models/index.json"))
        classes = {
            e["file"]: len(read_metadata(archive.read(f"assets/models/{e['file']}")).labels or ())
            for e in index["models"]
        }
    assert classes == {"fashion_mnist_int8.tflite": 10, "fashion_mnist_float16.tflite": 10}


def for_large_pages(library: bytes) -> bytes:
    """An arm64 library that says it is linked for pages of 16 KB."""
    changed = bytearray(library)
    (table,) = struct.unpack_from("<Q", changed, 0x20)
    size, count = struct.unpack_from("<HH", changed, 0x36)
    for start in range(table, table + size * count, size):
        if struct.unpack_from("<I", changed, start)[0] == 1:
            struct.pack_into("<Q", changed, start + 0x30, 16384)
    return bytes(changed)


@pytest.mark.slow
def test_libraries_of_the_users_own(tmp_path: Path) -> None:
    """AARs of newer libraries, as far as the builder can see: other bytes, linked for pages of 16 KB."""
    aars = []
    for path in needed_toolchain().aars():
        aars.append(tmp_path / path.name)
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(aars[-1], "w") as new:
            for info in old.infolist():
                content = old.read(info)
                new.writestr(
                    info, for_large_pages(content) if "arm64" in info.filename and content else content
                )
    out = tmp_path / "app.apk"
    options = [part for aar in aars for part in ("--runtime-aar", aar)]
    ran = call_cli("app", "build", "--out", out, *options, "--model", tiny_model(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert "linked for memory pages of 16 KB" in ran.stdout + ran.stderr
    assert "not linked" not in ran.stdout + ran.stderr
    with zipfile.ZipFile(aars[0]) as aar, zipfile.ZipFile(out) as made:
        name = "arm64-v8a/libtensorflowlite_jni.so"
        assert made.read(f"lib/{name}") == aar.read(f"jni/{name}")
        notices = made.read("assets/licences/NOTICES.txt").decode()
        facts = json.loads(made.read("assets/build.json"))
    assert aars[0].name in notices
    assert facts["linked_for_large_pages"] is True
    record = json.loads((tmp_path / "app.apk.json").read_text("utf-8"))
    assert [entry["file"] for entry in record["inputs"]["runtime_aars"]] == [aar.name for aar in aars]
    twice = call_cli("app", "build", "--out", out, "--force", *options, *options[:2])
    assert twice.returncode == 2
    assert "which another AAR has too" in assert_one_line(twice.stderr.splitlines(keepends=True)[-1])
    assert call_cli("app", "build", "--out", out).returncode == 2  # and what was there is there still
    assert zipfile.ZipFile(out).testzip() is None


@pytest.mark.slow
def test_a_call_that_android_8_does_not_have_ends_the_build(tmp_path: Path) -> None:
    """So does the same call behind a version check, unless it says so with @TargetApi."""
    import shutil

    from converters.android import public_api
    from converters.android.compile import _compile_sources

    tools, jdk = needed_toolchain(), needed_jdk()
    project = tmp_path / "android_app"
    shutil.copytree(find_sources(benchmark=False).project / "core/src/main", project / "core/src/main")
    (project / "app/src/main/res").mkdir(parents=True)
    (project / "app/src/main/AndroidManifest.xml").write_text("<manifest><application /></manifest>")
    kotlin = project / "app/src/main/kotlin"
    kotlin.mkdir()
    r_java = tmp_path / "R.java"
    r_java.write_text("package dev.swiftformer.app; class R {}")
    power = "power: android.os.PowerManager"
    body = f"fun heat({power}) = if ({{}}) {{{{ {{{{ power.currentThermalStatus }}}} }}}} else {{{{ {{{{ 0 }}}} }}}}"
    for number, (annotation, refused) in enumerate(
        [("", True), ("@android.annotation.TargetApi(29) ", False)]  # and of a lambda inside
    ):
        checked = "android.os.Build.VERSION.SDK_INT >= 29"
        (kotlin / "Heat.kt").write_text(f"package dev.swiftformer.app\n{annotation}{body.format(checked)}\n")
        classes = tmp_path / f"classes{number}"
        classes.mkdir()
        libraries = tools.files("library")
        sources = find_sources(benchmark=False, project=project)
        _compile_sources(jdk, tools, sources, r_java, libraries, classes)

        def check(classes: Path = classes, libraries: list[Path] = libraries) -> None:
            public_api.check(jdk, tools, classes, libraries)

        if refused:
            assert_refused(
                AppSourceError, check, "getCurrentThermalStatus", "@TargetApi", "HeatKt$heat$1.class"
            )
        else:
            check()


@pytest.mark.slow
def test_deploy_from_checkpoint_to_apk(tmp_path: Path) -> None:
    needed_toolchain()
    report = deploy_checkpoint(
        str(data.demo_checkpoint()),
        tmp_path / "x.apk",
        AppOptions(),
        labels=data.demo_labels(),
        preprocessing=str(data.demo_preprocessing()),
    )
    (model,) = report.app.models
    assert (model["precision"], model["classes"]) == ("float16", 10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.apk", "x.apk.json"]
