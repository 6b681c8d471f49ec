"""What tests of whole benchmarks share: a phone with an app, a tiny preset, the command, and how the phone was."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest

from swiftformer_keras import interruption
from swiftformer_keras.benchmark import plan
from swiftformer_keras.benchmark.result import Run
from swiftformer_keras.benchmark.run_file import read_run
from swiftformer_keras.cli.main import main
from tests.phone.app import package
from tests.phone.phone import Phone

MODEL = Path(__file__).parents[3] / "android_app/app/src/main/assets/models/fashion_mnist_int8.tflite"
TINY = plan.Preset("rapid", processes=2, runs=8, seconds=0.02)


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it printed, and the run that it wrote (None where it wrote none)."""

    code: int
    out: str
    err: str
    run: Run | None

    @property
    def error(self) -> str:
        """The one line of its error."""
        lines = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        assert lines, f"no error line in {self.err!r}"
        return lines[-1].removeprefix("Error: ")


class Bench:
    """A phone with the app on it, and `swiftformer benchmark` with a preset of two processes."""

    def __init__(self, phone: Phone, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.phone, self.folder, self._capsys = phone, folder, capsys
        self.out = folder / "run.json"
        phone.packages["dev.swiftformer.app"] = package()
        self.before = self.found()
        self.said = ""

    def __call__(self, *options: str, model: Path | None = MODEL, code: int | None = None) -> Ended:
        """Run the command; `code` is the exit code that it must have."""
        models = [] if model is None else [str(model)]
        out = (
            [] if "--all-devices" in options or "--resume" in options else ["--out", str(self.out), "--force"]
        )
        interruption.stop_listening()
        ended = main(["benchmark", *models, *out, *options])
        said = self._capsys.readouterr()
        self.said = said.err
        if code is not None:
            assert ended == code, said.err
        return Ended(ended, said.out, said.err, read_run(self.out) if self.out.exists() else None)

    def found(self) -> dict[str, object]:
        """How the phone is, as far as a benchmark could change it."""
        return {
            "settings": dict(self.phone.settings),
            "files": self.phone.files(),
            "results": self.phone.files("/storage/emulated/0/Android/data"),
        }

    def assert_as_found(self) -> None:
        """Nothing on the phone is other than before, and nothing of ours runs there any more."""
        until = time.monotonic() + 10
        while running := [each.args for each in list(self.phone.processes) if each.poll() is None]:
            assert time.monotonic() < until, f"{running}, after {self.said}"
            time.sleep(0.05)
        found = self.found()
        changed = {
            name: (self.before[name], found[name]) for name in found if found[name] != self.before[name]
        }
        assert not changed, f"{changed}, after {self.said}"


def json_of(ended: Ended) -> dict:
    """The one object of --json."""
    return json.loads(ended.out)
