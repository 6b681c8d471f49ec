"""A pickle interpreter that can only describe.

It knows the opcodes that pickle protocols 2 to 5 write for dictionaries, lists, tuples, texts, numbers and the
few objects of `inert.py`, and refuses every other opcode and name. It never imports, looks up or calls anything
by a name out of the file (opcodes: CPython's pickletools.py; what torch writes: torch/serialization.py).

Memory is bounded before it is taken: every opcode, text and item is charged to an allowance, lengths are compared
with what is left of the data, and keys of dictionaries must be scalars, so that no hash walks a nested tuple.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pickle import (
    ADDITEMS,
    APPEND,
    APPENDS,
    BINBYTES,
    BINBYTES8,
    BINFLOAT,
    BINGET,
    BININT,
    BININT1,
    BININT2,
    BINPERSID,
    BINPUT,
    BINUNICODE,
    BINUNICODE8,
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_SET,
    EMPTY_TUPLE,
    FRAME,
    FROZENSET,
    GLOBAL,
    LONG1,
    LONG_BINGET,
    LONG_BINPUT,
    MARK,
    MEMOIZE,
    NEWFALSE,
    NEWOBJ,
    NEWOBJ_EX,
    NEWTRUE,
    NONE,
    PROTO,
    REDUCE,
    SETITEM,
    SETITEMS,
    SHORT_BINBYTES,
    SHORT_BINUNICODE,
    STACK_GLOBAL,
    STOP,
    TUPLE,
    TUPLE1,
    TUPLE2,
    TUPLE3,
)
from typing import Any, NoReturn

from converters.checkpoints import inert
from converters.checkpoints.source import quoted
from converters.checkpoints.tensors import Storage
from swiftformer_keras.errors import (
    MalformedPickleError,
    PickleLimitError,
    UnsafePickleError,
)

MAX_PICKLE_BYTES = 32 << 20
_ALLOWANCE_BYTES = 16 << 20  # 1,800 tensors: 9 kB a tensor with its name, as torch writes them
_OPCODE_COST = 160  # at least what one opcode's object and its place on the stack take
_ITEM_COST = 112  # at least what an item's place in a dictionary, a list or the memo takes
_MAX_NAME = 256
_MAX_INTEGER_BYTES = 16

_SCALARS = (str, int, float, bool, type(None))


def allowance_bytes(file_bytes: int) -> int:
    """How much memory the objects described by a file of this size may take."""
    return max(_ALLOWANCE_BYTES, file_bytes // 2)


class Machine:
    """Interprets one pickle.

    Args:
        data: holds the pickle; it may go on after it.
        where: the file and the part of it, for messages.
        start: where the pickle begins in `data`.
        allowance: how many bytes of memory its objects may take; `left` is what remains of them.
        legacy: storages are described as the legacy container does it.
    """

    def __init__(
        self,
        data: bytes | bytearray | memoryview,
        where: str,
        *,
        start: int = 0,
        allowance: int = _ALLOWANCE_BYTES,
        legacy: bool = False,
    ) -> None:
        self._data = memoryview(data)
        self._where = where
        self._legacy = legacy
        self.left = allowance
        self.position = start
        self.stack: list[Any] = []
        self.storages: dict[str, Storage] = {}  # the storages it refers to, by key
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """What the pickle describes; `position` is then behind it.

        Raises:
            UnsafePickleError: it asks for a name outside of the allow-list.
            PickleLimitError: it would take more memory than its allowance.
            MalformedPickleError: anything else that torch would not have written.
        """
        if self._take(1) != PROTO or self._take(1)[0] not in range(2, 6):
            self.malformed("does not begin with a pickle protocol from 2 to 5")
        handlers = _HANDLERS
        while True:
            code = self._take(1)
            if code == STOP:
                break
            handler = handlers.get(code[0])
            if handler is None:
                self.position -= 1
                self.malformed(f"holds the opcode {code[0]:#04x}, which weights do not need")
            self.charge(_OPCODE_COST)
            handler(self)
        if self._marks or len(self.stack) != 1:
            self.malformed("ends with an unfinished object")
        return self.stack[0]

    # --- what the opcodes are made of -------------------------------------------------------------------

    def malformed(self, why: str) -> NoReturn:
        raise MalformedPickleError(
            f"{self._where}: the pickle {why} (byte {self.position:,}). The file is damaged or was not written "
            "by torch; download it again"
        )

    def charge(self, size_bytes: int) -> None:
        self.left -= size_bytes
        if self.left < 0:
            raise PickleLimitError(
                f"{self._where}: the pickle describes more objects than weights of this size need (byte "
                f"{self.position:,}). The file is hostile or no checkpoint; do not use it"
            )

    def _take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self._data):
            self.malformed(f"ends in the middle of {length:,} bytes")
        taken = self._data[self.position : end].tobytes()
        self.position = end
        return taken

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def text(self, length: int) -> None:
        if length > len(self._data) - self.position:
            self.malformed(f"announces a text of {length:,} bytes, which go past its end")
        self.charge(4 * length)  # one character outside of the basic plane makes all of them four bytes
        try:
            self.push(self._take(length).decode("utf-8"))
        except UnicodeDecodeError:
            self.malformed("holds a text that is not UTF-8")

    def blob(self, length: int) -> None:
        """Bytes occur in numpy scalars only, of which nothing is kept."""
        if length > len(self._data) - self.position:
            self.malformed(f"announces {length:,} bytes, which go past its end")
        self.position += length
        self.push(inert.OPAQUE)

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack:
            self.malformed("takes from an empty stack")
        return self.stack.pop()

    def mark(self) -> None:
        self._marks.append(self.stack)
        self.stack = []

    def items(self) -> list[Any]:
        """Everything since the last mark."""
        if not self._marks:
            self.malformed("looks for a mark that was never set")
        items, self.stack = self.stack, self._marks.pop()
        self.charge(_ITEM_COST * len(items))
        return items

    def top(self, kind: type | tuple[type, ...], what: str) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            self.malformed(f"puts {what}")
        return self.stack[-1]

    def tuple_of(self, length: int) -> None:
        items = [self.pop() for _ in range(length)]
        self.push(tuple(reversed(items)))

    def set_items(self, items: list[Any]) -> None:
        target = self.top(dict, "a key into something that is no dictionary")
        if len(items) % 2:
            self.malformed("has a key without a value")
        self.charge(_ITEM_COST * len(items))
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, _SCALARS):
                self.malformed("uses something other than a text or a number as a key")
            target[key] = value

    def append_items(self, items: list[Any]) -> None:
        target = self.top(list, "an item into something that is no list")
        self.charge(_ITEM_COST * len(items))
        target.extend(items)

    def memo_put(self, index: int) -> None:
        self.charge(_ITEM_COST)
        self._memo[index] = self.top(object, "nothing into its memo")

    def memoize(self) -> None:
        self.memo_put(len(self._memo))

    def memo_get(self, index: int) -> None:
        if index not in self._memo:
            self.malformed(f"refers to memo entry {index:,}, which was never set")
        self.push(self._memo[index])

    def integer(self) -> None:
        length = self.number("<B")
        if length > _MAX_INTEGER_BYTES:
            self.malformed(f"holds an integer of {length} bytes")
        self.push(int.from_bytes(self._take(length), "little", signed=True))

    # --- the few objects --------------------------------------------------------------------------------

    def global_line(self) -> str:
        limit = min(self.position + _MAX_NAME, len(self._data))
        line, newline, _ = self._data[self.position : limit].tobytes().partition(b"\n")
        if not newline:
            self.malformed("names something without an end of line")
        self.position += len(line) + 1
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.malformed("holds a name that is not UTF-8")

    def stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            self.malformed("names something by other than two texts")
        self.find(module, name)

    def find(self, module: str, name: str) -> None:
        found = inert.find(module, name)
        if found is None:
            raise UnsafePickleError(
                f"{self._where}: the pickle asks for {quoted(f'{module}.{name}')}, which weights do not need; nothing "
                "of it was run. If you trust the file, load it with torch and save its state_dict() alone; "
                "otherwise delete it"
            )
        self.push(found)

    def reduce(self) -> None:
        arguments, callee = self.pop(), self.pop()
        if not isinstance(arguments, tuple):
            self.malformed("calls something without a tuple of arguments")
        if not isinstance(callee, inert.Constructor):
            self.malformed("calls something that cannot be called")
        try:
            self.push(callee.build(arguments))
        except inert.ArgumentsError as error:
            self.malformed(str(error))

    def reduce_with_names(self) -> None:
        self.pop()  # keyword arguments: only objects of which nothing is kept are written so
        self.reduce()

    def build(self) -> None:
        """Attributes of an object: _metadata of a state_dict, the contents of a Namespace. Not kept."""
        self.pop()
        self.top((inert.Attributes, inert.Opaque), "attributes on something that has none")

    def persistent_id(self) -> None:
        try:
            storage: Storage = inert.storage_of(self.pop(), legacy=self._legacy)
        except inert.ArgumentsError as error:
            self.malformed(str(error))
        self.storages.setdefault(storage.key, storage)
        self.push(storage)

    def add_items(self) -> None:
        self.items()
        self.top(inert.Opaque, "an item into something that is no set")

    def frozen_set(self) -> None:
        self.items()
        self.push(inert.OPAQUE)

    def frame(self) -> None:
        length = self.number("<Q")
        if length > len(self._data) - self.position:
            self.malformed(f"announces a frame of {length:,} bytes, which goes past its end")


_Handler = Callable[[Machine], None]
_BY_OPCODE: dict[bytes, _Handler] = {
    MARK: Machine.mark,
    FRAME: Machine.frame,
    # values
    NONE: lambda m: m.push(None),
    NEWTRUE: lambda m: m.push(True),
    NEWFALSE: lambda m: m.push(False),
    BININT: lambda m: m.push(m.number("<i")),
    BININT1: lambda m: m.push(m.number("<B")),
    BININT2: lambda m: m.push(m.number("<H")),
    LONG1: Machine.integer,
    BINFLOAT: lambda m: m.push(m.number(">d")),
    SHORT_BINUNICODE: lambda m: m.text(m.number("<B")),
    BINUNICODE: lambda m: m.text(m.number("<I")),
    BINUNICODE8: lambda m: m.text(m.number("<Q")),
    SHORT_BINBYTES: lambda m: m.blob(m.number("<B")),
    BINBYTES: lambda m: m.blob(m.number("<I")),
    BINBYTES8: lambda m: m.blob(m.number("<Q")),
    # containers
    EMPTY_TUPLE: lambda m: m.push(()),
    TUPLE: lambda m: m.push(tuple(m.items())),
    TUPLE1: lambda m: m.tuple_of(1),
    TUPLE2: lambda m: m.tuple_of(2),
    TUPLE3: lambda m: m.tuple_of(3),
    EMPTY_LIST: lambda m: m.push([]),
    APPEND: lambda m: m.append_items([m.pop()]),
    APPENDS: lambda m: m.append_items(m.items()),
    EMPTY_DICT: lambda m: m.push({}),
    SETITEM: lambda m: m.set_items([m.pop(), m.pop()][::-1]),
    SETITEMS: lambda m: m.set_items(m.items()),
    EMPTY_SET: lambda m: m.push(inert.OPAQUE),
    ADDITEMS: Machine.add_items,
    FROZENSET: Machine.frozen_set,
    # the memo
    BINPUT: lambda m: m.memo_put(m.number("<B")),
    LONG_BINPUT: lambda m: m.memo_put(m.number("<I")),
    MEMOIZE: Machine.memoize,
    BINGET: lambda m: m.memo_get(m.number("<B")),
    LONG_BINGET: lambda m: m.memo_get(m.number("<I")),
    # objects
    GLOBAL: lambda m: m.find(m.global_line(), m.global_line()),
    STACK_GLOBAL: Machine.stack_global,
    REDUCE: Machine.reduce,
    NEWOBJ: Machine.reduce,
    NEWOBJ_EX: Machine.reduce_with_names,
    BUILD: Machine.build,
    BINPERSID: Machine.persistent_id,
}
_HANDLERS: dict[int, _Handler] = {code[0]: handler for code, handler in _BY_OPCODE.items()}
