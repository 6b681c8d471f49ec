"""One group quantised at a time, the mixed scheme made of it, and the picture of it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from converters.tflite.calibrate import collect_ranges
from converters.tflite.check import delegation
from converters.tflite.graph import to_tflite
from converters.tflite.inspect import inspect_tflite
from converters.tflite.int8 import Prepared, build, compare_biases
from converters.tflite.quantize import quantize
from converters.tflite.sensitivity import (
    Group,
    Sensitivity,
    groups_of,
    mixed,
    sensitivity,
)
from converters.tflite.sensitivity_plot import write_plot
from swiftformer_keras import SwiftFormerImageClassifier, folding
from swiftformer_keras.errors import BoundNotMetError, CalibrationError, ConfigError, OutputError
from swiftformer_keras.preprocessing import PREPROCESSINGS
from tests import reference
from tests.converters.tflite import pictures
from tests.harness import assert_refused

P64 = PREPROCESSINGS["timm"].with_size(64, 64)


def micro() -> SwiftFormerImageClassifier:
    model: SwiftFormerImageClassifier = reference.classifier("micro", preprocessing=P64)
    return model


def said(step: str, done: int = 0, total: int = 0) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures.fashion(tmp_path_factory.mktemp("sensitivity") / "calibration", 40)


@pytest.fixture(scope="module")
def found(calibration: Path) -> Sensitivity:
    return sensitivity(micro(), calibration=calibration)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    """The micro model at 32 pixels and four normalised inputs, made without any of what is tested."""
    config, values = reference.weights("micro")
    folded = folding.fold(values, config)
    plain = to_tflite(folding.fold_gelu(folded, "tanh"), (32, 32))
    inputs = reference.images(32, 32, batch=4)
    logits = np.asarray(folding.forward(folded, inputs))
    ranges = collect_ranges(plain, lambda: iter(inputs))
    return Prepared(plain, plain, "tanh", ranges, inputs, 0, None, None, logits)


def test_every_computed_tensor_belongs_to_one_group(prepared: Prepared) -> None:
    groups = groups_of(prepared.ranges)
    for tensor in prepared.ranges:
        matching = [name for name, pattern in groups.items() if re.search(pattern, tensor)]
        assert len(matching) == (tensor != "image"), tensor
    assert {"stem", "head", "stage1_downsample", "stage0_block0/attn", "stage2_block0"} <= set(groups)
    depths = reference.weights("micro")[0].depths
    assert len(groups) == 2 + len(depths) - 1 + sum(depth - 1 for depth in depths) + 3 * len(depths)


def test_only_the_group_in_question_is_int8(prepared: Prepared, tmp_path: Path) -> None:
    groups = groups_of(prepared.ranges)
    for name in ("stem", "stage1_block0/mlp", "stage2_block0", "head"):
        path = tmp_path / "x.tflite"
        path.write_bytes(build(prepared, keep_float=[p for other, p in groups.items() if other != name]))
        tensors = inspect_tflite(path).graphs[0].tensors
        kernels = {t.name: t.dtype for t in tensors if t.constant_bytes > 64 and len(t.shape) in (2, 4)}
        quantised = {kernel for kernel, dtype in kernels.items() if dtype == "int8"}
        assert quantised
        assert all(re.search(groups[name], kernel) for kernel in quantised), quantised
        assert len(quantised) < len(kernels)


def test_groups_are_ranked_and_their_noises_add_up_to_about_that_of_all(found: Sensitivity) -> None:
    shares = [group.share for group in found.groups]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    noises = [10 ** (-group.sqnr_db / 10) for group in found.groups if group.sqnr_db is not None]
    assert found.together_db is not None
    assert -10 * np.log10(sum(noises)) == pytest.approx(found.together_db, abs=5)
    assert found.gelu_db is not None
    assert found.gelu_db > found.together_db
    assert found.input_size == (64, 64)


@pytest.mark.slow
def test_mixed_keeps_the_fewest_groups_that_meet_the_bound(prepared: Prepared) -> None:
    def kept(bound: float) -> int:
        static, biases, groups = mixed(prepared, bound, io="float32", keep_float=(), tell=said)
        assert biases is None, "no means were prepared"
        assert compare_biases(prepared, static, said) is None
        assert len(set(groups)) == len(groups)
        return len(groups)

    counts = [kept(bound) for bound in (5, 24, 30, 40, 200)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == len(groups_of(prepared.ranges)), "even that is not enough"
    assert 0 < counts[2] < counts[-1]


@pytest.mark.slow
def test_mixed_files_meet_a_bound_that_int8_misses(calibration: Path, tmp_path: Path) -> None:
    bound = 36.0
    with pytest.raises(BoundNotMetError):
        quantize(micro(), tmp_path / "no.tflite", calibration=calibration, gelu="tanh", min_sqnr_db=bound)
    path = tmp_path / "x.tflite"
    report = quantize(micro(), path, calibration=calibration, scheme="mixed", min_sqnr_db=bound)
    assert report.sqnr_db is not None
    assert report.sqnr_db >= bound
    assert report.float_groups
    patterns = groups_of(t.name for t in inspect_tflite(path).graphs[0].tensors)
    tensors = inspect_tflite(path).graphs[0].tensors
    for tensor in tensors:
        if tensor.constant_bytes > 200 and len(tensor.shape) in (2, 4):
            (group,) = (name for name, pattern in patterns.items() if re.search(pattern, tensor.name))
            assert (tensor.dtype == "float32") == (group in report.float_groups), tensor.name
    split = delegation(path)
    assert (split.partitions, split.left) == (1, ())


def test_mixed_files_with_integer_ends_keep_stem_and_head_int8(prepared: Prepared) -> None:
    for io in ("uint8", "int8"):
        _, _, groups = mixed(prepared, 200, io=io, keep_float=(), tell=said)  # type: ignore[arg-type]
        assert set(groups_of(prepared.ranges)) - set(groups) == {"stem", "head"}


@pytest.mark.slow
def test_a_bound_that_nothing_meets_is_refused_with_what_can_be_changed(
    calibration: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.tflite"
    ways = {
        "int8": ("Of the noise of int8", "--gelu tanh", "--scheme mixed"),
        "mixed": ("Nothing more can stay in float", "--gelu exact", "--precision float16"),
    }
    for scheme, mentions in ways.items():
        message = assert_refused(
            BoundNotMetError,
            lambda scheme=scheme: quantize(  # type: ignore[misc]
                micro(), out, calibration=calibration, scheme=scheme, min_sqnr_db=120
            ),
            *("120 dB", "not kept", *mentions),
        )
        named = re.findall(r"(stem|head|stage\d\w+(?:/\w+)?) (\d+)%", message)
        assert len(named) == (3 if scheme == "int8" else 0)
        assert [int(share) for _, share in named] == sorted((int(share) for _, share in named), reverse=True)
    assert not list(tmp_path.iterdir())


def test_pictures_of_no_use_are_refused(tmp_path: Path) -> None:
    noise = pictures.noise(tmp_path / "noise", 40)
    assert_refused(CalibrationError, lambda: sensitivity(micro(), calibration=noise), "noise")


# --- the picture ------------------------------------------------------------------------------------

DRAWN = Sensitivity(
    groups=(
        Group("stage0_block0/attn", 20.0, 0.5, 0.75),
        Group("a <b> & c", None, 1.0, 0.25),
        Group("head", None, 1.0, 0),
    ),
    gelu="tanh",
    gelu_db=70.0,
    together_db=19.0,
    pictures=16,
    input_size=(64, 64),
)


def test_the_svg_has_a_bar_in_proportion_for_each_group(tmp_path: Path) -> None:
    write_plot(DRAWN, tmp_path / "x.svg")
    root = ElementTree.parse(tmp_path / "x.svg").getroot()
    texts = [element.text for element in root if element.tag.endswith("text")]
    bars = [element for element in root if element.get("fill") == "#2f6f9f"]
    widths = [int(element.attrib["width"]) for element in bars]
    assert {"a <b> & c", "75.0%, 20.0 dB", "0.0%, no difference"} <= set(texts)
    assert widths == [420, 140, 0]


def test_the_png_has_a_bar_in_proportion_for_each_group(tmp_path: Path) -> None:
    write_plot(DRAWN, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    bars = (pixels == (0x2F, 0x6F, 0x9F)).all(axis=2).sum(axis=1)
    assert sorted(set(bars.tolist())) == [0, 140, 420]


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_result_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write_plot(DRAWN, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    other = dataclasses.replace(DRAWN, pictures=17)
    write_plot(other, tmp_path / f"b{suffix}", force=True)
    assert (tmp_path / f"a{suffix}").read_bytes() != (tmp_path / f"b{suffix}").read_bytes()


def test_pictures_that_cannot_be_drawn_are_refused(tmp_path: Path) -> None:
    assert_refused(ConfigError, lambda: write_plot(DRAWN, tmp_path / "x.jpg"), ".svg or .png")
    (tmp_path / "x.svg").write_text("mine")
    assert_refused(OutputError, lambda: write_plot(DRAWN, tmp_path / "x.svg"), "exists already")
    assert (tmp_path / "x.svg").read_text() == "mine"
