"""`adb shell` and `adb exec-out`: a command line's output, its errors apart, its input and its exit status.

Shell protocol 2 is Android's `packages/modules/adb/shell_protocol.h`: packets of one byte of kind, four of length
(little-endian) and the data.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import IO, TYPE_CHECKING

from tests.phone.faults import LineFault
from tests.phone.paths import OutputPaths
from tests.phone.wire import GoneError, Stream

if TYPE_CHECKING:
    from tests.phone.phone import Phone

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN, WINDOW_SIZE = range(6)
_CHUNK = 1 << 15


def packet(kind: int, data: bytes) -> bytes:
    """One packet of the shell protocol."""
    return bytes([kind]) + len(data).to_bytes(4, "little") + data


class _Output:
    """Where a command's output goes: counted, and cut off where a fault says so."""

    def __init__(self, stream: Stream, fault: LineFault | None, packets: bool) -> None:
        self._stream = stream
        self._fault = fault
        self._packets = packets
        self._lock = threading.Lock()
        self._left = fault.after_bytes if fault else None
        self.cut = threading.Event()

    def write(self, kind: int, data: bytes) -> None:
        with self._lock:
            if not data or self.cut.is_set():
                return
            kept = data if self._left is None else data[: self._left]
            if kept:
                self._stream.write(packet(kind, kept) if self._packets else kept)
            if self._left is not None:
                self._left -= len(kept)
                if self._left == 0:
                    self.cut.set()
                    if self._fault is not None and self._fault.then is not None:
                        self._fault.then()

    def end(self, status: int) -> None:
        if self._packets:
            self._stream.write(packet(EXIT, bytes([status & 255])))


def serve_shell(phone: Phone, stream: Stream, line: str) -> None:
    """`shell,v2,...:LINE`: run it, both outputs apart, and say its exit status."""
    _serve(phone, stream, line, packets=True)


def serve_raw(phone: Phone, stream: Stream, line: str) -> None:
    """`exec:LINE`, and `shell:LINE` of old clients: bytes in, bytes out, no exit status."""
    _serve(phone, stream, line, packets=False)


def _serve(phone: Phone, stream: Stream, line: str, packets: bool) -> None:
    fault = phone.faults.for_line(line)
    output = _Output(stream, fault, packets)
    if fault is not None and _struck(fault, stream, output):
        return
    process = _start(phone, line, subprocess.PIPE if packets else subprocess.STDOUT)
    feed = _feed_packets if packets else _feed_raw
    threading.Thread(target=feed, args=(stream, process), daemon=True).start()
    if packets:
        threading.Thread(target=_kill_when_closed, args=(stream, process), daemon=True).start()
    sources = [(process.stdout, STDOUT)] + ([(process.stderr, STDERR)] if packets else [])
    pumps = [
        threading.Thread(target=_pump, args=(phone, source, kind, output), daemon=True)
        for source, kind in sources
    ]
    for pump in pumps:
        pump.start()
    for pump in pumps:
        pump.join()
    process.wait()
    phone.processes.discard(process)
    output.end(process.returncode if process.returncode >= 0 else 0x80 | -process.returncode)


def _struck(fault: LineFault, stream: Stream, output: _Output) -> bool:
    """Whether the fault leaves nothing to run."""
    if fault.answer is not None:
        output.write(STDOUT, fault.answer.out)
        output.write(STDERR, fault.answer.err)
        output.end(fault.answer.status)
        return True
    if fault.hang:
        stream.closed_there.wait()
        return True
    if fault.after_bytes is None and fault.then is not None:
        fault.then()
    return False


def _start(phone: Phone, line: str, errors: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        phone.userland.command(line or "cat"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=phone.paths.root,
        env=phone.userland.environment(),
        start_new_session=True,
        bufsize=0,
    )
    phone.processes.add(process)
    return process


def _kill_when_closed(stream: Stream, process: subprocess.Popen[bytes]) -> None:
    """As adbd does: what nobody listens to any more is hung up on, with everything it started."""
    while process.poll() is None:
        if stream.closed_there.wait(0.05):
            kill_group(process)
            return


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a command with everything that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGHUP)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _pump(phone: Phone, source: IO[bytes] | None, kind: int, output: _Output) -> None:
    assert source is not None
    paths = OutputPaths(phone.paths)
    with source:
        while True:
            data = source.read(_CHUNK)
            with contextlib.suppress(GoneError):
                output.write(kind, paths.feed(data) if data else paths.rest())
            if not data:
                return


def _feed_packets(stream: Stream, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        while True:
            head = stream.read_exactly(5)
            data = stream.read_exactly(int.from_bytes(head[1:], "little"))
            if head[0] == STDIN:
                _write_all(process.stdin, data)
            elif head[0] == CLOSE_STDIN:
                process.stdin.close()
    except (GoneError, OSError, ValueError):
        with contextlib.suppress(OSError):
            process.stdin.close()


def _feed_raw(stream: Stream, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError, ValueError):
        while data := stream.read():
            _write_all(process.stdin, data)
    with contextlib.suppress(OSError):
        process.stdin.close()


def _write_all(target: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[target.write(view) or 0 :]
