"""What `swiftformer benchmark` itself costs: CPU time of a plan of 12 configurations, from its start to its exit.

    python -m benchmarks.overhead

Against the tests' own phone, by the real adb. Only our own process counts (`os.times`, without its children): adb, the
phone and what measures there are others. Bound: 2 s. `benchmarks.verified_push` has what a push costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from converters.android.adb_client import find_adb
from swiftformer_keras.errors import MissingToolError
from tests.phone.adb import AdbServer
from tests.phone.app import package
from tests.phone.phone import Phone

MODEL = Path(__file__).parents[1] / "android_app/app/src/main/assets/models/fashion_mnist_int8.tflite"
BOUND_S = 2.0

PROGRAM = """
import atexit, os, sys
def told():
    used = os.times()
    print(f"own CPU time: {used.user + used.system:.3f}", file=sys.stderr)
atexit.register(told)
from swiftformer_keras.cli.main import run
run()
"""


def plan_seconds(serial: str, folder: Path) -> float:
    """CPU seconds of one rapid plan: a model, three delegates, four numbers of threads; 84 processes on the phone."""
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "benchmark",
        str(MODEL),
        "--device",
        serial,
        "--quiet",
        "--force",
    ]
    plan = ["--delegate", "cpu,gpu,nnapi", "--threads", "1,2,4,8", "--out", str(folder / "run.json")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(2):  # the first call compiles our modules, as an installation does
        done = subprocess.run([*command, *plan], capture_output=True, text=True, check=True, env=environment)
    line = next(line for line in done.stderr.splitlines() if line.startswith("own CPU time: "))
    return float(line.rpartition(" ")[2])


def main() -> int:
    """Measure and print it beside its bound."""
    try:
        program = find_adb()
    except MissingToolError as error:
        print(error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch, AdbServer(program) as server, Phone() as phone:
        folder = Path(scratch)
        os.environ |= {**server.environment(), "SWIFTFORMER_HOME": str(folder / "home")}
        server.connect(phone)
        phone.packages["dev.swiftformer.app"] = package()
        used = plan_seconds(phone.serial, folder)
    print(f"plan of 12 configurations, 84 processes: {used:.2f} s of CPU time (bound {BOUND_S:g} s)")
    return 0 if used < BOUND_S else 3


if __name__ == "__main__":
    sys.exit(main())
