"""Several phones at once."""

from __future__ import annotations

import pytest

from swiftformer_keras.benchmark import fleet
from swiftformer_keras.benchmark.run_file import read_run
from tests.phone.app import package
from tests.phone.fixtures import PhoneMaker
from tests.swiftformer_keras.benchmark.bench import Bench, json_of


def test_one_bad_phone_never_stops_the_others(
    bench: Bench, phones: PhoneMaker, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two good phones, one without the app, one whose cable is pulled, one that does not let us in."""
    monkeypatch.chdir(tmp_path)
    second = phones(model="Second")
    second.packages["dev.swiftformer.app"] = package()
    bare = phones(model="Bare")
    pulled = phones(model="Pulled")
    pulled.packages["dev.swiftformer.app"] = package()
    pulled.faults.unplug_during("am instrument", skip=1)
    closed = phones(model="Closed", authorisation="never")
    page = tmp_path / "page.html"
    ended = bench("--all-devices", "--json", "--report", str(page), code=2)
    found = {phone["serial"]: phone for phone in json_of(ended)["phones"]}
    assert len(found) == 5
    for phone in (bench.phone, second):
        run = read_run(tmp_path / found[phone.serial]["file"])
        assert run.device.serial == phone.serial and run.configurations[0].status == "ok"
    assert "is not on" in found[bare.serial]["error"]
    assert "--resume" in found[pulled.serial]["error"]
    assert "unlock it" in found[closed.serial]["error"] or "answer" in found[closed.serial]["error"]
    assert "Second" in page.read_text() and "Bare" not in page.read_text()
    bench.assert_as_found()
    for phone in (second, bare):
        assert not phone.files() and ("system", "screen_off_timeout") in phone.settings
        assert phone.settings["system", "screen_off_timeout"] == "60000"


def test_one_phone_under_two_names_is_measured_once(
    bench: Bench, adb_server, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by USB and Wi-Fi."""
    monkeypatch.chdir(tmp_path)
    adb_server.run("connect", f"localhost:{bench.phone.port}")
    ended = bench("--all-devices", "--json", code=2)
    first, second = sorted(json_of(ended)["phones"], key=lambda phone: "error" in phone)
    assert read_run(tmp_path / first["file"]).configurations[0].status == "ok"
    assert f"is the same phone as {first['serial']}" in second["error"]
    assert len(bench.phone.app.runs) == 3  # two processes and the one of the memory
    bench.assert_as_found()


def test_a_mistake_of_ours_on_one_phone_never_stops_the_others(
    bench: Bench, phones: PhoneMaker, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = phones()
    measure = fleet.measure

    def mistaken(job, adb, out, progress):
        if adb.serial == other.serial:
            raise ZeroDivisionError("a mistake")
        return measure(job, adb, out, progress)

    monkeypatch.setattr(fleet, "measure", mistaken)
    ended = bench("--all-devices", "--json", code=2)
    found = {phone["serial"]: phone for phone in json_of(ended)["phones"]}
    assert "a bug in swiftformer (test_fleet.py:" in found[other.serial]["error"]
    assert "ZeroDivisionError: a mistake" in found[other.serial]["error"]
    assert read_run(tmp_path / found[bench.phone.serial]["file"]).finished_at is not None


def test_phones_beyond_the_limit_are_named(
    bench: Bench, phones: PhoneMaker, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fleet, "MAX_PHONES", 1)
    phones().packages["dev.swiftformer.app"] = package()  # adb may name either one first
    ended = bench("--all-devices", "--json", code=2)
    assert sorted("run" in phone for phone in json_of(ended)["phones"]) == [False, True]
    assert "1 phones at once are the limit" in ended.out


def test_no_phone_at_all(bench: Bench, adb_server) -> None:
    bench.phone.unplug()
    adb_server.run("disconnect")
    for options in (("--all-devices",), ()):
        ended = bench(*options, "--verify", code=2)
        assert "no phone is connected" in ended.error
        assert "running the model on this computer" not in ended.err  # minutes, in vain
