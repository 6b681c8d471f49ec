"""Nothing of a file is run, and no file takes more memory than it has bytes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import ml_dtypes  # noqa: F401  numpy knows bfloat16 by its name once it is imported
import numpy as np
import pytest

from converters.checkpoints import read_checkpoint
from swiftformer_keras.errors import CheckpointError
from tests.converters.checkpoints import hostile_pickle, hostile_zip
from tests.harness import FIXTURES, ROOT
from tests.torch_files import of_safetensors, torch_legacy, torch_zip

CKPT = FIXTURES / "ckpt"
CANARY = Path("/tmp/pwned")  # what the malicious fixtures would write

_AUDITED = """
    import json, sys
    from converters.checkpoints import read_checkpoint
    from swiftformer_keras.errors import CheckpointError
    events = []
    sys.addaudithook(lambda event, arguments: events.append((event, repr(arguments)[:200])))
    results = []
    for path in sys.argv[1:]:
        try:
            read_checkpoint(path)
            results.append("read")
        except CheckpointError as error:
            results.append(type(error).__name__)
    print(json.dumps({"results": results, "events": list(events)}))
"""

_LIMITED = """
    import resource, sys, tracemalloc
    from converters.checkpoints import read_checkpoint
    from swiftformer_keras.errors import CheckpointError
    import numpy
    path, limit = sys.argv[1], int(sys.argv[2])
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + limit, now + limit))
    tracemalloc.start()
    try:
        read_checkpoint(path)
        print("read", tracemalloc.get_traced_memory()[1])
    except CheckpointError as error:
        print(type(error).__name__, tracemalloc.get_traced_memory()[1])
"""


def run(code: str, *arguments: str) -> str:
    """The output of a Python process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_run_imported_or_connected_to(tmp_path: Path) -> None:
    """Watched by an audit hook, which sees every call of these, whoever makes it."""
    CANARY.unlink(missing_ok=True)
    paths = [str(path) for path in sorted(CKPT.glob("*.pth"))]
    for number, (build, _, _) in enumerate(hostile_pickle.CASES.values()):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(build())
        paths.append(str(path))
    seen = json.loads(run(_AUDITED, *paths))
    assert len(seen["results"]) == len(paths)
    assert {"read", "UnsafePickleError"} <= set(seen["results"])
    allowed = {
        "open",
        "os.listdir",
        "os.scandir",
        "object.__getattr__",
        "pathlib.Path.iterdir",
        "sys._getframe",
    }
    others = [event for event in seen["events"] if event[0] not in allowed]
    assert others == []
    opened = [arguments for event, arguments in seen["events"] if event == "open"]
    assert len(opened) >= len(paths) - 1  # the hook was there: an empty file is opened too
    assert all("'rb'" in arguments or "'r'" in arguments for arguments in opened)
    assert not CANARY.exists()
    assert not (ROOT / "canary").exists()


BOMBS = {
    "a million lists": hostile_pickle.CASES["a million lists"][0],
    "a billion laughs": hostile_pickle.CASES["a billion laughs as a value"][0],
    "a huge text": hostile_pickle.CASES["text past the end"][0],
    "a huge storage": hostile_pickle.CASES["a count that the file does not hold"][0],
    "one number expanded": hostile_pickle.CASES["one number expanded to a billion"][0],
    "overlapping entries": hostile_zip.CASES["overlapping entries"][0],
    "a count of entries": hostile_zip.CASES["count that overflows"][0],
    "a header of five megabytes": lambda: b"\0\0\x50\0\0\0\0\0{" + b"[" * (5 << 20),
    "a header of lists": lambda: b"\xff\xff\x3f\0\0\0\0\0{" + b"[]," * (4 << 20),
    "thirty thousand entries": lambda: _entries(30_000),
}


def _entries(count: int) -> bytes:
    made = hostile_zip.good()
    made.alignment = 1
    made.entries += [hostile_zip.Entry(f"archive/{i:x}", b"") for i in range(count)]
    return made.to_bytes()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", BOMBS)
def test_no_file_takes_more_memory_than_it_has_bytes(name: str, tmp_path: Path) -> None:
    """Beyond what objects any small pickle may make (16 MB), in a process that gets no more than that."""
    path = tmp_path / "weights.pth"
    data = BOMBS[name]()
    path.write_bytes(data)
    room = len(data) + (24 << 20)
    result, peak = run(_LIMITED, str(path), str(room + (32 << 20))).split()  # tracing takes memory of its own
    assert result.endswith("Error") or name == "thirty thousand entries"
    assert int(peak) < room, f"{int(peak):,} bytes for a file of {len(data):,}"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("write", [torch_zip, torch_legacy, of_safetensors], ids=lambda f: f.__name__)
def test_reading_takes_half_as_much_again_as_the_tensors_at_most(
    write: Callable[[dict[str, np.ndarray]], bytes], dtype: str, tmp_path: Path
) -> None:
    wanted = {f"w{i}": (np.arange(1 << 19) % 251).reshape(-1, 64).astype(dtype) for i in range(8)}
    path = tmp_path / "weights.pth"
    path.write_bytes(write(wanted))
    tracemalloc.start()
    tensors = read_checkpoint(path).tensors
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = sum(value.nbytes for value in wanted.values())
    assert size <= peak < 1.5 * size, f"{peak:,} bytes for tensors of {size:,}"
    for name, value in wanted.items():
        assert tensors[name].dtype == value.dtype
        np.testing.assert_array_equal(tensors[name], value)


def test_no_bad_fixture_takes_more_memory_than_it_has_bytes() -> None:
    for path in sorted(CKPT.glob("bad_*")):
        tracemalloc.start()
        with contextlib.suppress(CheckpointError):
            read_checkpoint(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < path.stat().st_size + (2 << 20), path  # 2 MB: the objects of a 26 kB pickle
