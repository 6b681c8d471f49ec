"""Where a run is saved where no name was given: never over another run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from swiftformer_keras.cli.benchmark import _Files


def test_a_file_is_named_after_model_phone_and_moment(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = _Files(Path("folder/my model.tflite"), None)("emulator-5554")
    assert path.name.startswith("benchmark-my_model-emulator-5554-2") and path.suffix == ".json"


def test_what_is_there_is_never_replaced(tmp_path, monkeypatch) -> None:
    """Two runs of one second: the second finds the first one's file."""
    monkeypatch.chdir(tmp_path)
    files = _Files(Path("a.tflite"), None)
    first = files("serial")
    first.write_text("measured")
    again = _Files(Path("a.tflite"), None)
    again._moment = files._moment
    second = again("serial")
    assert second.stem == f"{first.stem}-2"
    second.symlink_to("nowhere")
    third = _Files(Path("a.tflite"), None)
    third._moment = files._moment
    assert third("serial").stem == f"{first.stem}-3"
    assert first.read_text() == "measured" and files.written() == [first]


def test_phones_whose_serials_look_alike_in_a_name_have_files_of_their_own(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = _Files(Path("a.tflite"), None)
    serials = ["192.168.0.7:5555", "192_168_0_7_5555", "192.168.0.7_5555", "x" * 70, "x" * 71] * 4
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(files, serials))) == len(serials)


def test_a_name_that_was_given_is_kept(tmp_path) -> None:
    given = tmp_path / "run.json"
    given.write_text("before")
    assert _Files(Path("a.tflite"), given)("serial") == given
