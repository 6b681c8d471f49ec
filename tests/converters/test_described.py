"""What a file says of its preprocessing, and the reason that is printed."""

from __future__ import annotations

from typing import Any

import pytest

from converters.described import Decision, choose_preprocessing
from swiftformer_keras.errors import PreprocessingError
from swiftformer_keras.preprocessing import PREPROCESSINGS, Preprocessing
from tests.harness import assert_refused

USUAL = PREPROCESSINGS["transformers"]


def choose(image_size: Any, **said: Any) -> tuple[Preprocessing, list[Decision]]:
    """Of a transformers folder whose config.json has this `image_size`."""
    arguments = {"option": None, "input_size": None, "preprocessor_config": {}, "metadata": {}, **said}
    return choose_preprocessing(
        **arguments, config={"image_size": image_size}, layout="transformers", where="my/model"
    )


@pytest.mark.parametrize(("said", "size"), [(384, (384, 384)), ([192, 160], (192, 160)), (224, (224, 224))])
def test_the_image_size_of_config_json_is_the_size(said: Any, size: tuple[int, int]) -> None:
    chosen, (decision,) = choose(said)
    assert chosen == USUAL.with_size(*size)
    assert f"squash to {size[0]} x {size[1]}" in decision.value
    assert "config.json's image_size" in decision.reason and "the file does not say" not in decision.reason


def test_without_an_image_size_the_file_does_not_say() -> None:
    chosen, (decision,) = choose(None)
    assert chosen == USUAL and decision.reason.startswith("the file does not say")


def test_whoever_says_more_wins_over_the_image_size() -> None:
    for said in ({"input_size": 96}, {"metadata": {"input_size": "96"}}):
        assert choose("wrong", **said)[0] == USUAL.with_size(96, 96)
    for said in ({"option": "authors"}, {"option": PREPROCESSINGS["authors"]}):
        assert choose(384, **said)[0] == PREPROCESSINGS["authors"]
    assert choose(384, preprocessor_config={"size": 128})[0].height == 128


@pytest.mark.parametrize(
    "said", ["384", 384.0, True, [384], [1, 2, 3], {"height": 384}, [384, "a"], [], "x" * 9_000]
)
def test_a_malformed_image_size_is_refused(said: Any) -> None:
    message = assert_refused(
        PreprocessingError, lambda: choose(said), "my/model", "config.json's image_size", "--input-size"
    )
    assert len(message) < 250


@pytest.mark.parametrize("said", [0, -1, 7, 5000, [224, 4096], 10**9])
def test_an_image_size_out_of_range_is_refused(said: Any) -> None:
    mentions = ("my/model", "config.json's image_size", "8 to 2048", "--input-size")
    assert_refused(PreprocessingError, lambda: choose(said), *mentions)
