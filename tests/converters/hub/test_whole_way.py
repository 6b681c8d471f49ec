"""From a hub name to logits, and no network without one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.harness import FIXTURES, ROOT, assert_same_logits, recipe
from tests.hub_server import HubServer


def _folder(name: str) -> dict[str, bytes]:
    """The files of a fixture folder, as some hub would hold them."""
    return {path.name: path.read_bytes() for path in (FIXTURES / "ckpt" / name).iterdir()}


@pytest.mark.parametrize(
    ("source", "folder", "reference", "token_weights"),
    [
        ("hf://MBZUAI/swiftformer-xs", "hf", "hf", "ones"),
        ("MBZUAI/swiftformer-xs", "hf_2023", "hf", "ones"),
        ("timm/swiftformer_xs.dist_in1k", "timm_hub", "timm", "l2norm"),
    ],
)
def test_from_hub_name_to_logits(
    server: HubServer, source: str, folder: str, reference: str, token_weights: str
) -> None:
    from converters.load import load_checkpoint

    commit = server.publish(source.removeprefix("hf://"), _folder(folder), cardData={"license": "mit"})
    loaded = load_checkpoint(source)
    assert loaded.model.config.token_weights == token_weights
    assert loaded.model.origin.revision == commit
    assert loaded.model.origin.licence == "mit"
    assert any(decision.value == commit for decision in loaded.decisions)
    with np.load(FIXTURES / "ckpt" / "ref_logits_micro.npz") as logits:
        for height, width in ((64, 64), (96, 64)):
            pixels = recipe().image(2, height, width).transpose(0, 2, 3, 1)
            expected = logits[f"{height}x{width}/{reference}"]
            assert_same_logits(loaded.model(pixels, training=False), expected)


def test_local_files_touch_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from converters.load import convert

    def forbidden(*_: object) -> None:
        raise AssertionError("a socket was connected")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    with pytest.raises(AssertionError, match="connected"):
        socket.create_connection(("127.0.0.1", 9))
    for source in ("hf", "timm_hub", "orig_model.pth", "timm_model.safetensors"):
        out = tmp_path / f"{source}.keras"
        convert(FIXTURES / "ckpt" / source, out)
        assert out.stat().st_size > 0


def test_the_library_is_imported_by_the_first_hub_name_only(tmp_path: Path) -> None:
    """And with its telemetry off, in a process of its own, since the setting is read at the import."""
    program = """
import os, sys
os.environ.pop("HF_HUB_DISABLE_TELEMETRY", None)
from converters.hub import names, pinned
assert not names.is_hub_name("model.pth") and names.is_hub_name("hf://a/b")
assert "huggingface_hub" not in sys.modules
try:
    pinned.fetch("hf://a/b")
except pinned.HubUnreachableError:
    from huggingface_hub import constants
    print("telemetry off" if constants.HF_HUB_DISABLE_TELEMETRY else "telemetry on")
"""
    environment = {"HF_HUB_OFFLINE": "1", "SWIFTFORMER_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "telemetry off\n", done.stderr
