"""Every real file against the weights it was made from, which numpy generates from seeds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from converters.checkpoints import read_checkpoint
from swiftformer_keras.errors import (
    EmptyFileError,
    NoWeightsError,
    SafetensorsHeaderError,
    TruncatedError,
    UnsafePickleError,
)
from tests.harness import FIXTURES, assert_refused, recipe

CKPT = FIXTURES / "ckpt"
BF16_ERROR = 2.0**-8  # half a unit in the last of bfloat16's eight significant bits, relative
F16_ERROR = 2.0**-11

# file -> container, key of its names, which set, relative rounding of its element type
FILES = {
    "orig_raw_state_dict.pth": ("torch zip", "original", "model", 0.0),
    "orig_state_dict_key.pth": ("torch zip", "original", "model", 0.0),
    "orig_model.pth": ("torch zip", "original", "model", 0.0),
    "orig_legacy_format.pth": ("torch legacy", "original", "model", 0.0),
    "orig_parameters.pth": ("torch zip", "original", "model", 0.0),
    "orig_strided.pth": ("torch zip", "original", "model", 0.0),
    "orig_ddp_module_prefix.pth": ("torch zip", "original", "model", 0.0),
    "orig_train_full.pth": ("torch zip", "original", "ema", 0.0),
    "orig_ema_only.pth": ("torch zip", "original", "ema", 0.0),
    "orig_half.pth": ("torch zip", "original", "model", F16_ERROR),
    "orig_bf16.pth": ("torch zip", "original", "model", BF16_ERROR),
    "timm_model.safetensors": ("safetensors", "timm", "model", 0.0),
    "timm_half.safetensors": ("safetensors", "timm", "model", F16_ERROR),
    "timm_bf16.safetensors": ("safetensors", "timm", "model", BF16_ERROR),
    "timm_pytorch_model.bin": ("torch zip", "timm", "model", 0.0),
    "timm_train_checkpoint.pth.tar": ("torch zip", "timm", "ema", 0.0),
    "timm_hub": ("safetensors", "timm", "model", 0.0),
    "hf": ("safetensors", "hf", "model", 0.0),
    "hf_2023": ("torch zip", "hf", "model", 0.0),
    "hf_backbone": ("safetensors", "hf", "model", 0.0),
}


def expected(names_key: str, kind: str, attn: str) -> dict[str, np.ndarray]:
    """The seeded weights under the names of a layout; the EMA is parameters x 1.0625, buffers as they are."""
    source = recipe()
    tensors = source.weights(attn=attn, **source.VARIANTS["micro"])
    rows = json.loads((FIXTURES / "reference" / "names_micro.json").read_text())
    found = {}
    for row in rows:
        value = tensors[row["timm"]]
        parameter = not row["timm"].endswith(("running_mean", "running_var", "num_batches_tracked"))
        found[row[names_key]] = value * np.float32(1.0625) if kind == "ema" and parameter else value
    return found


def assert_same(actual: dict[str, np.ndarray], wanted: dict[str, np.ndarray], relative: float) -> None:
    for name, value in actual.items():
        assert value.shape == wanted[name].shape, name
        np.testing.assert_allclose(
            np.asarray(value, wanted[name].dtype),
            wanted[name],
            rtol=relative,
            atol=relative * 1e-3,
            err_msg=name,
        )


@pytest.mark.parametrize("file_name", FILES)
def test_a_real_file_gives_the_weights_it_was_made_from(file_name: str) -> None:
    container, names_key, kind, relative = FILES[file_name]
    checkpoint = read_checkpoint(CKPT / file_name)
    assert (checkpoint.container, checkpoint.weights) == (container, kind)
    attn = "ones" if names_key == "hf" else "l2norm"
    wanted = expected(names_key, kind, attn)
    tensors = checkpoint.tensors
    if file_name == "hf_backbone":  # SwiftFormerModel alone: no prefix, no norm, no head
        wanted = {name.removeprefix("swiftformer."): value for name, value in wanted.items()}
        wanted = {n: v for n, v in wanted.items() if not n.startswith(("norm.", "head.", "dist_head."))}
    if file_name == "orig_no_distillation.pth":
        wanted = {n: v for n, v in wanted.items() if not n.startswith("dist_head")}
    assert tensors.keys() == wanted.keys()
    assert_same(tensors, wanted, relative)


def test_a_file_without_a_distillation_head_lacks_just_that() -> None:
    tensors = read_checkpoint(CKPT / "orig_no_distillation.pth").tensors
    wanted = expected("original", "model", "l2norm")
    assert wanted.keys() - tensors.keys() == {"dist_head.weight", "dist_head.bias"}
    assert_same(tensors, wanted, 0.0)


@pytest.mark.parametrize("name", sorted(p.name for p in CKPT.glob("timm_*.safetensors")))
def test_safetensors_are_read_as_the_reference_library_reads_them(name: str) -> None:
    if "bf16" in name:  # numpy has no bfloat16 and the library refuses: compare the bits
        data = (CKPT / name).read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
        tensors = read_checkpoint(CKPT / name).tensors
        for tensor, facts in header.items():
            if facts.get("dtype") == "BF16":
                begin, end = facts["data_offsets"]
                bits = np.frombuffer(data[start + begin : start + end], "<u2")
                np.testing.assert_array_equal(tensors[tensor].ravel().view(np.uint16), bits)
        return
    theirs = safetensors.numpy.load_file(CKPT / name)
    ours = read_checkpoint(CKPT / name)
    assert ours.tensors.keys() == theirs.keys()
    for tensor, value in theirs.items():
        assert ours.tensors[tensor].dtype == value.dtype
        np.testing.assert_array_equal(ours.tensors[tensor], value)
    assert ours.metadata == {"format": "pt"}


@pytest.mark.parametrize("name", ["orig_half.pth", "timm_half.safetensors"])
def test_half_precision_stays(name: str) -> None:
    tensors = read_checkpoint(CKPT / name).tensors
    assert {value.dtype.name for value in tensors.values()} == {"float16", "int64"}


@pytest.mark.parametrize("name", ["orig_train_full.pth", "timm_train_checkpoint.pth.tar"])
def test_weights_chooses_the_set(name: str) -> None:
    names_key = FILES[name][1]
    for kind in ("model", "ema"):
        checkpoint = read_checkpoint(CKPT / name, weights=kind)  # type: ignore[arg-type]
        assert checkpoint.weights == kind
        assert_same(checkpoint.tensors, expected(names_key, kind, "l2norm"), 0.0)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("orig_model.pth", "ema"),
        ("orig_raw_state_dict.pth", "ema"),
        ("orig_ema_only.pth", "model"),
        ("timm_model.safetensors", "ema"),
        ("hf_2023", "ema"),
    ],
)
def test_asking_for_a_set_that_is_not_there(name: str, weights: str) -> None:
    file = "pytorch_model.bin" if name == "hf_2023" else name
    call = lambda: read_checkpoint(CKPT / name, weights=weights)  # type: ignore[arg-type]  # noqa: E731
    assert_refused(NoWeightsError, call, file, f"'{weights}'", "--weights")


def test_shared_storages_stay_shared_and_strides_are_views() -> None:
    tensors = read_checkpoint(CKPT / "orig_strided.pth").tensors
    assert any(not value.flags.c_contiguous for value in tensors.values())
    owners = [id(value.base) for value in tensors.values()]
    assert len(set(owners)) < len(owners)


def test_arrays_outlive_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes((CKPT / "orig_model.pth").read_bytes())
    tensors = read_checkpoint(path).tensors
    descriptors = Path("/proc/self/fd")  # Linux
    if descriptors.is_dir():
        assert path not in [entry.resolve() for entry in descriptors.iterdir()]
    path.unlink()
    assert_same(tensors, expected("original", "model", "l2norm"), 0.0)
    for value in tensors.values():
        value += 0  # ours to write


def test_facts_of_a_single_file() -> None:
    path = CKPT / "orig_model.pth"
    checkpoint = read_checkpoint(str(path))
    assert checkpoint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (checkpoint.file_name, checkpoint.size_bytes) == (path.name, path.stat().st_size)
    assert checkpoint.config is None
    assert checkpoint.path == path


@pytest.mark.parametrize("name", ["hf", "hf_2023"])
def test_a_folder_brings_its_json(name: str) -> None:
    checkpoint = read_checkpoint(CKPT / name)
    assert checkpoint.config == json.loads((CKPT / name / "config.json").read_text())
    assert checkpoint.preprocessor_config == json.loads(
        (CKPT / name / "preprocessor_config.json").read_text()
    )
    same = read_checkpoint(CKPT / name / checkpoint.file_name)
    assert (same.config, same.sha256) == (checkpoint.config, checkpoint.sha256)


def test_a_timm_folder_brings_its_json() -> None:
    checkpoint = read_checkpoint(CKPT / "timm_hub")
    assert checkpoint.config is not None
    assert checkpoint.config["architecture"] == "swiftformer_xs"
    assert checkpoint.preprocessor_config is None


@pytest.mark.parametrize(
    ("name", "error", "mention"),
    [
        ("bad_empty.pth", EmptyFileError, "is empty"),
        ("bad_header.safetensors", SafetensorsHeaderError, "header"),
        ("bad_malicious_extra.pth", UnsafePickleError, "'posix.system'"),
        ("bad_malicious_root.pth", UnsafePickleError, "'posix.system'"),
        ("bad_truncated.pth", TruncatedError, "cut short"),
        ("bad_truncated.safetensors", TruncatedError, "cut short"),
    ],
)
def test_bad_files_are_refused(name: str, error: type[NoWeightsError], mention: str) -> None:
    assert_refused(error, lambda: read_checkpoint(CKPT / name), str(CKPT / name), mention)


def test_bad_weights_are_read_as_they_are() -> None:
    """Names, shapes and NaN are judged by what knows the model, not by the readers."""
    assert read_checkpoint(CKPT / "bad_other_model.pth").tensors.keys() == {"weight", "bias"}
    nan = read_checkpoint(CKPT / "bad_nan.pth").tensors
    assert sum(int(np.isnan(value).sum()) for value in nan.values() if value.dtype.kind == "f") > 0
    wanted = expected("original", "model", "l2norm")
    shapes = read_checkpoint(CKPT / "bad_shape.pth").tensors
    assert {name for name in wanted if shapes[name].shape != wanted[name].shape}
    names = read_checkpoint(CKPT / "bad_missing_and_extra.pth").tensors.keys()
    assert wanted.keys() - names
    assert names - wanted.keys()


@pytest.mark.parametrize("length", [0x80, 0x180, 19_280])
def test_a_header_length_that_begins_like_a_pickle_or_a_zip(length: int, tmp_path: Path) -> None:
    """The first byte of a safetensors file is its header's length: 0x80 is a pickle's, 19,280 spells "PK"."""
    header = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.ljust(length)
    values = np.array([1.5, -2.0], "<f4")
    path = tmp_path / "model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header + values.tobytes())
    np.testing.assert_array_equal(safetensors.numpy.load_file(path)["a"], values)
    np.testing.assert_array_equal(read_checkpoint(path).tensors["a"], values)
