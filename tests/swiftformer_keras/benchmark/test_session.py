"""A phone held and left as it was, through the real adb."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from converters.android.adb_client import Adb
from swiftformer_keras.benchmark import leftover
from swiftformer_keras.benchmark.leftover import AppRun
from swiftformer_keras.benchmark.listing import list_devices, restore
from swiftformer_keras.benchmark.parsing.properties import identity
from swiftformer_keras.benchmark.session import DeviceSession
from swiftformer_keras.errors import DeviceError, DeviceTimeoutError
from tests.harness import ROOT, assert_refused
from tests.phone.adb import AdbServer
from tests.phone.fixtures import PhoneMaker
from tests.phone.phone import Phone

TIMEOUT, STAY_ON = ("system", "screen_off_timeout"), ("global", "stay_on_while_plugged_in")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "a model; reboot.tflite"
    path.write_bytes(os.urandom(200_001))
    return path


def held(phone: Phone, **options: object) -> DeviceSession:
    return DeviceSession(Adb(phone.serial), **{"comeback_s": 0.5, **options})  # type: ignore[arg-type]


def folders(phone: Phone) -> list[str]:
    return [path.name for path in phone.paths.real("/data/local/tmp").iterdir()]


def as_before(phone: Phone, *, screen_on: bool = True) -> None:
    """Nothing of a session is left on the phone."""
    description = phone.description
    assert phone.settings == {(space, name): value for space, name, value in description.settings}
    assert phone.screen_on == screen_on
    assert folders(phone) == []
    assert leftover.find(phone.description.serialno) is None


def abandoned(phone: Phone) -> DeviceSession:
    """A session that is never left, of a process that is no more, as when this computer loses power."""
    session = held(phone).__enter__()
    assert session._hold is not None
    session._hold.release()  # as the system does
    return session


def test_the_screen_stays_on_and_is_put_back(phones: PhoneMaker) -> None:
    phone = phones(screen_on=False)
    with held(phone) as session:
        assert phone.screen_on and session.notes == []
        assert phone.settings[TIMEOUT] == "2147483647" and int(phone.settings[STAY_ON]) & 7 == 7
        assert session.facts.model == "Example Phone 1" and session.facts.sdk == 34
        state = session.state()
        assert (state.thermal_status, state.battery_temperature_c, state.screen_on) == (0, 27.1, True)
    as_before(phone, screen_on=False)


def test_settings_that_were_never_set_are_deleted_again(phones: PhoneMaker) -> None:
    phone = phones(settings=())
    with held(phone):
        assert STAY_ON in phone.settings and TIMEOUT in phone.settings
    as_before(phone)


def test_a_screen_that_cannot_be_understood_is_left_alone(phone: Phone) -> None:
    phone.settings[TIMEOUT] = "12; reboot"
    with held(phone) as session:
        assert phone.settings[STAY_ON] == "0"
        assert "left alone" in session.notes[0]
    assert phone.settings[TIMEOUT] == "12; reboot"


def test_a_file_is_sent_under_the_name_of_its_content(phone: Phone, model: Path) -> None:
    with held(phone) as session:
        sent = session.push(model)
        sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
        assert sent.path == f"{session.folder}/{sha256}.tflite" and sent.sha256 == sha256
        there = phone.paths.real(sent.path)
        assert there.read_bytes() == model.read_bytes() and there.stat().st_mode & 0o777 == 0o644
        assert there.parent.stat().st_mode & 0o777 == 0o755
        assert session.push(model) == sent and len(phone.pushes) == 1  # verified, not sent again
        there.write_bytes(b"stale")
        assert session.push(model) == sent and there.read_bytes() == model.read_bytes()
        model.write_bytes(os.urandom(200_001))
        assert session.push(model) != sent
        assert len(phone.files()) == 2
    as_before(phone)


def test_programs_have_their_own_exit_code_and_bytes(phone: Phone) -> None:
    with held(phone) as session:
        done = session.shell(["sh", "-c", "printf 'a\\377\\000b'; echo no >&2; exit 7"], 20)
        assert (done.returncode, done.stdout, done.stderr) == (7, b"a\xff\x00b", b"no\n")
        assert session.shell(["printf", "%s", "$(reboot) `x` ; y"], 20).text == "$(reboot) `x` ; y"


def test_what_hangs_is_ended_on_the_phone_too(phone: Phone) -> None:
    with held(phone) as session:
        assert_refused(
            DeviceTimeoutError,
            lambda: session.shell(["sh", "-c", "sleep 600 & sleep 600"], 1),
            "within 1 s",
            phone.serial,
        )
        deadline = time.monotonic() + 10
        while any(process.poll() is None for process in phone.processes):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    as_before(phone)


def test_an_error_in_the_block_keeps_its_words(phone: Phone) -> None:
    with pytest.raises(ZeroDivisionError), held(phone):
        _ = 1 / 0
    as_before(phone)


def test_what_an_earlier_session_left_is_put_back_first(phone: Phone, home: Path) -> None:
    session = abandoned(phone)
    assert phone.settings[TIMEOUT] == "2147483647"
    (listed,) = list_devices()
    assert listed.to_put_back and listed.advice is None
    with held(phone) as later:
        assert "put back first" in later.notes[0]
        assert session.folder != later.folder and len(folders(phone)) == 1
    as_before(phone)
    assert restore(phone.serial) is False


def test_restoring_without_a_benchmark(phone: Phone) -> None:
    abandoned(phone)
    assert restore(phone.serial) is True
    as_before(phone)


def test_what_an_earlier_benchmark_left_running_is_ended(phone: Phone) -> None:
    """An app that would write its result later, and a tool of the session's folder; nothing else."""
    session = abandoned(phone)
    app = AppRun("dev.swiftformer.app", "swiftformer-0123456789abcdef.json")
    session.owe(app)
    result = phone.paths.real(app.path)
    result.parent.mkdir(parents=True)
    result.write_text("{}")
    tool, other = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    for process, program in ((tool, f"{session.folder}/tool"), (other, "/data/local/tmp/tool")):
        folder = phone.paths.real(f"/proc/{process.pid}")
        folder.mkdir()
        (folder / "exe").symlink_to(phone.paths.real(program))
    try:
        assert restore(phone.serial) is True
        assert tool.wait(10) == -signal.SIGKILL and other.poll() is None
    finally:
        tool.kill()
        other.kill()
    assert not result.exists() and any("am force-stop dev.swiftformer.app" in line for line in phone.lines)
    as_before(phone)


def test_a_phone_that_another_benchmark_uses_is_left_alone(phone: Phone) -> None:
    with held(phone):
        before = dict(phone.settings)
        assert_refused(DeviceError, held(phone).__enter__, f"process {os.getpid()}", "uses it")
        assert_refused(DeviceError, lambda: restore(phone.serial), "uses it")
        assert phone.settings == before and leftover.find(phone.description.serialno) is not None
        assert not list_devices()[0].to_put_back
    as_before(phone)


def test_a_process_number_that_was_given_again_blocks_nothing(phone: Phone, home: Path) -> None:
    abandoned(phone)
    (record,) = (home / "devices").glob("*.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "process": os.getppid()}))
    assert list_devices()[0].to_put_back
    with held(phone):
        pass
    as_before(phone)


def test_one_phone_under_two_names_is_held_once(
    phone: Phone, phones: PhoneMaker, adb_server: AdbServer
) -> None:
    """As by USB and Wi-Fi: the second name changes nothing, and puts back what the first has left."""
    second = f"localhost:{phone.port}"
    adb_server.run("connect", second)
    other = DeviceSession(Adb(second), comeback_s=0.5)
    with held(phone):
        before = dict(phone.settings)
        assert_refused(DeviceError, other.__enter__, "uses it")
        assert phone.settings == before
    as_before(phone)
    abandoned(phone)
    assert restore(second) is True
    as_before(phone)


@pytest.mark.parametrize(
    ("serialno", "found"),
    [
        ("R58N12ABCDE", "R58N12ABCDE"),
        ("", "usb"),
        ("unknown", "usb"),
        ("00000000", "usb"),
        ("0123456789ABCDEF", "usb"),
        ("EMULATOR36X1X9X0", "usb"),
        ("../../x", "usb"),
    ],
)
def test_a_number_that_many_phones_share_is_no_identity(serialno: str, found: str) -> None:
    assert identity({"ro.serialno": serialno}, "usb") == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"phone": "other"}',
        '{"phone": "PHONE", "process": 5, "screen": null, "folder": "/data/local/tmp"}',
        '{"phone": "PHONE", "process": 5, "screen": null, "folder": "/data/local/tmp/swiftformer-x; reboot"}',
        '{"phone": "PHONE", "process": 5, "screen": {"off_timeout_ms": "1; reboot", "stay_on": null, '
        '"awake": true}, "folder": "/data/local/tmp/swiftformer-0123456789abcdef"}',
        '{"phone": "PHONE", "process": 5, "screen": null, "folder": "/data/local/tmp/swiftformer-0123456789abcdef", '
        '"app": {"package": "a.b; reboot", "result": "swiftformer-0123456789abcdef.json"}}',
        '{"phone": "PHONE", "process": 5, "screen": null, "folder": "/data/local/tmp/swiftformer-0123456789abcdef", '
        '"app": {"package": "a.b", "result": "../../x"}}',
    ],
)
def test_a_record_that_makes_no_sense_deletes_nothing(text: str) -> None:
    leftover.keep(leftover.Leftover("A1B2", 1, None, "/data/local/tmp/swiftformer-0123456789abcdef"))
    assert leftover.find("A1B2") is not None
    leftover._path("A1B2").write_text(text.replace("PHONE", "A1B2"))
    assert leftover.find("A1B2") is None


@pytest.fixture
def child(adb_server: AdbServer, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a process that holds a phone as the command line does, and prints when it is in the block."""
    started: list[subprocess.Popen[str]] = []
    program = tmp_path / "child.py"
    program.write_text(
        textwrap.dedent(
            """
            import sys, time
            from pathlib import Path
            from swiftformer_keras import interruption
            interruption.listen()
            from converters.android.adb_client import Adb
            from swiftformer_keras.benchmark.session import DeviceSession
            print("begins", flush=True)
            try:
                with DeviceSession(Adb(sys.argv[1])) as session:
                    print("held", flush=True)
                    if sys.argv[2] == "push":
                        session.push(Path(sys.argv[3]))
                    else:
                        session.shell(["sleep", "60"], 90)
            finally:
                print("left", flush=True)
            """
        )
    )

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(program), *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise AssertionError(f"{word!r} never came")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_something_runs(
    phone: Phone, child: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = child(phone.serial, "run")
    read_until(process, "held")
    while not any("sleep" in line for line in phone.lines):
        time.sleep(0.05)
    os.killpg(process.pid, number)
    read_until(process, "left")
    process.wait(60)
    assert process.returncode == (-signal.SIGINT if number == signal.SIGINT else 143)
    as_before(phone)
    assert not any(running.poll() is None for running in phone.processes)


@pytest.mark.slow
def test_ctrl_c_again_while_things_are_put_back(
    phone: Phone, child: Callable[..., subprocess.Popen[str]]
) -> None:
    process = child(phone.serial, "run")
    read_until(process, "held")
    phone.faults.do_during("rm -rf", lambda: os.killpg(process.pid, signal.SIGINT))
    os.killpg(process.pid, signal.SIGINT)
    process.wait(60)
    as_before(phone)


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    ["getprop", "settings get system screen_off_timeout \\|\\|", "mkdir", "settings put system", "sha256sum"],
)
def test_ctrl_c_at_any_other_point(
    phone: Phone, child: Callable[..., subprocess.Popen[str]], moment: str, model: Path
) -> None:
    process = child(phone.serial, "push", str(model))
    read_until(process, "begins")
    phone.faults.do_during(moment, lambda: os.killpg(process.pid, signal.SIGINT))
    process.wait(60)
    assert process.returncode == -signal.SIGINT, process.stderr.read() if process.stderr else ""
    as_before(phone)


@pytest.mark.slow
def test_ctrl_c_in_mid_push(
    phone: Phone, child: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    large = tmp_path / "large.tflite"
    large.write_bytes(bytes(20_000_000))
    process = child(phone.serial, "push", str(large))
    phone.faults.do_during_push(lambda: os.killpg(process.pid, signal.SIGINT), 1_000_000)
    process.wait(60)
    assert process.returncode == -signal.SIGINT
    as_before(phone)
