"""How near the exported files of the demo model are to Keras on the first 2,000 Fashion-MNIST test pictures.

    python -m benchmarks.tflite_accuracy [--pictures N]

Converts and exports the embedded checkpoint (and says how long that takes from end to end), runs every file with
LiteRT and prints, for each: size, largest logit difference, signal-to-noise ratio, share of pictures with Keras' own
top class, top-1 against the true classes, and XNNPACK partitions. Exit code 3 when a stated bound is
not met, or XNNPACK does not take every operator in one partition. Needs Fashion-MNIST (see `fashion_mnist.py`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.fashion_mnist import load
from swiftformer_keras import data

AGREEMENT = 0.999
SETTINGS: tuple[tuple[str, str], ...] = (
    ("float32", "exact"),
    ("float32", "fast"),
    ("float16", "exact"),
    ("float16", "fast"),
    ("dynamic", "fast"),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=2000)
    count = parser.parse_args().pictures

    started = time.perf_counter()
    from converters.load import convert
    from converters.tflite.check import compare, delegation, run_tflite
    from converters.tflite.export import BOUNDS, MIN_SQNR_DB, export
    from swiftformer_keras.preprocessing import apply, normalize

    pictures, classes = load("test")
    classes = classes[:count]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options: dict[str, Any] = {"preprocessing": data.demo_preprocessing(), "labels": data.demo_labels()}
        model: Any = convert(data.demo_checkpoint(), folder / "xs.keras", **options).model
        export(model, folder / "first.tflite")
        print(f"convert and one export, imports included: {time.perf_counter() - started:.1f} s")

        contract = model.preprocessing
        pixels = np.stack([apply(Image.fromarray(p).convert("RGB"), contract) for p in pictures[:count]])
        reference = model.predict(normalize(pixels, contract), verbose=0)
        print(f"Keras: top-1 {(reference.argmax(axis=1) == classes).mean():.4f} on {count:,} pictures")
        met = True
        for precision, gelu in SETTINGS:
            path = folder / f"{precision}_{gelu}.tflite"
            started = time.perf_counter()
            export(model, path, precision=precision, gelu=gelu)  # type: ignore[arg-type]
            seconds = time.perf_counter() - started
            outputs = run_tflite(path, pixels.astype(np.float32), threads=2)
            found, split = compare(outputs, reference), delegation(path)
            bound = BOUNDS.get((precision, gelu))
            near = (found.sqnr_db or 99) >= MIN_SQNR_DB if bound is None else found.largest <= bound
            met &= (split.partitions, len(split.left)) == (1, 0)
            met &= near and (precision == "dynamic" or found.agreement >= AGREEMENT)
            print(
                f"{precision} {gelu}: {path.stat().st_size:,} bytes, largest difference {found.largest:.2e}, "
                f"{found.sqnr_db:.1f} dB, agreement {found.agreement:.4f}, "
                f"top-1 {(outputs.argmax(axis=1) == classes).mean():.4f}, {split.partitions} partition(s), "
                f"{len(split.left)} operators left, exported in {seconds:.1f} s"
            )
    return 0 if met else 3


if __name__ == "__main__":
    raise SystemExit(main())
