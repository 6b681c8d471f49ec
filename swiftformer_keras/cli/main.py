"""The entry point: runs one command and turns every ending into an exit code and, at most, one line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from swiftformer_keras import interruption
from swiftformer_keras.cli.text import printable
from swiftformer_keras.errors import OutputError, SwiftFormerError

if TYPE_CHECKING:  # whatever is imported before `run` listens is time in which Ctrl-C gives a traceback
    from collections.abc import Sequence
    from typing import NoReturn

BUG, MISTAKE, INTERRUPTED, BROKEN_PIPE, TERMINATED = 1, 2, 130, 141, 143
DEBUG_VARIABLE = "SWIFTFORMER_DEBUG"


class UsageError(SwiftFormerError):
    """The arguments are not what the command takes."""


def run() -> NoReturn:
    """What the installed command `swiftformer` calls."""
    arguments = sys.argv[1:]
    try:
        interruption.listen()
        from swiftformer_keras.cli.chatter import filtered_stderr, quiet_libraries
        from swiftformer_keras.cli.streams import prepare_streams

        prepare_streams()
        quiet_libraries()
        with filtered_stderr(enabled=not os.environ.get(DEBUG_VARIABLE)):
            code = main(arguments)
    except KeyboardInterrupt:
        code = _interrupted(_wants_json(arguments))
    except interruption.Terminated as stop:
        code = _terminated(stop, _wants_json(arguments))
    _leave(code)


def main(arguments: Sequence[str]) -> int:
    """Run `swiftformer ARGUMENTS` in this process and return its exit code; never raises but SystemExit."""
    arguments = list(arguments)
    as_json = _wants_json(arguments)
    try:
        try:
            return _command(arguments)
        finally:  # whatever became of the signal on its way here, it counts before any other ending
            interruption.stop_listening()
            interruption.check()
    except SwiftFormerError as error:
        return _fail(str(error), error.exit_code, type(error).__name__, as_json)
    except KeyboardInterrupt:
        return _interrupted(as_json)
    except BrokenPipeError:
        return BROKEN_PIPE
    except interruption.Terminated as stop:
        return _terminated(stop, as_json)
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


def _command(arguments: list[str]) -> int:
    """Parse and run; the exit code of a command that came to its own end."""
    if "" in arguments:  # a path of no characters would mean the current folder
        raise UsageError(
            "One of the arguments is empty; a shell variable may not be set. Try 'swiftformer --help'."
        )
    from typer import TyperException
    from typer.main import get_command

    from swiftformer_keras.cli.app import app

    try:
        result = get_command(app).main(arguments, prog_name="swiftformer", standalone_mode=False)
    except TyperException as error:
        raise UsageError(
            f"{_sentence(error.format_message())} Try 'swiftformer{_command_of(error)} --help'."
        ) from None
    if result == INTERRUPTED:
        raise KeyboardInterrupt
    sys.stdout.flush()
    return result if isinstance(result, int) else 0


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether --json is among the options; behind `--` it is a file's name."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return "--json" in arguments[:end]


def _interrupted(as_json: bool) -> int:
    return _fail("Interrupted. Nothing half-written was left.", INTERRUPTED, "Interrupted", as_json)


def _terminated(stop: interruption.Terminated, as_json: bool) -> int:
    code = stop.code if isinstance(stop.code, int) else TERMINATED
    return _fail("Terminated. Nothing half-written was left.", code, "Terminated", as_json)


def _fail(message: str, code: int, kind: str, as_json: bool) -> int:
    """One line on stderr, and with --json one object on stdout."""
    import contextlib
    import json

    interruption.stop_listening()
    line = printable(" ".join(message.split()))
    if as_json:
        try:
            print(json.dumps({"error": {"kind": kind, "message": line, "exit_code": code}}), flush=True)
        except BrokenPipeError:
            return BROKEN_PIPE
        except (OSError, OutputError):
            pass  # the line on stderr is what is left to say it with
    with contextlib.suppress(OSError):
        asked_for = kind in ("Interrupted", "Terminated")
        print(line if asked_for else f"Error: {line}", file=sys.stderr, flush=True)
    return code


def _account_of(error: Exception) -> str:
    """What a bug says: where its traceback is and what to do with it."""
    import tempfile
    import traceback

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
        return f"{summary} The traceback is in {file.name}; please report it with that file."
    except OSError:
        return f"{summary} Run it again with {DEBUG_VARIABLE}=1 to see the traceback, and please report it."


def _command_of(error: object) -> str:
    """The name of the command that a usage error belongs to, with a space before it, or nothing."""
    context = getattr(error, "ctx", None)
    path = str(getattr(context, "command_path", "swiftformer"))
    return path.removeprefix("swiftformer")


def _sentence(message: str) -> str:
    """A message of the parser as a sentence of ours: without its validator's words, and with a full stop."""
    message = message.replace("Value error, ", "").rstrip()
    return message if message.endswith((".", "?", "!")) else f"{message}."


def _leave(code: int) -> NoReturn:
    """Exit without Python's complaint about a stdout that cannot be written or that nobody reads any more."""
    from swiftformer_keras.cli.streams import discard

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or BROKEN_PIPE
        discard(sys.stdout)
    except (OSError, OutputError):
        code = code or MISTAKE
        discard(sys.stdout)
    sys.exit(code)
