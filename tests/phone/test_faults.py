"""What goes wrong with the tests' phone, as the real adb sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.phone.adb import AdbServer
from tests.phone.fixtures import PhoneMaker
from tests.phone.phone import Phone

LONG = "seq 1 100000"


def test_the_cable_is_pulled_in_the_middle_of_a_push(
    adb_server: AdbServer, phone: Phone, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(bytes(5_000_000))
    phone.faults.unplug_during_push(after_bytes=1_000_000)
    ran = adb_server.run("-s", phone.serial, "push", str(tmp_path / "file"), "/data/local/tmp/file")
    assert ran.returncode != 0
    phone.plug_in()
    adb_server.connect(phone)
    left = adb_server.run("-s", phone.serial, "shell", "stat -c %s /data/local/tmp/file").stdout
    assert 1_000_000 <= int(left) < 5_000_000


def test_the_cable_is_pulled_in_the_middle_of_output(adb_server: AdbServer, phone: Phone) -> None:
    """adb 29 itself then ends with status 0, as if all were well: a caller has to look for an end of its own."""
    phone.faults.unplug_during("seq", after_bytes=50_000)
    ran = adb_server.run("-s", phone.serial, "shell", LONG)
    assert len(ran.stdout) <= 50_000
    assert adb_server.state(phone) in (None, "offline")


def test_it_restarts_and_is_there_again(adb_server: AdbServer, phone: Phone) -> None:
    before = adb_server.run("-s", phone.serial, "shell", "cat /proc/sys/kernel/random/boot_id").stdout
    phone.faults.reboot_during("sleep", down_s=0.2)
    ran = adb_server.run("-s", phone.serial, "shell", "echo > /data/local/tmp/kept; sleep 5; echo end")
    assert ran.stdout == b""
    deadline = time.monotonic() + 20
    while adb_server.state(phone) != "device" and time.monotonic() < deadline:
        adb_server.run("connect", phone.serial)
    after = adb_server.run("-s", phone.serial, "shell", "cat /proc/sys/kernel/random/boot_id").stdout
    assert len(after) == len(before) == 37 and after != before


def test_adb_reboot_restarts_it(adb_server: AdbServer, phone: Phone) -> None:
    before = phone.boot_id
    assert adb_server.run("-s", phone.serial, "reboot").returncode == 0
    deadline = time.monotonic() + 10
    while phone.boot_id == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert phone.boot_id != before


@pytest.mark.parametrize(("authorisation", "state"), [("never", "unauthorized"), ("silent", "offline")])
def test_it_is_there_but_may_not_be_used(
    adb_server: AdbServer, phones: PhoneMaker, authorisation: str, state: str
) -> None:
    phone = phones(authorisation=authorisation)
    thread = threading.Thread(target=adb_server.run, args=("connect", phone.serial), daemon=True)
    thread.start()
    adb_server.wait_for(phone, state)
    assert adb_server.run("-s", phone.serial, "shell", "echo", timeout_s=60).returncode != 0
    phone.unplug()
    thread.join(30)


def test_a_phone_that_asks_takes_the_key(adb_server: AdbServer, phones: PhoneMaker) -> None:
    phone = phones(authorisation="key")
    assert adb_server.run("-s", phone.serial, "shell", "echo x").stdout == b"x\n"


def test_two_phones_have_their_own_names(adb_server: AdbServer, phones: PhoneMaker) -> None:
    first, second = phones(serialno="A"), phones(serialno="B")
    assert b"more than one" in adb_server.run("shell", "echo").stderr
    for phone, name in ((first, b"A\n"), (second, b"B\n")):
        assert adb_server.run("-s", phone.serial, "shell", "getprop ro.serialno").stdout == name


def test_a_full_phone_and_a_push_that_was_cut(adb_server: AdbServer, phone: Phone, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(200_000))
    words = ("-s", phone.serial, "push", str(tmp_path / "file"), "/data/local/tmp/file")
    phone.faults.truncate_push(70_000)
    assert adb_server.run(*words).returncode == 0
    assert phone.paths.real("/data/local/tmp/file").stat().st_size == 70_000
    assert adb_server.run(*words).returncode == 0
    assert phone.paths.real("/data/local/tmp/file").stat().st_size == 200_000
    phone.faults.fill_storage()
    ran = adb_server.run(*words)
    assert ran.returncode == 1 and b"No space left on device" in ran.stdout + ran.stderr


def test_answers_of_the_tests_own(adb_server: AdbServer, phone: Phone) -> None:
    words = ("-s", phone.serial, "shell", "getprop ro.product.model")
    phone.faults.answer("getprop", b"\xff\x00$(reboot)\x1b[2J<script>", b"?", 3, skip=1, times=2)
    ran = [adb_server.run(*words) for _ in range(4)]
    assert [one.returncode for one in ran] == [0, 3, 3, 0]
    assert ran[1].stdout == b"\xff\x00$(reboot)\x1b[2J<script>" and ran[1].stderr == b"?"


def test_output_ends_in_the_middle_of_a_line(adb_server: AdbServer, phone: Phone) -> None:
    phone.faults.cut_output("seq", after_bytes=10_001)
    ran = adb_server.run("-s", phone.serial, "shell", LONG)
    assert (ran.returncode, len(ran.stdout)) == (0, 10_001)


def test_a_hang_ends_when_nobody_waits(adb_server: AdbServer, phone: Phone) -> None:
    phone.faults.hang("getprop")
    with pytest.raises(Exception, match="timed out"):
        adb_server.run("-s", phone.serial, "shell", "getprop", timeout_s=0.5)
    assert adb_server.run("-s", phone.serial, "shell", "getprop ro.serialno").stdout == b"SYNTH0001\n"


@pytest.mark.parametrize("act", [lambda server, phone: server.kill(), lambda server, phone: phone.unplug()])
def test_what_runs_ends_with_the_server_or_the_cable(
    adb_server: AdbServer, phone: Phone, act: Callable[[AdbServer, Phone], None]
) -> None:
    phone.faults.do_during("sleep", lambda: threading.Timer(0.3, act, (adb_server, phone)).start())
    ran = adb_server.run("-s", phone.serial, "shell", "sleep 30; echo end", timeout_s=20)
    assert ran.stdout == b""
    deadline = time.monotonic() + 10
    while phone.processes and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not phone.processes
