"""Pickles that torch would not have written, each with the error that it must give."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from swiftformer_keras.errors import (
    MalformedPickleError,
    NoWeightsError,
    PickleLimitError,
    StorageSizeError,
    SwiftFormerError,
    UnsafePickleError,
    UnsupportedDtypeError,
)
from tests.torch_files import Call, Name, Persistent, archive, dump, opcodes, ordered, tensor

Case = tuple[Callable[[], bytes], type[SwiftFormerError], str]

_ONES = np.ones(4, np.float32).tobytes()
_HOOKS = Call(Name("collections", "OrderedDict"))


def _file(pickle: bytes) -> bytes:
    return archive(pickle, [_ONES]).to_bytes()


def _raw(code: bytes) -> Callable[[], bytes]:
    """Opcodes between PROTO and what follows."""
    return lambda: _file(b"\x80\x02" + code)


def _state(value: Any) -> Callable[[], bytes]:
    return lambda: _file(dump(ordered({"good": tensor("0", (4,)), "w": value})))


def _beside(value: Any, protocol: int = 2) -> Callable[[], bytes]:
    """Something beside the weights of a training file."""
    return lambda: _file(dump({"model": ordered({"w": tensor("0", (4,))}), "args": value}, protocol))


def _rebuild(*arguments: Any) -> Call:
    return Call(Name("torch._utils", "_rebuild_tensor_v2"), arguments)


def _pid(*fields: Any) -> Persistent:
    return Persistent(fields)


_STORAGE = _pid("storage", Name("torch", "FloatStorage"), "0", "cpu", 4)


def _nested_tuples(levels: int) -> bytes:
    """A tuple of a tuple of ... : twice the last at every level, 2**levels leaves in all."""
    return b")q\0" + b"".join(b"h%c\x86q%c" % (i, i + 1) for i in range(levels))


def _call(module: str, name: str, *arguments: Any) -> tuple[Callable[[], bytes], type[SwiftFormerError], str]:
    return _beside(Call(Name(module, name), arguments)), UnsafePickleError, f"'{module}.{name}'"


CASES: dict[str, Case] = {
    # --- names outside of the list ---
    "os.system": _call("os", "system", "touch canary"),
    "posix.system": _call("posix", "system", "touch canary"),
    "builtins.eval": _call("builtins", "eval", "1"),
    "builtins.exec": _call("builtins", "exec", "1"),
    "builtins.getattr": _call("builtins", "getattr", "a", "b"),
    "builtins.open": _call("builtins", "open", "canary", "w"),
    "builtins.__import__": _call("builtins", "__import__", "os"),
    "subprocess.Popen": _call("subprocess", "Popen", "ls"),
    "importlib.import_module": _call("importlib", "import_module", "os"),
    "runpy": _call("runpy", "_run_code", "1"),
    "numpy.load": _call("numpy", "load", "x"),
    "torch.load": _call("torch", "load", "x"),
    "torch.hub": _call("torch.hub", "load", "x"),
    "a whole model": _call("models.swiftformer", "SwiftFormer"),
    "a sparse tensor": _call("torch._utils", "_rebuild_sparse_tensor", 1),
    "copyreg": _call("copyreg", "_reconstructor", 1),
    "operator.attrgetter": _call("operator", "attrgetter", "x"),
    "a dotted name": _call("collections", "OrderedDict.fromkeys", (1,)),
    "a name with the module in it": _call("", "os.system", "x"),
    "an unknown name only named": (_beside(Name("os", "system")), UnsafePickleError, "'os.system'"),
    "a name with a line in it": (
        _beside(Name("os\x1b[2J", "system"), 4),
        UnsafePickleError,
        "\\x1b",
    ),
    "STACK_GLOBAL": (_beside(Call(Name("os", "system"), ("x",)), 4), UnsafePickleError, "'os.system'"),
    "NEWOBJ": (_beside(Call(Name("os", "system"), ("x",), new=True)), UnsafePickleError, "'os.system'"),
    # --- opcodes outside of the list ---
    "INST": (_raw(b"(ios\nsystem\n."), MalformedPickleError, "opcode 0x69"),
    "OBJ": (_raw(b"(o."), MalformedPickleError, "opcode 0x6f"),
    "EXT1": (_raw(b"\x82\x01."), MalformedPickleError, "opcode 0x82"),
    "PERSID": (_raw(b"Px\n."), MalformedPickleError, "opcode 0x50"),
    "LONG4": (_raw(b"\x8b" + struct.pack("<i", 1 << 30) + b"\1."), MalformedPickleError, "opcode 0x8b"),
    "LONG in text": (_raw(b"L" + b"9" * 9999 + b"L\n."), MalformedPickleError, "opcode 0x4c"),
    "DUP": (_raw(b"]2."), MalformedPickleError, "opcode 0x32"),
    "BYTEARRAY8": (_raw(b"\x96" + struct.pack("<Q", 1 << 60) + b"."), MalformedPickleError, "opcode 0x96"),
    "NEXT_BUFFER": (_raw(b"\x97."), MalformedPickleError, "opcode 0x97"),
    "opcode 0xff": (_raw(b"\xff."), MalformedPickleError, "opcode 0xff"),
    # --- lengths and limits ---
    "integer of 255 bytes": (_raw(b"\x8a\xff" + b"\1" * 255 + b"."), MalformedPickleError, "255 bytes"),
    "text past the end": (
        _raw(b"X" + struct.pack("<I", 1 << 31) + b"x."),
        MalformedPickleError,
        "go past its end",
    ),
    "text of 2**63 bytes": (
        _raw(b"\x8d" + struct.pack("<Q", 1 << 63) + b"x."),
        MalformedPickleError,
        "past its end",
    ),
    "bytes past the end": (
        _raw(b"\x8e" + struct.pack("<Q", 1 << 63) + b"x."),
        MalformedPickleError,
        "past its end",
    ),
    "frame past the end": (_raw(b"\x95" + struct.pack("<Q", 1 << 63) + b"."), MalformedPickleError, "frame"),
    "text that is not UTF-8": (_raw(b"X\1\0\0\0\xff."), MalformedPickleError, "not UTF-8"),
    "half a surrogate pair": (_raw(opcodes("\ud800") + b"."), MalformedPickleError, "not UTF-8"),
    "name without an end": (_raw(b"cos" + b"x" * 500), MalformedPickleError, "without an end of line"),
    "name that is not UTF-8": (_raw(b"c\xff\nx\n."), MalformedPickleError, "not UTF-8"),
    "name by numbers": (_raw(b"K\1K\2\x93."), MalformedPickleError, "other than two texts"),
    "a million lists": (_raw(b"]" * 1_000_000 + b"."), PickleLimitError, "more objects"),
    "a million marks": (_raw(b"(" * 1_000_000 + b"."), PickleLimitError, "more objects"),
    "a million memo entries": (
        _raw(b"]" + b"".join(b"r" + struct.pack("<I", i) for i in range(200_000)) + b"."),
        PickleLimitError,
        "more objects",
    ),
    "a list of a million items through the memo": (
        _raw(b"]q\0(" + b"h\0" * 1_000_000 + b"e."),
        PickleLimitError,
        "more objects",
    ),
    "deep nesting": (_raw(b"]" * 20_000 + b"a" * 19_999 + b"."), NoWeightsError, "it is a list"),
    "a billion laughs as a value": (_raw(_nested_tuples(200) + b"."), NoWeightsError, "it is a tuple"),
    "a billion laughs as a key": (
        _raw(b"}" + _nested_tuples(200) + b"K\1s."),
        MalformedPickleError,
        "as a key",
    ),
    "a list that holds itself": (_raw(b"]q\0h\0a."), NoWeightsError, "it is a list"),
    # --- nonsense ---
    "protocol 1": (lambda: _file(b"]."), MalformedPickleError, "protocol"),
    "protocol 6": (lambda: _file(b"\x80\x06]."), MalformedPickleError, "protocol"),
    "an empty pickle": (lambda: _file(b""), MalformedPickleError, "ends in the middle"),
    "no end": (_raw(b"]"), MalformedPickleError, "ends in the middle"),
    "nothing on the stack": (_raw(b"."), MalformedPickleError, "unfinished"),
    "two things on the stack": (_raw(b"]]."), MalformedPickleError, "unfinished"),
    "an open mark": (_raw(b"(]."), MalformedPickleError, "unfinished"),
    "no mark": (_raw(b"t."), MalformedPickleError, "mark"),
    "an empty stack": (_raw(b"a."), MalformedPickleError, "empty stack"),
    "a memo entry never set": (_raw(b"h\5."), MalformedPickleError, "memo entry 5"),
    "a memo of nothing": (_raw(b"q\0."), MalformedPickleError, "memo"),
    "a key without a value": (_raw(b"}(K\1u."), MalformedPickleError, "key without a value"),
    "keys into a list": (_raw(b"](K\1K\2u."), MalformedPickleError, "no dictionary"),
    "an item into a dictionary": (_raw(b"}K\1a."), MalformedPickleError, "no list"),
    "items into a number": (_raw(b"K\1(K\1\x90."), MalformedPickleError, "no set"),
    "a call of a text": (_raw(opcodes("x") + b")R."), MalformedPickleError, "cannot be called"),
    "a call of a storage class": (
        _raw(b"ctorch\nFloatStorage\n)R."),
        MalformedPickleError,
        "cannot be called",
    ),
    "a call without arguments": (
        _raw(b"ccollections\nOrderedDict\nK\1R."),
        MalformedPickleError,
        "tuple of arguments",
    ),
    "attributes of a number": (_raw(b"K\1}b."), MalformedPickleError, "attributes"),
    "OrderedDict filled by its constructor": (
        _beside(Call(Name("collections", "OrderedDict"), ([],))),
        MalformedPickleError,
        "constructor",
    ),
    "torch.Size of a number": (
        _beside(Call(Name("torch", "Size"), (3,))),
        MalformedPickleError,
        "torch.Size",
    ),
    # --- storages ---
    "a persistent id that is a text": (_state(_rebuild(Persistent("x"))), MalformedPickleError, "no storage"),
    "a persistent id of a module": (
        _state(_rebuild(_pid("module", 1, 2, 3, 4))),
        MalformedPickleError,
        "no storage",
    ),
    "a legacy persistent id in a zip": (
        _state(_rebuild(_pid("storage", Name("torch", "FloatStorage"), "0", "cpu", 4, None))),
        MalformedPickleError,
        "no storage",
    ),
    "a storage of class OrderedDict": (
        _state(_rebuild(_pid("storage", Name("collections", "OrderedDict"), "0", "cpu", 4))),
        MalformedPickleError,
        "without class",
    ),
    "a storage with a negative count": (
        _state(tensor("0", (4,), count=-4)),
        MalformedPickleError,
        "without a count",
    ),
    "a storage with a count of True": (
        _state(tensor("0", (1,), count=True)),
        MalformedPickleError,
        "without a count",
    ),
    "complex numbers": (
        _state(tensor("0", (4,), kind="ComplexFloatStorage")),
        UnsupportedDtypeError,
        "ComplexFloat",
    ),
    "quantised numbers": (
        _state(tensor("0", (4,), kind="QInt8Storage")),
        UnsupportedDtypeError,
        "QInt8Storage",
    ),
    "a made-up storage class": (
        _state(tensor("0", (4,), kind="XStorage")),
        UnsupportedDtypeError,
        "XStorage",
    ),
    "one storage as two types": (
        lambda: _file(
            dump(ordered({"a": tensor("0", (4,)), "b": tensor("0", (2,), kind="DoubleStorage")})),
        ),
        MalformedPickleError,
        "'b'",
    ),
    # --- tensors ---
    "a tensor without a storage": (
        _state(_rebuild(1, 0, (4,), (1,), False, _HOOKS)),
        MalformedPickleError,
        "no storage",
    ),
    "a tensor with two arguments": (
        _state(_rebuild(_STORAGE, 0)),
        MalformedPickleError,
        "number of arguments",
    ),
    "sizes as a list": (
        _state(_rebuild(_STORAGE, 0, [4], (1,), False, _HOOKS)),
        MalformedPickleError,
        "no integers",
    ),
    "a size of 4.0": (
        _state(tensor("0", (4.0,), count=4, strides=(1,))),
        MalformedPickleError,
        "no integers",
    ),
    "a size of True": (
        _state(tensor("0", (True,), count=4, strides=(1,))),
        MalformedPickleError,
        "no integers",
    ),
    "a parameter of nothing": (
        _state(Call(Name("torch._utils", "_rebuild_parameter"), (None, True, _HOOKS))),
        MalformedPickleError,
        "no tensor",
    ),
    "a negative size": (
        _state(tensor("0", (-4,), count=4, strides=(1,))),
        StorageSizeError,
        "'w' has a negative",
    ),
    "a negative stride": (_state(tensor("0", (4,), strides=(-1,))), StorageSizeError, "'w' has a negative"),
    "a negative offset": (
        _state(tensor("0", (2,), count=4, offset=-2)),
        StorageSizeError,
        "'w' has a negative",
    ),
    "an offset past the storage": (
        _state(tensor("0", (1,), count=4, offset=4)),
        StorageSizeError,
        "element 4",
    ),
    "an offset far past it": (
        _state(tensor("0", (1,), count=4, offset=2**63)),
        StorageSizeError,
        "'w' reaches",
    ),
    "one element too many": (
        _state(tensor("0", (5,), count=4)),
        StorageSizeError,
        "element 4 of a storage of 4",
    ),
    "a stride that steps over the end": (
        _state(tensor("0", (2,), count=4, strides=(4,))),
        StorageSizeError,
        "element 4",
    ),
    "sizes whose product overflows": (
        _state(tensor("0", (2**32, 2**32), count=4, strides=(0, 0))),
        StorageSizeError,
        "more elements than any file",
    ),
    "sizes whose product overflows to four": (
        _state(tensor("0", (2**62 + 1, 4), count=4, strides=(0, 1))),
        StorageSizeError,
        "more elements than any file",
    ),
    "a huge size beside a zero": (
        _state(tensor("0", (0, 2**63), count=4, strides=(1, 1))),
        StorageSizeError,
        "more elements than any file",
    ),
    "a huge stride": (
        _state(tensor("0", (1,), count=4, strides=(2**62,))),
        StorageSizeError,
        "more elements than",
    ),
    "one number expanded to a billion": (
        _state(tensor("0", (10**9,), count=4, strides=(0,))),
        StorageSizeError,
        "claims 1,000,000,000 elements",
    ),
    "more sizes than strides": (
        _state(tensor("0", (2, 2), strides=(1,))),
        StorageSizeError,
        "2 sizes and 1 strides",
    ),
    "sixty dimensions": (_state(tensor("0", (1,) * 60, count=4)), StorageSizeError, "60 sizes"),
    "a count that the file does not hold": (
        lambda: _file(dump(ordered({"w": tensor("0", (2**40,))}))),
        StorageSizeError,
        "needs 4,398,046,511,104",
    ),
    # --- no weights ---
    "a number": (lambda: _file(dump(5)), NoWeightsError, "it is a int"),
    "an empty dictionary": (lambda: _file(dump({})), NoWeightsError, "no keys"),
    "no tensors": (lambda: _file(dump({"model": {"epoch": 3}})), NoWeightsError, "'model'"),
    "tensors under numbers": (lambda: _file(dump({1: tensor("0", (4,))})), NoWeightsError, "no keys"),
    "a lone tensor": (lambda: _file(dump(tensor("0", (4,)))), NoWeightsError, "it is a tensor"),
}
