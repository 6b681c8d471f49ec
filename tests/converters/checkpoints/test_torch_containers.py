"""What torch files may hold beyond the fixtures: protocols, element types, parts of storages, training state."""

from __future__ import annotations

import argparse
import collections
import io
import pickle
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from converters.checkpoints import read_checkpoint
from converters.checkpoints import torch_zip as torch_zip_reader
from converters.checkpoints.pickle_machine import Machine
from converters.checkpoints.tensors import Storage, Tensor
from swiftformer_keras.errors import NoWeightsError, UnsupportedDtypeError, ZipStructureError
from tests.converters.checkpoints.reading import assert_equal, read
from tests.harness import FIXTURES, assert_refused
from tests.torch_files import (
    CLASSES,
    Archive,
    Call,
    Entry,
    Name,
    archive,
    dump,
    legacy,
    ordered,
    state_dict,
    tensor,
    torch_legacy,
    torch_zip,
)

CKPT = FIXTURES / "ckpt"


def test_the_writer_of_these_tests_writes_what_torch_wrote(tmp_path: Path) -> None:
    """So that what is refused below is refused for the one thing that was changed."""
    wanted = read_checkpoint(CKPT / "orig_raw_state_dict.pth").tensors
    assert_equal(read(tmp_path, torch_zip(wanted)), wanted)
    assert_equal(read(tmp_path, torch_legacy(wanted)), wanted)


@pytest.mark.parametrize("dtype", CLASSES)
@pytest.mark.parametrize("write", [torch_zip, torch_legacy])
def test_every_element_type(write: Any, dtype: str, tmp_path: Path) -> None:
    wanted = {
        "w": np.arange(6).reshape(2, 3).astype(dtype),
        "scalar": np.array(1, dtype),
        "none": np.empty((0, 3), dtype),
    }
    assert_equal(read(tmp_path, write(wanted)), wanted)


def test_a_truth_value_other_than_one_becomes_one(tmp_path: Path) -> None:
    data = archive(dump(ordered({"b": tensor("0", (3,), kind="BoolStorage")})), [b"\x00\x02\xff"]).to_bytes()
    assert read(tmp_path, data)["b"].view(np.uint8).tolist() == [0, 1, 1]


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    wide = np.array([1.0, -2.5, 3.0e38, np.inf, np.nan, 1e-40], np.float32)
    bits = (wide.view(np.uint32) >> 16).astype("<u2")
    data = archive(
        dump(ordered({"w": tensor("0", (6,), kind="BFloat16Storage")})), [bits.tobytes()]
    ).to_bytes()
    got = read(tmp_path, data)["w"]
    assert got.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(got.astype(np.float32).view(np.uint32), wide.view(np.uint32) & 0xFFFF0000)


def test_a_file_of_a_big_endian_machine(tmp_path: Path) -> None:
    wanted = {"w": np.arange(4, dtype=np.float32)}
    made = archive(dump(state_dict(wanted)), [wanted["w"].astype(">f4").tobytes()])
    made.entries[1] = Entry("archive/byteorder", b"big")
    assert_equal(read(tmp_path, made.to_bytes()), wanted)
    old = legacy(
        dump(state_dict(wanted, legacy=True)),
        {"0": (4, wanted["w"].astype(">f4").tobytes())},
        machine={"little_endian": False},
    )
    assert_equal(read(tmp_path, old), wanted)


def test_zip_files_without_zip64_checksums_or_padding(tmp_path: Path) -> None:
    """Other writers of the same format, and torch with set_crc32_options(False)."""
    wanted = {"w": np.arange(4, dtype=np.float32)}
    made = archive(dump(state_dict(wanted)), [wanted["w"].tobytes()], root="a folder named so")
    made.zip64, made.alignment = False, 1
    for entry in made.entries:
        entry.crc32, entry.flags = 0, 0
        entry.local_sizes = (len(entry.data), len(entry.data))
    assert_equal(read(tmp_path, made.to_bytes()), wanted)


def test_sizes_in_the_zip64_field(tmp_path: Path) -> None:
    wanted = {"w": np.arange(4, dtype=np.float32)}
    made = archive(dump(state_dict(wanted)), [wanted["w"].tobytes()])
    entry = made.entries[2]
    entry.size = entry.packed = 0xFFFFFFFF
    entry.extra = b"\x99\x99\x01\0x" + b"\x01\0\x10\0" + (16).to_bytes(8, "little") * 2
    assert_equal(read(tmp_path, made.to_bytes()), wanted)


def test_a_pickle_larger_than_any_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_zip_reader, "MAX_PICKLE_BYTES", 10)
    data = torch_zip({"w": np.ones(4, np.float32)})
    assert_refused(ZipStructureError, lambda: read(tmp_path, data), "weights.pth", "more than 10")


def test_a_training_file_of_thousands_of_tensors_is_no_bomb(tmp_path: Path) -> None:
    """Memory for objects grows with the file: 3,300 tensors take 18 MB, more than a small file gets."""
    arrays = {f"model.layer.{i}.weight": np.zeros(4096, np.float32) for i in range(3300)}
    assert len(read(tmp_path, torch_zip(arrays))) == 3300


def test_objects_nested_as_deep_as_they_may_be_are_let_go(tmp_path: Path) -> None:
    """Freeing a deep chain of objects must not overflow the stack."""
    depth = 12_000
    code = b"ccollections\nOrderedDict\nq\0)R" + b"K\1h\0)R" * depth + b"s" * depth + b"."
    data = archive(b"\x80\x02" + code).to_bytes()
    assert_refused(NoWeightsError, lambda: read(tmp_path, data), "weights.pth", "no keys")


def test_zip_order_does_not_matter(tmp_path: Path) -> None:
    wanted = {"w": np.arange(4, dtype=np.float32)}
    made = archive(dump(state_dict(wanted)), [wanted["w"].tobytes()])
    assert_equal(read(tmp_path, Archive(made.entries[::-1]).to_bytes()), wanted)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((3, 2), (1, 3), 0),
        ((2, 2), (3, 1), 1),
        ((2,), (3,), 2),
        ((), (), 5),
        ((0, 4), (4, 1), 6),
        ((2, 2), (0, 1), 0),
    ],
)
def test_strided_tensors(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int, tmp_path: Path
) -> None:
    flat = np.arange(6, dtype=np.float32)
    item = tensor("0", shape, count=6, strides=strides, offset=offset)
    got = read(tmp_path, archive(dump(ordered({"w": item})), [flat.tobytes()]).to_bytes())["w"]
    wanted = np.empty(shape, np.float32)
    for index in np.ndindex(*shape):
        wanted[index] = flat[offset + sum(i * s for i, s in zip(index, strides, strict=True))]
    np.testing.assert_array_equal(got, wanted)
    assert got.shape == shape


def test_parts_of_legacy_storages(tmp_path: Path) -> None:
    flat = np.arange(6, dtype=np.float32)
    item = tensor("0", (2,), count=6, offset=1, legacy=True, view=("0.part", 2, 3))
    got = read(tmp_path, legacy(dump(ordered({"w": item})), {"0": (6, flat.tobytes())}))
    np.testing.assert_array_equal(got["w"], flat[3:5])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_of_the_standard_library(protocol: int) -> None:
    """What CPython's own pickler writes, at every protocol, is understood."""
    value = {
        "text": "é\U0001f600" * 3, "long": "x" * 1000, "numbers": [0, 255, 65535, -1, 2**31, 2**62, -(2**63), 1.5],
        "flags": (True, False, None), "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "args": argparse.Namespace(lr=0.1, nested={"a": [1]}), "set": {1, 2}, "frozen": frozenset([1]),
        "ordered": collections.OrderedDict(a=1), "default": collections.defaultdict(dict, {3: {"step": 4}}),
        "bytes": b"\x00\xff" * 200, "numpy": np.float64(3.5), "path": Path("x"),
    }  # fmt: skip
    data = pickle.dumps(value, protocol)
    machine = Machine(data, "here")
    found = machine.run()
    assert machine.position == len(data)
    for key in ("text", "long", "numbers", "flags", "tuples", "ordered", "default"):
        assert found[key] == value[key], key


@pytest.mark.parametrize("module", ["pathlib", "pathlib._local"])
def test_a_path_that_any_python_pickled(module: str) -> None:
    """Python 3.13 writes the second module; whichever runs the tests, both are read and nothing is kept."""
    path = b"c" + module.encode() + b"\nPosixPath\n(X\x01\x00\x00\x00xtR"
    assert Machine(b"\x80\x02}X\x01\x00\x00\x00p" + path + b"s.", "here").run().keys() == {"p"}


class _TorchPickler(pickle.Pickler):
    """Writes storages as persistent ids, as torch.save does."""

    def persistent_id(self, value: object) -> object:
        return ("storage", None, "0", "cpu", 4) if isinstance(value, memoryview) else None


def test_shared_objects_through_the_memo() -> None:
    shared = {"a": [1, 2]}
    for protocol in (2, 4):
        stream = io.BytesIO()
        _TorchPickler(stream, protocol).dump([shared, shared, shared["a"]])
        found = Machine(stream.getvalue(), "here").run()
        assert found == [shared, shared, shared["a"]]
        assert found[0] is found[1]


@pytest.mark.parametrize("protocol", [2, 4])
def test_training_state_beside_the_weights_is_read_over(protocol: int, tmp_path: Path) -> None:
    dtype = Call(Name("numpy", "dtype"), ("f8", False, True), (3, "<", None, None, None, -1, -1, 0))
    found = {
        "model": ordered({"w": tensor("0", (4,))}),
        "model_ema": None,
        "epoch": 12,
        "args": Call(
            Name("argparse", "Namespace"), (), {"lr": 1e-3, "out": "x", "size": (224, [1])}, new=True
        ),
        "best": Call(Name("numpy.core.multiarray", "scalar"), (dtype, b"12345678")),
        "best2": Call(
            Name("numpy._core.multiarray", "scalar"),
            (dtype, Call(Name("_codecs", "encode"), ("x", "latin1"))),
        ),
        "optimizer": {
            "state": Call(Name("collections", "defaultdict"), (Name("builtins", "dict"),)),
            "groups": [{"betas": (0.9, 0.999), "params": [0, 1]}],
            "moment": {0: {"exp_avg": tensor("77", (10**9,))}},  # not chosen, so never looked at
        },
        "device": Call(Name("torch", "device"), ("cpu",)),
        "shape": Call(Name("torch", "Size"), ([1, 2],)),
        "dtype": Name("torch", "float32"),
    }
    wanted = np.arange(4, dtype=np.float32)
    got = read(tmp_path, archive(dump(found, protocol), [wanted.tobytes()]).to_bytes())
    assert_equal(got, {"w": wanted})


def test_parameters_with_state(tmp_path: Path) -> None:
    hooks = Call(Name("collections", "OrderedDict"))
    item = Call(
        Name("torch._utils", "_rebuild_parameter_with_state"), (tensor("0", (4,)), True, hooks, {"tag": 1})
    )
    wanted = np.arange(4, dtype=np.float32)
    assert_equal(read(tmp_path, archive(dump({"w": item}), [wanted.tobytes()]).to_bytes()), {"w": wanted})


@pytest.mark.parametrize("kind", ["ComplexFloatStorage", "ComplexDoubleStorage", "QInt8Storage"])
def test_an_unread_element_type_beside_the_weights_does_no_harm(kind: str, tmp_path: Path) -> None:
    size = {"ComplexFloatStorage": 8, "ComplexDoubleStorage": 16, "QInt8Storage": 1}[kind]
    wanted = np.arange(4, dtype=np.float32)
    storages = [bytes(2 * size), wanted.tobytes()]
    for old in (False, True):
        spectrum = tensor("0", (2,), kind=kind, legacy=old)
        found = {"spectrum": spectrum, "model": ordered({"w": tensor("1", (4,), legacy=old)})}
        data = legacy(dump(found), {"0": (2, storages[0]), "1": (4, storages[1])}) if old else None
        assert_equal(read(tmp_path, data or archive(dump(found), storages).to_bytes()), {"w": wanted})
        found = {"model": ordered({"w": spectrum})}
        data = (
            legacy(dump(found), {"0": (2, storages[0])}) if old else archive(dump(found), storages).to_bytes()
        )
        assert_refused(UnsupportedDtypeError, lambda: read(tmp_path, data), "'w'", kind)  # noqa: B023


def test_a_storage_of_unknown_length_is_refused_where_the_next_one_must_be_found(tmp_path: Path) -> None:
    found = {
        "x": tensor("0", (2,), kind="XStorage", legacy=True),
        "model": {"w": tensor("1", (1,), legacy=True)},
    }
    data = legacy(dump(found), {"0": (2, bytes(8)), "1": (1, bytes(4))})
    assert_refused(UnsupportedDtypeError, lambda: read(tmp_path, data), "weights.pth", "XStorage")


def test_descriptions_are_plain_values() -> None:
    """A tensor is what its numbers say, wherever it was described."""
    assert Tensor(Storage("0", "<f4", 4, 0, 4), 0, (4,), (1,)) == Tensor(
        Storage("0", "<f4", 4, 0, 4), 0, (4,), (1,)
    )
