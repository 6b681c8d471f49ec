"""Files as `swiftformer export` and `swiftformer quantize` make them, each made once, and pictures for them."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from converters.tflite.calibrate import plain_interpreter
from converters.tflite.check import interpreter_of
from converters.tflite.export import export
from converters.tflite.inspect import inspect_tflite
from converters.tflite.quantize import quantize
from converters.tflite.settings import Gelu, Precision
from swiftformer_keras.data import sample_pictures
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import PREPROCESSINGS, apply
from tests import reference
from tests.android_app.make_golden import tensor_bytes


@functools.cache
def classifier(variant: str) -> Any:
    """With reference weights and what an export asks of a model."""
    classes = reference.weights(variant)[0].num_classes
    labels = tuple(f"class {index}" for index in range(classes))
    return reference.classifier(variant, preprocessing=PREPROCESSINGS["timm"], labels=labels)


class Files:
    """Exported files in a folder, made when they are first asked for; processes may share it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder

    def exported(self, variant: str, size: int, precision: Precision, gelu: Gelu | None = None) -> Path:
        options = {"precision": precision, "gelu": gelu, "input_size": (size, size)}
        return self._made(
            f"{variant}_{size}_{precision}_{gelu or 'default'}.tflite",
            lambda path: export(classifier(variant), path, **options),
        )

    def quantised(self, variant: str, size: int, io: str) -> Path:
        """Of few pictures and with plain biases: what is compared is two runtimes, not how near they are to Keras."""
        options = {"samples": 32, "correct_bias": False, "min_sqnr_db": 0.0, "io": io}
        return self._made(
            f"{variant}_{size}_int8_{io}.tflite",
            lambda path: quantize(
                classifier(variant), path, calibration="demo", input_size=(size, size), **options
            ),
        )

    def _made(self, name: str, make: Callable[[Path], object]) -> Path:
        path = self.folder / name
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                make(Path(scratch) / name)
                (Path(scratch) / name).rename(path)
        return path


@functools.cache
def photos() -> tuple[np.ndarray, ...]:
    """RGB, uint8 `(height, width, 3)`, none of a size that a model takes: two of the samples, and noise."""
    first, second = (np.asarray(open_picture(path)) for path in sample_pictures()[2:4])
    noise = np.random.default_rng(7).integers(0, 256, (301, 407, 3), np.uint8)
    return first, np.ascontiguousarray(second[:241, :199]), noise


def input_bytes(model: Path, picture: np.ndarray) -> bytes:
    """The input tensor that Python makes of a picture, as the file itself says."""
    from PIL import Image

    inspection = inspect_tflite(model)
    card, (source,) = inspection.card, inspection.inputs
    assert card is not None
    settings = card.preprocessing.with_size(*source.shape[1:3])
    target = {
        "kind": card.input_kind,
        "type": source.dtype,
        "scale": source.scale or 0.0,
        "zero_point": source.zero_point or 0,
    }
    return tensor_bytes(apply(Image.fromarray(picture), settings), settings, target)


def litert(model: Path, tensors: list[bytes], *, xnnpack: bool = True) -> list[np.ndarray]:
    """What LiteRT gives for input tensors."""
    interpreter = interpreter_of(model) if xnnpack else plain_interpreter(model.read_bytes())
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for tensor in tensors:
        interpreter.set_tensor(
            source["index"], np.frombuffer(tensor, source["dtype"]).reshape(source["shape"])
        )
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"]).copy())
    return outputs
