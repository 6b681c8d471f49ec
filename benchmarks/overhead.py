"""What `swiftformer benchmark` itself costs: CPU time of a plan of 12 configurations, and of a verified push.

    python -m benchmarks.overhead

Against the tests' own phone, by the real adb. Only our own process counts (`os.times`, without its children): adb,
the phone and what measures there are others. Bounds: 2 s for the plan; for a push, what adb's push and one sha256sum
take and 20 ms.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.phone.adb import AdbServer
from tests.phone.app import package
from tests.phone.phone import Phone

MODEL = Path(__file__).parents[1] / "android_app/app/src/main/assets/models/fashion_mnist_int8.tflite"
PLAN_BOUND_S, PUSH_BOUND_S = 2.0, 0.020
PUSHES = 25

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
    """CPU seconds of one rapid plan: a model, three delegates, four numbers of threads; from start to exit."""
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


def push_seconds(phone: Phone, program: str, folder: Path) -> tuple[float, float]:
    """Wall seconds of our verified push, and of adb's push with one sha256sum: the best of `PUSHES` turns each.

    The best and not the median: what else the machine does only ever adds.
    """
    from converters.android.adb_client import Adb
    from swiftformer_keras.benchmark.session import DeviceSession

    ours, adbs = [], []
    with DeviceSession(Adb(phone.serial, program)) as session:
        for number in range(PUSHES):
            file = folder / f"{number}.tflite"
            file.write_bytes(MODEL.read_bytes() + number.to_bytes(4, "little"))
            begun = time.perf_counter()
            session.push(file)
            ours.append(time.perf_counter() - begun)
            remote = f"{session.folder}/plain-{number}"
            begun = time.perf_counter()
            adb = [program, "-s", phone.serial]
            subprocess.run([*adb, "push", str(file), remote], capture_output=True, check=True)
            subprocess.run([*adb, "shell", "sha256sum", remote], capture_output=True, check=True)
            adbs.append(time.perf_counter() - begun)
    return min(ours), min(adbs)


def main() -> int:
    """Measure both and print them beside their bounds."""
    program = shutil.which("adb")
    if program is None:
        print("adb is missing (Debian: adb)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch, AdbServer(program) as server, Phone() as phone:
        folder = Path(scratch)
        os.environ |= {**server.environment(), "SWIFTFORMER_HOME": str(folder / "home")}
        server.connect(phone)
        phone.packages["dev.swiftformer.app"] = package()
        plan = plan_seconds(phone.serial, folder)
        ours, adbs = push_seconds(phone, program, folder)
    print(f"plan of 12 configurations, 84 processes: {plan:.2f} s of CPU time (bound {PLAN_BOUND_S:g} s)")
    print(
        f"verified push: {ours * 1e3:.0f} ms, adb's push and one sha256sum: {adbs * 1e3:.0f} ms "
        f"({(ours - adbs) * 1e3:+.0f} ms, bound +{PUSH_BOUND_S * 1e3:.0f} ms)"
    )
    return 0 if plan < PLAN_BOUND_S and ours - adbs < PUSH_BOUND_S else 3


if __name__ == "__main__":
    sys.exit(main())
