"""What is a hub name and what is a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.hub import names, pinned
from swiftformer_keras.errors import HubError, UnreadableFileError
from tests.harness import assert_refused
from tests.hub_server import HubServer


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hf://MBZUAI/swiftformer-xs", names.HubName("MBZUAI/swiftformer-xs")),
        ("timm/swiftformer_xs.dist_in1k", names.HubName("timm/swiftformer_xs.dist_in1k")),
        ("hf-hub:timm/swiftformer_xs.dist_in1k", names.HubName("timm/swiftformer_xs.dist_in1k")),
        ("hf://a/b@refs/pr/1", names.HubName("a/b", "refs/pr/1")),
        ("mbzuai/b@v1.0", names.HubName("mbzuai/b", "v1.0")),
    ],
)
def test_names(text: str, name: names.HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert names.is_hub_name(text)
    assert names.parse_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "model.pth",
        "ckpt/model.pth",
        "./a/b",
        "/a/b",
        "a/b/c",
        "../b",
        "a",
        "",
        "folder/here",
        "a/b.safetensors",
        "a b/c",
        "a/b",
        "a/b@v1.0",
        "runs/exp3",
        "timm/model.pth",
        "timm",
    ],
)
def test_paths_are_no_names(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert not names.is_hub_name(text)


def test_a_path_is_never_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert names.is_hub_name("timm/swiftformer_xs.dist_in1k")
    assert not names.is_hub_name(Path("timm/swiftformer_xs.dist_in1k"))
    assert not names.is_hub_name(Path("hf-hub:a"))


def test_a_mistyped_path_asks_nothing_of_the_hub(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from converters.load import load_checkpoint

    monkeypatch.chdir(tmp_path)
    for source in ("runs/exp3", "nobody/here"):
        assert_refused(UnreadableFileError, lambda: load_checkpoint(source), source, "begins with hf://")  # noqa: B023
    message = assert_refused(UnreadableFileError, lambda: load_checkpoint("runs/exp3.pth"), "no such file")
    assert "hf://" not in message
    assert server.requests == []


def test_publishers_may_have_a_folder_of_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "timm").mkdir()
    assert names.is_hub_name("timm/swiftformer_xs.dist_in1k")
    (tmp_path / "timm" / "swiftformer_xs.dist_in1k").mkdir()
    assert not names.is_hub_name("timm/swiftformer_xs.dist_in1k")
    assert names.is_hub_name("hf://timm/swiftformer_xs.dist_in1k")


@pytest.mark.parametrize(
    "text",
    [
        "hf://", "hf://a", "hf://a/b/c", "hf://../b", "hf://a/..", "hf://a/b--c", "hf://a/b..c", "hf://a/b.git",
        "hf://datasets/a/b", "hf://a/b@", "hf://a/b@../x", "hf://a/b@x y", "hf://a/b@x/", "hf://a/b?x=1", "hf://a/b#c",
        "hf://a/" + "b" * 100, "hf://a/b\n", "https://huggingface.co/a/b", "hf://-a/b",
    ],
)  # fmt: skip
def test_malformed_names_are_refused(text: str, server: HubServer) -> None:
    assert names.is_hub_name(text)
    assert_refused(HubError, lambda: pinned.fetch(text), "hub name" if text != "hf://a/b@x/" else "branch")
    assert server.requests == []


def test_allowed_names_are_allowed_by_the_library(server: HubServer) -> None:
    from huggingface_hub.utils import validate_repo_id

    for text in ("a/b", "A-b_c.d/E.f-g_h", "timm/swiftformer_xs.dist_in1k", "0/1"):
        validate_repo_id(names.parse_name(f"hf://{text}").repo_id)
