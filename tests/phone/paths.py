"""The phone's paths and where they really are: everything lies in one private folder.

A command line is given to a real shell; the absolute paths in it are put below the phone's folder before, letter by
letter, so that quotes and what they leave open mean what they mean on a phone. What comes out is put back.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

TOP = (
    "acct|apex|bin|boot|cache|config|data|data_mirror|etc|home|init|linkerconfig|media|metadata|mnt|odm|oem|opt|"
    "postinstall|proc|product|root|run|sbin|sdcard|srv|storage|sys|system|system_ext|tmp|usr|var|vendor"
)
_ABSOLUTE = re.compile(rf"(?<![\w./}}])/(?=(?:{TOP})(?![\w.-]))")
_WITH_STEPS = re.compile(r"(?<![\w./}])/[\w./+=@,-]*/\.\.(?![\w.])[\w./+=@,-]*")
_STEP = re.compile(r"(?<![\w.])\.\.(?=/)")
WRITABLE = ("/data/local/tmp", "/sdcard", "/storage/emulated/0")


class Paths:
    """A phone's paths below `root`, a real folder whose own path has no letter that means something to a shell."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        assert re.fullmatch(r"[\w/.-]+", str(self.root)), self.root
        self._prefix = str(self.root).encode()

    def real(self, path: str) -> Path:
        """Where a path of the phone's is; steps upwards end at its root."""
        return Path(str(self.root) + posixpath.normpath("/" + path.lstrip("/")))

    def line(self, command: str) -> str:
        """A command line with its absolute paths put below the root.

        Steps upwards are taken here: a redirection's path is opened by the shell, where nothing else would stop it.
        """
        resolved = _WITH_STEPS.sub(lambda found: posixpath.normpath(found[0]), command)
        return _ABSOLUTE.sub(lambda _: f"{self.root}/", _STEP.sub(".", resolved))

    def back(self, text: str) -> str:
        """The phone's own name of what is below the root."""
        return text.replace(str(self.root), "")

    def is_writable(self, path: str) -> bool:
        """Whether the shell's user may write there."""
        clean = posixpath.normpath("/" + path.lstrip("/"))
        return any(clean.startswith(folder + "/") for folder in WRITABLE)


class OutputPaths:
    """Puts paths back in a stream of bytes, wherever it is cut."""

    def __init__(self, paths: Paths) -> None:
        self._prefix = str(paths.root).encode()
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be passed on so far."""
        data = (self._held + data).replace(self._prefix, b"")
        for length in range(min(len(self._prefix) - 1, len(data)), 0, -1):
            if data.endswith(self._prefix[:length]):
                self._held = data[-length:]
                return data[:-length]
        self._held = b""
        return data

    def rest(self) -> bytes:
        """What was held back, at the end."""
        held, self._held = self._held, b""
        return held
