"""Makes a test run the same wherever it was started."""

import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ONCE = (
    "android_app/",  # Maven's and Java's
    "android_runtime/",  # Android's library
    "phone/",  # the tests' own phone
    "independent/",  # other programs that read our files
    "test_readme.py",  # commands that other tests run
    "converters/android/",  # what the builder starts
    "converters/tflite/delegates/test_rules.py",  # thousands of models of one operator
    "converters/tflite/test_quantize_refused.py",  # endings of a command whose success test_quantize.py tests
    "converters/tflite/test_sensitivity.py",  # many quantisations of one model
    "swiftformer_keras/benchmark/test_faults.py",  # adb's side: what a phone can do wrong
    "swiftformer_keras/benchmark/test_session",
    "swiftformer_keras/benchmark/test_interrupted.py",
    "swiftformer_keras/benchmark/test_page_browser.py",  # Chromium's side
)
"""Tests below this folder that other versions of Python and of libraries make no difference to: where they begin."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(ONCE):
            item.add_marker(pytest.mark.once)


# A shell starts its background jobs with Ctrl-C ignored, and what a test starts would inherit that; a handler of
# ours is reset to the default there.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Not even a warning of Pillow's or a line of a C library's reaches the terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        yield
    captured = capfd.readouterr()
    assert captured.err == ""
    assert captured.out == ""
