"""Models on their way into an APK: checked here, so that the app never meets one that it cannot run, and run once.

What each answers for one picture is written beside it (`index.json`). The app compares its own first run with that
before it trusts a delegate, so the bound is not an accuracy: it is far above what arithmetic differs by, and far below
what a wrong answer is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from converters.android.apk import Entry
from converters.runnable import open_file
from converters.tflite.metadata import ModelCard, read_metadata
from converters.tflite.model_schema import read_file
from swiftformer_keras import data
from swiftformer_keras.errors import AppOptionError, LabelsError, MetadataError, TFLiteFileError
from swiftformer_keras.pictures import open_picture
from swiftformer_keras.preprocessing import apply
from swiftformer_keras.shown import shown

FOLDER = "assets/models"
INDEX = "index.json"
GOLDEN_PICTURE = "golden.png"
FORMAT, VERSION = "swiftformer-bundle", 1
MAX_MODELS = 64
"""As in the app (`ModelIndex.kt`)."""

FLOAT_BOUND, QUANTISED_BOUND = 0.02, 0.05
"""Of the distance between the golden picture's highest and lowest logit.

Half-precision arithmetic leaves 47 dB or more between signal and noise (README), an error of 0.5 % of the logits' root
mean square; int8 kernels of another runtime, or a GPU's float16 in their place, differ by about as much as quantising
does, 30 dB or 3 %. The largest of 1,000 errors is some four times that, and the distance some six times the root mean
square: 0.3 % and 2 % of it. The bounds are above these, and a graph computed wrongly is off by about the distance."""
_LOWEST_BOUND = 1e-3


@dataclasses.dataclass(frozen=True)
class BundledModel:
    """One model as the APK holds it.

    Attributes:
        file: its name in the APK.
        logits: what LiteRT gives for the golden picture, float32, dequantised; scores where the model ends in softmax.
        largest_difference: how far the app's own may be from them.
    """

    file: str
    content: bytes
    card: ModelCard
    logits: tuple[float, ...]
    largest_difference: float

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def check_models(
    paths: Sequence[Path],
    *,
    newer_runtime: bool,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[BundledModel, ...]:
    """Read and check every model, and run it on the golden picture.

    Args:
        newer_runtime: the app gets a runtime of the user's, which may compute what TFLite 2.16.1 cannot.

    Raises:
        AppOptionError: there is none, or two have the same name.
        MetadataError, LabelsError: one lacks its metadata, its preprocessing or its labels.
        TFLiteFileError: one is damaged, cannot be run, or gives what is no number.
    """
    if not paths:
        raise AppOptionError("no model is given. Name a .tflite file with --model")
    if len(paths) > MAX_MODELS:
        raise AppOptionError(
            f"{len(paths)} models are given, and {MAX_MODELS} are the most that the app takes"
        )
    models: dict[str, BundledModel] = {}
    for done, path in enumerate(paths):
        if progress is not None:
            progress(f"checking {shown(path.name)}", done, len(paths))
        model = _check(Path(path), newer_runtime)
        if model.file in models:
            raise AppOptionError(f"{shown(path)}: another model is called {model.file} too. Rename one")
        models[model.file] = model
    return tuple(models.values())


def entries(models: Sequence[BundledModel]) -> list[Entry]:
    """What the APK holds of them: the files, the golden picture and the index."""
    index = {
        "format": FORMAT,
        "version": VERSION,
        "models": [
            {
                "file": model.file,
                "sha256": model.sha256,
                "size_bytes": len(model.content),
                "golden": {
                    "picture": GOLDEN_PICTURE,
                    "logits": list(model.logits),
                    "largest_difference": model.largest_difference,
                },
            }
            for model in models
        ],
    }
    text = json.dumps(index, indent=1, allow_nan=False) + "\n"
    return [
        Entry(f"{FOLDER}/{INDEX}", text.encode()),
        Entry(f"{FOLDER}/{GOLDEN_PICTURE}", golden_picture()),
        *(Entry(f"{FOLDER}/{model.file}", model.content) for model in models),
    ]


def golden_picture() -> bytes:
    """The PNG that every model is run on: the package's first sample, RGB without transparency or colour profile."""
    stored = io.BytesIO()
    open_picture(data.sample_pictures()[0]).save(stored, "PNG", optimize=True)
    return stored.getvalue()


def asset_name(path: Path) -> str:
    """The file's name in the APK: letters, digits, dots, dashes and underscores stay, others become an underscore.

    It begins with none of the first two and has at most 100 characters, as the app asks of names (`ModelIndex.kt`).
    """
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", path.stem)[:93]
    return re.sub(r"^[.-]", "_", stem) + ".tflite"


def largest_difference(logits: np.ndarray, *, quantised: bool) -> float:
    """The bound for these golden logits; two digits, rounded."""
    share = QUANTISED_BOUND if quantised else FLOAT_BOUND
    return float(f"{max(_LOWEST_BOUND, share * float(np.ptp(logits))):.2g}")


def _check(path: Path, newer_runtime: bool) -> BundledModel:
    where = shown(path)
    if path.suffix.lower() != ".tflite":
        raise TFLiteFileError(f"{where}: is no .tflite file. Make one with swiftformer export or quantize")
    content = read_file(path)
    card = read_metadata(content, where=where)
    if card.labels is None:
        raise LabelsError(
            f"{where}: has no labels, so the app could show numbers only. Convert the checkpoint with --labels"
        )
    if card.needs_litert and not newer_runtime:
        raise MetadataError(
            f"{where}: needs LiteRT, and the app's TFLite 2.16.1 would compute it wrongly. Take a float16 or "
            "int8 file, or give newer libraries with --runtime-aar"
        )
    with open_file(path, None, None) as model:
        picture = open_picture(data.sample_pictures()[0])
        scores, _ = model.scores(model.prepared(apply(picture, model.preprocessing)))
    if scores.shape != (1, len(card.labels)):
        raise TFLiteFileError(
            f"{where}: gives {scores.shape}, and its labels are {len(card.labels)}. Export it again"
        )
    if not np.isfinite(scores).all():
        raise TFLiteFileError(f"{where}: gives scores that are no numbers. Export it again")
    quantised = card.precision not in ("float32", "float16")
    return BundledModel(
        asset_name(path),
        content,
        card,
        tuple(float(value) for value in scores[0].astype(np.float32)),
        largest_difference(scores, quantised=quantised),
    )
