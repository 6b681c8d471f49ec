"""Classification as a file's own metadata says, against logits computed by numpy and by Keras."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from converters.tflite.associated_files import append_files
from converters.tflite.classify import PictureResult, classify
from converters.tflite.metadata import write_metadata
from swiftformer_keras.config import SwiftFormerConfig
from swiftformer_keras.errors import LabelsError, MetadataError, ModelFileError, TFLiteFileError
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import PREPROCESSINGS, Preprocessing, apply, normalize
from tests.converters.tflite.models import BIAS, LABELS, card, logits, tiny, written
from tests.harness import SHARED, assert_refused, assert_same_logits, needs_shared

COLOURS = {"red": (230, 20, 30), "green": (10, 200, 40), "blue": (15, 25, 220)}


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 50), colour).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def expected(picture: Path, bias: np.ndarray = BIAS) -> np.ndarray:
    return logits(np.asarray(Image.open(picture)), bias)[0]  # one colour: no resizing changes its mean


def small_classifier() -> Any:
    from swiftformer_keras import SwiftFormerImageClassifier

    config = SwiftFormerConfig((1, 1, 1, 1), (8, 16, 24, 32), num_classes=4)
    return SwiftFormerImageClassifier(
        config, preprocessing=Preprocessing(64, 64, "crop", 0.95), labels=LABELS
    )


def scores(result: PictureResult) -> np.ndarray:
    """All of a result's scores in the order of the classes."""
    return np.array([p.score for p in sorted(result.predictions, key=lambda p: p.index)])


def test_logits_labels_and_probabilities(tmp_path: Path, pictures: list[Path]) -> None:
    found = classify(written(tmp_path, write_metadata(tiny(), card())), pictures, top=4)
    assert [result.picture for result in found.results] == [str(picture) for picture in pictures]
    for result, label in zip(found.results, ("青", "grün", "red"), strict=True):  # blue, green, red
        wanted = expected(Path(result.picture))
        assert_same_logits(scores(result), wanted)
        assert result.predictions[0].label == label
        assert [p.label for p in result.predictions] == [LABELS[i] for i in np.argsort(-wanted)]
        softmax = np.exp(wanted) / np.exp(wanted).sum()
        np.testing.assert_allclose(
            [p.probability for p in result.predictions], np.sort(softmax)[::-1], atol=1e-5
        )
        assert result.model_ms is not None
    assert found.failed == 0
    assert json.loads(json.dumps(found.to_dict()))["results"][0]["predictions"][0]["label"] == "青"


def test_a_picture_with_only_negative_logits_still_has_a_name(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, write_metadata(tiny(bias=BIAS - 50), card()))
    result = classify(path, pictures[:1], top=1).results[0]
    assert result.predictions[0].label == "青"
    assert result.predictions[0].score < 0


def test_probabilities_are_given_as_they_are(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, write_metadata(tiny(softmax=True), card(output_kind="probabilities")))
    for prediction in classify(path, pictures[:1]).results[0].predictions:
        assert prediction.score == prediction.probability


def test_normalised_input(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, write_metadata(tiny(), card(input_kind="normalized")))
    p = card().preprocessing
    values = (np.asarray(Image.open(pictures[0]), np.float32) / 255 - p.mean) / p.std
    assert_same_logits(scores(classify(path, pictures[:1]).results[0]), logits(values)[0])


def test_a_file_without_labels_gives_numbers(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, write_metadata(tiny(), card(labels=None)))
    assert [p.label for p in classify(path, pictures[:1], top=1).results[0].predictions] == ["2"]


def test_one_bad_picture_does_not_lose_the_rest(tmp_path: Path, pictures: list[Path]) -> None:
    bad = tmp_path / "pictures" / "a bad one.png"
    bad.write_bytes(b"no picture")
    path = written(tmp_path, write_metadata(tiny(), card()))
    seen: list[PictureResult] = []
    found = classify(path, [tmp_path / "missing.png", tmp_path / "pictures"], top=1, on_result=seen.append)
    assert [result.error is None for result in found.results] == [False, False, True, True, True]
    assert found.failed == 2
    for result in found.results[:2]:
        assert result.error is not None
        assert result.picture in result.error
        assert "\n" not in result.error
    assert tuple(seen) == found.results


def test_a_folder_without_pictures_is_an_error_of_its_own(tmp_path: Path, pictures: list[Path]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    found = classify(written(tmp_path, write_metadata(tiny(), card())), [empty, *pictures])
    assert [result.error is None for result in found.results] == [False, True, True, True]


def test_a_keras_file_says_the_same_as_its_model(tmp_path: Path, pictures: list[Path]) -> None:
    import keras

    model = small_classifier()
    p = model.preprocessing
    path = tmp_path / "model.keras"
    model.save(path)
    found = classify(path, pictures, top=4)
    for result in found.results:
        pixels = apply(Image.open(result.picture).convert("RGB"), p)
        assert_same_logits(
            scores(result), keras.ops.convert_to_numpy(model(normalize(pixels, p)[None]))[0], 1e-5
        )
        assert {prediction.label for prediction in result.predictions} == set(LABELS)


# --- files of others --------------------------------------------------------------------------------

PIXELS = Preprocessing(32, 24, "squash", mean=(0, 0, 0), std=(1 / 255, 1 / 255, 1 / 255))


def test_a_file_without_metadata_needs_options(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, tiny())
    assert_refused(MetadataError, lambda: classify(path, pictures), str(path), "--preprocessing")
    result = classify(path, pictures[:1], preprocessing=PIXELS, labels=LABELS, top=4).results[0]
    assert_same_logits(scores(result), expected(pictures[0]))
    assert result.predictions[0].label == "青"


def test_a_file_without_metadata_whose_output_sums_to_one_gives_probabilities(
    tmp_path: Path, pictures: list[Path]
) -> None:
    found = classify(written(tmp_path, tiny(softmax=True)), pictures, preprocessing=PIXELS)
    assert found.output_kind == "probabilities"


def test_labels_of_foreign_metadata_are_used(tmp_path: Path, pictures: list[Path]) -> None:
    ours = write_metadata(tiny(), card())
    flatbuffer = ours[: ours.index(b"PK\x03\x04")]  # without our card, as another tool would leave it
    path = written(tmp_path, append_files(flatbuffer, {"labels.txt": "\n".join(LABELS).encode()}))
    assert_refused(MetadataError, lambda: classify(path, pictures), "no model card")
    assert classify(path, pictures[:1], preprocessing=PIXELS).results[0].predictions[0].label == "青"


def test_the_size_of_given_preprocessing_gives_way_to_the_files(tmp_path: Path, pictures: list[Path]) -> None:
    small = PIXELS.with_size(16, 16)
    result = classify(written(tmp_path, tiny()), pictures[:1], preprocessing=small, top=4).results[0]
    assert_same_logits(scores(result), expected(pictures[0]))


def test_labels_of_the_wrong_number_are_refused(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, tiny())
    assert_refused(
        LabelsError, lambda: classify(path, pictures, preprocessing=PIXELS, labels=("a", "b")), "2 labels"
    )


def test_labels_that_do_not_fit_are_named_before_anything_runs(
    tmp_path: Path, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = tmp_path / "two.txt"
    two.write_text("a\nb\n")
    monkeypatch.setattr("converters.tflite.sandbox.Runner.run", lambda *_: pytest.fail("it was run"))
    path = written(tmp_path, tiny())
    said = assert_refused(
        LabelsError, lambda: classify(path, pictures, preprocessing=PIXELS, labels=two), "4 classes"
    )
    assert said.startswith(f"{two}: has 2 labels")
    model = tmp_path / "model.keras"
    small_classifier().save(model)
    assert_refused(LabelsError, lambda: classify(model, pictures, labels=two), str(two), "2 labels")


def test_a_backbone_is_refused(tmp_path: Path, pictures: list[Path]) -> None:
    path = tmp_path / "backbone.keras"
    small_classifier().backbone.save(path)
    assert_refused(ModelFileError, lambda: classify(path, pictures), str(path), "classification head")


def test_a_name_that_is_not_utf8_is_a_name(tmp_path: Path, pictures: list[Path]) -> None:
    path = tmp_path / os.fsdecode(b"n\xff.tflite")
    path.write_bytes(write_metadata(tiny(), card()))
    assert classify(path, pictures[:1], top=1).results[0].predictions[0].label == "青"


def quantised(scale: float | None) -> Any:
    """A change that makes the tiny model's input uint8, QUANTIZEd to float inside."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        entry = schema.TensorT()
        entry.name, entry.shape, entry.type = (
            "pixels",
            np.array([1, 32, 24, 3], np.int32),
            schema.TensorType.UINT8,
        )
        entry.quantization = schema.QuantizationParametersT()
        if scale is not None:
            entry.quantization.scale = np.array([scale], np.float32)
            entry.quantization.zeroPoint = np.array([3], np.int64)
        graph.tensors.append(entry)
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
        code.version = 1
        model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs, operator.outputs = np.array([len(graph.tensors) - 1], np.int32), graph.inputs
        graph.operators.insert(0, operator)
        graph.inputs = operator.inputs

    return change


def test_a_quantised_input_gets_the_files_scale(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, write_metadata(tiny(quantised(1.25)), card()))
    result = classify(path, pictures[:1], top=4).results[0]
    assert_same_logits(
        scores(result), expected(pictures[0]), 1.25 / 2 * 2 / 50
    )  # half a step of every channel


def test_a_quantised_input_without_parameters_is_refused(tmp_path: Path, pictures: list[Path]) -> None:
    path = written(tmp_path, tiny(quantised(None)))
    assert_refused(TFLiteFileError, lambda: classify(path, pictures, preprocessing=PIXELS))


def test_other_endings_are_refused(tmp_path: Path, pictures: list[Path]) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(tiny())
    assert_refused(TFLiteFileError, lambda: classify(path, pictures), str(path), ".keras")


@needs_shared
def test_a_file_with_channels_first_by_another_tool(pictures: list[Path]) -> None:
    """litert-torch's SwiftFormer-XS takes (1, 3, 224, 224); compared with LiteRT run by hand."""
    assert SHARED is not None
    path = SHARED / "peers" / "swiftformer_xs_224_fp32.tflite"
    contract = PREPROCESSINGS["timm"]
    result = classify(path, pictures[:1], top=1000, preprocessing=contract).results[0]
    values = normalize(apply(open_picture(pictures[0]), contract), contract)
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], values.transpose(2, 0, 1)[None].copy()
    )
    interpreter.invoke()
    assert_same_logits(
        scores(result), interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0], 1e-3
    )
