"""The doctor: what it takes for present, too old, missing and broken."""

from __future__ import annotations

import importlib.metadata
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from converters import doctor
from swiftformer_keras.cli.main import main
from tests.harness import ROOT
from tests.swiftformer_keras.cli.running import run_cli


@pytest.mark.parametrize(
    "version", ["2.21.0", "2.21", "2.21.1", "2.9.9", "3.0", "3.0.0.1", "10.0", "2.21.post1"]
)
@pytest.mark.parametrize("bound", ["2.21", "2.21.0", "2.9", "3", "3.0.0", "10"])
def test_versions_compare_as_packaging_compares_them(version: str, bound: str) -> None:
    assert doctor.is_at_least(version, bound) == (Version(version) >= Version(bound))


def test_the_bounds_are_those_of_the_distribution() -> None:
    lines = importlib.metadata.requires("swiftformer-keras") or []
    found = dict(doctor.parse_requirements(lines))
    assert len(found) == len(lines), "a requirement has a form that the doctor does not read"
    assert found["tensorflow"].startswith("2.")


def test_conditional_requirements_are_left_out() -> None:
    assert doctor.parse_requirements(['jax>=0.8; extra == "jax"', "numpy>=2.0", "rich"]) == [("numpy", "2.0")]


def test_missing_and_old_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"numpy": "1.26.4", "rich": "15.0.0"}

    def version(name: str) -> str:
        if name not in known:
            raise importlib.metadata.PackageNotFoundError(name)
        return known[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(
        importlib.metadata, "requires", lambda _: ["numpy>=2.0", "pillow>=12.0", "rich>=14.0"]
    )
    numpy, pillow, rich = (doctor._package(name, bound) for name, bound in doctor._requirements())
    assert (numpy.state, numpy.found) == ("missing", "1.26.4, too old")
    assert "'numpy>=2.0'" in numpy.advice
    assert (pillow.state, pillow.found) == ("missing", "not installed")
    assert "'pillow>=12.0'" in pillow.advice
    assert (rich.state, rich.advice) == ("ok", "")


def test_the_tiny_model_is_what_tensorflow_reads() -> None:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=doctor.tiny_model())
    interpreter.allocate_tensors()
    assert [o["op_name"] for o in interpreter._get_ops_details()][:1] == ["RELU"]
    assert interpreter.get_input_details()[0]["shape"].tolist() == [4]


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_tools_are_found_broken_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "javac", "import sys; print('javac 17.0.1', file=sys.stderr)")
    program(tmp_path, "mvn", r"print('\x1b[1mApache Maven 3.9\x1b[m')")
    program(tmp_path, "adb", "print('no library'); raise SystemExit(127)")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {f.name: f for f in map(doctor._tool, doctor.TOOLS)}
    assert (found["JDK"].state, found["JDK"].found) == ("ok", "javac 17.0.1")
    assert (found["Maven"].state, found["Maven"].found) == ("ok", "Apache Maven 3.9")
    assert (found["adb"].state, found["adb"].found) == ("optional", "no library")
    assert (found["qemu"].state, found["qemu"].found) == ("optional", "not found")
    assert "qemu-user-static" in found["qemu"].advice


def test_a_healthy_machine_exits_0_and_says_so_in_json() -> None:
    ran = run_cli("doctor", "--json", "--quiet")
    assert ran.returncode == 0
    assert ran.stderr == ""
    report = json.loads(ran.stdout)
    assert report["healthy"] is True
    states = {finding["name"]: finding["state"] for finding in report["findings"]}
    assert states["Python"] == states["tensorflow"] == states["LiteRT"] == states["Keras backend"] == "ok"


def test_another_backend_works_but_does_not_export() -> None:
    program = "from converters import doctor; f = doctor._backend(); print(f.state, f.found, '|', f.advice)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == (
        "optional jax (chosen by KERAS_BACKEND) | unset KERAS_BACKEND, to export and to quantise"
    )


def test_a_missing_requirement_exits_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = (doctor.Finding("LiteRT", "missing", "not installed", "pip install ai-edge-litert"),)
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    assert main(["doctor", "--quiet"]) == 2
    assert "pip install ai-edge-litert" in capsys.readouterr().out
