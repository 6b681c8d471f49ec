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
    "swiftformer_keras/benchmark/test_answers.py",
    "swiftformer_keras/benchmark/test_benchmark.py",
    "swiftformer_keras/benchmark/test_fleet.py",
    "swiftformer_keras/benchmark/test_tool_runner.py",
    "swiftformer_keras/cli/test_keras_settings.py",
    "swiftformer_keras/cli/test_streams.py",
    "converters/test_doctor.py",
    "converters/test_verify.py",  # pairs of what is read one by one
    "converters/test_load.py",  # our own readers, whose tests run everywhere
    "converters/tflite/test_export_refused.py",
    "swiftformer_keras/cli/test_endings.py::test_a_stopped_demo",
    "swiftformer_keras/cli/test_endings.py::test_mistakes_are_one_line_and_leave_nothing",
    *(
        f"swiftformer_keras/test_image_classifier.py::{name}[swiftformer_{variant}"  # the same layers, more of them
        for name in ("test_logits_heads_and_stages", "test_attention_of_transformers")
        for variant in ("s", "l1", "l3")
    ),
    "swiftformer_keras/test_image_classifier.py::test_training_learns_with_every_regulariser_on[True",  # XLA compiles
    "swiftformer_keras/test_saving.py::test_hostile_files_are_refused",
)
"""Tests below this folder that other versions of Python and of libraries make no difference to: how they begin."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix()
        if f"{place}::{item.name}".startswith(ONCE):
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
