"""Latency on Android's own TFLite 2.16.1 library, its x86-64 build on this machine: our float32 XS beside another's.

    python -m benchmarks.android_library PEERS [--rounds N] [--threads N] [--ours FILE]

PEERS is a folder with `swiftformer_xs_224_fp32.tflite`, the same network as another converter writes it. Both files run
in one process through the library's C API with XNNPACK, in turns, and each round begins with the other. What is said of
a phone by it is the ratio, as far as its processor is like this one. Ours is made anew unless --ours names it.

Prints the medians in milliseconds and their ratio with the 10th to 90th percentile over rounds, by the clock and by
the processor's time, and exits with 1 if the ratio by the clock is above its bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.interleaved import RUNS, Latencies
from converters.tflite.inspect import inspect_tflite
from tests.android_runtime.library import build
from tests.android_runtime.runtime import AndroidRuntime, RefusedError, Request
from tests.android_runtime.standins import X86_64

PEER = "swiftformer_xs_224_fp32"
BOUND = 0.35
_SEED = 7
_WARM_UP = 2


def measure(files: dict[str, Path], rounds: int, threads: int) -> tuple[Latencies, Latencies]:
    """Time files by name, by the clock and by the processor's time.

    Each request loads its file anew, and its first runs are not counted.
    """
    runs = {}
    for name, path in files.items():
        shape = inspect_tflite(path).inputs[0].shape
        values = np.random.default_rng(_SEED).uniform(0, 100, shape).astype(np.float32)
        runs[name] = ((values,),) * (_WARM_UP + RUNS)
    names = list(files)
    order = [name for number in range(rounds) for name in np.roll(names, -number)]
    requests = [Request(files[name], "xnnpack", runs[name], threads) for name in order]
    clock: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    processor: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
    for name, answer in zip(order, AndroidRuntime(build(X86_64)).ask(requests), strict=True):
        if answer.refused or not answer.taken:
            raise RefusedError(f"{files[name]}: {answer.refused or 'XNNPACK takes nothing of it'}")
        clock[name].append(answer.took_ms[_WARM_UP:])
        processor[name].append(answer.processor_ms[_WARM_UP:])
    by_clock, by_processor = (
        Latencies(tuple(names), np.array([times[name] for name in names]).swapaxes(0, 1))
        for times in (clock, processor)
    )
    return by_clock, by_processor


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peers", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ours", type=Path)
    arguments = parser.parse_args()
    peer = arguments.peers / f"{PEER}.tflite"
    if not peer.is_file():
        parser.error(f"{peer}: is not there")
    with tempfile.TemporaryDirectory() as folder:
        ours = arguments.ours or _exported(Path(folder))
        by_clock, by_processor = measure({"ours": ours, PEER: peer}, arguments.rounds, arguments.threads)
    for what, latencies in {"clock": by_clock, "processor": by_processor}.items():
        found = latencies.ratio("ours", PEER)
        medians = ", ".join(f"{name} {latencies.median_ms(name):.2f} ms" for name in latencies.names)
        print(f"{what}: {medians}, ratio {found.value:.3f} ({found.low:.3f} to {found.high:.3f} over rounds)")
    ratio = by_clock.ratio("ours", PEER).value
    print(f"bound {BOUND}: {'met' if ratio <= BOUND else 'not met'}")
    return 0 if ratio <= BOUND else 1


def _exported(folder: Path) -> Path:
    """Ours as `export` makes it by default: float32, fast GELU, RGB 0..255 in."""
    from converters.tflite.export import export
    from swiftformer_keras.preprocessing import PREPROCESSINGS
    from tests import reference

    path = folder / "xs_float32.tflite"
    labels = tuple(map(str, range(1000)))
    export(reference.classifier("swiftformer_xs", preprocessing=PREPROCESSINGS["timm"], labels=labels), path)
    return path


if __name__ == "__main__":
    sys.exit(main())
