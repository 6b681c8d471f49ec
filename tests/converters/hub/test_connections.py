"""Connections that break, servers that refuse, and no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.hub import pinned, record
from swiftformer_keras.errors import HubError, HubUnreachableError
from tests.harness import assert_refused
from tests.hub_server import NAME, WEIGHTS, Handler, HubServer, body, silence, status


def test_cut_connection_is_resumed(server: HubServer) -> None:
    cuts = iter([30_000, 10_000])

    def fault(handler: Handler, content: bytes | None) -> bool:
        after = next(cuts, None)
        if after is None or content is None:
            return False
        handler.cut(content, after)
        return True

    server.faults["/cdn/"] = fault
    snapshot = pinned.fetch(f"hf://{NAME}")
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
        pinned.fetch(f"hf://{NAME}", progress=die)
    server.requests.clear()
    snapshot = pinned.fetch(f"hf://{NAME}")
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert [request.headers.get("range") for request in server.asked("/cdn/")] == ["bytes=30000-"]
    assert not server.asked("config.json"), "the finished file is kept"


def test_server_that_ignores_ranges_starts_afresh(server: HubServer) -> None:
    folder = Path(record.home("cache")) / "hub" / NAME.replace("/", "--") / server.branches[NAME]["main"]
    folder.mkdir(parents=True)
    (folder / "model.safetensors.partial").write_bytes(b"not the beginning")
    server.faults["/cdn/"] = body(WEIGHTS, "application/octet-stream")
    assert (pinned.fetch(f"hf://{NAME}").folder / "model.safetensors").read_bytes() == WEIGHTS


def test_wrong_part_is_noticed_and_thrown_away(server: HubServer) -> None:
    folder = Path(record.home("cache")) / "hub" / NAME.replace("/", "--") / server.branches[NAME]["main"]
    folder.mkdir(parents=True)
    (folder / "model.safetensors.partial").write_bytes(b"not the beginning")
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "hash differs")
    assert (pinned.fetch(f"hf://{NAME}").folder / "model.safetensors").read_bytes() == WEIGHTS


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
    message = assert_refused(error, lambda: pinned.fetch(f"hf://{NAME}"), NAME, mention)
    assert "hf_secret" not in message
    assert "signature" not in message


def test_unknown_revision(server: HubServer) -> None:
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}@nowhere"), "no such branch")


@pytest.mark.parametrize("part", ["/api/", "/cdn/"])
def test_silent_server_is_given_up(server: HubServer, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.05)
    server.faults[part] = silence(0.5)
    assert_refused(HubUnreachableError, lambda: pinned.fetch(f"hf://{NAME}"), "hf download")


def test_no_network_says_what_to_do(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://someone:hf_password@127.0.0.1:9")
    message = assert_refused(
        HubUnreachableError, lambda: pinned.fetch(f"hf://{NAME}"), "no connection", "hf download", NAME
    )
    assert "hf_password" not in message


def test_no_network_uses_the_recorded_copy(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pinned.fetch(f"hf://{NAME}")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    second = pinned.fetch(f"hf://{NAME}")
    assert second.files == first.files
    assert "could not be reached" in second.notes[0]


def test_refused_name_does_not_fall_back_to_the_copy(server: HubServer) -> None:
    pinned.fetch(f"hf://{NAME}")
    server.faults["/api/"] = status(404)
    assert_refused(HubError, lambda: pinned.fetch(f"hf://{NAME}"), "404")


# --- offline ----------------------------------------------------------------------------------------


def test_offline_with_a_recorded_copy(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pinned.fetch(f"hf://{NAME}")
    server.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert pinned.fetch(f"hf://{NAME}").files == first.files
    assert server.requests == []


def test_offline_without_a_copy_says_what_to_do(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert_refused(
        HubUnreachableError, lambda: pinned.fetch(f"hf://{NAME}"), "HF_HUB_OFFLINE", "hf download", NAME
    )
    assert server.requests == []


def test_files_of_the_library_s_own_cache_are_used_offline(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(NAME, endpoint=server.endpoint)
    server.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    snapshot = pinned.fetch(f"hf://{NAME}")
    assert snapshot.commit == server.branches[NAME]["main"]
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert server.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    later = pinned.fetch(f"hf://{NAME}")
    assert (later.files, later.licence, later.author) == (snapshot.files, "apache-2.0", "MBZUAI")
    assert pinned.fetch(f"hf://{NAME}").licence == "apache-2.0"


def test_files_of_the_library_s_own_cache_are_not_downloaded_again(server: HubServer) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(NAME, endpoint=server.endpoint)
    server.requests.clear()
    snapshot = pinned.fetch(f"hf://{NAME}")
    assert (snapshot.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert not server.asked("/resolve/")
