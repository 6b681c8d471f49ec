"""One connection of an adb server to the phone: who may, and which streams are open."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable

from tests.phone.wire import (
    AUTH,
    AUTH_PUBLIC_KEY,
    AUTH_SIGNATURE,
    AUTH_TOKEN,
    CLSE,
    CNXN,
    MAX_PAYLOAD,
    OKAY,
    OPEN,
    VERSION,
    WRTE,
    GoneError,
    Message,
    Stream,
    read_message,
)

Service = Callable[[Stream], None]
"""Talks on one stream until it has nothing more to say."""


class Connection:
    """Reads one server's messages until it or the cable is gone.

    Args:
        banner: what the phone says of itself when the connection stands.
        services: the service that an OPEN asks for by name, or None where the phone has no such.
        authorisation: "none" (no question is asked), "key" (the server's public key is taken), "never" (nobody has
            answered the phone's question yet) or "silent" (the phone says nothing at all, as one that hangs).
    """

    def __init__(
        self,
        wire: socket.socket,
        banner: bytes,
        services: Callable[[str], Service | None],
        authorisation: str,
    ) -> None:
        assert authorisation in ("none", "key", "never", "silent"), authorisation
        self._wire = wire
        self._banner = banner
        self._services = services
        self._authorisation = authorisation
        self._lock = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._next = 1
        self.max_payload = MAX_PAYLOAD
        self.keys: list[bytes] = []

    def send(self, message: Message) -> None:
        """One message to the server; nothing where the cable is out (the reader finds that out)."""
        with self._lock, contextlib.suppress(OSError):
            self._wire.sendall(message.to_bytes())

    def run(self) -> None:
        """Until the connection ends."""
        try:
            while True:
                self._take(read_message(self._wire))
        except GoneError:
            pass
        finally:
            self.cut()
            for stream in list(self._streams.values()):
                stream.on_close()

    def cut(self) -> None:
        """Pull the cable: nothing more goes either way."""
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._wire.close()

    def _take(self, message: Message) -> None:
        if message.command == CNXN:
            self.max_payload = min(MAX_PAYLOAD, message.second)
            self._greet()
        elif message.command == AUTH:
            self._authorise(message)
        elif message.command == OPEN:
            self._open(message)
        else:
            stream = self._streams.get(message.second)
            if stream is None:
                if message.command == WRTE:
                    self.send(Message(CLSE, 0, message.first))
            elif message.command == WRTE:
                stream.on_data(message.data)
            elif message.command == OKAY:
                stream.on_okay()
            elif message.command == CLSE:
                stream.on_close()
                self._streams.pop(message.second, None)

    def _greet(self) -> None:
        if self._authorisation == "none":
            self.send(Message(CNXN, VERSION, MAX_PAYLOAD, self._banner))
        elif self._authorisation != "silent":
            self.send(Message(AUTH, AUTH_TOKEN, 0, os.urandom(20)))

    def _authorise(self, message: Message) -> None:
        if (
            message.first == AUTH_SIGNATURE
        ):  # by a key that this phone has not seen yet: ask for the key itself
            self.send(Message(AUTH, AUTH_TOKEN, 0, os.urandom(20)))
        elif message.first == AUTH_PUBLIC_KEY:
            self.keys.append(message.data)
            if self._authorisation == "key":
                self.send(Message(CNXN, VERSION, MAX_PAYLOAD, self._banner))

    def _open(self, message: Message) -> None:
        name = message.data.rstrip(b"\0").decode("utf-8", "surrogateescape")
        service = self._services(name)
        if service is None:
            self.send(Message(CLSE, 0, message.first))
            return
        stream = Stream(self, self._next, message.first)
        self._next += 1
        self._streams[stream.local] = stream
        self.send(Message(OKAY, stream.local, stream.remote))
        threading.Thread(target=self._serve, args=(service, stream), daemon=True, name=name[:40]).start()

    def _serve(self, service: Service, stream: Stream) -> None:
        try:
            service(stream)
        except GoneError:
            pass
        finally:
            stream.close()
