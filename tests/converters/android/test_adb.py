"""Phones, with a program in adb's place that says what the real one says."""

from __future__ import annotations

import json
import os
import shlex
import zipfile
from pathlib import Path

import pytest

from converters.android.adb import application_id_of, install, run_app, start
from swiftformer_keras.errors import (
    AppOptionError,
    DeviceError,
    DeviceGoneError,
    DeviceNotReadyError,
    MissingToolError,
    NoDeviceError,
    SeveralDevicesError,
)
from tests.converters.android.tools import pretend
from tests.harness import assert_refused

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pretended adb is a shell script")

LISTED = """List of devices attached
emulator-5554          device product:sdk model:sdk_gphone64 device:emu64 transport_id:1
R58M123ABC             unauthorized usb:1-2 transport_id:2
192.168.1.7:5555       offline transport_id:3
0123                   no permissions (user in plugdev group?); see [http://x] usb:1-1
"""
ONE = "List of devices attached\nR58M        device product:a model:Pixel_8 device:b\n"


class Adb:
    """The pretended adb: answers by its arguments, and keeps them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        self.answers: dict[str, tuple[str, int]] = {}

    def answer(self, word: str, said: str, code: int = 0) -> None:
        self.answers[word] = (said, code)
        cases = "".join(
            f"*' {word} '*) printf %s {shlex.quote(said)}; exit {code};;\n"
            for word, (said, code) in self.answers.items()
        )
        script = f'for a in "$@"; do printf "%s\\0" "$a"; done >>"{self.log}"; printf "\\n" >>"{self.log}"\n'
        pretend(self.folder, "adb", f'{script}case " $* " in\n{cases}esac')

    def calls(self) -> list[list[str]]:
        return [line.rstrip("\0").split("\0") for line in self.log.read_text().splitlines()]


@pytest.fixture
def adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Adb:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    made = Adb(folder)
    made.answer("devices", ONE)
    return made


@pytest.fixture
def apk(tmp_path: Path) -> Path:
    path = tmp_path / "an app; rm -rf x.apk"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("assets/build.json", json.dumps({"application_id": "com.example.leaves"}))
    return path


def test_without_adb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_refused(MissingToolError, start, "adb not found", "Install it")


@pytest.mark.parametrize(
    ("listed", "serial", "error", "mentions"),
    [
        ("List of devices attached\n\n", None, NoDeviceError, ["no phone is connected"]),
        (LISTED, None, SeveralDevicesError, ["4 phones", "emulator-5554", "--serial"]),
        (LISTED, "R58M123ABC", DeviceNotReadyError, ["R58M123ABC", "has not allowed this computer"]),
        (LISTED, "192.168.1.7:5555", DeviceNotReadyError, ["does not answer"]),
        (LISTED, "0123", DeviceNotReadyError, ["udev"]),
        (LISTED, "absent", NoDeviceError, ["'absent'"]),
    ],
)
def test_no_phone_that_can_be_used(
    adb: Adb, listed: str, serial: str | None, error: type[DeviceError], mentions: list[str]
) -> None:
    adb.answer("devices", listed)
    assert_refused(error, lambda: start(serial=serial), *mentions)


def test_the_only_phone_and_the_chosen_one(adb: Adb) -> None:
    adb.answer("start", "Status: ok\n")
    assert start().serial == "R58M"
    adb.answer("devices", LISTED)
    assert start(serial="emulator-5554").model == "sdk_gphone64"


def test_install_and_run(adb: Adb, apk: Path) -> None:
    adb.answer("install", "Performing Streamed Install\nSuccess\n")
    adb.answer(
        "start", "Starting: Intent { cmp=com.example.leaves/dev.swiftformer.app.MainActivity }\nStatus: ok\n"
    )
    started, phone = run_app(apk, None, None)
    assert (started, phone.model) == ("com.example.leaves", "Pixel_8")
    calls = [call for call in adb.calls() if call[0] != "devices"]
    assert calls == [
        ["-s", "R58M", "install", "-r", str(apk)],
        [
            "-s",
            "R58M",
            "shell",
            "-n",
            "am",
            "start",
            "-W",
            "-n",
            "com.example.leaves/dev.swiftformer.app.MainActivity",
        ],
    ]


@pytest.mark.parametrize(
    ("said", "code", "mention"),
    [
        (
            "adb: failed to install x.apk: Failure [INSTALL_FAILED_UPDATE_INCOMPATIBLE: Existing]",
            1,
            "uninstall it first",
        ),
        ("Failure [INSTALL_FAILED_NO_MATCHING_ABIS: Failed]", 1, "--abis"),
        ("Failure [INSTALL_FAILED_OLDER_SDK]", 0, "Android 8"),
        ("Failure [INSTALL_FAILED_SOMETHING_NEW: words]", 1, "INSTALL_FAILED_SOMETHING_NEW"),
    ],
)
def test_a_phone_that_refuses(adb: Adb, apk: Path, said: str, code: int, mention: str) -> None:
    adb.answer("install", said, code)
    assert_refused(DeviceError, lambda: install(apk), mention)


def test_a_phone_that_goes_away_while_it_installs(adb: Adb, apk: Path) -> None:
    adb.answer("install", "adb: device offline", 1)
    assert_refused(DeviceGoneError, lambda: install(apk), "went away", "R58M")


def test_an_app_that_is_not_there(adb: Adb) -> None:
    adb.answer("start", "Error type 3\nError: Activity class {x} does not exist.\n")
    assert_refused(DeviceError, lambda: start("com.example.leaves"), "com.example.leaves", "not installed")
    assert_refused(AppOptionError, lambda: start("x; reboot"), "no application id")


@pytest.mark.parametrize(
    ("said", "mention"),
    [
        ("Error: Activity not started, unknown error code 103\n", "unknown error code 103"),
        (
            "Exception occurred while executing 'start':\njava.lang.SecurityException: Permission Denial: x\n",
            "Permission Denial",
        ),
        ("Error: Could not access the Activity Manager. Is the system running?\n", "Is the system running?"),
    ],
)
def test_an_app_that_does_not_start_for_another_reason(adb: Adb, said: str, mention: str) -> None:
    adb.answer("start", f"Starting: Intent {{ cmp=com.example.leaves/x }}\n{said}")
    message = assert_refused(DeviceError, lambda: start("com.example.leaves"), "com.example.leaves", mention)
    assert "not installed" not in message


def test_an_app_whose_name_looks_like_a_failure(adb: Adb) -> None:
    adb.answer("start", "Starting: Intent { cmp=com.example.Error/x }\nStatus: ok\n")
    assert start("com.example.Error").serial == "R58M"


def test_what_is_no_app_of_ours(tmp_path: Path, apk: Path) -> None:
    text = tmp_path / "text.apk"
    text.write_text("text")
    other = tmp_path / "other.apk"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("AndroidManifest.xml", "x")
    assert_refused(AppOptionError, lambda: application_id_of(text), "is no APK")
    assert_refused(AppOptionError, lambda: application_id_of(other), "swiftformer app build")
    assert_refused(AppOptionError, lambda: application_id_of(tmp_path / "absent.apk"), "No such file")
    assert_refused(AppOptionError, lambda: run_app(apk, "com.example.other", None), "is com.example.leaves")
