"""Latency of quantised files beside others, interleaved in one process.

    python -m benchmarks.quantised PEERS [--rounds N] [--threads N] [--ours DIR] [--only NAME ...]
        [--calibration DIR]

PEERS is a folder of .tflite files, whoever made them. Ours are SwiftFormer-XS at 224 pixels with the reference weights
(float32, dynamic and int8), made here and kept in the folder --ours when one is given; the latency of a file does not
depend on what its weights were trained for. --only times some of them, --calibration takes pictures of your own
instead of seeded ones.

All files are loaded first. In each round every one runs a few times after a run that is not counted, and each round
begins with another file, so that whatever else the machine does meets them all. Printed are the median, XNNPACK's
partitions and operators left out, and for each of ours against each of the others the ratio of medians, with the spread
of the ratio over the rounds (10th to 90th percentile).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RUNS = 4  # counted ones of a file in a round
SEED = 7
SETTINGS: dict[str, dict[str, Any]] = {
    "xs_224_float32_exact": {"precision": "float32", "gelu": "exact"},
    "xs_224_int8_sigmoid": {"gelu": "sigmoid"},
    "xs_224_int8_tanh": {"gelu": "tanh"},
    "xs_224_int8_exact": {"gelu": "exact"},
    "xs_224_dynamic": {"scheme": "dynamic"},
}
"""Of our files, by name: what `export` (where there is a precision) or `quantize` is asked for."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ours", type=Path)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--calibration", type=Path)
    asked = parser.parse_args()
    from converters.tflite.check import delegation, interpreter_of

    theirs = sorted(asked.peers.glob("*.tflite"))
    if not theirs:
        raise SystemExit(f"{asked.peers}: holds no .tflite files. Give the folder that they are in")
    with _folder(asked.ours) as folder:
        ours = _make(folder, asked.only, asked.calibration)
        files = [*ours, *theirs]
        runners = [interpreter_of(path, asked.threads) for path in files]
        for runner in runners:
            _fill(runner)
        rounds = np.array([_round(runners, number) for number in range(asked.rounds)])
        medians = np.median(rounds, axis=(0, 2))
        print(f"{'file':36} {'median ms':>10} {'size MB':>8}  partitions, operators left out")
        for path, median in zip(files, medians, strict=True):
            split = delegation(path)
            size = path.stat().st_size / 1e6
            print(f"{path.stem:36} {median:10.2f} {size:8.2f}  {split.partitions}, {len(split.left)}")
        print(f"\n{'ratio of medians':36} {'against':36} {'':6} 10th..90th percentile over rounds")
        each = np.median(rounds, axis=2)
        for one, path in enumerate(ours):
            for other, peer in enumerate(theirs, len(ours)):
                low, high = np.percentile(each[:, one] / each[:, other], (10, 90))
                ratio = medians[one] / medians[other]
                print(f"{path.stem:36} {peer.stem:36} {ratio:6.3f} {low:.3f}..{high:.3f}")
    return 0


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _make(folder: Path, names: list[str], calibration: Path | None) -> list[Path]:
    """Our files of XS at 224, those that are not in the folder already."""
    from converters.tflite.export import export
    from converters.tflite.quantize import quantize
    from swiftformer_keras.preprocessing import PREPROCESSINGS
    from tests import reference

    model: Any = None
    made = []
    for name in names:
        options = SETTINGS[name]
        path = folder / f"{name}.tflite"
        made.append(path)
        if path.exists():
            continue
        model = model or reference.classifier("swiftformer_xs", preprocessing=PREPROCESSINGS["timm"])
        started = time.perf_counter()
        if "precision" in options:
            export(model, path, force=True, **options)
            print(f"{name}: exported in {time.perf_counter() - started:.0f} s")
            continue
        report = quantize(
            model, path, calibration=calibration or _pictures(folder), samples=64, force=True, **options
        )
        print(f"{name}: {report.sqnr_db:.1f} dB, quantised in {time.perf_counter() - started:.0f} s")
    return made


def _pictures(folder: Path) -> Path:
    """Seeded synthetic pictures: colour fields of every frequency and blocks."""
    where = folder / "calibration"
    if where.is_dir():
        return where
    where.mkdir()
    rng = np.random.default_rng(SEED)
    size = 256
    for number in range(96):
        picture = np.zeros((size, size, 3))
        for grid in (2, 4, 8, 16, 32, 64, 128):
            index = np.arange(size) * grid // size
            picture += rng.normal(0, 1, (grid, grid, 3))[index][:, index] * (2 / grid) ** 0.6
        for _ in range(rng.integers(1, 6)):
            top, bottom, left, right = (
                *np.sort(rng.integers(0, size, 2)),
                *np.sort(rng.integers(0, size, 2)),
            )
            picture[top:bottom, left:right] += rng.normal(0, 1, 3)
        pixels = np.clip(128 + 50 * picture, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(where / f"{number:03d}.png")
    return where


def _fill(runner: Any) -> None:
    """Give a model an input of its own type."""
    source = runner.get_input_details()[0]
    values = np.random.default_rng(SEED).uniform(0, 100, source["shape"])
    runner.set_tensor(source["index"], values.astype(source["dtype"]))


def _round(runners: list[Any], number: int) -> list[list[float]]:
    """Milliseconds of every file's runs, in the files' order; the round begins with file `number`."""
    order = np.roll(range(len(runners)), -number)
    elapsed = {int(index): _run(runners[index]) for index in order}
    return [elapsed[index] for index in range(len(runners))]


def _run(runner: Any) -> list[float]:
    """Milliseconds of `RUNS` runs after one that brings its weights back into the caches."""
    runner.invoke()
    elapsed = []
    for _ in range(RUNS):
        started = time.perf_counter()
        runner.invoke()
        elapsed.append((time.perf_counter() - started) * 1e3)
    return elapsed


if __name__ == "__main__":
    raise SystemExit(main())
