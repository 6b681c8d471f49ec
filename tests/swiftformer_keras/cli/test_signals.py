"""A signal ends a command whatever the libraries make of its exception. No test here waits for a moment:
the command itself sends the signal, where it hurts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.swiftformer_keras.cli.running import assert_one_line, environment

PROGRAM = """
import gc, signal, sys, types
from pathlib import Path
from swiftformer_keras.cli.main import run
from swiftformer_keras.files import write_atomically

def hit():
    signal.raise_signal(signal.{signal})

class Swallows:
    def __del__(self):
        hit()

def in_a_collection(phase, info):
    gc.callbacks.remove(in_a_collection)
    hit()

def swallowed():
    {swallowed}

class Hits:
    def find_spec(self, name, path=None, target=None):
        if name == {imported!r}:
            hit()

def inspect_tflite(path):
    {work}
    return types.SimpleNamespace(
        graphs=[], card=None, standard=None, card_problem="", path="", file_bytes=0, weights_bytes=0,
        outside_bytes=0, description="", minimum_runtime="", signatures=[], files={{}}, to_dict=dict)

sys.meta_path.insert(0, Hits())
module = types.ModuleType("converters.tflite.inspect")
module.inspect_tflite = inspect_tflite
sys.modules["converters.tflite.inspect"] = module
sys.argv = ["swiftformer", "inspect", "x.tflite", "--json"]
run()
"""
SWALLOWED = {
    "del": "Swallows()",
    "collection": "gc.callbacks.append(in_a_collection); gc.collect()",
    "made another error": "exec('try: hit()\\nexcept BaseException: raise RuntimeError from None')",
}
WRITE = "with write_atomically(Path('out.tflite')) as temporary: temporary.write_text('x'); swallowed()"


def end(folder: Path, **parts: str) -> subprocess.CompletedProcess[str]:
    filled = PROGRAM.format(
        **{"signal": "SIGINT", "swallowed": "pass", "imported": "", "work": "pass", **parts}
    )
    return subprocess.run(
        [sys.executable, "-c", filled],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(PYTHONPATH=str(Path.cwd())),
        timeout=60,
        check=False,
    )


def assert_ended(ran: subprocess.CompletedProcess[str], code: int, kind: str) -> None:
    assert ran.returncode == code, ran.stderr
    line = assert_one_line(ran.stderr)
    assert line == f"{kind}. Nothing half-written was left."
    assert json.loads(ran.stdout) == {"error": {"kind": kind, "message": line, "exit_code": code}}


def test_the_program_ends_well_without_a_signal(tmp_path: Path) -> None:
    ran = end(tmp_path, work=WRITE)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out.tflite").is_file()


@pytest.mark.parametrize("name", SWALLOWED)
@pytest.mark.parametrize(
    ("signal", "code", "kind"),
    [("SIGINT", 130, "Interrupted"), ("SIGTERM", 143, "Terminated"), ("SIGHUP", 129, "Terminated")],
)
def test_a_swallowed_signal_still_ends_the_command(
    name: str, signal: str, code: int, kind: str, tmp_path: Path
) -> None:
    ran = end(tmp_path, signal=signal, swallowed=SWALLOWED[name], work=WRITE)
    assert_ended(ran, code, kind)
    assert not list(tmp_path.iterdir())


def test_a_swallowed_signal_ends_long_work_at_its_next_step(tmp_path: Path) -> None:
    work = (
        "from swiftformer_keras.cli.console import Console; progress = Console('', as_json=True, quiet=True)\n"
        "    with progress.progress('') as step: swallowed(); step('next'); Path('too late').touch()"
    )
    assert_ended(end(tmp_path, swallowed=SWALLOWED["del"], work=work), 130, "Interrupted")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("imported", ["swiftformer_keras.cli.chatter", "typer", "swiftformer_keras.cli.app"])
def test_ctrl_c_during_imports(imported: str, tmp_path: Path) -> None:
    assert_ended(end(tmp_path, imported=imported), 130, "Interrupted")
