"""The committed golden tensors are what Python makes today."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests.android_app import make_golden
from tests.android_app.core.pictures import picture, plane, upright_frame


def test_the_committed_tensors_are_as_python_makes_them() -> None:
    assert make_golden.differences() == []


def test_a_difference_is_found(tmp_path: pytest.TempPathFactory) -> None:
    folder = tmp_path / "golden"  # type: ignore[operator]
    folder.mkdir()
    assert make_golden.differences(folder) == [
        "golden.json is missing",
        "golden.bin is missing",
        "files.zip is missing",
    ]
    (folder / "golden.bin").write_bytes(b"x")
    assert "golden.bin differs" in make_golden.differences(folder)


def test_every_published_setting_and_turn_is_there() -> None:
    cases = make_golden.picture_cases() + make_golden.frame_cases() + make_golden.input_cases()
    assert len({case["name"] for case in cases}) == len(cases)
    settings = [case["preprocessing"] for case in cases]
    for preprocessing in PREPROCESSINGS.values():
        assert settings.count(preprocessing.to_dict()) >= 8
    turns = {(case["frame"]["rotation"], case["frame"]["mirror"]) for case in cases if "frame" in case}
    assert len(turns) == 8


def test_pictures_are_what_their_names_say() -> None:
    noise = np.asarray(picture(64, 64, "noise", 1))
    assert abs(noise.mean() - 127.5) < 3 and noise.std() > 70
    assert set(np.unique(plane(30, 20, "blocks", 1))) == {0, 255}
    frame = {
        "width": 6,
        "height": 4,
        "kind": "noise",
        "seed": 1,
        "crop": [1, 0, 6, 4],
        "rotation": 90,
        "mirror": False,
    }
    upright = upright_frame(frame)
    assert isinstance(upright, Image.Image) and upright.size == (4, 5)
