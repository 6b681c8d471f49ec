"""What reaches a terminal, a pipe or a program: text, tables, progress, and the filter of foreign chatter."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from swiftformer_keras.cli.chatter import is_chatter
from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.text import file_size, printable
from tests.swiftformer_keras.cli.running import environment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ankle boot", "Ankle boot"),
        ("Füße 猫", "Füße 猫"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines", r"two\nlines"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x9b2J", r"\x9b2J"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_surrogates_of_undecodable_file_names_can_be_printed() -> None:
    printable(b"\xff.png".decode("utf-8", "surrogateescape")).encode("utf-8")


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
     (13_901_000, "13.9 MB"), (2_500_000_000, "2.5 GB")],
)  # fmt: skip
def test_file_size(size: int, shown: str) -> None:
    assert file_size(size) == shown


def test_a_table_in_a_pipe_is_neither_wrapped_nor_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 60
    Console("inspect", as_json=False, quiet=False).table(
        "[b]title[/b]", ["name", "n"], [(long, 1), ("\x1b[31m[red]", 1000)]
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[b]title[/b]"
    assert any(long.strip() in line and line.endswith("   1") for line in lines)
    assert any(r"\x1b[31m[red]" in line and line.endswith("1000") for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_json_is_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console("convert", as_json=True, quiet=False)
    console.note("account")
    console.warn("warning")
    console.print("line")
    console.table("title", ["a"], [("b",)])
    console.result({"output": "a.keras"})
    said = capsys.readouterr()
    assert json.loads(said.out)["output"] == "a.keras"
    assert json.loads(said.out)["command"] == "convert"
    assert said.err == ""


def test_json_holds_no_lone_surrogate(capsys: pytest.CaptureFixture[str]) -> None:
    name = b"\xff\n\xf0\x9f\x91\x9f.png".decode("utf-8", "surrogateescape")
    Console("classify", as_json=True, quiet=True).result({name: [name]})
    told = json.loads(capsys.readouterr().out)
    assert told[r"\udcff" + "\n👟.png"] == [r"\udcff" + "\n👟.png"]


def test_quiet_keeps_results_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console("classify", as_json=False, quiet=True)
    with console.progress("Classifying") as progress:
        progress("picture", 1, 2)
    console.note("account")
    console.warn("no labels")
    console.print("Sneaker")
    said = capsys.readouterr()
    assert said.out == "Sneaker\n"
    assert said.err == "Warning: no labels\n"


def test_progress_in_a_pipe_is_a_line_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    with Console("export", as_json=True, quiet=False).progress("Exporting a\x1b.keras") as progress:
        for done in range(3):
            progress("comparing", done, 3)
        progress("writing")
    said = capsys.readouterr()
    assert said.err == "Exporting a\\x1b.keras ...\n  comparing ...\n  writing ...\n"
    assert said.out == ""


PROGRAM = """
import os, sys
from swiftformer_keras.cli.chatter import filtered_stderr
from swiftformer_keras.cli.console import Console
with filtered_stderr():
    os.write(2, b"I0000 00:00:1700000000.000001 7 port.cc:1] oneDNN custom operations are on.\\n")
    os.write(2, b"E0000 00:00:1700000000.000002 7 real.cc:1] something is wrong\\n")
    with Console("export", as_json=False, quiet=False).progress("Exporting") as progress:
        progress("comparing [b]1[/b]", 1, 2)
    print("terminal" if sys.stderr.isatty() else "pipe", file=sys.stderr)
    {end}
"""


def test_progress_on_a_terminal_is_a_bar_in_spite_of_the_filter() -> None:
    control, terminal = pty.openpty()
    program = [sys.executable, "-c", PROGRAM.format(end="")]
    subprocess.run(program, stderr=terminal, env=environment(TERM="xterm"), check=True, timeout=60)
    os.close(terminal)
    said = b""
    while True:
        try:
            block = os.read(control, 65536)
        except OSError:  # the terminal is gone, and everything was read
            break
        if not block:
            break
        said += block
    os.close(control)
    assert "━" in said.decode()
    assert "comparing [b]1[/b]" in said.decode()
    assert said.endswith(b"terminal\r\n")
    assert b"something is wrong" in said
    assert b"oneDNN" not in said


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("pass", b""),
        ("os.write(2, b'F0000 00:00:1.0 7 x.cc:1] Check failed'); os.abort()", b"Check failed"),
        ("os.write(2, b'no line end'); os._exit(5)", b"no line end"),
    ],
    ids=["well", "aborted", "left"],
)
def test_the_filter_loses_nothing_else(end: str, last: bytes) -> None:
    program = [sys.executable, "-c", PROGRAM.format(end=end)]
    ran = subprocess.run(program, capture_output=True, env=environment(), check=False, timeout=60)
    assert b"something is wrong" in ran.stderr
    assert b"oneDNN" not in ran.stderr
    assert b"pipe\n" in ran.stderr
    assert ran.stderr.endswith(last)
    assert (ran.returncode == 0) == (end == "pass")


def test_chatter_is_only_what_is_known() -> None:
    for line in (
        b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        b"I0000 00:00:1795248282.996816    7911 port.cc:153] oneDNN custom operations are on.",
        b"W0000 00:00:1795248291.463706    7911 helpers.cc:364] Ignored output_format.",
        b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
        b"E0000 00:00:1795248291.362244    7911 cuda_platform.cc:52] failed call to cuInit: INTERNAL",
    ):
        assert is_chatter(line), line
    for line in (
        b"E0000 00:00:1795248291.362244    7911 tf_tfl.cc:1] the conversion failed",
        b"F0000 00:00:1795248291.362244    7911 tensor.cc:1] Check failed: data != nullptr",
        b"ERROR: failed to create XNNPACK runtime",
        b"Segmentation fault",
        b"Warning: no labels",
        b"Traceback (most recent call last):",
    ):
        assert not is_chatter(line), line
