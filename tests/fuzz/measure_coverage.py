"""Branch coverage of the checkpoint readers: by the fuzz's seeds, cases and corpus, and by the tests.

    python -m tests.fuzz.measure_coverage [--corpus DIR] [--at-least 90]

Prints both figures with the lines that are missed. Fails when less is reached than is asked for: by the fuzz alone
where the corpus of a long run is given, else by both together.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[2]


def branches(measured: coverage.Coverage) -> float:
    """Percent of branches taken; prints lines and branches of every file."""
    measured.report(file=sys.stdout, show_missing=True)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        measured.json_report(outfile=file.name)
        totals = json.loads(Path(file.name).read_text())["totals"]
    return 100 * totals["covered_branches"] / totals["num_branches"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--corpus", type=Path, default=None, help="what `python -m tests.fuzz --corpus DIR` kept"
    )
    parser.add_argument("--at-least", type=float, default=90.0)
    arguments = parser.parse_args()
    measured = coverage.Coverage(
        branch=True, source=["converters.checkpoints"], data_file=None, config_file=False
    )
    measured.start()
    from tests.fuzz.fuzz_checkpoints import CASES, execute, make_folder, seeds

    inputs = [*seeds(), *(path.read_bytes() for path in CASES.glob("*.bin"))]
    if arguments.corpus:
        inputs += [path.read_bytes() for path in sorted(arguments.corpus.iterdir())]
    folder = make_folder()
    for data in inputs:
        execute(data, folder)
    shutil.rmtree(folder)
    measured.stop()
    print(f"by {len(inputs)} inputs of the fuzz alone:")
    alone = branches(measured)
    measured.start()
    failed = pytest.main(["-q", "-x", str(ROOT / "tests" / "converters" / "checkpoints")])
    measured.stop()
    print("together with the tests:")
    together = branches(measured)
    print(f"branch coverage of converters/checkpoints: fuzz {alone:.1f} %, with tests {together:.1f} %")
    reached = alone if arguments.corpus else together
    return 1 if failed or reached < arguments.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
