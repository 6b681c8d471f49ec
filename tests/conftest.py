"""Makes a test run the same wherever it was started."""

import signal
import warnings
from collections.abc import Iterator

import pytest

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
