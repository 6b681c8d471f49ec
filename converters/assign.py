"""Named arrays against the network they claim to be, and then into it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from converters import layouts
from converters.checkpoints.tensors import is_floating
from swiftformer_keras.errors import MismatchError, NonFiniteError
from swiftformer_keras.weights import Shape

if TYPE_CHECKING:
    from swiftformer_keras.backbone import SwiftFormerBackbone
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier


def prepare(
    arrays: Mapping[str, np.ndarray],
    expected: Mapping[str, Shape],
    names: Mapping[str, str],
    where: str,
    *,
    allow_nonfinite: bool = False,
) -> dict[str, np.ndarray]:
    """Arrays in Keras' axis order, one for every expected weight and none besides; views, nothing is copied.

    Args:
        arrays: by our names, in torch's axis order.
        expected: our names and Keras' shapes.
        names: our names to the file's, for messages.
        where: the file, for messages.
        allow_nonfinite: keep NaN and infinity.

    Raises:
        MismatchError: tensors are missing, left over or of another shape.
        NonFiniteError: a tensor holds NaN or infinity, or a variance is negative.
    """
    missing, extra = sorted(set(expected) - set(arrays)), sorted(set(arrays) - set(expected))
    if missing or extra:
        parts = [f"{len(missing)} tensors are missing (first: {missing[0]})"] if missing else []
        parts += [f"{len(extra)} have no place (first: {names[extra[0]]!r})"] if extra else []
        raise MismatchError(f"{where}: {' and '.join(parts)}; the file does not hold a whole SwiftFormer")
    values = {}
    for ours, array in arrays.items():
        value = layouts.to_keras_axes(ours, array)
        if value.shape != expected[ours]:
            raise MismatchError(
                f"{where}: tensor {names[ours]!r} has shape {array.shape}, which does not fit {ours} with "
                f"{expected[ours]} in Keras' order; the file was changed or mixes two variants"
            )
        if not is_floating(value.dtype):
            raise MismatchError(
                f"{where}: tensor {names[ours]!r} is {value.dtype}; weights are floating point"
            )
        if not allow_nonfinite and not np.isfinite(value).all():
            raise NonFiniteError(
                f"{where}: tensor {names[ours]!r} holds NaN or infinity; the training diverged or the file is "
                "damaged. --allow-nonfinite loads it all the same"
            )
        if not allow_nonfinite and ours.endswith("/moving_variance") and value.min(initial=0) < 0:
            raise NonFiniteError(
                f"{where}: tensor {names[ours]!r} is a variance below zero; the file is damaged. "
                "--allow-nonfinite loads it all the same"
            )
        values[ours] = value
    return values


def assign(
    model: SwiftFormerImageClassifier | SwiftFormerBackbone,
    values: Mapping[str, np.ndarray],
    new: Collection[str] = (),
) -> None:
    """Put every value into the weight of its name; the names must be the model's but for the `new` ones."""
    weights = {ours: weight for ours, weight in model.named_weights().items() if ours not in new}
    assert set(weights) == set(values), sorted(set(weights) ^ set(values))
    for ours, weight in weights.items():
        weight.assign(values[ours].astype("float32", copy=False))
