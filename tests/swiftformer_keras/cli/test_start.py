"""The command before it does anything: help, version, completion, usage errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.swiftformer_keras.cli.running import APP_COMMANDS, COMMANDS, assert_one_line, environment, run_cli

HEAVY = (
    "tensorflow",
    "keras",
    "numpy",
    "huggingface_hub",
    "ai_edge_litert",
    "PIL",
    "litert_quantizer",
    "rich",
)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        ["app"],
        *(["app", command, "--help"] for command in APP_COMMANDS),
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from swiftformer_keras.cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr == "[]\n"
    assert ran.stdout.startswith("Usage: swiftformer")


def test_help_lists_every_command_and_the_exit_codes() -> None:
    ran = run_cli("--help")
    assert ran.returncode == 0
    assert ran.stderr == ""
    for command in COMMANDS:
        assert f"\n  {command} " in ran.stdout
    assert "Exit codes: 0" in ran.stdout


def test_no_command_shows_the_help() -> None:
    assert run_cli().stdout == run_cli("--help").stdout


def test_version_is_the_distributions() -> None:
    from importlib.metadata import version

    assert run_cli("--version").stdout == f"swiftformer {version('swiftformer-keras')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_completes_commands(shell: str) -> None:
    words, variable = "swiftformer con", f"complete_{shell}"
    ran = run_cli(
        _SWIFTFORMER_COMPLETE=variable,
        COMP_WORDS=words,
        COMP_CWORD="1",
        _TYPER_COMPLETE_ARGS=words,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert "convert" in ran.stdout
    assert "export" not in ran.stdout


USAGE_ERRORS = {
    "unknown command": (["comvert"], "convert"),
    "missing argument": (["convert"], "SRC"),
    "unknown option": (["inspect", "a.tflite", "--jsom"], "--jsom"),
    "wrong choice": (["export", "a.keras", "b.tflite", "--precision", "int4"], "float16"),
    "size of nothing": (["convert", "a.pth", "b.keras", "--input-size", "0"], "--input-size"),
    "size in words": (["export", "a.keras", "b.tflite", "--input-size", "big"], "224"),
    "size with other digits": (["convert", "a.pth", "b.keras", "--input-size", "٢٢٤"], "--input-size"),
    "top of nothing": (["classify", "a.keras", "b.png", "--top", "0"], "--top"),
    "empty source": (["convert", "", "b.keras"], "empty"),
    "empty option": (["convert", "a.pth", "b.keras", "--labels", ""], "empty"),
    "terminal control": (["\x1b]0;owned\x07"], r"\x1b]0;owned\x07"),
}


@pytest.mark.parametrize("name", USAGE_ERRORS)
def test_usage_errors_are_one_line(name: str) -> None:
    arguments, mention = USAGE_ERRORS[name]
    ran = run_cli(*arguments)
    assert ran.returncode == 2
    assert ran.stdout == ""
    line = assert_one_line(ran.stderr)
    assert line.startswith("Error: ")
    assert mention in line
    assert re.search(r"[.?!] Try 'swiftformer[ a-z]* --help'\.$", line), line
    assert "Value error" not in line


@pytest.mark.parametrize("name", USAGE_ERRORS)
def test_usage_errors_are_an_object_with_json(name: str) -> None:
    arguments, mention = USAGE_ERRORS[name]
    ran = run_cli(*arguments, "--json")
    assert ran.returncode == 2
    error = json.loads(ran.stdout)["error"]
    assert set(error) == {"kind", "message", "exit_code"}
    assert (error["kind"], error["exit_code"]) == ("UsageError", 2)
    assert mention in error["message"]
    assert_one_line(ran.stderr)


def test_json_behind_the_end_of_options_is_a_name() -> None:
    ran = run_cli("inspect", "--", "--json", "two")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert_one_line(ran.stderr)


def test_every_command_has_the_common_options() -> None:
    for command in COMMANDS:
        text = run_cli(command, "--help").stdout
        assert "--json" in text
        assert "--quiet" in text
        assert ("--force" in text) == (command not in {"classify", "inspect", "devices", "doctor"}), command
    for command in APP_COMMANDS:
        text = run_cli("app", command, "--help").stdout
        assert "--json" in text
        assert "--quiet" in text
        assert ("--force" in text) == (command == "build"), command


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; sys.stdin.readline(); sys.argv = ['swiftformer', '--help']\n"
            "from swiftformer_keras.cli.main import run; run()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # before the command begins to write
    process.stdin.write(b"go\n")
    process.stdin.close()
    said = process.stderr.read()
    assert process.wait(60) == 141
    assert said == b""
