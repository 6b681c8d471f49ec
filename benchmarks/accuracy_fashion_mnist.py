"""Accuracy of the embedded checkpoint: Keras on all 10,000 test pictures, TFLite on the first 2,000.

    python -m benchmarks.accuracy_fashion_mnist [--logits LOGITS.npz] [--json OUT.json]

Bounds: top-1 of the Keras model at least 91.0 %; its logits equal the stored ones of the trained network to 1e-4;
float32 files within 1e-4 (exact GELU) or 1e-3 (fast) of it, float16 within 2e-2 and the same class on 99.9 % of the
pictures, dynamic int8 30 dB. Pictures are prepared as the network was trained: bilinear from 28 to 64 in floating
point, so that nothing is rounded to 8 bits. Exit code 3 when a bound is not met.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fashion_mnist

SIZE = 64
TFLITE_PICTURES = 2000
MIN_TOP1 = 0.91
MIN_AGREEMENT_FLOAT16 = 0.999
FIXTURE = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "fashion_mnist_1000.npz"


def prepare(pictures: np.ndarray, size: int = SIZE) -> np.ndarray:
    """uint8 `(n, 28, 28)` to normalised float32 `(n, size, size, 3)`, bilinear with half-pixel centres.

    The same as torch's `interpolate(mode="bilinear", align_corners=False)`, which the training used.
    """
    weights = np.zeros((size, pictures.shape[1]), np.float32)
    for row in range(size):
        centre = max((row + 0.5) * pictures.shape[1] / size - 0.5, 0)
        first = int(centre)
        second = min(first + 1, pictures.shape[1] - 1)
        weights[row, first] += 1 - (centre - first)
        weights[row, second] += centre - first
    grey = weights @ (pictures.astype(np.float32) / 255) @ weights.T
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return (grey[..., None] - mean) / std


def logits_of(model: Any, pictures: np.ndarray, batch: int = 100) -> np.ndarray:
    """Logits `(n, 10)` of a Keras model."""
    parts = [model.predict_on_batch(prepare(pictures[i : i + batch])) for i in range(0, len(pictures), batch)]
    return np.concatenate(parts)


def measure(stored: Path | None, folder: Path) -> list[dict[str, Any]]:
    """Every measurement as name, value, bound and whether it holds."""
    from converters.load import load_checkpoint
    from converters.tflite.check import compare, run_tflite
    from converters.tflite.export import MIN_SQNR_DB, export
    from swiftformer_keras import data

    rows: list[dict[str, Any]] = []

    def row(name: str, value: float, bound: float, *, at_least: bool = False) -> None:
        holds = bool(value >= bound if at_least else value <= bound)
        rows.append({"name": name, "value": value, "bound": bound, "at_least": at_least, "holds": holds})

    pictures, labels = fashion_mnist.load("test")
    model = load_checkpoint(
        data.demo_checkpoint(), preprocessing=data.demo_preprocessing(), labels=data.demo_labels()
    ).model
    started = time.perf_counter()
    logits = logits_of(model, pictures)
    print(f"Keras on {len(pictures):,} pictures: {time.perf_counter() - started:.1f} s", file=sys.stderr)
    row("Keras, top-1 of 10,000", float((logits.argmax(1) == labels).mean()), MIN_TOP1, at_least=True)
    with np.load(stored or FIXTURE) as file:
        reference = file["logits"].astype(np.float32)
    difference = float(np.abs(logits[: len(reference)] - reference).max())
    row(f"Keras, logits of the first {len(reference):,} against the stored", difference, 1e-4)

    inputs, expected = prepare(pictures[:TFLITE_PICTURES]), logits[:TFLITE_PICTURES]
    truth = labels[:TFLITE_PICTURES]
    for precision, gelu, bound in (
        ("float32", "exact", 1e-4),
        ("float32", "fast", 1e-3),
        ("float16", "exact", 2e-2),
        ("float16", "fast", 2e-2),
        ("dynamic", "fast", None),
    ):
        out = folder / f"{precision}_{gelu}.tflite"
        export(model, out, precision=precision, gelu=gelu, input="normalized")  # type: ignore[arg-type]
        outputs = run_tflite(out, inputs, threads=2)
        found, name = compare(outputs, expected), f"{precision}, {gelu} GELU"
        if bound is not None:
            row(f"{name}, largest logit difference", found.largest, bound)
        else:
            row(f"{name}, signal to noise, dB", found.sqnr_db or np.inf, MIN_SQNR_DB, at_least=True)
        agreement_bound = MIN_AGREEMENT_FLOAT16 if precision != "dynamic" else 0.0
        row(f"{name}, same class as Keras", found.agreement, agreement_bound, at_least=True)
        top1 = float((outputs.argmax(1) == truth).mean())
        row(f"{name}, top-1 of the first {TFLITE_PICTURES:,}", top1, 0.0, at_least=True)
    return rows


def main() -> int:
    """Print the table; 3 when a bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--logits", type=Path, help="stored logits, key `logits`; default: the tests' thousand"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the measurements there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options.logits, Path(folder))
    for entry in rows:
        sign = "at least" if entry["at_least"] else "at most"
        bound = f"{sign} {entry['bound']:g}" if entry["bound"] else ""
        print(f"{entry['name']:<62}{entry['value']:>12.6g}  {bound:<16}{'' if entry['holds'] else 'NOT MET'}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0 if all(entry["holds"] for entry in rows) else 3


if __name__ == "__main__":
    sys.exit(main())
