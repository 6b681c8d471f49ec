"""Every figure that quantised files are held to, measured anew: latency beside others, signal to noise, top-1, size.

    python -m benchmarks.quantised PEERS [--rounds N] [--threads N] [--ours DIR] [--pictures N] [--out FILE.md]

PEERS is a folder with the .tflite files to compare with: `swiftformer_xs_224_int8`, `swiftformer_xs_224_dyn8`,
`swiftformer_xs_224_fp32`, `swiftformer_s_224_int8` and `mobilenetv2_100_224_int8`; a ratio to one that is not there is
not measured. Our files at 224 pixels have the seeded reference weights, since latency does not depend on what weights
were trained for; they are calibrated on seeded synthetic pictures and measured on others. --ours keeps them in a
folder, and those that are there are not made again. Where Fashion-MNIST is installed (see `fashion_mnist.py`), the demo
model is quantised with its own calibration pictures and run on --pictures of the test pictures.

Prints a table in Markdown, and writes it into --out: the figure, its bound, what to aim for, and for ratios the 10th to
90th percentile over rounds. Exits with 1 if a bound is not met or, without --partial, was not measured.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.interleaved import Latencies, measure

CALIBRATION_SEED, TEST_SEED = 7, 8
TEST_PICTURES = 48
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "xs float32": ("swiftformer_xs", {"precision": "float32", "gelu": "exact"}),
    "xs float32 fast": ("swiftformer_xs", {"precision": "float32"}),
    "xs float16": ("swiftformer_xs", {"precision": "float16"}),
    "xs int8": ("swiftformer_xs", {"scheme": "int8"}),
    "xs int8 tanh": ("swiftformer_xs", {"scheme": "int8", "gelu": "tanh"}),
    "xs dynamic": ("swiftformer_xs", {"scheme": "dynamic"}),
    "s int8": ("swiftformer_s", {"scheme": "int8"}),
}
"""Our files at 224 pixels by name: the reference weights' variant, and what `export` (where there is a precision) or
`quantize` is asked for."""

RATIOS = (
    ("xs int8", "swiftformer_xs_224_int8", 0.25, 0.225),
    ("xs int8", "swiftformer_xs_224_dyn8", 0.52, 0.48),
    ("xs int8", "swiftformer_xs_224_fp32", 0.37, 0.33),
    ("xs int8", "mobilenetv2_100_224_int8", 1.55, 1.40),
    ("s int8", "swiftformer_s_224_int8", 0.35, 0.30),
    ("xs float32", "swiftformer_xs_224_fp32", 1.00, 0.95),
    ("xs dynamic", "swiftformer_xs_224_dyn8", 0.90, 0.80),
)
"""Of latency: our file, another's, the bound, what to aim for."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A figure and what it is held to; `better` says which way, `digits` how it is printed."""

    what: str
    value: float | None
    bound: float | None = None
    aim: float | None = None
    better: str = "lower"
    digits: int = 3
    spread: str = ""

    @property
    def met(self) -> bool:
        """Whether the bound is met, where there is one; what was not measured meets none."""
        if self.bound is None:
            return True
        if self.value is None:
            return False
        return self.value <= self.bound if self.better == "lower" else self.value >= self.bound

    def cells(self) -> str:
        """A line of the table."""
        found = [self.value, self.bound, self.aim]
        texts = ["" if value is None else f"{value:.{self.digits}f}" for value in found]
        said = "**not measured**" if self.value is None else "yes" if self.met else "**no**"
        return f"| {self.what} | {' | '.join(texts)} | {self.spread} | {said} |"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", type=Path)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--ours", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--partial", action="store_true", help="let pass what could not be measured here")
    asked = parser.parse_args()
    theirs = {path.stem: path for path in sorted(asked.peers.glob("*.tflite"))}
    if not theirs:
        raise SystemExit(f"{asked.peers}: holds no .tflite files. Give the folder that they are in")
    with _folder(asked.ours) as folder:
        ours = _make(folder)
        latencies = measure({**ours, **theirs}, rounds=asked.rounds, threads=asked.threads)
        rows = [*_ratios(latencies), *_partitions(ours), *_signal_to_noise(ours, folder)]
        rows += _fashion_mnist(folder, asked.pictures)
        lines = [
            *(
                "| figure | measured | bound | aim | 10th to 90th percentile | met |",
                "|---|---|---|---|---|---|",
            ),
            *(row.cells() for row in rows),
            "",
            *("| file | median ms | MB |", "|---|---|---|"),
            *(
                f"| {name} | {latencies.median_ms(name):.2f} | {path.stat().st_size / 1e6:.2f} |"
                for name, path in {**ours, **theirs}.items()
            ),
        ]
    print("\n".join(lines))
    if asked.out is not None:
        asked.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(row.met or (asked.partial and row.value is None) for row in rows) else 1


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(exist_ok=True, parents=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _make(folder: Path) -> dict[str, Path]:
    """Our files at 224, those that are not in the folder already."""
    from converters.tflite.export import export
    from converters.tflite.quantize import quantize
    from swiftformer_keras.preprocessing import PREPROCESSINGS
    from tests import reference
    from tests.converters.tflite.pictures import synthetic

    calibration = synthetic(folder / "calibration", 128, CALIBRATION_SEED)
    models: dict[str, Any] = {}
    made = {}
    for name, (variant, options) in SETTINGS.items():
        made[name] = folder / f"{name.replace(' ', '_')}_224.tflite"
        if made[name].exists():
            continue
        if variant not in models:
            models = {variant: reference.classifier(variant, preprocessing=PREPROCESSINGS["timm"])}
        started = time.perf_counter()
        if "precision" in options:
            export(models[variant], made[name], force=True, **options)
        else:
            quantize(models[variant], made[name], calibration=calibration, force=True, **options)
        print(f"{name}: made in {time.perf_counter() - started:.0f} s", flush=True)
    return made


def _ratios(latencies: Latencies) -> list[Row]:
    rows = []
    for ours, theirs, bound, aim in RATIOS:
        what = f"latency of {ours} / {theirs}"
        if theirs not in latencies.names:
            rows.append(Row(what, None, bound, aim))
            continue
        found = latencies.ratio(ours, theirs)
        rows.append(Row(what, found.value, bound, aim, spread=f"{found.low:.3f} to {found.high:.3f}"))
    return rows


def _partitions(ours: dict[str, Path]) -> list[Row]:
    from converters.tflite.check import delegation

    rows = []
    for name, path in ours.items():
        split = delegation(path)
        rows.append(Row(f"XNNPACK partitions of {name}", split.partitions, 1, digits=0))
        rows.append(Row(f"operators left out of {name}", len(split.left), 0, digits=0))
    return rows


def _signal_to_noise(ours: dict[str, Path], folder: Path) -> list[Row]:
    """Of XS at 224, reference weights, on pictures of another seed than calibrated it."""
    from converters.tflite.check import compare, run_tflite
    from converters.tflite.picture_sources import find_source
    from swiftformer_keras.preprocessing import PREPROCESSINGS, apply
    from tests.converters.tflite.pictures import synthetic

    found = find_source(synthetic(folder / "test", TEST_PICTURES, TEST_SEED))
    pixels = np.stack([apply(picture.open(), PREPROCESSINGS["timm"]) for picture in found])
    reference = run_tflite(ours["xs float32"], pixels)
    rows = []
    for name in ("xs int8", "xs int8 tanh", "xs dynamic"):
        bound, aim = (28.0, 32.0) if name == "xs int8" else (None, None)
        near = compare(run_tflite(ours[name], pixels), reference)
        what = f"signal to noise of {name} at 224, reference weights, dB"
        rows.append(Row(what, near.sqnr_db or np.inf, bound, aim, "higher", 1))
    return rows


def _fashion_mnist(folder: Path, count: int) -> list[Row]:
    """The demo model at 64 pixels on test pictures; not measured where the data set is not installed."""
    from benchmarks.fashion_mnist import load
    from converters.load import load_checkpoint
    from converters.tflite.check import compare, run_tflite
    from converters.tflite.export import export
    from converters.tflite.quantize import quantize
    from converters.top1 import top1
    from swiftformer_keras import data
    from swiftformer_keras.preprocessing import apply

    try:
        pictures, classes = (part[:count] for part in load("test"))
    except SystemExit as missing:
        print(missing)
        return [
            Row("Fashion-MNIST, int8 sigmoid: top-1 lost, points", None, 0.1, 0),
            Row("Fashion-MNIST, int8 sigmoid: agreement, %", None, 99.5, 99.8, "higher"),
            Row("Fashion-MNIST, int8 sigmoid: signal to noise, dB", None, 33.0, 36.0, "higher"),
            Row("size of XS int8 at 64 pixels, MB", None, 3.5),
        ]
    model: Any = load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model
    pixels = np.stack([apply(Image.fromarray(p).convert("RGB"), model.preprocessing) for p in pictures])
    export(model, folder / "fashion_float32.tflite", gelu="exact", force=True)
    reference = run_tflite(folder / "fashion_float32.tflite", pixels)
    exact = top1(reference, classes)
    where = f"Fashion-MNIST, {len(classes):,} pictures"
    rows = [Row(f"{where}: top-1 of float32, %", 100 * exact.share, digits=2)]
    for gelu in ("sigmoid", "tanh"):
        path = folder / f"fashion_{gelu}.tflite"
        quantize(model, path, calibration="demo", gelu=gelu, force=True)
        logits = run_tflite(path, pixels)
        found, near = top1(logits, classes), compare(logits, reference)
        held = gelu == "sigmoid"
        interval = f"{100 * found.low:.2f} to {100 * found.high:.2f} (Wilson, 95 %)"
        lost, name = 100 * (exact.share - found.share), f"{where}, int8 {gelu}"
        rows += [
            Row(f"{name}: top-1, %", 100 * found.share, digits=2, spread=interval),
            Row(f"{name}: top-1 lost, points", lost, 0.1 if held else None, 0 if held else None, digits=2),
            Row(
                f"{name}: agreement, %",
                100 * near.agreement,
                *((99.5, 99.8) if held else (None, None)),
                "higher",
                2,
            ),
            Row(
                f"{name}: signal to noise, dB",
                near.sqnr_db or np.inf,
                *((33.0, 36.0) if held else (None, None)),
                "higher",
                1,
            ),
        ]
        if held:
            rows.append(Row("size of XS int8 at 64 pixels, MB", path.stat().st_size / 1e6, 3.5, digits=2))
    return rows


if __name__ == "__main__":
    raise SystemExit(main())
