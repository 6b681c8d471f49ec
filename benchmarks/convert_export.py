"""Time from a SwiftFormer-XS checkpoint to a checked .tflite file, as the two commands a user runs.

    python -m benchmarks.convert_export [--variant swiftformer_xs] [--precision float32] [--repeat 3] [--json OUT.json]

Whole processes, imports included. The checkpoint has the seeded reference weights (1,000 classes, 224 pixels). Bound:
convert and export of XS end to end under 60 s. Exit code 3 when it is not met.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.harness import recipe

BOUND_S = 60.0


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.wall_s:6.1f} s (CPU {self.cpu_s:5.1f} s) {self.peak_mb:5.0f} MB"


def run(*arguments: str | Path) -> Cost:
    """One `swiftformer` command as a process of its own.

    Raises:
        SystemExit: the command failed; its own words are printed.
    """
    command = [sys.executable, "-m", "swiftformer_keras", *map(str, arguments)]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        words = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    cost = Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    return cost


def main() -> int:
    """Print the table; 3 when the bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--variant", default="swiftformer_xs", choices=sorted(recipe().VARIANTS))
    parser.add_argument("--precision", default="float32", choices=("float32", "float16", "dynamic"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the measurements there too")
    options = parser.parse_args()
    from safetensors.numpy import save_file

    runs, together = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, keras_file, out = (
            folder / "model.safetensors",
            folder / "model.keras",
            folder / "model.tflite",
        )
        save_file(recipe().weights(**recipe().VARIANTS[options.variant]), source)
        for _ in range(options.repeat):
            converted = run("convert", source, keras_file, "--force")
            exported = run("export", keras_file, out, "--precision", options.precision, "--force")
            runs.append({"convert": dataclasses.asdict(converted), "export": dataclasses.asdict(exported)})
            together.append(converted.wall_s + exported.wall_s)
            print(f"convert {converted}   export {exported}   together {together[-1]:6.1f} s", flush=True)
    slowest = max(together)
    holds = options.variant != "swiftformer_xs" or slowest < BOUND_S
    print(f"slowest together {slowest:.1f} s, bound {BOUND_S:.0f} s: {'met' if holds else 'NOT MET'}")
    if options.json:
        options.json.write_text(
            json.dumps({"settings": vars(options) | {"json": None}, "runs": runs}, indent=1) + "\n"
        )
    return 0 if holds else 3


if __name__ == "__main__":
    sys.exit(main())
