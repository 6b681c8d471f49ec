"""Makes the models of the app's tests: `python make_models.py`, from the repository's root.

A SwiftFormer of 64 pixels, so small that it may lie in the repository, with random weights, labels of ImageNet and
the preprocessing of timm, in float32 and float16; and the index that the app reads, with LiteRT's logits of a picture.
What its answers mean is nothing; that the app calculates the same ones is what tests look at.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from converters.tflite.export import export
from swiftformer_keras import SwiftFormerImageClassifier, data, pictures, preprocessing
from swiftformer_keras.config import SwiftFormerConfig

OUT = Path(__file__).parent / "assets" / "models"
LARGEST_DIFFERENCE = {"float32": 1e-3, "float16": 2e-2}


def make_model() -> SwiftFormerImageClassifier:
    """Random weights, spread so that the answers differ from class to class."""
    keras.utils.set_random_seed(20_260_101)
    labels = (Path(data.__file__).parent / "imagenet1k_labels.txt").read_text(encoding="utf-8").splitlines()
    model = SwiftFormerImageClassifier(
        SwiftFormerConfig((1, 1, 1, 1), (8, 12, 16, 24), num_classes=len(labels)),
        labels=labels,
        preprocessing=preprocessing.PREPROCESSINGS["timm"].with_size(64, 64),
        name="micro",
    )
    model(np.zeros((1, 64, 64, 3), np.float32))
    random = np.random.default_rng(20_260_101)
    for weight in model.trainable_weights:
        if weight.path.endswith("kernel"):
            weight.assign(random.normal(0, 1 / np.sqrt(np.prod(weight.shape[:-1])), weight.shape))
    return model


def logits(path: Path, picture: Path) -> list[float]:
    """What LiteRT answers."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    contract = preprocessing.PREPROCESSINGS["timm"].with_size(64, 64)
    pixels = preprocessing.apply(pictures.open_picture(picture), contract)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels[None].astype(np.float32))
    interpreter.invoke()
    (answer,) = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return [float(value) for value in answer]


def main() -> None:
    """Writes the models and their index."""
    OUT.mkdir(parents=True, exist_ok=True)
    picture = OUT / "golden.png"
    source, _ = data.demo_pictures()[0]
    shutil.copy(source, picture)
    model, entries = make_model(), []
    for precision in ("float32", "float16"):
        path = OUT / f"micro_{precision}.tflite"
        export(model, path, precision=precision, force=True)
        for record in OUT.glob("*.json"):
            record.unlink()
        content = path.read_bytes()
        entries.append(
            {
                "file": path.name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_bytes": len(content),
                "golden": {
                    "picture": picture.name,
                    "logits": logits(path, picture),
                    "largest_difference": LARGEST_DIFFERENCE[precision],
                },
            }
        )
    index = {"format": "swiftformer-bundle", "version": 1, "models": entries}
    (OUT / "index.json").write_text(json.dumps(index), encoding="utf-8")


if __name__ == "__main__":
    main()
