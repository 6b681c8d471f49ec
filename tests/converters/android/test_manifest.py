"""The merged manifest of the app's own sources, and everything it must not ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from converters.android.manifest import ANDROID, check_application_id, merged
from converters.android.sources import find_sources
from swiftformer_keras.errors import AppOptionError, AppSourceError
from tests.harness import assert_refused

GOOD = """<manifest xmlns:android="http://schemas.android.com/apk/res/android"
    xmlns:tools="http://schemas.android.com/tools">
  <uses-permission android:name="android.permission.CAMERA" />
  <application android:allowBackup="false" android:extractNativeLibs="false" android:fullBackupContent="false"
      android:dataExtractionRules="@xml/rules" tools:targetApi="35">
    <uses-native-library android:name="libOpenCL.so" android:required="false" />
    <uses-native-library android:name="libOpenCL-car.so" android:required="false" />
    <uses-native-library android:name="libOpenCL-pixel.so" android:required="false" />
    <activity android:name=".MainActivity" android:exported="true" />
    <activity android:name=".Other" android:exported="false" />
  </application>
</manifest>"""
BENCHMARK = """<manifest xmlns:android="http://schemas.android.com/apk/res/android">
  <instrumentation android:name=".BenchmarkInstrumentation" android:targetPackage="${applicationId}" />
  <application>
    <activity android:name=".BenchmarkActivity" android:exported="true"
        android:permission="android.permission.DUMP" />
  </application>
</manifest>"""

Merge = Callable[..., ElementTree.Element]


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    def call(*texts: str, application_id: str = "com.example.leaves") -> ElementTree.Element:
        paths = [tmp_path / f"{number}.xml" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, "utf-8")
        return ElementTree.fromstring(merged(paths, application_id))

    return call


def names(root: ElementTree.Element, tag: str) -> list[str | None]:
    return [element.get(f"{{{ANDROID}}}name") for element in root.iter(tag)]


def test_the_release_manifest(merge: Merge) -> None:
    root = merge(GOOD)
    assert root.get("package") == "com.example.leaves"
    assert names(root, "activity") == ["dev.swiftformer.app.MainActivity", "dev.swiftformer.app.Other"]
    assert not [key for element in root.iter() for key in element.attrib if "tools" in key]
    assert names(root, "instrumentation") == []


def test_the_benchmark_is_merged_in(merge: Merge) -> None:
    root = merge(GOOD, BENCHMARK)
    assert len(root.findall("application")) == 1
    assert names(root, "activity")[-1] == "dev.swiftformer.app.BenchmarkActivity"
    (instrumentation,) = root.iter("instrumentation")
    assert instrumentation.get(f"{{{ANDROID}}}targetPackage") == "com.example.leaves"


@pytest.mark.parametrize("benchmark", [False, True])
def test_the_apps_own_manifests(benchmark: bool) -> None:
    root = ElementTree.fromstring(merged(find_sources(benchmark=benchmark).manifests, "com.example.leaves"))
    assert names(root, "uses-permission") == ["android.permission.CAMERA"]
    assert ("dev.swiftformer.app.BenchmarkActivity" in names(root, "activity")) == benchmark


def test_what_is_taken_out_of_libraries_manifests_is_not_asked_for(merge: Merge) -> None:
    removed = (
        '<uses-permission android:name="android.permission.INTERNET" tools:node="remove" />\n  <application'
    )
    assert names(merge(GOOD.replace("<application", removed)), "uses-permission") == [
        "android.permission.CAMERA"
    ]


ACTIVITY = '<activity android:name=".Other" android:exported="false" />'
MAIN = '<activity android:name=".MainActivity" android:exported="true" />'
LAUNCHER = (
    '<action android:name="android.intent.action.MAIN" /><category android:name="android.intent.CATEGORY" />'
)
SHARE = (
    '<action android:name="android.intent.action.SEND" />'
    '<category android:name="android.intent.category.DEFAULT" /><data android:mimeType="image/*" />'
)


def filtered(*filters: str, activity: str = MAIN) -> str:
    """The activity with these intent filters."""
    within = "".join(f"<intent-filter>{one}</intent-filter>" for one in filters)
    return activity.replace(" />", f">{within}</activity>")


def test_the_filters_of_launchers_and_the_share_sheet_are_on_the_list(merge: Merge) -> None:
    both = filtered(LAUNCHER.replace("CATEGORY", "category.LAUNCHER"), SHARE)
    assert len(list(merge(GOOD.replace(MAIN, both)).iter("intent-filter"))) == 2


@pytest.mark.parametrize(
    ("before", "after", "mention"),
    [
        ("permission.CAMERA", "permission.INTERNET", "android.permission.INTERNET"),
        ('allowBackup="false"', 'allowBackup="true"', "allowBackup"),
        ('android:extractNativeLibs="false"', "", "extractNativeLibs"),
        (
            'android:extractNativeLibs="false"',
            'android:debuggable="true" android:extractNativeLibs="false"',
            "debuggable",
        ),
        ('android:dataExtractionRules="@xml/rules"', "", "dataExtractionRules"),
        (ACTIVITY, ACTIVITY.replace("false", "true"), "Other is exported"),
        (ACTIVITY, '<activity android:name=".Other" />', "Other does not say"),
        (
            MAIN,
            filtered('<action android:name="android.intent.action.VIEW" />'),
            "MainActivity has the intent filter",
        ),
        (MAIN, filtered(LAUNCHER.replace("CATEGORY", "category.HOME")), "category.HOME"),
        (MAIN, filtered(SHARE.replace("image/*", "*/*")), "*/*"),
        (MAIN, filtered(SHARE.replace("mimeType", "scheme")), "scheme"),
        (MAIN, filtered(LAUNCHER + SHARE), "MainActivity has the intent filter"),
        (
            ACTIVITY,
            filtered(SHARE, activity=ACTIVITY),
            "Other has the intent filter",
        ),
        (ACTIVITY, '<service android:name=".Other" android:exported="false" />', "<service>"),
        (ACTIVITY, '<provider android:name=".Other" android:exported="false" />', "<provider>"),
        (
            ACTIVITY,
            BENCHMARK.split("<application>")[1].split("</application>")[0],
            "BenchmarkActivity is exported",
        ),
        ('"libOpenCL-car.so"', '"libother.so"', "libother.so"),
        (
            '<uses-native-library android:name="libOpenCL-car.so" android:required="false" />',
            "",
            "libOpenCL-car.so",
        ),
        ('"libOpenCL.so" android:required="false"', '"libOpenCL.so" android:required="true"', "libOpenCL.so"),
        ("<application", "<permission-group />\n<application", "<permission-group>"),
        (
            "</manifest>",
            '<instrumentation android:name=".BenchmarkInstrumentation" android:targetPackage="x" /></manifest>',
            "BenchmarkInstrumentation",
        ),
        ("<manifest", "<resources", "no manifest"),
        ("</application>", "", "no manifest"),
    ],
)
def test_what_is_not_on_the_list_is_refused(merge: Merge, before: str, after: str, mention: str) -> None:
    assert before in GOOD
    assert_refused(AppSourceError, lambda: merge(GOOD.replace(before, after)), mention)


@pytest.mark.parametrize(
    ("before", "after", "mention"),
    [
        (
            "android.permission.DUMP",
            "android.permission.CAMERA",
            "BenchmarkActivity is exported without android.permission.DUMP",
        ),
        (".BenchmarkInstrumentation", ".Another", "Another"),
        (
            '".BenchmarkActivity" android:exported="true"\n        android:permission="android.permission.DUMP"',
            '".Another" android:exported="true" android:permission=""',
            "Another is exported",
        ),
        ("${applicationId}", "com.example.victim", "another app"),
    ],
)
def test_the_benchmark_piece_is_held_against_it_too(
    merge: Merge, before: str, after: str, mention: str
) -> None:
    assert_refused(AppSourceError, lambda: merge(GOOD, BENCHMARK.replace(before, after)), mention)


@pytest.mark.parametrize("text", ["com.example.leaves", "a.b", "Com.Example_1.x2"])
def test_application_ids(text: str) -> None:
    assert check_application_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "leaves",
        "com.",
        ".com",
        "com..x",
        "com.1x",
        "com.exa mple",
        "com.new.x",
        "com.é",
        "a." + "b" * 150,
        "a.b\n",
    ],
)
def test_what_is_no_application_id(text: str) -> None:
    assert_refused(AppOptionError, lambda: check_application_id(text), "no application id")
