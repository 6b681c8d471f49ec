"""Keeps TensorFlow's and LiteRT's start-up chatter off the terminal, and nothing else.

Their C++ parts write to file descriptor 2 before any log level counts, so lines that match a known form of
information or warning are dropped on the way; errors, fatal checks and everything unknown pass. The filter
is a process of its own: what a crashing program wrote last still arrives.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import sys
from collections.abc import Iterator

from swiftformer_keras.cli.streams import account
from swiftformer_keras.interruption import TERMINATING

_CHATTER = re.compile(
    rb"""
    [IW]\d{4}\ \d\d:\d\d:\d+\.\d+\s              # absl: information and warnings (E and F pass)
    | \d{4}-\d\d-\d\d\ \d\d:\d\d:\d\d\.\d+:\ [IW]\   # the same from older TensorFlow
    | WARNING:\ All\ log\ messages\ before\ absl::InitializeLog
    | To\ enable\ the\ following\ instructions:
    | INFO:\ (Created\ TensorFlow\ Lite|Initialized\ TensorFlow\ Lite)
    | E\d{4}\ .*cuInit                           # no GPU, which is no error here
    """,
    re.VERBOSE,
)


def quiet_libraries() -> None:
    """Ask the libraries for silence where they listen, before any of them is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault(
        "CUDA_VISIBLE_DEVICES", "-1"
    )  # conversions are checked in plain float32, on the CPU
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)


def is_chatter(line: bytes) -> bool:
    """Whether a line of stderr is one of the known, harmless ones."""
    return _CHATTER.match(line) is not None


@contextlib.contextmanager
def filtered_stderr(*, enabled: bool = True) -> Iterator[None]:
    """Within the block, file descriptor 2 leads through the filter; `sys.stderr` stays the real one."""
    if not enabled or not hasattr(os, "fork"):
        yield
        return
    signals = {signal.SIGINT, *TERMINATING}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # the filter must not inherit a half-handled Ctrl-C
    real, python_stderr = os.dup(2), sys.stderr
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        _copy_lines(reading, real)
    os.close(reading)
    os.dup2(writing, 2)
    os.close(writing)
    sys.stderr = account(open(real, "wb", buffering=0), python_stderr)  # noqa: SIM115
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)  # closes the last writing end, so the filter ends once it has copied the rest
        sys.stderr = python_stderr
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _copy_lines(source: int, target: int) -> None:
    """The filter process: copy all but chatter until the writer is gone."""
    for number in (signal.SIGINT, *TERMINATING):
        signal.signal(number, signal.SIG_IGN)
    try:
        with open(source, "rb", buffering=0) as stream:
            rest = b""
            while block := stream.read(65536):
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    if not is_chatter(line):
                        os.write(target, line + b"\n")
            if rest and not is_chatter(rest):
                os.write(target, rest)
    finally:
        os._exit(0)
