"""`swiftformer devices`, against phones of the tests' own and lists that adb might print."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.android.adb_client import Adb
from swiftformer_keras.benchmark import listing
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.records import read_record
from swiftformer_keras.benchmark.session import DeviceSession
from swiftformer_keras.benchmark.state import DeviceState
from swiftformer_keras.cli.main import main
from swiftformer_keras.errors import DeviceGoneError
from tests.converters.android.tools import pretend
from tests.phone.adb import AdbServer
from tests.phone.fixtures import PhoneMaker, adb_server, phone, phones, running_adb_server
from tests.phone.phone import Phone

__all__ = ["adb_server", "phone", "phones", "running_adb_server"]

LISTED = (
    "List of devices attached\nemulator-5554          offline transport_id:1\n"
    "(no serial number)     unauthorized usb:1-4 transport_id:5\n"
    "????????????           no permissions (missing udev rules?); see [http://x] usb:1-5\n"
    "\x1b[31mR58M           bootloader usb:1-6\n"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWIFTFORMER_HOME", str(tmp_path / "home"))


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes an adb that prints this."""

    def make(said: str) -> None:
        (tmp_path / "said").write_text(said)
        pretend(tmp_path, "adb", f"cat {tmp_path}/said")
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return make


def test_a_phone_and_all_that_is_known_of_it(phones: PhoneMaker, capsys: pytest.CaptureFixture[str]) -> None:
    phone, other = phones(), phones(authorisation="never")
    assert main(["devices", "--quiet"]) == 0
    said = " ".join(capsys.readouterr().out.split()) + " "
    for text in (
        phone.serial, "Example Example Phone 1", "ExampleSoC ES1000", "14 (API 34)", "arm64-v8a", "7.5 GiB",
        "4 x 1.80 GHz + 3 x 2.35 GHz + 1 x 2.85 GHz", "87 %, 27.1 °C, charging", "0 (none)", " on ",
        other.serial, "(unauthorized)", "answer its question",
    ):  # fmt: skip
        assert text in said
    assert main(["devices", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first, second = sorted(found["devices"], key=lambda device: device["facts"] is None)
    assert read_record(DeviceFacts, first["facts"], "x").clusters[2].cores == (7,)
    assert read_record(DeviceState, first["state_facts"], "x").temperatures_c["skin"] == 31.4
    assert (second["state"], second["facts"]) == ("unauthorized", None)


def test_a_phone_that_does_not_answer_keeps_nobody_from_the_others(
    phones: PhoneMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    well, bad = phones(), phones()
    bad.faults.answer("getprop", b"\x1b[2Jgarbage")
    assert main(["devices", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "Example Phone 1" in said and "cut short" in said and "\x1b" not in said
    assert well.serial in said and bad.serial in said


def test_what_to_do_about_those_that_cannot_be_used(
    lists: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    lists(LISTED)
    assert main(["devices"]) == 0
    said = capsys.readouterr().out
    for text in (
        "plug it in again",
        "answer its question",
        "udev rules",
        "start Android on it",
        "\\x1b[31mR58M",
    ):
        assert text in said
    assert "\x1b" not in said


def test_none(lists: Callable[[str], None], capsys: pytest.CaptureFixture[str]) -> None:
    lists("List of devices attached\n\n")
    assert main(["devices"]) == 0
    assert "No phone is connected" in capsys.readouterr().out
    assert main(["devices", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["devices"] == []


def test_without_adb(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["devices"]) == 2
    assert "adb not found" in capsys.readouterr().err


def test_putting_back_what_was_left(
    phone: Phone, adb_server: AdbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    session = DeviceSession(Adb(phone.serial)).__enter__()  # and never left
    session._hold.release()  # as the system does when its process ends
    assert phone.settings["system", "screen_off_timeout"] == "2147483647"
    assert main(["devices", "--quiet"]) == 0
    assert "devices --restore" in capsys.readouterr().out
    assert main(["devices", "--restore", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["restored"] == [phone.serial]
    assert phone.settings["system", "screen_off_timeout"] == "60000" and phone.files() == []


def test_a_phone_that_cannot_be_put_back_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [listing.ListedDevice(each, "device", None, None, None, True) for each in ("first", "bad", "last")]

    def put_back(serial: str) -> bool:
        if serial == "bad":
            raise DeviceGoneError("the phone went away")
        return True

    monkeypatch.setattr(listing, "list_devices", lambda: tuple(left))
    monkeypatch.setattr(listing, "restore", put_back)
    assert main(["devices", "--restore", "--quiet"]) == 2
    said = capsys.readouterr()
    assert all(each in said.out for each in ("first", "bad", "last")), "the table"
    assert said.out.count("devices --restore") == 1, "what is left to do"
    assert said.err.splitlines() == ["Error: bad: the phone went away"]
    assert main(["devices", "--restore", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["restored"] == ["first", "last"]
    assert found["not_restored"] == [{"serial": "bad", "error": "the phone went away"}]
