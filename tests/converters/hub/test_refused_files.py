"""Files and answers that are not what was recorded or announced."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from converters.hub import pinned, record, transport
from swiftformer_keras.errors import HubError
from tests.harness import assert_refused
from tests.hub_server import FILES, NAME, WEIGHTS, Handler, HubServer, body


def test_changed_local_file_is_refused(server: HubServer) -> None:
    folder = pinned.fetch(f"hf://{NAME}").folder
    (folder / "model.safetensors").write_bytes(b"\1" + WEIGHTS[1:])
    assert_refused(
        HubError, lambda: pinned.fetch(f"hf://{NAME}"), "model.safetensors", "recorded", "Remove it"
    )
    (folder / "model.safetensors").unlink()
    assert pinned.fetch(f"hf://{NAME}").files["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()


def test_file_that_was_not_downloaded_is_refused(server: HubServer) -> None:
    folder = pinned.fetch(f"hf://{NAME}").folder
    (folder / "model.safetensors.index.json").write_text("{}")
    assert_refused(
        HubError, lambda: pinned.fetch(f"hf://{NAME}"), "model.safetensors.index.json", "Remove it"
    )


def test_hub_with_other_files_at_a_recorded_commit_is_refused(server: HubServer) -> None:
    pinned.fetch(f"hf://{NAME}")
    server.commits[NAME][server.branches[NAME]["main"]]["model.safetensors"] = b"\1" + WEIGHTS[1:]
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "model.safetensors", "never changes")


def test_content_other_than_announced_is_refused(server: HubServer) -> None:
    other = b"\1" + WEIGHTS[1:]

    def fault(handler: Handler, content: bytes | None) -> bool:
        handler.send_file(other)
        return True

    server.faults["/cdn/"] = fault
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "model.safetensors", "hash differs")
    assert not list((Path(record.home("cache")) / "hub").rglob("*.safetensors*"))
    assert not (Path(record.home("state")) / "hub.json").exists()


def test_small_file_other_than_announced_is_refused(server: HubServer) -> None:
    server.faults["resolve/" + server.branches[NAME]["main"] + "/config.json"] = body(
        b'{"model_type": "swiftFORMER"}'
    )
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "config.json", "hash differs")


def test_more_bytes_than_announced_are_refused(server: HubServer) -> None:
    server.faults["/cdn/"] = body(WEIGHTS * 3, "application/octet-stream")
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "model.safetensors", "more than")


def test_fewer_bytes_than_announced_are_refused(server: HubServer) -> None:
    server.faults["/cdn/"] = body(WEIGHTS[:100], "application/octet-stream")
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "model.safetensors", "100")


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/passwd", "a\\..\\b", "C:evil", "a\nb", "sub/../../x"]
)
def test_file_names_that_lead_elsewhere_are_refused(server: HubServer, name: str) -> None:
    server.publish(NAME, {**FILES, name: b"x"})
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "no repository can hold")


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
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), mention)


@pytest.mark.parametrize(
    "answer", [b"<html>Log in to the hotel network</html>", b"", b"[1]", b"[" * 100_000, b"\xff"]
)
def test_answers_that_are_no_description_are_refused(server: HubServer, answer: bytes) -> None:
    server.faults["/api/models/"] = body(answer, "text/html")
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "login page")


def test_endless_answer_is_refused(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1000)
    server.faults["/api/models/"] = body(b" " * 2000)
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "longer than 1,000 bytes")


def test_answer_with_another_commit_than_asked_is_refused(server: HubServer) -> None:
    answer = server.describe(NAME, server.branches[NAME]["main"])
    server.faults["/api/models/"] = body(json.dumps(answer).encode())
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}@{'0' * 40}"), "another commit")
