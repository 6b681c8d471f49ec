"""How long reading an L3 checkpoint takes, and how much memory beside the tensors.

    python benchmarks/read_checkpoint.py [--variant swiftformer_l3] [--container zip|legacy|safetensors]
        [--dtype float32|float16|bfloat16]

Writes a file of seeded weights in a temporary folder (no torch), reads it in fresh processes with a warm page cache
and prints the median, and the peak of the process's resident memory over what it was before, as a ratio to the
tensors' bytes: 1.0 is the tensors alone. Bounds: one second, and 1.5 times the tensors' bytes. Exit code 3 when one is
not met.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import ml_dtypes  # noqa: F401  numpy knows bfloat16 by its name once it is imported
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_CHILD = """
import json, resource, sys, time
from converters.checkpoints import read_checkpoint
read_checkpoint(sys.argv[2])  # every module and code path is loaded before anything is measured
peak = lambda: int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
before, began = peak(), time.perf_counter()
checkpoint = read_checkpoint(sys.argv[1])
seconds, after = time.perf_counter() - began, peak()
began = time.perf_counter()
checkpoint.sha256
hashing = time.perf_counter() - began
print(json.dumps([seconds, after - before, sum(a.nbytes for a in checkpoint.tensors.values()), hashing]))
"""


def write(path: Path, tensors: dict[str, np.ndarray], container: str, sets: int) -> None:
    """The tensors in a container; with more than one set, a training file that holds them again and again."""
    from tests.torch_files import (
        CLASSES,
        archive,
        dump,
        of_safetensors,
        ordered,
        tensor,
        torch_legacy,
        torch_zip,
    )

    if container == "safetensors":
        path.write_bytes(of_safetensors(tensors))
    elif container == "legacy":
        path.write_bytes(torch_legacy(tensors))
    elif sets == 1:
        path.write_bytes(torch_zip(tensors))
    else:
        found, storages = {}, []
        for key in ("model", "model_ema", "optimizer", "momentum")[:sets]:
            found[key] = ordered(
                {
                    name: tensor(str(len(storages) + i), array.shape, kind=CLASSES[array.dtype.name])
                    for i, (name, array) in enumerate(tensors.items())
                }
            )
            storages += [array.tobytes() for array in tensors.values()]
        path.write_bytes(archive(dump(found), storages).to_bytes())


MAX_SECONDS = 1.0
MAX_MEMORY = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", default="swiftformer_l3")
    parser.add_argument("--container", choices=("zip", "legacy", "safetensors"), default="zip")
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32")
    parser.add_argument("--sets", type=int, choices=(1, 2, 3, 4), default=1, help="of weights in a zip file")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    from tests.harness import FIXTURES, recipe

    source = recipe()
    tensors = {
        name: array.astype(arguments.dtype) if array.dtype == np.float32 else array
        for name, array in source.weights(**source.VARIANTS[arguments.variant]).items()
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        write(path, tensors, arguments.container, arguments.sets)
        warm = FIXTURES / "ckpt" / "orig_model.pth"
        rows = []
        for _ in range(arguments.repeats):
            child = [sys.executable, "-c", _CHILD, str(path), str(warm)]
            rows.append(
                json.loads(subprocess.run(child, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
            )
        seconds, extra, size, hashing = (statistics.median(column) for column in zip(*rows, strict=True))
        print(
            f"{arguments.variant} {arguments.container} {arguments.dtype}, "
            f"{path.stat().st_size / 1e6:.1f} MB: read in {seconds:.3f} s "
            f"(fastest {min(row[0] for row in rows):.3f} s), extra peak memory {extra / size:.2f} x the tensors' "
            f"{size / 1e6:.1f} MB; its SHA-256 takes another {hashing:.3f} s"
        )
    return 0 if seconds < MAX_SECONDS and extra <= MAX_MEMORY * size else 3


if __name__ == "__main__":
    sys.exit(main())
