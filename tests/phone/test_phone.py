"""The tests' phone, by the real adb: what it sends, what it takes, and what it says went wrong."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.phone.adb import AdbServer
from tests.phone.fixtures import PhoneMaker
from tests.phone.paths import OutputPaths, Paths
from tests.phone.phone import Phone

Shell = subprocess.CompletedProcess[bytes]


def shell(server: AdbServer, phone: Phone, line: str, **options: object) -> Shell:
    """One command line on the phone."""
    return server.run("-s", phone.serial, "shell", line, **options)


def test_adb_lists_it(adb_server: AdbServer, phone: Phone) -> None:
    said = adb_server.run("devices", "-l").stdout.decode()
    assert f"{phone.serial}        device product:synthetic model:Example_Phone_1 device:synthetic" in said


def test_commands_have_two_outputs_and_a_status(adb_server: AdbServer, phone: Phone) -> None:
    ran = shell(adb_server, phone, "echo out; echo error >&2; exit 7")
    assert (ran.returncode, ran.stdout, ran.stderr) == (7, b"out\n", b"error\n")
    assert shell(adb_server, phone, "no_such_program").returncode == 127
    assert shell(adb_server, phone, "getprop ro.product.model").stdout == b"Example Phone 1\n"


def test_bytes_go_in_and_out_unchanged(adb_server: AdbServer, phone: Phone) -> None:
    data = random.Random(1).randbytes(3_000_017)
    ran = shell(adb_server, phone, "cat > /data/local/tmp/in; sha256sum /data/local/tmp/in", input=data)
    assert ran.stdout.decode().split() == [hashlib.sha256(data).hexdigest(), "/data/local/tmp/in"]
    out = adb_server.run("-s", phone.serial, "exec-out", "cat /data/local/tmp/in")
    assert out.stdout == data


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_048_576, 12_345_678])
def test_what_is_pushed_comes_back(adb_server: AdbServer, phone: Phone, tmp_path: Path, size: int) -> None:
    data = random.Random(size).randbytes(size)
    (tmp_path / "there").write_bytes(data)
    path = "/data/local/tmp/a name, with more.bin"
    pushed = adb_server.run("-s", phone.serial, "push", str(tmp_path / "there"), path)
    assert pushed.returncode == 0, pushed.stderr
    assert shell(adb_server, phone, f"sha256sum '{path}'").stdout.split()[0].decode() == (
        hashlib.sha256(data).hexdigest()
    )
    pulled = adb_server.run("-s", phone.serial, "pull", path, str(tmp_path / "back"))
    assert pulled.returncode == 0, pulled.stderr
    assert (tmp_path / "back").read_bytes() == data


def test_a_folder_goes_and_comes(adb_server: AdbServer, phone: Phone, tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    for index in range(20):
        (tmp_path / "folder" / "inner" / f"{index}.txt").write_text(str(index))
    assert (
        adb_server.run("-s", phone.serial, "push", str(tmp_path / "folder"), "/data/local/tmp/").returncode
        == 0
    )
    assert len(phone.files("/data/local/tmp/folder/inner")) == 20
    ran = adb_server.run("-s", phone.serial, "pull", "/data/local/tmp/folder", str(tmp_path / "back"))
    assert ran.returncode == 0, ran.stderr
    assert {file.read_text() for file in (tmp_path / "back").rglob("*.txt")} == {
        str(index) for index in range(20)
    }


def test_many_at_once(adb_server: AdbServer, phone: Phone) -> None:
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        lines = [f"echo {index}; getprop ro.serialno; exit {index}" for index in range(12)]
        ran = list(pool.map(lambda line: shell(adb_server, phone, line), lines))
    assert [one.returncode for one in ran] == list(range(12))
    assert [one.stdout for one in ran] == [f"{index}\nSYNTH0001\n".encode() for index in range(12)]


def test_nothing_outside_its_folder_is_touched(adb_server: AdbServer, phone: Phone, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("ours")
    for line in (
        f"rm {kept}",
        "rm -rf /*",
        "cat /etc/passwd",
        f"cat < /data/local/tmp/../../../../../..{kept}",
        f"cat /data/local/tmp/../../../../../..{kept}",
        f"cat < ../../../../../..{kept}",
        f"cp /proc/meminfo {kept}",
    ):
        ran = shell(adb_server, phone, line)
        assert ran.returncode != 0 and b"ours" not in ran.stdout, line
    assert kept.read_text() == "ours"
    assert (
        shell(adb_server, phone, "rm /proc/meminfo").stderr == b"rm: /proc/meminfo: Read-only file system\n"
    )


def test_a_push_elsewhere_or_without_room_is_refused(
    adb_server: AdbServer, phones: PhoneMaker, tmp_path: Path
) -> None:
    phone = phones(free_kib=100)
    (tmp_path / "file").write_bytes(bytes(300_000))
    for path, words in (
        ("/system/file", b"Permission denied"),
        ("/data/local/tmp/file", b"No space left on device"),
    ):
        ran = adb_server.run("-s", phone.serial, "push", str(tmp_path / "file"), path)
        assert ran.returncode == 1 and words in ran.stdout + ran.stderr
    assert phone.files() == []


def test_what_nobody_waits_for_is_ended(adb_server: AdbServer, phone: Phone) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        shell(adb_server, phone, "sleep 60", timeout_s=0.5)
    (process,) = phone.processes or [None]
    assert process is None or process.wait(10) < 0


def test_paths_of_a_command_line(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    root = str(paths.root)
    assert paths.line("cat /proc/meminfo '/data/local/tmp/a b' x/data /dev/null") == (
        f"cat {root}/proc/meminfo '{root}/data/local/tmp/a b' x/data /dev/null"
    )
    assert paths.line("--graph=/data/local/tmp/m.tflite>/sdcard/x") == (
        f"--graph={root}/data/local/tmp/m.tflite>{root}/sdcard/x"
    )
    text = f"{root}/data: {root[:-1]} {root}".encode()
    for size in range(1, len(text)):
        back = OutputPaths(paths)
        parts = [back.feed(text[start : start + size]) for start in range(0, len(text), size)]
        assert b"".join([*parts, back.rest()]) == f"/data: {root[:-1]} ".encode()


def test_by_an_ordinary_user(phone: Phone) -> None:
    """Nothing in it needs a right that only root has: no mount, no chroot, no other user."""
    if os.geteuid() == 0:
        for folder in (phone.userland.bin.parent, phone.paths.root):
            assert folder.stat().st_uid == 0
    assert phone.port > 1023
