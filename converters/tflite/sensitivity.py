"""Which parts of a model int8 costs most: one group of operators quantised at a time, all others in float.

A group is what reads as one part of the network: the stem, a downsampling, a block's convolutions, an attention, an
mlp, the head. The noises of groups add up roughly (they know nothing of each other), so a group's share of their sum
says what keeping it in float can win. Biases are not corrected here: a shift that correction takes back is shown.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from converters.tflite.calibration_pictures import choose_pictures
from converters.tflite.check import compare, run_tflite
from converters.tflite.dynamic import FLOAT_PARTS, quantize_weights
from converters.tflite.flatbuffer import repack
from converters.tflite.graph import INPUT_NAME
from converters.tflite.int8 import (
    BiasChoice,
    Gelu,
    Io,
    Prepared,
    Tell,
    build,
    compare_biases,
    decibels,
    measure,
    prepare,
    scaled,
    with_biases,
)
from converters.tflite.picture_sources import find_source

if TYPE_CHECKING:
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

PICTURES = 16
"""Calibration pictures that each group is measured on."""

MARGIN_DB = 0.5
"""How much more than the bound a mixed model has to have on calibration pictures: held-out ones vary by this much."""

_PARTS = re.compile(
    r"(stem)_conv|(head)/|(logits)$|(stage\d+_downsample)/"
    r"|(stage\d+_block\d+(?:/(?:local_representation|attn|mlp))?)/"
)
_ENDS = ("stem", "head")


@dataclasses.dataclass(frozen=True)
class Group:
    """What quantising one group alone does.

    Attributes:
        name: of the group, as `stage2_block1/mlp`.
        sqnr_db: signal-to-noise ratio to the float model with the same activation; None where nothing differs.
        agreement: share of pictures with the same top class.
        share: of the noise of all groups, 0 to 1.
    """

    name: str
    sqnr_db: float | None
    agreement: float
    share: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """Every group's cost, the dearest first.

    Attributes:
        groups: the groups.
        gelu: form of the activation.
        gelu_db: signal-to-noise ratio of that form in float to the exact one; None for the exact form.
        together_db: with all groups quantised, to the same float model as each of them.
        pictures: how many it was measured on.
        input_size: height and width in pixels.
        warnings: what was odd about the pictures.
    """

    groups: tuple[Group, ...]
    gelu: str
    gelu_db: float | None
    together_db: float | None
    pictures: int
    input_size: tuple[int, int]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["groups"] = [group.to_dict() for group in self.groups]
        values["input_size"], values["warnings"] = list(self.input_size), list(self.warnings)
        return values


def sensitivity(
    model: SwiftFormerImageClassifier,
    *,
    calibration: Path | str,
    gelu: Gelu = "sigmoid",
    samples: int = 128,
    seed: int = 0,
    input_size: tuple[int, int] | None = None,
    progress: Tell | None = None,
) -> Sensitivity:
    """Measure what quantising each group of operators alone costs.

    Args:
        model: a classifier with its preprocessing.
        calibration: pictures, as for `quantize`.
        gelu: form of the activation.
        samples, seed: of the choice of pictures.
        input_size: height and width in pixels; the model's own where None.
        progress: is told the step's name, and how much of it is done.

    Raises:
        As `quantize`, but for what is written.
    """
    from converters.tflite.source import preprocessing_of
    from swiftformer_keras import folding

    def tell(step: str, done: int = 0, total: int = 0) -> None:
        if progress is not None:
            progress(step, done, total)

    preprocessing = preprocessing_of(model, input_size, "sensitivity")
    pictures = choose_pictures(calibration, preprocessing, samples=samples, seed=seed, progress=progress)
    folded = scaled(folding.fold_model(model), pictures.calibration, preprocessing)
    prepared = prepare(
        folded,
        pictures.calibration,
        preprocessing,
        gelu=gelu,
        percentile=100.0,
        correct_bias=False,
        tell=tell,
    )
    found = measure_groups(prepared, tell)
    return dataclasses.replace(found, warnings=pictures.warnings)


def sensitivity_of_file(path: Path, *, calibration: Path | str, **options: Any) -> Sensitivity:
    """`sensitivity` of the classifier of a `.keras` file; the pictures are looked for before it is loaded.

    Raises:
        ModelFileError: the file cannot be read, is no classifier, or is a .tflite file.
        Otherwise as `sensitivity`.
    """
    from converters.tflite.settings import check_backend
    from converters.tflite.source import load_for

    find_source(calibration)
    check_backend()
    return sensitivity(load_for("sensitivity", path), calibration=calibration, **options)


def measure_groups(prepared: Prepared, tell: Tell, keep_float: Sequence[str] = ()) -> Sensitivity:
    """`sensitivity` of a prepared model, of the groups that are not in float anyway.

    Args:
        keep_float: patterns of tensors that stay float.
    """
    patterns = groups_of(prepared.ranges)
    left = groups_of(
        name for name in prepared.ranges if not any(re.search(kept, name) for kept in keep_float)
    )
    pixels = prepared.choice[:PICTURES]
    reference = run_tflite(prepared.plain, pixels)

    def one(name: str) -> bytes:
        others = [pattern for other, pattern in patterns.items() if other != name]
        return build(prepared, keep_float=[*keep_float, *others])

    groups = rank(left, one, pixels, reference, tell)
    together = compare(run_tflite(build(prepared, keep_float=keep_float), pixels), reference)
    form = compare(reference, prepared.reference[:PICTURES])
    return Sensitivity(
        groups=groups,
        gelu=prepared.gelu,
        gelu_db=None if prepared.gelu == "exact" else form.sqnr_db,
        together_db=together.sqnr_db,
        pictures=len(pixels),
        input_size=(pixels.shape[1], pixels.shape[2]),
    )


def measure_weights(plain: bytes, pixels: np.ndarray, tell: Tell) -> tuple[Group, ...]:
    """What the int8 weights of each group of a dynamic-range file cost alone, the dearest first.

    Args:
        plain: the float32 model.
        pixels: uint8 `(n, height, width, 3)`.
        tell: is told the step's name, and how much of it is done.
    """
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.Model.GetRootAs(plain, 0).Subgraphs(0)
    names = [graph.Tensors(index).Name().decode() for index in range(graph.TensorsLength())]
    groups = groups_of(name for name in names if not any(re.search(part, name) for part in FLOAT_PARTS))

    def one(name: str) -> bytes:
        others = [pattern for other, pattern in groups.items() if other != name]
        return repack(quantize_weights(plain, others), inputs=(INPUT_NAME,), outputs=("logits",))

    return rank(groups, one, pixels, run_tflite(plain, pixels), tell)


def rank(
    names: Iterable[str],
    one: Callable[[str], bytes],
    pixels: np.ndarray,
    reference: np.ndarray,
    tell: Tell,
) -> tuple[Group, ...]:
    """Groups by what each costs alone, the dearest first.

    Args:
        names: of the groups.
        one: makes the model with one group quantised and all others in float.
        pixels: uint8 `(n, height, width, 3)`.
        reference: logits of the float model on them.
        tell: is told the step's name, and how much of it is done.
    """
    names = tuple(names)
    found = {}
    for done, name in enumerate(names):
        tell("quantising one group at a time", done, len(names))
        found[name] = compare(run_tflite(one(name), pixels), reference)
    noises = {name: 10 ** (-decibels(difference) / 10) for name, difference in found.items()}
    total = sum(noises.values()) or 1.0
    measured = [
        Group(name, difference.sqnr_db, difference.agreement, noises[name] / total)
        for name, difference in found.items()
    ]
    return tuple(sorted(measured, key=lambda group: (-group.share, group.name)))


def groups_of(tensors: Iterable[str]) -> dict[str, str]:
    """The groups that tensors belong to by their names, in the order met, each with a pattern for its tensors.

    The names are `folding.forward`'s scopes.
    """
    found: dict[str, str] = {}
    for tensor in tensors:
        match = _PARTS.match(tensor)
        if match is not None:
            name = match[match.lastindex or 0]
            name = "head" if name == "logits" else name
            found[name] = {"stem": "^stem_conv", "head": "^(head/|logits)"}.get(name, f"^{name}/")
    return found


def mixed(
    prepared: Prepared, bound_db: float, *, io: Io, keep_float: Sequence[str], tell: Tell
) -> tuple[bytes, BiasChoice | None, tuple[str, ...]]:
    """The int8 model with the fewest groups in float that meets a bound on the calibration pictures.

    Groups are left in float in the order of what they cost; how many are needed is found by halving. With integer
    ends the stem and the head stay int8.

    Returns:
        The model, what was chosen of its biases, and the groups in float: all of them where even that does not meet
        the bound.
    """
    ranked = [group.name for group in measure_groups(prepared, tell, keep_float).groups]
    if io != "float32":
        ranked = [name for name in ranked if name not in _ENDS]
    patterns = groups_of(prepared.ranges)

    def made(count: int) -> tuple[bytes, BiasChoice | None]:
        tell(f"quantising with {count} of {len(ranked)} groups in float", 0, 0)
        kept = [*keep_float, *(patterns[name] for name in ranked[:count])]
        static = build(prepared, float_ends=io != "int8", keep_float=kept)
        return static, compare_biases(prepared, static, tell)

    def reached(static: bytes, biases: BiasChoice | None) -> float:
        if biases is None:
            return decibels(measure(prepared, static))
        found = biases.corrected_db if biases.kept else biases.uncorrected_db
        return math.inf if found is None else found

    tried: dict[int, tuple[bytes, BiasChoice | None]] = {}
    low, high = 0, len(ranked)
    while low < high:
        middle = (low + high) // 2
        tried[middle] = made(middle)
        if reached(*tried[middle]) >= bound_db + MARGIN_DB:
            high = middle
        else:
            low = middle + 1
    static, biases = tried.get(low) or made(low)
    return with_biases(prepared, static, biases, tell), biases, tuple(ranked[:low])


def costs(groups: Sequence[Group], count: int = 3) -> str:
    """The dearest groups in words, for a message."""
    return ", ".join(f"{group.name} {group.share:.0%}" for group in groups[:count])
