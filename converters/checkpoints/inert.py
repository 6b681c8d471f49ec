"""The allow-list: every name a pickle of weights may ask for, and the inert thing of ours it gets.

Nothing here calls, imports or looks up anything by the name in the file. A name stands for a small constructor
of this module that keeps what a tensor needs (`_rebuild_tensor_v2`, storage classes) or keeps nothing at all
(argparse.Namespace, numpy scalars and what else training files put beside the weights). Every other name is
refused before a single argument of it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from converters.checkpoints.source import quoted
from converters.checkpoints.tensors import STORAGE_DTYPES, Storage, Tensor


class ArgumentsError(Exception):
    """Arguments that the named thing does not take; the pickle machine adds where."""


class Opaque:
    """Something beside the weights, of which nothing is kept."""

    __slots__ = ()


class Attributes(dict[Any, Any]):
    """An OrderedDict or defaultdict: its items, and no attributes."""

    __slots__ = ()


@dataclass(frozen=True)
class StorageType:
    """A torch storage class; `dtype` is its own name where weights do not have that element type."""

    dtype: str


@dataclass(frozen=True)
class Constructor:
    """What stands in for a callable of the pickle."""

    name: str
    build: Callable[[tuple[Any, ...]], object]


OPAQUE = Opaque()


def find(module: str, name: str) -> StorageType | Constructor | Opaque | None:
    """What the pickle gets for `module.name`; None where it may not have it."""
    if module == "torch" and name.endswith("Storage"):
        return StorageType(STORAGE_DTYPES.get(name, name))
    return _ALLOWED.get((module, name))


def storage_of(pid: object, *, legacy: bool) -> Storage:
    """The storage a persistent id describes.

    torch writes ("storage", class, key, device, count), and in the legacy container a sixth field: None, or
    (key, start, length) of a part.

    Raises:
        ArgumentsError: it is something else.
    """
    if not isinstance(pid, tuple) or len(pid) != (6 if legacy else 5) or pid[0] != "storage":
        raise ArgumentsError("refers to something that is no storage")
    _, kind, key, device, count = pid[:5]
    if not isinstance(kind, StorageType) or not isinstance(key, str) or not isinstance(device, str):
        raise ArgumentsError("refers to a storage without class, key or device")
    if not _is_count(count):
        raise ArgumentsError(f"refers to storage {quoted(key)} without a count of elements")
    start, length = 0, count
    if legacy and pid[5] is not None:
        part = pid[5]
        if not isinstance(part, tuple) or len(part) != 3 or not (_is_count(part[1]) and _is_count(part[2])):
            raise ArgumentsError(
                f"refers to a part of storage {quoted(key)} that is not (key, start, length)"
            )
        start, length = part[1], part[2]
    return Storage(key, kind.dtype, count, start, length)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _rebuild_tensor_v2(arguments: tuple[Any, ...]) -> Tensor:
    # storage, offset, size, stride, requires_grad, backward_hooks[, metadata]
    if len(arguments) not in (6, 7):
        raise ArgumentsError("gives a tensor a wrong number of arguments")
    storage, offset, shape, strides = arguments[:4]
    if not isinstance(storage, Storage):
        raise ArgumentsError("gives a tensor no storage")
    if type(offset) is not int or not _is_ints(shape) or not _is_ints(strides):
        raise ArgumentsError("gives a tensor an offset, sizes or strides that are no integers")
    return Tensor(storage, offset, shape, strides)


def _is_ints(value: object) -> bool:
    return isinstance(value, tuple) and all(type(item) is int for item in value)


def _rebuild_parameter(arguments: tuple[Any, ...]) -> Tensor:
    # tensor, requires_grad, backward_hooks[, state]
    if len(arguments) not in (3, 4) or not isinstance(arguments[0], Tensor):
        raise ArgumentsError("gives a parameter no tensor")
    return arguments[0]


def _mapping(arguments: tuple[Any, ...]) -> Attributes:
    if arguments and not (len(arguments) == 1 and isinstance(arguments[0], Constructor)):
        raise ArgumentsError("fills a dictionary through its constructor")
    return Attributes()


def _size(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(arguments) != 1 or not isinstance(arguments[0], (tuple, list)):
        raise ArgumentsError("gives torch.Size no sizes")
    return tuple(arguments[0])


def _nothing(_: tuple[Any, ...]) -> Opaque:
    return OPAQUE


_CONSTRUCTORS: dict[str, Callable[[tuple[Any, ...]], object]] = {
    # what tensors are made of
    "collections.OrderedDict": _mapping,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch.Size": _size,
    # what training files hold beside them: read over
    "argparse.Namespace": _nothing,
    "collections.defaultdict": _mapping,
    "torch.device": _nothing,
    "numpy.dtype": _nothing,
    "numpy.core.multiarray.scalar": _nothing,
    "numpy._core.multiarray.scalar": _nothing,  # its name since numpy 2
    "numpy.ndarray": _nothing,
    "numpy.core.multiarray._reconstruct": _nothing,  # an array, such as the state of a random generator
    "numpy._core.multiarray._reconstruct": _nothing,
    "_codecs.encode": _nothing,  # how protocol 2 writes the bytes of a numpy scalar
    "pathlib.PosixPath": _nothing,
    "pathlib._local.PosixPath": _nothing,  # its name in Python 3.13
}

_ALLOWED: dict[tuple[str, str], Constructor | Opaque] = {
    (full.rpartition(".")[0], full.rpartition(".")[2]): Constructor(full, build)
    for full, build in _CONSTRUCTORS.items()
}
# A defaultdict names what it makes for a missing key (torch's optimizers: dict); protocol 2 names set to fill one.
_ALLOWED |= {
    (module, name): Constructor(name, _nothing)
    for module in ("builtins", "__builtin__")
    for name in ("dict", "list", "set", "frozenset")
}
# Element types as values, as in Namespace(dtype=torch.float32).
_ALLOWED |= {("torch", name): OPAQUE for name in ("float32", "float16", "bfloat16", "float64", "int64")}
