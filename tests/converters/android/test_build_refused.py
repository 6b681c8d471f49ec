"""Builds that do not come to their end: every mistake before one, and what may happen during it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from converters.android import build, deploy, signing
from converters.android.build import AppOptions, build_app
from converters.android.deploy import deploy as deploy_checkpoint
from swiftformer_keras import data
from swiftformer_keras.cli.app_options import AppChoices
from swiftformer_keras.errors import (
    AppOptionError,
    KeystoreError,
    OutputError,
    PictureError,
    SwiftFormerError,
    ToolchainError,
)
from tests.converters.android.tools import needed_jdk, needed_toolchain, pretend, tiny_model
from tests.harness import assert_refused
from tests.swiftformer_keras.cli.running import COMMAND, assert_one_line, call_cli, environment


@pytest.mark.parametrize(
    ("options", "error", "mention"),
    [
        (AppOptions(application_id="leaves"), AppOptionError, "'leaves' is no application id"),
        (AppOptions(name=""), AppOptionError, "name"),
        (AppOptions(name="x" * 51), AppOptionError, "name"),
        (AppOptions(name="a\nb"), AppOptionError, "name"),
        (AppOptions(version_code=0), AppOptionError, "0 cannot be the version code"),
        (AppOptions(version_code=2_100_000_001), AppOptionError, "1 to 2100000000"),
        (AppOptions(version_name=""), AppOptionError, "version"),
        (AppOptions(version_name="@string/app_name"), AppOptionError, "'@string/app_name'"),
        (AppOptions(version_name="1.0 beta"), AppOptionError, "version"),
        (AppOptions(version_name="1" * 51), AppOptionError, "50"),
        (AppOptions(abis=("mips",)), AppOptionError, "'mips'"),
        (AppOptions(key_alias="mine"), AppOptionError, "--keystore"),
        (AppOptions(icon=Path("absent.png")), PictureError, "absent.png"),
        (AppOptions(icon=Path(__file__)), PictureError, "test_build_refused.py"),
    ],
)
def test_options_that_make_no_sense(
    tmp_path: Path, options: AppOptions, error: type[SwiftFormerError], mention: str
) -> None:
    with pytest.raises(error) as caught:
        build_app(tmp_path / "x.apk", options)
    assert mention in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["app", "build", "--out"], ["deploy", "absent.pth"]])
def test_a_version_from_the_command_line(tmp_path: Path, command: list[str]) -> None:
    """The number first, then the name: where both are right, the file's name is refused."""
    for given, mention in (
        (["--version-code", "0"], "cannot be the version code"),
        (["--version-code", "7", "--version-name", "?"], "'?' cannot be the version"),
    ):
        ran = call_cli(*command, tmp_path / "x.apk", *given)
        assert ran.returncode == 2
        assert mention in assert_one_line(ran.stderr.splitlines(keepends=True)[-1])
    choices = AppChoices(version_code=7, version_name="1.2").with_models()
    assert (choices.version_code, choices.version_name) == (7, "1.2")


def test_outputs_that_may_not_be_written(tmp_path: Path) -> None:
    existing = tmp_path / "app.apk"
    existing.write_bytes(b"mine")
    assert_refused(OutputError, lambda: build_app(existing, AppOptions()), "exists already", "--force")
    assert existing.read_bytes() == b"mine"
    assert_refused(OutputError, lambda: build_app(tmp_path / "no" / "x.apk", AppOptions()), "does not exist")
    assert_refused(AppOptionError, lambda: build_app(tmp_path / "x.zip", AppOptions()), "ends in .apk")


def test_without_jdk_or_maven_through_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = call_cli("app", "build", "--out", tmp_path / "x.apk")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "No JDK" in assert_one_line(ran.stderr.splitlines(keepends=True)[-1])
    ran = call_cli("deploy", data.demo_checkpoint(), tmp_path / "x.apk", "--json")
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["error"]["kind"] == "MissingToolError"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="the pretended Maven is a shell script")
def test_offline_with_a_cold_cache_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed_jdk()
    programs = tmp_path / "bin"
    programs.mkdir()
    pretend(programs, "mvn", "echo '[ERROR] Cannot access central in offline mode'; exit 1")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("SWIFTFORMER_HOME", str(tmp_path / "home"))
    options = AppOptions(models=(tiny_model(tmp_path),))
    before = sorted(path.name for path in tmp_path.iterdir())
    assert_refused(ToolchainError, lambda: build_app(tmp_path / "x.apk", options), "offline mode")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*before, "home"])


def test_a_keystore_that_is_not_there_is_told_before_any_work(tmp_path: Path) -> None:
    needed_jdk()
    options = AppOptions(keystore=tmp_path / "absent.p12")
    assert_refused(
        KeystoreError, lambda: build_app(tmp_path / "x.apk", options), "absent.p12", "no such keystore"
    )


@pytest.mark.parametrize("kind", ["no folder", "damaged", "another password"])
def test_a_debug_key_that_cannot_be_used_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    jdk = needed_jdk()
    folder = tmp_path / "android"
    monkeypatch.setenv("SWIFTFORMER_HOME", str(tmp_path))
    monkeypatch.setenv(signing.PASSWORD_VARIABLE, "of a release key")
    monkeypatch.setattr(build.models, "check_models", lambda *_, **__: pytest.fail("the work began"))
    mentions = [str(folder)]
    if kind == "no folder":
        folder.write_text("in the way")
    else:
        folder.mkdir()
        (folder / "debug.p12").write_bytes(b"damaged")
        mentions += ["debug.p12", "no debug key that can be used", "Move it away"]
    if kind == "another password":
        (folder / "debug.p12").unlink()
        with monkeypatch.context() as then:
            then.setattr(signing, "_DEBUG_PASSWORD", "another")
            signing.debug_key(jdk)
    message = assert_refused(KeystoreError, lambda: build_app(tmp_path / "x.apk", AppOptions()), *mentions)
    assert signing.PASSWORD_VARIABLE not in message


@pytest.mark.parametrize("sabotaged", ["pack", "sign", "record"])
def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sabotaged: str
) -> None:
    needed_toolchain()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    class Code:
        dex = ()
        from_cache = True

    monkeypatch.setattr(build, "compile_code", lambda *_: Code)
    target = {
        "pack": (build.apk, "pack"),
        "sign": (build.signing, "sign"),
        "record": (build.signing, "verify"),
    }
    monkeypatch.setattr(*target[sabotaged], full)
    options = AppOptions(models=(tiny_model(tmp_path),))
    message = assert_refused(OutputError, lambda: build_app(tmp_path / "x.apk", options), "cannot be written")
    assert "disk is full" in message or "No space left" in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.tflite"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path) -> None:
    needed_toolchain()
    model = tiny_model(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [*COMMAND, "app", "build", "--out", str(tmp_path / "x.apk"), "--model", str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment(PYTHONPATH=os.pathsep.join(p for p in sys.path if p), TMPDIR=str(scratch)),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "compiling resources" in line or "packing" in line:
            break
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Interrupted. Nothing half-written was left."
    assert list(scratch.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch", "tiny.tflite"]


def test_deploy_needs_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("find_jdk", "open_key"):
        monkeypatch.setattr(deploy, name, lambda *_: None)
    monkeypatch.setattr(deploy, "check_can_prepare", lambda: None)
    with pytest.raises(SwiftFormerError, match="--labels"):
        deploy_checkpoint(str(data.demo_checkpoint()), tmp_path / "x.apk", AppOptions(), preprocessing="timm")
    assert list(tmp_path.iterdir()) == []
