"""Time from a SwiftFormer-XS checkpoint to a checked .tflite file, as the two commands a user runs.

    python -m benchmarks.convert_export [--variant swiftformer_xs] [--precision float32] [--repeat 3] [--json OUT.json]

Whole processes, imports included. The checkpoint has the seeded reference weights (1,000 classes, 224 pixels). Bound:
convert and export of XS end to end under 60 s. Exit code 3 when it is not met.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.harness import recipe

BOUND_S = 60.0


def run(*arguments: str | Path) -> tuple[float, float]:
    """Seconds and peak resident memory in MB of one `swiftformer` command.

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
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{words}")
    return seconds, usage.ru_maxrss / 1024


def main() -> int:
    """Print the table; 3 when the bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--variant", default="swiftformer_xs", choices=sorted(recipe().VARIANTS))
    parser.add_argument("--precision", default="float32", choices=("float32", "float16", "dynamic"))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the measurements there too")
    options = parser.parse_args()
    from safetensors.numpy import save_file

    runs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, keras_file, out = (
            folder / "model.safetensors",
            folder / "model.keras",
            folder / "model.tflite",
        )
        save_file(recipe().weights(**recipe().VARIANTS[options.variant]), source)
        for _ in range(options.repeat):
            convert_s, convert_mb = run("convert", source, keras_file, "--force")
            export_s, export_mb = run("export", keras_file, out, "--precision", options.precision, "--force")
            runs.append(
                {
                    "convert_s": convert_s,
                    "convert_mb": convert_mb,
                    "export_s": export_s,
                    "export_mb": export_mb,
                }
            )
            print(
                f"convert {convert_s:6.1f} s {convert_mb:6.0f} MB   export {export_s:6.1f} s {export_mb:6.0f} MB   "
                f"together {convert_s + export_s:6.1f} s"
            )
    slowest = max(run["convert_s"] + run["export_s"] for run in runs)
    holds = options.variant != "swiftformer_xs" or slowest < BOUND_S
    print(f"slowest together {slowest:.1f} s, bound {BOUND_S:.0f} s: {'met' if holds else 'NOT MET'}")
    if options.json:
        options.json.write_text(
            json.dumps({"settings": vars(options) | {"json": None}, "runs": runs}, indent=1) + "\n"
        )
    return 0 if holds else 3


if __name__ == "__main__":
    sys.exit(main())
