"""What goes wrong with a phone: one line that says what, and nothing left on it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from converters.android.adb_client import Adb, choose
from swiftformer_keras.benchmark import leftover
from swiftformer_keras.benchmark.quoting import words
from swiftformer_keras.benchmark.reading import read_facts, read_state
from swiftformer_keras.benchmark.session import DeviceSession
from swiftformer_keras.benchmark.transfer import Transfer
from swiftformer_keras.errors import (
    AdbServerError,
    DeviceAnswerError,
    DeviceError,
    DeviceGoneError,
    DeviceNotReadyError,
    DeviceStorageError,
    DeviceTimeoutError,
    DeviceToolError,
    NoDeviceError,
    PushMismatchError,
    SeveralDevicesError,
    TFLiteFileError,
)
from tests.harness import assert_refused
from tests.phone.adb import AdbServer
from tests.phone.fixtures import PhoneMaker
from tests.phone.phone import Phone
from tests.swiftformer_keras.benchmark.test_session import as_before, folders, held

FOLDER = "/data/local/tmp/swiftformer-0123456789abcdef"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(os.urandom(3_000_000))
    return path


def test_which_phone(adb_server: AdbServer, phones: PhoneMaker) -> None:
    assert_refused(NoDeviceError, lambda: choose(None), "no phone is connected")
    first = phones()
    assert choose(None)[0].serial == first.serial
    second = phones()
    assert_refused(SeveralDevicesError, lambda: choose(None), first.serial, second.serial, "--device")
    assert choose(second.serial)[1].model == "Example_Phone_1"
    assert_refused(NoDeviceError, lambda: choose("$(reboot)"), "'$(reboot)'", "swiftformer devices")


def test_a_phone_that_has_not_allowed_this_computer(phones: PhoneMaker) -> None:
    phone = phones(authorisation="never")
    assert_refused(DeviceNotReadyError, lambda: choose(phone.serial), "answer its question", phone.serial)
    assert_refused(DeviceNotReadyError, lambda: Adb(phone.serial).shell(words("ls")), "answer its question")


@pytest.mark.slow
def test_a_phone_that_is_offline(phones: PhoneMaker) -> None:
    phone = phones(authorisation="silent")
    assert_refused(DeviceNotReadyError, lambda: choose(phone.serial), "plug it in again")


def test_no_such_phone(adb_server: AdbServer) -> None:
    assert_refused(DeviceGoneError, lambda: Adb("127.0.0.1:1").shell(words("ls")), "127.0.0.1:1")


@pytest.mark.parametrize("after_bytes", [None, 0, 30])
def test_the_cable_is_pulled_while_something_runs(phone: Phone, after_bytes: int | None) -> None:
    adb = Adb(phone.serial)
    phone.faults.unplug_during("getprop", after_bytes)
    assert_refused(
        DeviceGoneError, lambda: read_facts(adb), "reading what the phone is", "went away", "Connect it"
    )


def test_the_cable_is_pulled_in_mid_push(phone: Phone, model: Path) -> None:
    session = held(phone)
    phone.faults.unplug_during_push(1_000_000)
    with pytest.raises(DeviceGoneError) as caught, session:
        session.push(model)
    message = str(caught.value)
    assert "went away" in message and "could not be left as it was" in message and "--restore" in message
    assert "\n" not in message and phone.settings["system", "screen_off_timeout"] == "2147483647"
    phone.plug_in()
    assert Adb(phone.serial).reach(timeout_s=20)
    with held(phone) as later:
        assert "put back first" in later.notes[0]
        assert len(folders(phone)) == 1
    as_before(phone)


def test_a_phone_that_comes_back_in_time_is_left_as_it_was(phone: Phone) -> None:
    phone.faults.reboot_during("sleep 30", down_s=0.5)
    with pytest.raises(DeviceGoneError) as caught, held(phone, comeback_s=20.0) as session:
        session.shell(["sleep", "30"], 60)
    assert "could not be left" not in str(caught.value)
    as_before(phone)


def test_the_adb_server_is_killed(phone: Phone, adb_server: AdbServer) -> None:
    phone.faults.do_during("sleep 30", adb_server.kill)
    session = held(phone, comeback_s=10.0)
    with pytest.raises((AdbServerError, DeviceGoneError)) as caught, session:
        session.shell(["sleep", "30"], 60)
    assert type(caught.value) is AdbServerError and "adb kill-server" in str(caught.value)
    as_before(phone)


def test_no_room(phones: PhoneMaker, model: Path) -> None:
    phone = phones(free_kib=60_000)
    transfer = Transfer(Adb(phone.serial), FOLDER)
    assert_refused(DeviceStorageError, lambda: transfer.push(model), "model.tflite", "64 to spare", "58 MiB")
    assert phone.pushes == []
    phone.change(free_kib=10_000_000)
    phone.faults.fill_storage()
    assert_refused(DeviceStorageError, lambda: transfer.push(model), "no room", "Delete something")
    assert phone.files() in ([], ["swiftformer-0123456789abcdef/incoming"])


def test_a_push_that_is_cut_short(phone: Phone, model: Path) -> None:
    transfer = Transfer(Adb(phone.serial), FOLDER)
    phone.faults.truncate_push(1_234_567)
    assert_refused(
        PushMismatchError, lambda: transfer.push(model), "model.tflite", "cut short", "deleted there"
    )
    assert phone.files() == []
    assert transfer.push(model).size_bytes == 3_000_000


def test_a_phone_without_sha256sum(phone: Phone, model: Path) -> None:
    transfer = Transfer(Adb(phone.serial), FOLDER)
    (phone.userland.bin / "sha256sum").unlink()
    assert_refused(DeviceToolError, lambda: transfer.push(model), "no sha256sum", "Android 8")


def test_files_that_cannot_be_sent(phone: Phone, tmp_path: Path) -> None:
    transfer = Transfer(Adb(phone.serial), FOLDER)
    assert_refused(TFLiteFileError, lambda: transfer.push(tmp_path / "absent.tflite"), "No such file")
    assert_refused(TFLiteFileError, lambda: transfer.push(tmp_path), "no regular file")
    assert phone.pushes == []


def test_limits_of_an_answer(phone: Phone) -> None:
    adb = Adb(phone.serial)
    endless = words("sh", "-c", "while true; do echo yes yes yes yes yes yes yes; done")
    assert_refused(
        DeviceAnswerError, lambda: adb.shell(endless, limit_bytes=10_000, timeout_s=60), "more than 10,"
    )
    assert_refused(DeviceTimeoutError, lambda: adb.shell(words("sleep", "60"), timeout_s=0.5), "0.5 s")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff\xfe" * 100,
        b"$(reboot)\n`reboot`\n; reboot\n",
        b"\x1b]0;owned\x07\x1b[2J\x1b[31m",
        b"<script>alert(1)</script>",
        b"0123456789abcdef 1\n\n0123456789abcdef 0\n",
    ],
    ids=["nothing", "bytes", "shell", "escapes", "markup", "forged"],
)
def test_answers_that_are_none(phone: Phone, answer: bytes) -> None:
    phone.faults.answer("getprop", answer)
    message = assert_refused(DeviceAnswerError, lambda: read_facts(Adb(phone.serial)), "cut short")
    assert message.isprintable() and "reboot" not in message and "script" not in message


@pytest.mark.parametrize("after_bytes", [10, 60, 2000])
def test_an_answer_that_is_cut_in_mid_line(phone: Phone, after_bytes: int) -> None:
    phone.faults.cut_output("getprop", after_bytes)
    assert_refused(DeviceAnswerError, lambda: read_facts(Adb(phone.serial)), "cut short")


def test_hostile_facts_are_harmless_texts(phones: PhoneMaker) -> None:
    model = "<b>x</b>\x1b[31m$(reboot)'; reboot; '" + "y" * 3000
    phone = phones(
        properties=(("ro.product.model", model), ("ro.soc.model", "a]\n[ro.build.version.sdk]: [1")),
        battery_temperatures=(99_999,),
        thermal_statuses=(42,),
        temperatures=(("\x1b[2J", 0, 30.0), ("<script>", 1, 1e30), ("$(reboot)", 2, 31.0)),
    )
    adb = Adb(phone.serial)
    facts = read_facts(adb)
    state = read_state(adb, facts.sdk)
    assert (
        facts.model is not None
        and facts.model.startswith("<b>x</b>\\x1b[31m$(reboot)")
        and len(facts.model) <= 200
    )
    texts = [facts.model, facts.soc or "", *state.temperatures_c]
    assert all(text.isprintable() for text in texts)
    assert (state.battery_temperature_c, state.thermal_status) == (None, None)
    assert "<script>" not in state.temperatures_c and state.temperatures_c["$(reboot)"] == 31.0
    assert not any(call.startswith("reboot") for call in phone.calls)


def test_below_android_10_no_thermal_status(phones: PhoneMaker) -> None:
    phone = phones(sdk=28, thermal_statuses=(0,))
    adb = Adb(phone.serial)
    assert read_state(adb, read_facts(adb).sdk).thermal_status is None
    assert not any("thermalservice" in line for line in phone.lines)


def test_settings_that_a_phone_does_not_take_back(phone: Phone) -> None:
    with pytest.raises(DeviceError) as caught, held(phone):
        phone.faults.answer(
            "settings put system screen_off_timeout 60000", b"SecurityException", status=1, times=3
        )
    assert re.search(
        r"could not be left as it was \(screen_off_timeout 60000, stay on 0\)", str(caught.value)
    )
    assert leftover.find(phone.description.serialno) is not None
    with held(phone):
        pass


def test_a_session_is_of_one_phone() -> None:
    with pytest.raises(ValueError, match="serial"):
        DeviceSession(Adb(None, program="adb"))
