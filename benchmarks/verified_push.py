"""What a verified push costs over adb's own push and one sha256sum on the phone.

    python -m benchmarks.verified_push [--serial SERIAL] [--size-mb 12] [--repeat 15] [--json OUT.json]

Without a serial number the phone is the tests' own, behind the real adb on this machine: the figures then say what this
project adds, not how fast a cable is. Two ways take turns: `DeviceSession.push` of new content whose SHA-256 is
recorded already, as a plan has it; `adb push` of it and `adb shell sha256sum` as bare processes. Bound: 20 ms more.
Exit code 3 when it is not met. The tests' phone works in this process, so its work is part of the CPU time.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from converters.android.adb_client import Adb, choose, find_adb
from swiftformer_keras.benchmark.session import DeviceSession
from swiftformer_keras.files import sha256_file
from tests.phone.adb import AdbServer
from tests.phone.phone import Phone

BOUND_MS = 20.0


@dataclasses.dataclass(frozen=True)
class Cost:
    """Medians of what each way took, and of their difference push by push, in milliseconds."""

    verified_ms: float
    bare_ms: float
    more_ms: float
    own_cpu_ms: float


@contextlib.contextmanager
def a_phone(serial: str | None, folder: Path) -> Iterator[Adb]:
    """adb for this phone, or for one of the tests' own on a server of its own."""
    if serial is not None:
        yield choose(serial)[0]
        return
    with AdbServer(find_adb()) as server, Phone() as phone:
        os.environ.update(
            {
                name: value
                for name, value in server.environment().items()
                if name.startswith(("ADB_", "ANDROID_"))
            }
        )
        os.environ["SWIFTFORMER_HOME"] = str(folder)
        server.connect(phone)
        yield Adb(phone.serial)


def measure(adb: Adb, folder: Path, size_bytes: int, repeat: int) -> Cost:
    """Both ways in turn, each first every other time, with new content under a new name; one turn is not counted."""
    model = folder / "model.tflite"
    verified, bare, cpu = [], [], []
    with DeviceSession(adb) as session:

        def push_verified() -> str:
            used, started = time.process_time(), time.perf_counter()
            sent = session.push(model, recorded)
            verified.append(1000 * (time.perf_counter() - started))
            cpu.append(1000 * (time.process_time() - used))
            return sent.path

        def push_bare() -> str:
            remote = f"{session.folder}/bare{turn}"
            started = time.perf_counter()
            for words in (["push", str(model), remote], ["shell", "-n", "sha256sum", remote]):
                done = subprocess.run(
                    [adb.program, "-s", adb.serial or "", *words],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=True,
                )
            bare.append(1000 * (time.perf_counter() - started))
            if recorded.encode() not in done.stdout:
                raise SystemExit(f"the two ways do not agree: {recorded}, {done.stdout!r}")
            return remote

        for turn in range(repeat + 1):
            model.write_bytes(os.urandom(size_bytes + turn))
            recorded = sha256_file(model)
            ways = (push_verified, push_bare)
            for way in ways if turn % 2 else reversed(ways):
                session.shell(["rm", "-f", way()], 30.0)
    verified, bare, cpu = verified[1:], bare[1:], cpu[1:]
    more = statistics.median(one - other for one, other in zip(verified, bare, strict=True))
    return Cost(statistics.median(verified), statistics.median(bare), more, statistics.median(cpu))


def main() -> int:
    """Print the figures; 3 when the bound is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--serial")
    parser.add_argument("--size-mb", type=float, default=12.0)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        a_phone(arguments.serial, Path(name)) as adb,
    ):
        cost = measure(adb, Path(name), round(arguments.size_mb * 1e6), arguments.repeat)
    print(f"a file of {arguments.size_mb:g} MB, medians of {arguments.repeat}:")
    print(
        f"  verified push                {cost.verified_ms:8.1f} ms (our own CPU time {cost.own_cpu_ms:.1f} ms)"
    )
    print(f"  adb push, adb shell sha256sum{cost.bare_ms:8.1f} ms")
    print(f"  more, push by push           {cost.more_ms:8.1f} ms (bound {BOUND_MS:g} ms)")
    if arguments.json:
        arguments.json.write_text(
            json.dumps({**dataclasses.asdict(cost), "bound_ms": BOUND_MS}) + "\n", "utf-8"
        )
    return 0 if cost.more_ms <= BOUND_MS else 3


if __name__ == "__main__":
    raise SystemExit(main())
