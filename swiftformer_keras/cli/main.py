"""The entry point: runs one command and turns every ending into an exit code and, at most, one line."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from swiftformer_keras.cli.text import printable
from swiftformer_keras.errors import SwiftFormerError

BUG, MISTAKE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141
DEBUG_VARIABLE = "SWIFTFORMER_DEBUG"


def run() -> NoReturn:
    """What the installed command `swiftformer` calls."""
    from swiftformer_keras.cli.chatter import filtered_stderr, quiet_libraries

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 still gets its table
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _stop)  # so that temporary files are removed then, too
    quiet_libraries()
    with filtered_stderr(enabled=not os.environ.get(DEBUG_VARIABLE)):
        code = main(sys.argv[1:])
    _leave(code)


def main(arguments: Sequence[str]) -> int:
    """Run `swiftformer ARGUMENTS` in this process and return its exit code; never raises but SystemExit."""
    arguments = list(arguments)
    as_json = "--json" in arguments
    try:
        from typer import TyperException
        from typer.main import get_command

        from swiftformer_keras.cli.app import app

        try:
            result = get_command(app).main(arguments, prog_name="swiftformer", standalone_mode=False)
            sys.stdout.flush()
        except TyperException as error:
            return _fail(
                f"{error.format_message()} Try 'swiftformer{_command_of(error)} --help'.",
                MISTAKE,
                "UsageError",
                as_json,
            )
        if result == INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except SwiftFormerError as error:
        return _fail(str(error), error.exit_code, type(error).__name__, as_json)
    except KeyboardInterrupt:
        return _fail("Interrupted. Nothing half-written was left.", INTERRUPTED, "Interrupted", as_json)
    except BrokenPipeError:
        return BROKEN_PIPE
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):
            return BROKEN_PIPE
        raise
    except MemoryError:
        return _fail(
            "Not enough memory for this file. Close other programs or use a larger machine.",
            MISTAKE,
            "MemoryError",
            as_json,
        )
    except Exception as error:  # noqa: BLE001 - the last line of defence: anything here is a bug of ours
        return _fail(_account_of(error), BUG, type(error).__name__, as_json)


def _fail(message: str, code: int, kind: str, as_json: bool) -> int:
    """One line on stderr, and with --json one object on stdout."""
    line = printable(" ".join(message.split()))
    try:
        if as_json:
            print(json.dumps({"error": {"kind": kind, "message": line, "exit_code": code}}), flush=True)
        print(line if code == INTERRUPTED else f"Error: {line}", file=sys.stderr, flush=True)
    except BrokenPipeError:
        return BROKEN_PIPE
    return code


def _account_of(error: Exception) -> str:
    """What a bug says: where its traceback is and what to do with it."""
    text = "".join(traceback.format_exception(error))
    summary = f"this is a bug in swiftformer, not a mistake of yours ({type(error).__name__}: {error})."
    if os.environ.get(DEBUG_VARIABLE):
        print(text, file=sys.stderr)
        return f"{summary} Please report it with the traceback above."
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="swiftformer-bug-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write(f"swiftformer {' '.join(sys.argv[1:])}\nPython {sys.version}\n\n{text}")
        return f"{summary} The traceback is in {Path(file.name)}; please report it with that file."
    except OSError:
        return f"{summary} Run it again with {DEBUG_VARIABLE}=1 to see the traceback, and please report it."


def _command_of(error: object) -> str:
    """The name of the command that a usage error belongs to, with a space before it, or nothing."""
    context = getattr(error, "ctx", None)
    path = str(getattr(context, "command_path", "swiftformer"))
    return path.removeprefix("swiftformer")


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _leave(code: int) -> NoReturn:
    """Exit without Python's complaint about a stdout that nobody reads any more."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or BROKEN_PIPE
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
