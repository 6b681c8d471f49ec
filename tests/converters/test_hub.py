"""Downloads, with huggingface_hub itself against a hub of our own on loopback."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from converters import hub, hub_transport
from swiftformer_keras.errors import HubError, HubUnreachableError, UnreadableFileError
from tests.harness import FIXTURES, ROOT, assert_refused, assert_same_logits, recipe
from tests.hub_server import Handler, HubServer, body, serve, silence, status

NAME = "MBZUAI/swiftformer-xs"
WEIGHTS = bytes(range(256)) * 300
FILES = {
    "config.json": b'{"model_type": "swiftformer"}',
    "model.safetensors": WEIGHTS,
    "README.md": b"# card",
}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one model, the environment pointing at it, and everything of the user's in a temporary folder."""
    from huggingface_hub import close_session, constants

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SWIFTFORMER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the library waits between attempts
    close_session()
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        running.publish(NAME, FILES, cardData={"license": "apache-2.0"}, author="MBZUAI")
        yield running
    close_session()


def test_first_download_records_commit_and_hashes(server: HubServer, tmp_path: Path) -> None:
    commit = server.branches[NAME]["main"]
    snapshot = hub.fetch(f"hf://{NAME}")
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
    hub.fetch(f"hf://{NAME}")
    paths = {request.path.split("?")[0] for request in server.requests}
    commit = server.branches[NAME]["main"]
    assert paths == {
        f"/api/models/{NAME}/revision/main",
        f"/{NAME}/resolve/{commit}/config.json",
        f"/{NAME}/resolve/{commit}/model.safetensors",
        f"/cdn/{NAME}/resolve/{commit}/model.safetensors",
    }


def test_second_fetch_downloads_nothing(server: HubServer) -> None:
    first = hub.fetch(f"hf://{NAME}")
    server.requests.clear()
    second = hub.fetch(f"hf://{NAME}")
    assert (second.folder, second.files, second.licence) == (first.folder, first.files, "apache-2.0")
    assert [request.path.partition("?")[0] for request in server.requests] == [
        f"/api/models/{NAME}/revision/main"
    ]


def test_a_recorded_commit_needs_no_network(server: HubServer) -> None:
    commit = server.branches[NAME]["main"]
    hub.fetch(f"hf://{NAME}@{commit}")
    server.requests.clear()
    assert hub.fetch(f"hf://{NAME}@{commit}").commit == commit
    assert server.requests == []


def test_token_stays_with_the_hub(server: HubServer) -> None:
    hub.fetch(f"hf://{NAME}")
    for request in server.requests:
        held = "authorization" in request.headers
        assert held == (not request.path.startswith("/cdn/")), request.path


# --- a branch that moves ----------------------------------------------------------------------------


def test_moved_branch_is_said_and_not_followed(server: HubServer) -> None:
    first = hub.fetch(f"hf://{NAME}")
    newer = server.publish(NAME, {**FILES, "model.safetensors": WEIGHTS[::-1]})
    second = hub.fetch(f"hf://{NAME}")
    assert second.commit == first.commit
    assert second.files == first.files
    assert newer in second.notes[0]
    assert "moved" in second.notes[0]


def test_update_follows_the_branch(server: HubServer) -> None:
    first = hub.fetch(f"hf://{NAME}")
    newer = server.publish(NAME, {**FILES, "model.safetensors": WEIGHTS[::-1]})
    second = hub.fetch(f"hf://{NAME}", update=True)
    assert second.commit == newer != first.commit
    assert (second.folder / "model.safetensors").read_bytes() == WEIGHTS[::-1]
    assert hub.fetch(f"hf://{NAME}").commit == newer
    assert hub.fetch(f"hf://{NAME}@{first.commit}").commit == first.commit


def test_recorded_commit_is_downloaded_again_when_its_files_are_gone(server: HubServer) -> None:
    first = hub.fetch(f"hf://{NAME}")
    server.publish(NAME, {**FILES, "model.safetensors": WEIGHTS[::-1]})
    shutil.rmtree(first.folder)
    assert hub.fetch(f"hf://{NAME}").commit == first.commit
    assert (first.folder / "model.safetensors").read_bytes() == WEIGHTS


def test_branches_and_tags_are_recorded_apart(server: HubServer) -> None:
    tagged = server.publish(NAME, {**FILES, "config.json": b"{}"}, branch="v1/final")
    main = server.publish(NAME, FILES)
    assert hub.fetch(f"hf://{NAME}@v1/final").commit == tagged
    assert hub.fetch(f"hf://{NAME}").commit == main


# --- files that are not what was recorded or announced ----------------------------------------------


def test_changed_local_file_is_refused(server: HubServer) -> None:
    folder = hub.fetch(f"hf://{NAME}").folder
    (folder / "model.safetensors").write_bytes(b"\1" + WEIGHTS[1:])
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "model.safetensors", "recorded", "Remove it")
    (folder / "model.safetensors").unlink()
    assert hub.fetch(f"hf://{NAME}").files["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()


def test_file_that_was_not_downloaded_is_refused(server: HubServer) -> None:
    folder = hub.fetch(f"hf://{NAME}").folder
    (folder / "model.safetensors.index.json").write_text("{}")
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "model.safetensors.index.json", "Remove it")


def test_hub_with_other_files_at_a_recorded_commit_is_refused(server: HubServer) -> None:
    hub.fetch(f"hf://{NAME}")
    server.commits[NAME][server.branches[NAME]["main"]]["model.safetensors"] = b"\1" + WEIGHTS[1:]
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "model.safetensors", "never changes")


def test_content_other_than_announced_is_refused(server: HubServer) -> None:
    other = b"\1" + WEIGHTS[1:]

    def fault(handler: Handler, content: bytes | None) -> bool:
        handler.send_file(other)
        return True

    server.faults["/cdn/"] = fault
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "model.safetensors", "hash differs")
    assert not list((Path(hub.home("cache")) / "hub").rglob("*.safetensors*"))
    assert not (Path(hub.home("state")) / "hub.json").exists()


def test_small_file_other_than_announced_is_refused(server: HubServer) -> None:
    server.faults["resolve/" + server.branches[NAME]["main"] + "/config.json"] = body(
        b'{"model_type": "swiftFORMER"}'
    )
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "config.json", "hash differs")


def test_more_bytes_than_announced_are_refused(server: HubServer) -> None:
    server.faults["/cdn/"] = body(WEIGHTS * 3, "application/octet-stream")
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "model.safetensors", "more than")


def test_fewer_bytes_than_announced_are_refused(server: HubServer) -> None:
    server.faults["/cdn/"] = body(WEIGHTS[:100], "application/octet-stream")
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "model.safetensors", "100")


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/passwd", "a\\..\\b", "C:evil", "a\nb", "sub/../../x"]
)
def test_file_names_that_lead_elsewhere_are_refused(server: HubServer, name: str) -> None:
    server.publish(NAME, {**FILES, name: b"x"})
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "no repository can hold")


@pytest.mark.parametrize(
    ("change", "mention"),
    [
        ({"sha": "../../etc"}, "names no commit"),
        ({"sha": None}, "no repository"),
        ({"siblings": None}, "no repository"),
        ({"siblings": [{"rfilename": "model.safetensors"}]}, "no size"),
        ({"siblings": [{"rfilename": "model.safetensors", "size": True - 2}]}, "no size"),
        ({"siblings": [{"rfilename": "model.safetensors", "size": 10**15}]}, "no SwiftFormer"),
        ({"siblings": [{"rfilename": "config.json", "size": 10**9}] * 2}, "no weights"),
        ({"siblings": [{"rfilename": "model.safetensors", "size": 3, "blobId": "../x"}]}, "malformed hash"),
        (
            {"siblings": [{"rfilename": "model.safetensors", "lfs": {"sha256": "zz", "size": 3}}]},
            "malformed hash",
        ),
        ({"siblings": [7]}, "no repository"),
    ],
)
def test_malformed_answers_are_refused(server: HubServer, change: dict[str, object], mention: str) -> None:
    answer = {**server.describe(NAME, server.branches[NAME]["main"]), **change}
    server.faults["/api/models/"] = body(json.dumps(answer).encode())
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), mention)


@pytest.mark.parametrize(
    "answer", [b"<html>Log in to the hotel network</html>", b"", b"[1]", b"[" * 100_000, b"\xff"]
)
def test_answers_that_are_no_description_are_refused(server: HubServer, answer: bytes) -> None:
    server.faults["/api/models/"] = body(answer, "text/html")
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "login page")


def test_endless_answer_is_refused(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_transport, "MAX_ANSWER_BYTES", 1000)
    server.faults["/api/models/"] = body(b" " * 2000)
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "longer than 1,000 bytes")


def test_answer_with_another_commit_than_asked_is_refused(server: HubServer) -> None:
    answer = server.describe(NAME, server.branches[NAME]["main"])
    server.faults["/api/models/"] = body(json.dumps(answer).encode())
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}@{'0' * 40}"), "another commit")


# --- connections that break, servers that refuse ----------------------------------------------------


def test_cut_connection_is_resumed(server: HubServer) -> None:
    cuts = iter([30_000, 10_000])

    def fault(handler: Handler, content: bytes | None) -> bool:
        after = next(cuts, None)
        if after is None or content is None:
            return False
        handler.cut(content, after)
        return True

    server.faults["/cdn/"] = fault
    snapshot = hub.fetch(f"hf://{NAME}")
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    ranges = [request.headers.get("range") for request in server.asked("/cdn/")]
    assert ranges == [None, "bytes=30000-", "bytes=40000-"]


def test_broken_off_download_is_continued_by_the_next_run(server: HubServer) -> None:
    class Killed(BaseException):
        pass

    def die(name: str, done: int, total: int) -> None:
        if name == "model.safetensors" and done >= 30_000:
            raise Killed

    with pytest.raises(Killed):
        hub.fetch(f"hf://{NAME}", progress=die)
    server.requests.clear()
    snapshot = hub.fetch(f"hf://{NAME}")
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert [request.headers.get("range") for request in server.asked("/cdn/")] == ["bytes=30000-"]
    assert not server.asked("config.json"), "the finished file is kept"


def test_server_that_ignores_ranges_starts_afresh(server: HubServer) -> None:
    folder = Path(hub.home("cache")) / "hub" / NAME.replace("/", "--") / server.branches[NAME]["main"]
    folder.mkdir(parents=True)
    (folder / "model.safetensors.partial").write_bytes(b"not the beginning")
    server.faults["/cdn/"] = body(WEIGHTS, "application/octet-stream")
    assert (hub.fetch(f"hf://{NAME}").folder / "model.safetensors").read_bytes() == WEIGHTS


def test_wrong_part_is_noticed_and_thrown_away(server: HubServer) -> None:
    folder = Path(hub.home("cache")) / "hub" / NAME.replace("/", "--") / server.branches[NAME]["main"]
    folder.mkdir(parents=True)
    (folder / "model.safetensors.partial").write_bytes(b"not the beginning")
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "hash differs")
    assert (hub.fetch(f"hf://{NAME}").folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("part", "code", "headers", "error", "mention"),
    [
        ("/api/", 401, {"X_Error_Code": "RepoNotFound"}, HubError, "Check the name"),
        ("/api/", 403, {}, HubError, "private"),
        ("/api/", 403, {"X_Error_Code": "GatedRepo"}, HubError, "gated"),
        ("/resolve/", 403, {"X_Error_Code": "GatedRepo"}, HubError, "gated"),
        ("/api/", 404, {}, HubError, "404"),
        ("/resolve/", 404, {"X_Error_Code": "EntryNotFound"}, HubError, "404"),
        ("/api/", 418, {}, HubError, "418"),
        ("/api/", 429, {}, HubUnreachableError, "fewer requests"),
        ("/api/", 500, {}, HubUnreachableError, "hf download"),
        ("/cdn/", 503, {}, HubUnreachableError, "503"),
        ("/cdn/", 403, {}, HubError, "403"),
    ],
)
def test_refusals_are_one_line(
    server: HubServer, part: str, code: int, headers: dict[str, str], error: type[HubError], mention: str
) -> None:
    server.faults[part] = status(code, **headers)
    message = assert_refused(error, lambda: hub.fetch(f"hf://{NAME}"), NAME, mention)
    assert "hf_secret" not in message
    assert "signature" not in message


def test_unknown_revision(server: HubServer) -> None:
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}@nowhere"), "no such branch")


@pytest.mark.parametrize("part", ["/api/", "/cdn/"])
def test_silent_server_is_given_up(server: HubServer, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.05)
    server.faults[part] = silence(0.5)
    assert_refused(HubUnreachableError, lambda: hub.fetch(f"hf://{NAME}"), "hf download")


def test_no_network_says_what_to_do(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://someone:hf_password@127.0.0.1:9")
    message = assert_refused(
        HubUnreachableError, lambda: hub.fetch(f"hf://{NAME}"), "no connection", "hf download", NAME
    )
    assert "hf_password" not in message


def test_no_network_uses_the_recorded_copy(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hub.fetch(f"hf://{NAME}")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    second = hub.fetch(f"hf://{NAME}")
    assert second.files == first.files
    assert "could not be reached" in second.notes[0]


def test_refused_name_does_not_fall_back_to_the_copy(server: HubServer) -> None:
    hub.fetch(f"hf://{NAME}")
    server.faults["/api/"] = status(404)
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "404")


# --- offline ----------------------------------------------------------------------------------------


def test_offline_with_a_recorded_copy(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hub.fetch(f"hf://{NAME}")
    server.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.fetch(f"hf://{NAME}").files == first.files
    assert server.requests == []


def test_offline_without_a_copy_says_what_to_do(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert_refused(
        HubUnreachableError, lambda: hub.fetch(f"hf://{NAME}"), "HF_HUB_OFFLINE", "hf download", NAME
    )
    assert server.requests == []


def test_files_of_the_library_s_own_cache_are_used_offline(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(NAME, endpoint=server.endpoint)
    server.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    snapshot = hub.fetch(f"hf://{NAME}")
    assert snapshot.commit == server.branches[NAME]["main"]
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert server.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    later = hub.fetch(f"hf://{NAME}")
    assert (later.files, later.licence, later.author) == (snapshot.files, "apache-2.0", "MBZUAI")
    assert hub.fetch(f"hf://{NAME}").licence == "apache-2.0"


def test_files_of_the_library_s_own_cache_are_not_downloaded_again(server: HubServer) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(NAME, endpoint=server.endpoint)
    server.requests.clear()
    snapshot = hub.fetch(f"hf://{NAME}")
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not server.asked("/resolve/")


# --- disk and record --------------------------------------------------------------------------------


def test_full_disk(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, chunk: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub_transport._Bounded, "write", full)
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "disk is full")
    assert not (Path(hub.home("state")) / "hub.json").exists()


def test_disk_that_cannot_hold_it(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "needs 76,800 bytes")
    assert not server.asked("/cdn/")


def test_home_that_is_a_file(server: HubServer, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    assert_refused(HubError, lambda: hub.fetch(f"hf://{NAME}"), "SWIFTFORMER_HOME")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"format": 2, "repositories": {}}',
        '{"format": 1, "repositories": {"a/b": {"revisions": {"main": "x"}, "commits": {}}}}',
        '{"format": 1, "repositories": {"a/b": {"revisions": {}, "commits": {"../..": {"files": {}}}}}}',
        '{"format": 1, "repositories": {"a/b": 7}}',
    ],
)
def test_damaged_record_is_refused_and_kept(server: HubServer, tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    assert_refused(
        HubError, lambda: hub.fetch(f"hf://{NAME}", lock_file=path), "mine.json", "no readable record"
    )
    assert path.read_text() == text


def test_record_beside_a_project_and_own_cache(server: HubServer, tmp_path: Path) -> None:
    snapshot = hub.fetch(
        f"hf://{NAME}", lock_file=tmp_path / "pins" / "hub.json", cache_dir=tmp_path / "models"
    )
    assert snapshot.folder.is_relative_to(tmp_path / "models")
    assert json.loads((tmp_path / "pins" / "hub.json").read_text())["format"] == 1
    assert not (tmp_path / "home").exists()


def test_progress_counts_up_to_the_whole(server: HubServer, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[str, int, int]] = []
    hub.fetch(f"hf://{NAME}", progress=lambda *step: seen.append(step))
    assert seen[-1] == ("model.safetensors", len(WEIGHTS), len(WEIGHTS))
    assert capfd.readouterr() == ("", "")


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
    assert hub.choose_files(hub.HubName("a/b"), listed) == chosen


@pytest.mark.parametrize(
    "listed", [[], ["config.json"], ["one.safetensors", "two.safetensors"], ["model.onnx"]]
)
def test_no_choice_of_files(listed: list[str]) -> None:
    assert_refused(HubError, lambda: hub.choose_files(hub.HubName("a/b"), listed), "a/b", "path")


# --- names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hf://MBZUAI/swiftformer-xs", hub.HubName("MBZUAI/swiftformer-xs")),
        ("timm/swiftformer_xs.dist_in1k", hub.HubName("timm/swiftformer_xs.dist_in1k")),
        ("hf-hub:timm/swiftformer_xs.dist_in1k", hub.HubName("timm/swiftformer_xs.dist_in1k")),
        ("hf://a/b@refs/pr/1", hub.HubName("a/b", "refs/pr/1")),
        ("mbzuai/b@v1.0", hub.HubName("mbzuai/b", "v1.0")),
    ],
)
def test_names(text: str, name: hub.HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub.is_hub_name(text)
    assert hub.parse_name(text) == name


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
    assert not hub.is_hub_name(text)


def test_a_path_is_never_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub.is_hub_name("timm/swiftformer_xs.dist_in1k")
    assert not hub.is_hub_name(Path("timm/swiftformer_xs.dist_in1k"))
    assert not hub.is_hub_name(Path("hf-hub:a"))


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
    assert hub.is_hub_name("timm/swiftformer_xs.dist_in1k")
    (tmp_path / "timm" / "swiftformer_xs.dist_in1k").mkdir()
    assert not hub.is_hub_name("timm/swiftformer_xs.dist_in1k")
    assert hub.is_hub_name("hf://timm/swiftformer_xs.dist_in1k")


@pytest.mark.parametrize(
    "text",
    [
        "hf://", "hf://a", "hf://a/b/c", "hf://../b", "hf://a/..", "hf://a/b--c", "hf://a/b..c", "hf://a/b.git",
        "hf://datasets/a/b", "hf://a/b@", "hf://a/b@../x", "hf://a/b@x y", "hf://a/b@x/", "hf://a/b?x=1", "hf://a/b#c",
        "hf://a/" + "b" * 100, "hf://a/b\n", "https://huggingface.co/a/b", "hf://-a/b",
    ],
)  # fmt: skip
def test_malformed_names_are_refused(text: str, server: HubServer) -> None:
    assert hub.is_hub_name(text)
    assert_refused(HubError, lambda: hub.fetch(text), "hub name" if text != "hf://a/b@x/" else "branch")
    assert server.requests == []


def test_allowed_names_are_allowed_by_the_library(server: HubServer) -> None:
    from huggingface_hub.utils import validate_repo_id

    for text in ("a/b", "A-b_c.d/E.f-g_h", "timm/swiftformer_xs.dist_in1k", "0/1"):
        validate_repo_id(hub.parse_name(f"hf://{text}").repo_id)


# --- the whole way, and no way at all ---------------------------------------------------------------


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
from converters import hub
assert not hub.is_hub_name("model.pth") and hub.is_hub_name("hf://a/b")
assert "huggingface_hub" not in sys.modules
try:
    hub.fetch("hf://a/b")
except hub.HubUnreachableError:
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
