"""Several phones at once."""

from __future__ import annotations

import pytest

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


def test_no_phone_at_all(bench: Bench, adb_server) -> None:
    bench.phone.unplug()
    adb_server.run("disconnect")
    assert "no phone is connected" in bench("--all-devices", code=2).error
