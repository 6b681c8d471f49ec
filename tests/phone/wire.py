"""adb's messages as bytes, and one stream of a connection.

The protocol is Android's `packages/modules/adb/protocol.txt`: a header of six little-endian words (command, two
arguments, length, checksum, magic) and then the data. From version 0x01000001 on the checksum is not looked at.
"""

from __future__ import annotations

import dataclasses
import queue
import socket
import struct
import threading
from typing import Protocol

VERSION = 0x01000001
MAX_PAYLOAD = 256 * 1024
HEADER = struct.Struct("<6I")


def command(name: bytes) -> int:
    """A command's word: its four letters, little-endian."""
    return int.from_bytes(name, "little")


CNXN, AUTH, OPEN, OKAY, WRTE, CLSE = (
    command(name) for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE")
)
AUTH_TOKEN, AUTH_SIGNATURE, AUTH_PUBLIC_KEY = 1, 2, 3


class GoneError(Exception):
    """The other end is no longer there."""


@dataclasses.dataclass(frozen=True)
class Message:
    """One message of the protocol."""

    command: int
    first: int
    second: int
    data: bytes = b""

    def to_bytes(self) -> bytes:
        checksum = sum(self.data) & 0xFFFFFFFF if self.command in (CNXN, AUTH) else 0
        magic = self.command ^ 0xFFFFFFFF
        return HEADER.pack(self.command, self.first, self.second, len(self.data), checksum, magic) + self.data


def read_exactly(source: socket.socket, size: int) -> bytes:
    """So many bytes.

    Raises:
        GoneError: it was closed before.
    """
    found = bytearray()
    while len(found) < size:
        try:
            part = source.recv(min(size - len(found), 1 << 20))
        except OSError:
            raise GoneError("the connection broke") from None
        if not part:
            raise GoneError("the connection was closed")
        found += part
    return bytes(found)


def read_message(source: socket.socket) -> Message:
    """The next message.

    Raises:
        GoneError: there is none, or what comes is none.
    """
    name, first, second, size, _, magic = HEADER.unpack(read_exactly(source, HEADER.size))
    if magic != name ^ 0xFFFFFFFF or size > 4 * MAX_PAYLOAD:
        raise GoneError("this is no message of adb's")
    return Message(name, first, second, read_exactly(source, size) if size else b"")


class Sender(Protocol):
    """Whatever carries messages to the other end."""

    max_payload: int

    def send(self, message: Message) -> None: ...


class Stream:
    """One stream of a connection, with the protocol's flow control.

    A write waits until the message before it was taken by the other end; what comes in is acknowledged when it is read
    here, so neither end runs ahead of the other by more than one message.
    """

    def __init__(self, sender: Sender, local: int, remote: int) -> None:
        self._sender = sender
        self.local = local
        self.remote = remote
        self._incoming: queue.Queue[bytes | None] = queue.Queue()
        self._rest = b""
        self._ready = threading.Semaphore(1)
        self.closed_there = threading.Event()
        self._closed_here = False

    def read(self) -> bytes:
        """The next bytes; none where the other end has closed the stream."""
        if self._rest:
            rest, self._rest = self._rest, b""
            return rest
        data = self._incoming.get()
        if data is None:
            self._incoming.put(None)
            return b""
        if not self.closed_there.is_set():
            self._sender.send(Message(OKAY, self.local, self.remote))
        return data

    def read_exactly(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            GoneError: the other end closed the stream before.
        """
        if size == 0:  # reading would take what comes after
            return b""
        found = bytearray()
        while len(found) < size:
            part = self.read()
            if not part:
                raise GoneError("the stream was closed")
            found += part
        self._rest = bytes(found[size:])
        return bytes(found[:size])

    def write(self, data: bytes) -> None:
        """Send bytes, in as many messages as they need.

        Raises:
            GoneError: the other end has closed the stream.
        """
        for start in range(0, len(data), self._sender.max_payload):
            self._ready.acquire()
            if self.closed_there.is_set():
                self._ready.release()
                raise GoneError("the stream was closed")
            part = data[start : start + self._sender.max_payload]
            self._sender.send(Message(WRTE, self.local, self.remote, part))

    def close(self) -> None:
        """End it from here, after everything that was written has been taken."""
        if self._closed_here:
            return
        self._closed_here = True
        if not self.closed_there.is_set():
            self._ready.acquire()
            self._ready.release()
        if not self.closed_there.is_set():
            self._sender.send(Message(CLSE, self.local, self.remote))

    def on_data(self, data: bytes) -> None:
        self._incoming.put(data)

    def on_okay(self) -> None:
        self._ready.release()

    def on_close(self) -> None:
        self.closed_there.set()
        self._incoming.put(None)
        self._ready.release()
