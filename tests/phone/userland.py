"""How commands run on the phone: a real shell with a PATH of its own, in a folder of its own, by any user.

Three kinds of programs are on that PATH. Those that only handle files are the machine's own (coreutils), behind a guard
that keeps them inside the phone's folder. Those that are Android's are the functions of `programs/`: a small client
hands its arguments and descriptors over to the phone, which answers. The rest does not exist, as on a phone.
"""

from __future__ import annotations

import array
import contextlib
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.phone.paths import WRITABLE, Paths
from tests.phone.tool import PROGRAM, VARIABLE
from tests.phone.wire import GoneError, read_exactly

if TYPE_CHECKING:
    from tests.phone.phone import Phone

READERS = (
    "basename cat cmp cut dirname grep head ls readlink realpath sed sha256sum sort stat tail tr uniq wc"
)
WRITERS = "chmod cp dd ln mkdir mv rm rmdir tee touch truncate"
PLAIN = "date env expr false nice seq sleep timeout true xargs"

_GUARD = """#!{shell}
# Keeps a program of the machine inside the phone's folder.
for word; do
    word=${{word#*=}}
    case $word in
        {root}|{root}/*) ;;
        /dev/null|/dev/zero|/dev/urandom) ;;
        /*) echo "${{0##*/}}: $word: Permission denied" >&2; exit 1 ;;
    esac
    case /$word/ in */../*) echo "${{0##*/}}: $word: Permission denied" >&2; exit 1 ;; esac
    {writable}
done
PATH=/usr/bin:/bin
exec "${{0##*/}}" "$@"
"""
_WRITABLE = """case $word in
        {folders}) ;;
        {root}/*) echo "${{0##*/}}: ${{word#{root}}}: Read-only file system" >&2; exit 1 ;;
    esac"""
_CLIENT = """#!{shell}
exec {python} -I -S {client} {socket} "${{0##*/}}" "$@"
"""
_TASKSET = """#!{shell}
# toybox's taskset: the mask in hexadecimal, then the command.
case $1 in -*|"") echo "taskset: needs 2 arguments (see \\"taskset --help\\")" >&2; exit 1 ;; esac
case $1 in *[!0-9a-fA-F]*) echo "taskset: bad mask '$1'" >&2; exit 1 ;; esac
export PHONE_AFFINITY="$1"
shift
exec "$@"
"""


class Call:
    """One run of one of Android's own commands.

    Attributes:
        arguments: after the name, with the phone's own paths.
        affinity: the mask that `taskset` gave, in hexadecimal, or "".
        cancelled: set where the command was killed, or nobody listens any more.
    """

    def __init__(
        self, phone: Phone, words: list[str], descriptors: list[int], control: socket.socket
    ) -> None:
        self.phone = phone
        folder, self.affinity, self.name, *self.arguments = [phone.paths.back(word) for word in words]
        self.folder = folder or "/"
        self.cancelled = threading.Event()
        self._descriptors = descriptors
        self._control = control
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def line(self) -> str:
        """The command as it was called."""
        return " ".join([self.name, *self.arguments])

    def out(self, text: str | bytes) -> None:
        """Bytes or lines on its output."""
        self._write(1, text)

    def err(self, text: str | bytes) -> None:
        """Bytes or lines on its error output."""
        self._write(2, text)

    def read(self) -> bytes:
        """What stands on its input, or nothing at its end."""
        return os.read(self._descriptors[0], 1 << 16)

    def streams(self) -> dict[str, int]:
        """Its three descriptors, for a process that is started in its place."""
        return dict(zip(("stdin", "stdout", "stderr"), self._descriptors, strict=True))

    def wait(self, seconds: float) -> bool:
        """Let time pass; whether the command was killed in it."""
        return self.cancelled.wait(seconds)

    def end(self, status: int) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            self._control.sendall(bytes([status & 255]))
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def _write(self, index: int, text: str | bytes) -> None:
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        while data and not self.cancelled.is_set():
            try:
                data = data[os.write(self._descriptors[index], data) :]
            except BrokenPipeError:
                self.cancelled.set()

    def _watch(self) -> None:
        with contextlib.suppress(OSError):
            self._control.recv(1)
        self.cancelled.set()


Program = Callable[[Call], int]


class Userland:
    """The folder of programs, and the socket behind which Android's own ones are.

    Args:
        programs: Android's own commands by name.
    """

    def __init__(self, phone: Phone, own: Path, programs: dict[str, Program]) -> None:
        self._phone = phone
        self._programs = programs
        self.shell = next(path for path in (shutil.which("dash"), "/bin/sh") if path)
        self.bin = own / "bin"
        self.bin.mkdir()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(own / "socket"))
        self._listener.listen(64)
        self._write_programs(phone.paths, own)
        threading.Thread(target=self._accept, daemon=True, name="phone's commands").start()

    def environment(self) -> dict[str, str]:
        """What a command on the phone finds around it."""
        return {
            "PATH": str(self.bin),
            "HOME": "/",
            "SHELL": "/system/bin/sh",
            "ANDROID_DATA": "/data",
            "ANDROID_ROOT": "/system",
            "EXTERNAL_STORAGE": "/sdcard",
            "TMPDIR": str(self._phone.paths.real("/data/local/tmp")),
            "USER": "shell",
            "LC_ALL": "C",
            VARIABLE: str(self.bin / PROGRAM),
        }

    def command(self, line: str) -> list[str]:
        """How the machine runs a command line of the phone's."""
        return [self.shell, "-c", self._phone.paths.line(line), "/system/bin/sh"]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _write_programs(self, paths: Paths, own: Path) -> None:
        root = str(paths.root)
        folders = "|".join(f"{root}{folder}/*" for folder in WRITABLE)
        for names, check in ((READERS, ""), (WRITERS, _WRITABLE.format(folders=folders, root=root))):
            self._install(names.split(), _GUARD.format(shell=self.shell, root=root, writable=check), own)
        self._install(["taskset"], _TASKSET.format(shell=self.shell), own)
        client = Path(__file__).with_name("client.py")
        text = _CLIENT.format(shell=self.shell, python=sys.executable, client=client, socket=own / "socket")
        self._install(list(self._programs), text, own)
        for name in PLAIN.split():
            found = shutil.which(name)
            if found is not None:
                (self.bin / name).symlink_to(found)
        (self.bin / "sh").symlink_to(self.shell)

    def _install(self, names: list[str], text: str, own: Path) -> None:
        file = own / f"program-{names[0]}"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
        for name in names:
            (self.bin / name).symlink_to(file)

    def _accept(self) -> None:
        while True:
            try:
                control, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(control,), daemon=True).start()

    def _serve(self, control: socket.socket) -> None:
        with control:
            descriptors = array.array("i")
            try:
                head, ancillary, _, _ = control.recvmsg(4, socket.CMSG_LEN(3 * descriptors.itemsize))
                for _, _, data in ancillary:
                    descriptors.frombytes(data)
                words = read_exactly(control, int.from_bytes(head, "little"))
            except (GoneError, OSError):
                for descriptor in descriptors:
                    os.close(descriptor)
                return
            texts = words.decode("utf-8", "surrogateescape").split("\0")
            call = Call(self._phone, texts, list(descriptors), control)
            status = 1
            try:
                status = self._phone.run(call, self._programs[call.name])
            except Exception as error:
                call.err(f"{call.name}: {type(error).__name__}: {error}\n")
                raise
            finally:
                call.end(status)
