"""Text for a phone's shell: nothing that comes from a user or a device gets there unquoted.

Two walls: a word may hold printable ASCII only and is put between single quotes (POSIX shell, 2.2.2), and a name or a
path that this project sends must match an allow-list besides. `Adb.shell` takes a `ShellText`, which only the
functions here make.
"""

from __future__ import annotations

import re
import shlex

from converters.android.adb_client import ShellText
from swiftformer_keras.errors import UnsafeTextError
from swiftformer_keras.shown import shown

MAX_WORD = 4096
_WORD = re.compile(r"[ -~]*")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
APPLICATION_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
_COMPONENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+/\.?[A-Za-z][A-Za-z0-9_.$]*")


def shell_word(value: str) -> ShellText:
    """`value` as one word of a shell, whatever it holds.

    Raises:
        UnsafeTextError: it has characters that are not printable ASCII (line breaks, escapes), or is too long.
    """
    if len(value) > MAX_WORD or _WORD.fullmatch(value) is None:
        raise UnsafeTextError(
            f"{shown(value, 80)!r}: has characters that a phone's shell is not given, or too many"
        )
    return ShellText(shlex.quote(value))


def words(*values: str) -> ShellText:
    """A command and its arguments, each as one word.

    Raises:
        UnsafeTextError: as `shell_word`.
    """
    return ShellText(" ".join(map(shell_word, values)))


def script(template: str, *values: str) -> ShellText:
    """Our own shell text in which each `{}` stands for one of `values`, as one word.

    Args:
        template: text of ours, never from outside; braces of the shell are doubled.

    Raises:
        UnsafeTextError: as `shell_word`.
    """
    return ShellText(template.format(*map(shell_word, values)))


def checked_name(value: str, what: str = "the name") -> str:
    """`value`, where it is letters, digits, dots, hyphens and underscores, and begins with none of dot and hyphen.

    Raises:
        UnsafeTextError: it is something else.
    """
    if _NAME.fullmatch(value) is None:
        raise UnsafeTextError(
            f"{what} {shown(value, 80)!r} is not made of letters, digits, dots, hyphens and underscores alone"
        )
    return value


def checked_path(value: str, what: str = "the path") -> str:
    """`value`, where it is an absolute path of such names with a slash before each.

    Raises:
        UnsafeTextError: it is something else.
    """
    parts = value.split("/")
    if len(value) > 1024 or parts[0] or len(parts) < 2:
        raise UnsafeTextError(f"{what} {shown(value, 80)!r} is no absolute path")
    for part in parts[1:]:
        checked_name(part, f"in {what}")
    return value


def checked_component(value: str, what: str = "the component") -> str:
    """`value`, where it is a component of an app: `package/.Class` or `package/package.Class`.

    Raises:
        UnsafeTextError: it is something else.
    """
    if _COMPONENT.fullmatch(value) is None:
        raise UnsafeTextError(f"{what} {shown(value, 80)!r} is no component of an app")
    return value
