"""The first download, later ones, a branch that moves, and which files are taken."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from converters.hub import names, pinned
from swiftformer_keras.errors import HubError
from tests.harness import assert_refused
from tests.hub_server import FILES, NAME, WEIGHTS, HubServer


def test_first_download_records_commit_and_hashes(server: HubServer, tmp_path: Path) -> None:
    commit = server.branches[NAME]["main"]
    snapshot = pinned.fetch(f"hf://{NAME}")
    assert snapshot.commit == commit
    assert sorted(path.name for path in snapshot.folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert snapshot.files["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert snapshot.origin() == {
        "url": f"https://huggingface.co/{NAME}/tree/{commit}",
        "revision": commit,
        "licence": "apache-2.0",
        "author": "MBZUAI",
    }
    record = json.loads((tmp_path / "home" / "hub.json").read_text())["repositories"][NAME]
    assert record["revisions"] == {"main": commit}
    held = record["commits"][commit]["files"]["model.safetensors"]
    assert held == {"sha256": hashlib.sha256(WEIGHTS).hexdigest(), "size_bytes": len(WEIGHTS)}


def test_nothing_but_the_wanted_files_is_asked_for(server: HubServer) -> None:
    pinned.fetch(f"hf://{NAME}")
    paths = {request.path.split("?")[0] for request in server.requests}
    commit = server.branches[NAME]["main"]
    assert paths == {
        f"/api/models/{NAME}/revision/main",
        f"/{NAME}/resolve/{commit}/config.json",
        f"/{NAME}/resolve/{commit}/model.safetensors",
        f"/cdn/{NAME}/resolve/{commit}/model.safetensors",
    }


def test_second_fetch_downloads_nothing(server: HubServer) -> None:
    first = pinned.fetch(f"hf://{NAME}")
    server.requests.clear()
    second = pinned.fetch(f"hf://{NAME}")
    assert (second.folder, second.files, second.licence) == (first.folder, first.files, "apache-2.0")
    assert [request.path.partition("?")[0] for request in server.requests] == [
        f"/api/models/{NAME}/revision/main"
    ]


def test_a_recorded_commit_needs_no_network(server: HubServer) -> None:
    commit = server.branches[NAME]["main"]
    pinned.fetch(f"hf://{NAME}@{commit}")
    server.requests.clear()
    assert pinned.fetch(f"hf://{NAME}@{commit}").commit == commit
    assert server.requests == []


def test_token_stays_with_the_hub(server: HubServer) -> None:
    pinned.fetch(f"hf://{NAME}")
    for request in server.requests:
        held = "authorization" in request.headers
        assert held == (not request.path.startswith("/cdn/")), request.path


# --- a branch that moves ----------------------------------------------------------------------------


def test_moved_branch_is_said_and_not_followed(server: HubServer) -> None:
    first = pinned.fetch(f"hf://{NAME}")
    newer = server.publish(NAME, {**FILES, "model.safetensors": WEIGHTS[::-1]})
    second = pinned.fetch(f"hf://{NAME}")
    assert second.commit == first.commit
    assert second.files == first.files
    assert newer in second.notes[0]
    assert "moved" in second.notes[0]


def test_update_follows_the_branch(server: HubServer) -> None:
    first = pinned.fetch(f"hf://{NAME}")
    newer = server.publish(NAME, {**FILES, "model.safetensors": WEIGHTS[::-1]})
    second = pinned.fetch(f"hf://{NAME}", update=True)
    assert second.commit == newer != first.commit
    assert (second.folder / "model.safetensors").read_bytes() == WEIGHTS[::-1]
    assert pinned.fetch(f"hf://{NAME}").commit == newer
    assert pinned.fetch(f"hf://{NAME}@{first.commit}").commit == first.commit


def test_recorded_commit_is_downloaded_again_when_its_files_are_gone(server: HubServer) -> None:
    first = pinned.fetch(f"hf://{NAME}")
    server.publish(NAME, {**FILES, "model.safetensors": WEIGHTS[::-1]})
    shutil.rmtree(first.folder)
    assert pinned.fetch(f"hf://{NAME}").commit == first.commit
    assert (first.folder / "model.safetensors").read_bytes() == WEIGHTS


def test_branches_and_tags_are_recorded_apart(server: HubServer) -> None:
    tagged = server.publish(NAME, {**FILES, "config.json": b"{}"}, branch="v1/final")
    main = server.publish(NAME, FILES)
    assert pinned.fetch(f"hf://{NAME}@v1/final").commit == tagged
    assert pinned.fetch(f"hf://{NAME}").commit == main


# --- which files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        (["pytorch_model.bin", "model.safetensors", "config.json"], ["config.json", "model.safetensors"]),
        (
            ["pytorch_model.bin", "preprocessor_config.json"],
            ["preprocessor_config.json", "pytorch_model.bin"],
        ),
        (
            [
                "model.safetensors.index.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
            ],
            [
                "model.safetensors.index.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
            ],
        ),
        (
            ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin", "optimizer.bin"],
            ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"],
        ),
        (["xs.safetensors", "training_args.bin"], ["xs.safetensors"]),
        (["onnx/model.safetensors", "pytorch_model.bin"], ["pytorch_model.bin"]),
    ],
)
def test_choice_of_files(listed: list[str], chosen: list[str]) -> None:
    assert pinned.choose_files(names.HubName("a/b"), listed) == chosen


@pytest.mark.parametrize(
    "listed", [[], ["config.json"], ["one.safetensors", "two.safetensors"], ["model.onnx"]]
)
def test_no_choice_of_files(listed: list[str]) -> None:
    assert_refused(HubError, lambda: pinned.choose_files(names.HubName("a/b"), listed), "a/b", "path")
