"""The app's own tests: Robolectric runs its activities on the desktop JVM and compares pictures of its screens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.android_app.maven import MissingError, count_of_tests, maven
from tests.converters.android.shipped import in_place_of, shipped_app
from tests.harness import ROOT, absent

APP = ROOT / "android_app" / "app"
REPORTS = APP / "build" / "maven" / "surefire-reports"
SHIPPED_TESTS = (
    "LiveScreenTest,LifecycleTest,PermissionTest,PicturesTest,DelegateScreenTest,BenchmarkTest,HostileTest"
)


@pytest.mark.slow
def test_the_apps_own_tests() -> None:
    try:
        maven(APP, "test")
    except MissingError as error:
        absent(str(error))
    assert count_of_tests(REPORTS) > 150


@pytest.mark.slow
def test_activities_on_the_shipped_classes(tmp_path: Path) -> None:
    """Those that go through the most code, on the classes that R8 left in the APK's dex; after the test above."""
    compiled = APP / "build" / "maven" / "classes"
    if not compiled.is_dir():
        test_the_apps_own_tests()
    packages = ["dev/swiftformer", "org/tensorflow/lite"]
    classes = in_place_of(compiled, shipped_app(tmp_path, benchmark=True), packages, tmp_path)
    shutil.rmtree(REPORTS, ignore_errors=True)
    maven(
        APP,
        "surefire:test",
        f"-Dclasses={classes}",
        f"-Dtest={SHIPPED_TESTS}",
    )
    assert count_of_tests(REPORTS) >= 40
