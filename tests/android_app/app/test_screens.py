"""The app's own tests: Robolectric runs its activities on the desktop JVM and compares pictures of its screens."""

from __future__ import annotations

import pytest

from tests.android_app.maven import MissingError, count_of_tests, maven
from tests.harness import ROOT, absent

APP = ROOT / "android_app" / "app"


@pytest.mark.slow
def test_the_apps_own_tests() -> None:
    try:
        maven(APP, "test")
    except MissingError as error:
        absent(str(error))
    assert count_of_tests(APP / "build" / "maven" / "surefire-reports") > 150
