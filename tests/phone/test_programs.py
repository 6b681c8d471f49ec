"""Android's own commands on the tests' phone, by the real adb: installing, settings, the fake tool, logs."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest

from tests.phone.adb import AdbServer
from tests.phone.app import ID, RUNNER, Behaviour, Share, SyntheticApp, package
from tests.phone.fixtures import PhoneMaker
from tests.phone.phone import Phone
from tests.phone.tool import ABIS, Printed, RecordedTool, write_tool


def said(server: AdbServer, phone: Phone, line: str) -> str:
    """What a command line that succeeds prints."""
    ran = server.run("-s", phone.serial, "shell", line)
    assert ran.returncode == 0, ran
    return ran.stdout.decode()


def apk(path: Path, **facts: object) -> Path:
    """As much of an APK as the phone looks at."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("AndroidManifest.xml", bytes(1000))
        archive.writestr("assets/build.json", json.dumps({"application_id": ID, "benchmark": True, **facts}))
    return path


def test_adb_installs_and_removes_an_app(adb_server: AdbServer, phone: Phone, tmp_path: Path) -> None:
    ran = adb_server.run("-s", phone.serial, "install", "-r", str(apk(tmp_path / "app.apk")))
    assert ran.returncode == 0 and b"Success" in ran.stdout, ran
    assert said(adb_server, phone, "pm list packages").splitlines() == [f"package:{ID}"]
    assert said(adb_server, phone, f"pm path {ID}").startswith("package:/data/app/")
    assert f"instrumentation:{ID}/{RUNNER} (target={ID})" in said(
        adb_server, phone, "pm list instrumentation"
    )
    assert b"Success" in adb_server.run("-s", phone.serial, "uninstall", ID).stdout
    assert phone.packages == {}


def test_adb_says_why_an_app_is_not_installed(adb_server: AdbServer, phone: Phone, tmp_path: Path) -> None:
    (tmp_path / "no.apk").write_bytes(b"PK" + bytes(5000))
    ran = adb_server.run("-s", phone.serial, "install", str(tmp_path / "no.apk"))
    assert ran.returncode == 1 and b"INSTALL_PARSE_FAILED_NOT_APK" in ran.stdout + ran.stderr
    phone.install_failure = "INSTALL_FAILED_INSUFFICIENT_STORAGE"
    ran = adb_server.run("-s", phone.serial, "install", str(apk(tmp_path / "app.apk")))
    assert ran.returncode == 1 and b"INSTALL_FAILED_INSUFFICIENT_STORAGE" in ran.stdout + ran.stderr


def test_an_app_in_parts_is_installed_in_a_session(
    adb_server: AdbServer, phone: Phone, tmp_path: Path
) -> None:
    data = apk(tmp_path / "app.apk").read_bytes()
    assert said(adb_server, phone, f"pm install-create -S {len(data)}").endswith("session [1]\n")
    line = f"cmd package install-write -S {len(data)} 1 base -"
    ran = adb_server.run("-s", phone.serial, "exec-in", line, input=data)
    assert ran.returncode == 0
    deadline = time.monotonic() + 20
    while len(phone.sessions[0]) < len(data) and time.monotonic() < deadline:
        time.sleep(0.02)  # exec-in does not wait for what the phone makes of it
    assert said(adb_server, phone, "pm install-commit 1") == "Success\n"
    assert ID in phone.packages


def test_settings_and_the_screen(adb_server: AdbServer, phones: PhoneMaker) -> None:
    phone = phones(screen_on=False)
    assert "mWakefulness=Asleep" in said(adb_server, phone, "dumpsys power")
    assert said(adb_server, phone, "input keyevent KEYCODE_WAKEUP; svc power stayon true") == ""
    assert phone.screen_on
    assert said(adb_server, phone, "settings get global stay_on_while_plugged_in") == "15\n"
    assert said(adb_server, phone, "settings put system screen_off_timeout '12 34'") == ""
    assert said(adb_server, phone, "settings get system screen_off_timeout") == "12 34\n"
    assert said(adb_server, phone, "settings delete system screen_off_timeout") == "Deleted 1 rows\n"
    assert said(adb_server, phone, "settings get system screen_off_timeout") == "null\n"


def test_it_cools_down_from_reading_to_reading(adb_server: AdbServer, phones: PhoneMaker) -> None:
    phone = phones(thermal_statuses=(3, 1, 0), battery_temperatures=(411, 395))
    thermal = [said(adb_server, phone, "dumpsys thermalservice | grep '^Thermal'") for _ in range(4)]
    assert [line.split()[-1] for line in thermal] == ["3", "1", "0", "0"]
    battery = [said(adb_server, phone, "dumpsys battery | grep temperature") for _ in range(3)]
    assert [line.split()[-1] for line in battery] == ["411", "395", "395"]


def test_run_as_lets_only_into_apps_that_may_be_debugged(adb_server: AdbServer, phone: Phone) -> None:
    phone.packages["a.b"] = package("a.b")
    phone.packages["c.d"] = package("c.d", debuggable=True)
    ran = adb_server.run("-s", phone.serial, "shell", "run-as a.b ls")
    assert (ran.returncode, ran.stderr) == (1, b"run-as: package not debuggable: a.b\n")
    assert said(
        adb_server, phone, "echo 1 | run-as c.d tee /data/local/tmp/x; run-as c.d cat /data/local/tmp/x"
    ) == ("1\n1\n")


def test_the_tool_prints_what_it_was_given(adb_server: AdbServer, phones: PhoneMaker, tmp_path: Path) -> None:
    phone = phones(abis=ABIS)
    phone.tool = RecordedTool({"cpu": "cpu 1\n", "gpu": Printed("", "no gpu\n", 3)})
    (tmp_path / "m.tflite").write_bytes(b"model")
    for file in (write_tool(tmp_path / "tool"), tmp_path / "m.tflite"):
        assert adb_server.run("-s", phone.serial, "push", str(file), "/data/local/tmp/").returncode == 0
    tool = "/data/local/tmp/tool --graph=/data/local/tmp/m.tflite --num_threads=2"
    ran = adb_server.run("-s", phone.serial, "shell", f"taskset f0 {tool}; {tool} --use_gpu=true")
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, b"cpu 1\n", b"no gpu\n")
    assert [run["affinity"] for run in phone.tool.runs] == ["f0", ""]
    assert [run["num_threads"] for run in phone.tool.runs] == ["2", "2"]
    ran = adb_server.run("-s", phone.serial, "shell", "/data/local/tmp/tool --graph=/data/local/tmp/nothing")
    assert ran.returncode == 1 and b"Failed to load model /data/local/tmp/nothing" in ran.stderr


def test_the_log_has_what_happened(adb_server: AdbServer, phone: Phone) -> None:
    phone.log += [f"E/AndroidRuntime: line {index}" for index in range(20)]
    assert said(adb_server, phone, "logcat -d -t 3").splitlines()[-3:] == phone.log[-3:]
    assert said(adb_server, phone, "logcat -c; logcat -d") == "--------- beginning of main\n"


def test_an_app_that_only_pretends(adb_server: AdbServer, phone: Phone, tmp_path: Path) -> None:
    phone.packages[ID] = package()
    app = SyntheticApp()
    app.behaviours["gpu"] = Behaviour(12.0, shares=(Share(180, 200, 3),))
    app.behaviours["nnapi"] = Behaviour(refusal="NNAPI has no accelerator on this device")
    phone.app = app
    (tmp_path / "m.tflite").write_bytes(b"model")
    adb_server.run("-s", phone.serial, "push", str(tmp_path / "m.tflite"), "/data/local/tmp/m.tflite")
    arguments = "-e model /data/local/tmp/m.tflite -e runs 7 -e delegate {}"
    line = f"am instrument -w -r {arguments} {ID}/.BenchmarkInstrumentation"
    answer = said(adb_server, phone, line.format("gpu"))
    assert answer.endswith("benchmark.json\nINSTRUMENTATION_CODE: -1\n")
    result = json.loads(said(adb_server, phone, f"cat /sdcard/Android/data/{ID}/files/benchmark.json"))
    assert len(result["samples_ms"]) == 7
    assert result["running"]["replacing"] == [
        {"delegate": "TfLiteGpuDelegateV2", "taken": 180, "total": 200, "partitions": 3}
    ]
    answer = said(adb_server, phone, line.format("nnapi"))
    assert "INSTRUMENTATION_RESULT: error=NNAPI has no accelerator on this device\n" in answer
    assert answer.endswith("INSTRUMENTATION_CODE: 0\n")
    phone.faults.crash_app("E/AndroidRuntime: FATAL EXCEPTION: Instr: x\nE/AndroidRuntime: java.lang.Error")
    answer = said(adb_server, phone, line.format("cpu"))
    assert "INSTRUMENTATION_RESULT: shortMsg=Process crashed.\n" in answer
    assert "FATAL EXCEPTION" in said(adb_server, phone, "logcat -d")


@pytest.mark.parametrize(
    "line", ["am instrument -w x", "am instrument -w a.b/.C", "am nothing", "cmd x", "settings x y"]
)
def test_what_android_refuses_has_a_status(adb_server: AdbServer, phone: Phone, line: str) -> None:
    ran = adb_server.run("-s", phone.serial, "shell", line)
    assert ran.returncode != 0 and ran.stdout + ran.stderr
