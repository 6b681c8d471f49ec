"""Coverage-guided fuzzing of the checkpoint readers (atheris, libFuzzer underneath).

    python tests/fuzz/fuzz_checkpoints.py --runs 20000
    python tests/fuzz/fuzz_checkpoints.py --seconds 120

An input's first byte says what it is (a whole file, the pickle inside of a sound zip file, ...), so that the mutator
gets behind checksums, offsets and lengths that it would hardly ever keep right. Whatever is not a CheckpointError in
one line, takes longer than a second or more memory than its size allows is a finding: it is written to
`tests/fuzz/findings/` and belongs, once fixed, into `tests/converters/checkpoints/cases/`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
HERE = Path(__file__).resolve().parent
FINDINGS = HERE / "findings"
CASES = ROOT / "tests" / "converters" / "checkpoints" / "cases"
CKPT = ROOT / "tests" / "fixtures" / "ckpt"

STORAGES = {"0": bytes(range(64)), "1": bytes(16), "2": b"\0\0\x80?" * 4}


# --- an input: one byte that says what it is, and the rest ----------------------------------------------


def as_file(body: bytes) -> tuple[str, bytes]:
    return "fuzz.pth", body


def as_zip_pickle(body: bytes) -> tuple[str, bytes]:
    from tests.torch_files import archive

    return "fuzz.pth", archive(body, STORAGES).to_bytes()


def as_legacy_pickle(body: bytes) -> tuple[str, bytes]:
    from tests.torch_files import legacy

    sizes = {key: (len(data) // 4, data) for key, data in STORAGES.items()}
    return "fuzz.pth", legacy(body, sizes)


def as_zip_entries(body: bytes) -> tuple[str, bytes]:
    """Entries described by eight bytes each, in an archive that is sound but for what these say."""
    from tests.torch_files import Archive, Entry, dump, ordered, tensor

    names = [
        "a/data.pkl",
        "a/data/0",
        "a/data/1",
        "a/byteorder",
        "a/version",
        "a/../x",
        "b/data/0",
        "a/constants.pkl",
    ]
    pickle = dump(ordered({"w": tensor("0", (2, 2)), "v": tensor("1", (3,), kind="HalfStorage")}))
    contents = [pickle, bytes(16), bytes(6), b"little", b"3\n", b"x", bytes(16), b"x"]
    entries = []
    for i in range(0, min(len(body) - 8, 8 * 40), 8):
        which, field, value = body[i] % 8, body[i + 1] % 16, int.from_bytes(body[i + 2 : i + 8], "little")
        entry = Entry(names[which], contents[which])
        short, wide = value % 0x10000, value % (1 << 32)
        match field:
            case 1:
                entry.size = wide
            case 2:
                entry.size = entry.packed = 0xFFFFFFFF
                entry.extra = struct.pack("<HHQQ", 1, 16, value, value)
            case 3:
                entry.header = wide
            case 4:
                entry.method = short
            case 5:
                entry.flags = short
            case 6:
                entry.local_sizes = (wide, wide)
            case 7:
                entry.crc32 = wide
            case 8:
                entry.name = names[which] + str(short)
            case 9:
                entry.local_flags = short
            case 10:
                entry.packed = wide
        entries.append(entry)
    made = Archive(entries)
    if body and body[-1] & 1:
        made.zip64 = False
    if body and body[-1] & 2:
        made.end64 = {"count": body[0], "here": body[0]}
    return "fuzz.pth", made.to_bytes()


def as_safetensors_header(body: bytes) -> tuple[str, bytes]:
    return "fuzz.safetensors", struct.pack("<Q", len(body)) + body + bytes(160)


def as_json(body: bytes) -> tuple[str, bytes]:
    return "config.json", body


def as_index(body: bytes) -> tuple[str, bytes]:
    return "model.safetensors.index.json", body


KINDS: tuple[Callable[[bytes], tuple[str, bytes]], ...] = (
    as_file,
    as_zip_pickle,
    as_legacy_pickle,
    as_zip_entries,
    as_safetensors_header,
    as_json,
    as_index,
)


def seeds() -> list[bytes]:
    """Real files, the pickles and headers inside of them, small ones of our own, and all hostile cases."""
    import zipfile

    from tests.converters.checkpoints import hostile_other, hostile_pickle, hostile_zip
    from tests.torch_files import Call, Name, dump, ordered, state_dict, tensor, torch_legacy

    found = [b"\x00" + path.read_bytes() for path in CKPT.glob("bad_*") if path.stat().st_size < 4096]
    for path in CKPT.rglob("*"):
        if path.suffix in (".pth", ".bin", ".tar") and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                pickle = archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
            found.append(b"\x01" + pickle[:3000] + b".")
        elif path.suffix == ".json":
            found.append(b"\x05" + path.read_bytes())
    import numpy as np

    arrays = {"module.w": np.ones((2, 2), np.float32), "module.b": np.ones(8, np.float16)}
    found.append(b"\x00" + hostile_zip.good().to_bytes())
    found.append(b"\x00" + torch_legacy(arrays))
    hooks = Call(Name("collections", "OrderedDict"))
    for kind in (b"\x01", b"\x02"):
        old = kind == b"\x02"
        for protocol in (2, 4):
            sets = {
                "model": state_dict(arrays, legacy=old),
                "model_ema": ordered(
                    {"n_averaged": tensor("1", (), legacy=old), "w": tensor("0", (2, 2), legacy=old)}
                ),
                "args": Call(
                    Name("argparse", "Namespace"), (), {"lr": 1e-3, "size": (1, [2, None])}, new=True
                ),
                "optimizer": {"state": {0: {"step": tensor("2", (4,), kind="BFloat16Storage", legacy=old)}}},
                "best": Call(
                    Name("numpy.core.multiarray", "scalar"),
                    (Call(Name("numpy", "dtype"), ("f8",)), b"12345678"),
                ),
                "p": Call(
                    Name("torch._utils", "_rebuild_parameter"),
                    (tensor("0", (2, 8), strides=(1, 2), legacy=old), True, hooks),
                ),
            }
            found.append(kind + dump(sets, protocol))
    found.append(b"\x03" + b"".join(bytes([which, 0, 0, 0, 0, 0, 0, 0]) for which in range(5)) + bytes(8))
    shapes = {"F32": 4, "BF16": 2, "I64": 8, "BOOL": 1, "F16": 2}
    header, begin = {"__metadata__": {"format": "pt"}}, 0
    for name, size in shapes.items():
        header[name] = {"dtype": name, "shape": [2, 4], "data_offsets": [begin, begin + 8 * size]}  # type: ignore[dict-item]
        begin += 8 * size
    found.append(b"\x04" + json.dumps(header).encode())
    found.append(
        b"\x06"
        + json.dumps({"metadata": {}, "weight_map": {"a": "m1.safetensors", "b": "m2.safetensors"}}).encode()
    )
    cases = [*hostile_zip.CASES.values(), *hostile_pickle.CASES.values(), *hostile_other.LEGACY.values()]
    cases += [*hostile_other.SAFETENSORS.values(), *hostile_other.OTHER.values()]
    found += [b"\x00" + build() for build, _, _ in cases]
    found += [b"\x05" + build() for build, _, _ in hostile_other.JSON.values()]
    return [seed for seed in found if len(seed) < 8192]


# --- mutation that knows the formats --------------------------------------------------------------------

_SNIPPETS = (
    b"\x80\x02", b"\x80\x04\x95", b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_parameter\n", b"ctorch\nFloatStorage\n", b"ctorch\nBFloat16Storage\n",
    b"cargparse\nNamespace\n", b"X\x07\0\0\0storage", b"X\x05\0\0\0model", b"X\x09\0\0\0model_ema", b"X\x01\0\0\x000",
    b"X\x03\0\0\0cpu", b"(", b"t", b"Q", b")", b"R", b"}", b"]", b"s", b"u", b"a", b"e", b"\x85", b"\x86", b"\x87",
    b"K\x00", b"K\x04", b"M\xff\xff", b"J\xff\xff\xff\xff", b"\x8a\x09\0\0\0\0\0\0\0\0\x01", b"q\x00", b"h\x00",
    b"\x94",
    b"r\xff\xff\xff\xff", b"\x93", b"\x81", b"\x92", b"b", b"N", b"\x88", b"\x8f", b"\x90", b"\x91", b".",
    b'{"', b'":', b"[", b"]", b'"dtype"', b'"shape"', b'"data_offsets"', b'"F32"', b"NaN", b"1e999", b"\\ud800", b"-1",
    b'"__metadata__"', b'"weight_map"', b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"PK\x06\x06", b"PK\x06\x07",
    b"\xff\xff\xff\xff", b"\0\0\0\0\0\0\0\x80",
)  # fmt: skip


def mutate(data: bytes, max_size: int, seed: int, plain: Callable[[bytes, int], bytes]) -> bytes:
    """Keep the kind; in half of the cases insert, replace, repeat or drop a piece that means something."""
    chance = random.Random(seed)
    if not data:
        return bytes([chance.randrange(len(KINDS))])
    kind, body = data[:1], bytearray(data[1:])
    if chance.random() < 0.02:
        kind = bytes([chance.randrange(len(KINDS))])
    if chance.random() < 0.5 or not body:
        return kind + plain(bytes(body), max(max_size - 1, 1))
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(body) + 1)
        snippet = chance.choice(_SNIPPETS)
        match chance.randrange(4):
            case 0:
                body[at:at] = snippet
            case 1:
                body[at : at + len(snippet)] = snippet
            case 2:
                length = chance.randrange(1, 40)
                body[at:at] = body[at : at + length] * chance.choice((1, 1, 3, 30))
            case 3:
                del body[at : at + chance.randrange(1, 30)]
    return (kind + bytes(body))[:max_size]


# --- one execution --------------------------------------------------------------------------------------


def execute(data: bytes, folder: Path) -> None:
    """Read the file that `data` stands for; returns when it was read or refused as it should be."""
    from converters.checkpoints import read_checkpoint
    from swiftformer_keras.errors import CheckpointError

    if not data:
        return
    name, content = KINDS[data[0] % len(KINDS)](data[1:])
    path = folder / name
    path.write_bytes(content)
    target = folder if name == "config.json" else path
    try:
        checkpoint = read_checkpoint(target, weights=(None, "model", "ema")[data[-1] % 3])
    except CheckpointError as error:
        message = str(error)
        if not message or not message.isprintable() or str(folder) not in message or len(message) > 1000:
            raise AssertionError(f"not one line that names the file: {message!r}") from error
        return
    finally:
        path.unlink(missing_ok=True)
    held = sum(
        array.base.nbytes if array.base is not None else array.nbytes for array in checkpoint.tensors.values()
    )
    views = sum(array.nbytes for array in checkpoint.tensors.values())
    largest = max((array.nbytes for array in checkpoint.tensors.values()), default=0)
    limit = sum(stamp.size_bytes for stamp in checkpoint.files)
    if largest > limit:
        raise AssertionError(f"a tensor of {largest} bytes from files of {limit}; {held} held, {views} seen")
    for array in checkpoint.tensors.values():
        array.sum()  # touches every element


def make_folder() -> Path:
    """Where inputs are written: in memory where the system has that."""
    shared_memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=shared_memory if shared_memory.is_dir() else None))
    from tests.torch_files import safetensors

    header = b'{"%s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}'
    (folder / "m1.safetensors").write_bytes(safetensors(header % b"a", bytes(4)))
    (folder / "m2.safetensors").write_bytes(safetensors(header % b"b", bytes(4)))
    # config.json is tried in a folder with weights; an unchanged shard serves as these
    (folder / "model.safetensors").write_bytes(safetensors(header % b"a", bytes(4)))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=0, help="stop after this many executions")
    parser.add_argument("--seconds", type=int, default=0, help="stop after this time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--corpus", type=Path, default=None, help="keep what reaches new code here, to go on later"
    )
    arguments = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["converters.checkpoints"]):
        import converters.checkpoints  # noqa: F401

    folder = make_folder()
    corpus = arguments.corpus or Path(tempfile.mkdtemp())
    corpus.mkdir(parents=True, exist_ok=True)
    FINDINGS.mkdir(exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number:04d}").write_bytes(seed)
    for path in CASES.glob("*.bin"):
        (corpus / f"case-{path.name}").write_bytes(path.read_bytes())

    def custom(data: bytes, max_size: int, seed: int) -> bytes:
        return mutate(data, max_size, seed, atheris.Mutate)

    options = [
        sys.argv[0],
        f"-runs={arguments.runs or -1}",
        f"-max_total_time={arguments.seconds}",
        f"-seed={arguments.seed}",
        f"-artifact_prefix={FINDINGS}{os.sep}",
        "-max_len=8192",
        "-timeout=5",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup(options, lambda data: execute(data, folder), custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
