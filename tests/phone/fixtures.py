"""Fixtures: an adb server of the tests' own, and phones on it.

Take them into a conftest with `from tests.phone.fixtures import adb_server, phone, phones, running_adb_server`, and
`jvm_app` where it is wanted. Tests that use them are skipped, with the reason, where adb is not installed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from tests.android_app.maven import MissingError
from tests.android_runtime.host import build
from tests.harness import absent
from tests.phone.adb import AdbServer
from tests.phone.description import PhoneDescription
from tests.phone.jvm_app import JvmApp, build_app
from tests.phone.phone import Phone

PhoneMaker = Callable[..., Phone]


@pytest.fixture(scope="session")
def running_adb_server() -> Iterator[AdbServer]:
    """One server for a whole session: starting it takes longer than most tests."""
    program = shutil.which("adb")
    if program is None:
        absent("adb is missing (Debian: adb)")
    with AdbServer(program) as server:
        yield server


@pytest.fixture
def adb_server(running_adb_server: AdbServer, monkeypatch: pytest.MonkeyPatch) -> AdbServer:
    """The real adb's server, with no phone on it yet; every adb that the test starts talks to it."""
    server = running_adb_server
    server.restart_if_dead()
    for _ in range(20):  # a phone that the server is just looking for again comes back once
        server.run("disconnect")
        if len(server.run("devices").stdout.split()) == 4:  # "List of devices attached" and none
            break
        time.sleep(0.1)
    for name in ("ANDROID_SERIAL", "ADB_VENDOR_KEYS", "ADB_LIBUSB"):
        monkeypatch.delenv(name, raising=False)
    for name in ("ANDROID_ADB_SERVER_PORT", "ADB_SERVER_SOCKET", "ADB_MDNS"):
        monkeypatch.setenv(name, server.environment()[name])
    return server


@pytest.fixture(scope="session")
def jvm_app() -> Iterator[JvmApp]:
    """The app's own benchmark code, to be a phone's `app`; compiling and starting it takes a minute or two."""
    try:
        built, host = build_app(), build()
    except MissingError as error:
        absent(str(error))
    with JvmApp(built, host) as app:
        yield app


@pytest.fixture
def phones(adb_server: AdbServer) -> Iterator[PhoneMaker]:
    """Makes phones that are plugged in: `phones(model="Other", sdk=28)`, `phones(PhoneDescription(...))`."""
    made: list[Phone] = []

    def make(description: PhoneDescription | None = None, connect: bool = True, **facts: object) -> Phone:
        facts = {"serialno": f"SYNTH{len(made) + 1:04}", **facts}
        phone = Phone(description or PhoneDescription(**facts))  # type: ignore[arg-type]
        made.append(phone)
        if connect:
            adb_server.connect(phone, wait=phone.authorisation in ("none", "key"))
        return phone

    yield make
    for phone in made:
        phone.close()


@pytest.fixture
def phone(phones: PhoneMaker) -> Phone:
    """One phone, plugged in."""
    return phones()
