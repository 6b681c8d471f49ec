"""A small hub on loopback: enough of huggingface.co's interface for the real client library to download from.

It speaks `/api/models/NAME/revision/REV`, `/api/models/NAME/tree/REV` and `/NAME/resolve/REV/FILE` (HEAD and
GET, ETag, X-Repo-Commit, Range, large files by redirect to a second address). `faults` makes it misbehave.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 10_000

# What the tests' own hub has published.
NAME = "MBZUAI/swiftformer-xs"
WEIGHTS = bytes(range(256)) * 300
FILES = {
    "config.json": b'{"model_type": "swiftformer"}',
    "model.safetensors": WEIGHTS,
    "README.md": b"# card",
}


@dataclasses.dataclass
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: dict[str, str]


@dataclasses.dataclass
class HubServer:
    """State of the test hub; change it between requests.

    Attributes:
        commits: repository -> commit -> file name -> content.
        branches: repository -> branch -> commit.
        facts: repository -> further fields of the answer (cardData, author).
        faults: path part -> called with (handler, content or None); returns True when it has answered.
        requests: everything that was asked so far.
    """

    endpoint: str = ""
    cdn: str = ""
    commits: dict[str, dict[str, dict[str, bytes]]] = dataclasses.field(default_factory=dict)
    branches: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    faults: dict[str, Callable[[Handler, bytes | None], bool]] = dataclasses.field(default_factory=dict)
    requests: list[Request] = dataclasses.field(default_factory=list)

    def publish(self, repo_id: str, files: dict[str, bytes], branch: str = "main", **facts: Any) -> str:
        """A new commit at the head of a branch; returns its name."""
        content = b"".join(name.encode() + b"\0" + files[name] for name in sorted(files))
        commit = hashlib.sha1(repo_id.encode() + content).hexdigest()
        self.commits.setdefault(repo_id, {})[commit] = dict(files)
        self.branches.setdefault(repo_id, {})[branch] = commit
        self.facts.setdefault(repo_id, {}).update(facts)
        return commit

    def describe(self, repo_id: str, commit: str) -> dict[str, Any]:
        """The answer of the model API, as huggingface.co gives it with blobs=true."""
        siblings = []
        for name, content in self.commits[repo_id][commit].items():
            entry: dict[str, Any] = {"rfilename": name, "size": len(content)}
            header = f"blob {len(content)}\0".encode()
            entry["blobId"] = hashlib.sha1(header + content).hexdigest()
            if len(content) >= LARGE_BYTES:
                entry["lfs"] = {
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "size": len(content),
                    "pointerSize": 134,
                }
            siblings.append(entry)
        return {
            "_id": "0",
            "id": repo_id,
            "modelId": repo_id,
            "sha": commit,
            "siblings": siblings,
            **self.facts[repo_id],
        }

    def tree(self, repo_id: str, commit: str) -> list[dict[str, Any]]:
        """The answer of the tree API, which `snapshot_download` asks."""
        entries = []
        for sibling in self.describe(repo_id, commit)["siblings"]:
            lfs = sibling.get("lfs")
            entry = {
                "type": "file",
                "path": sibling["rfilename"],
                "size": sibling["size"],
                "oid": sibling["blobId"],
            }
            large = {"lfs": {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": 134}} if lfs else {}
            entries.append({**entry, **large})
        return entries

    def asked(self, part: str) -> list[Request]:
        """The requests whose path contains `part`."""
        return [request for request in self.requests if part in request.path]


class Handler(BaseHTTPRequestHandler):
    """One request. HTTP/1.1, so that a cut connection is noticed as such."""

    protocol_version = "HTTP/1.1"
    hub: HubServer

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client may hang up at any time
            super().handle()

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; header names are written with underscores."""
        self.send_response(status)
        headers = {"Content_Length": str(len(body)), **headers}
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_file(self, content: bytes, **headers: str) -> None:
        """A file, or the rest of it when the client asks for a range."""
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked:
            headers["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.send(206 if asked else 200, content[start:], Accept_Ranges="bytes", **headers)

    def cut(self, content: bytes, after: int) -> None:
        """Announce the rest of the file, send `after` bytes of it and drop the connection."""
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + after])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)

    def _answer(self) -> None:
        hub = self.hub
        path = unquote(urlsplit(self.path).path)
        hub.requests.append(Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        content = self._content(path)
        for part, fault in hub.faults.items():
            if part in path and fault(self, content):
                return
        if path.startswith("/api/models/"):
            repo_id, is_tree, revision = path.removeprefix("/api/models/").partition("/tree/")
            if not is_tree:
                repo_id, _, revision = repo_id.partition("/revision/")
            commit = self._commit(repo_id, revision or "main")
            if repo_id not in hub.commits:
                self.send(401, b"{}", X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
            elif commit is None:
                self.send(404, b"{}", X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev id")
            else:
                description = hub.tree(repo_id, commit) if is_tree else hub.describe(repo_id, commit)
                answer = json.dumps(description).encode()
                self.send(200, answer, Content_Type="application/json; charset=utf-8")
        elif content is None:
            self.send(
                404, b"Entry not found", X_Error_Code="EntryNotFound", X_Error_Message="Entry not found"
            )
        elif path.startswith("/cdn/"):
            self.send_file(content)
        else:
            self._resolve(path, content)

    def _resolve(self, path: str, content: bytes) -> None:
        repo_id, _, rest = path.lstrip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        headers = {"X_Repo_Commit": self._commit(repo_id, revision) or ""}
        if len(content) < LARGE_BYTES:
            self.send_file(content, ETag=f'"{hashlib.sha1(content).hexdigest()}"', **headers)
            return
        digest = hashlib.sha256(content).hexdigest()
        headers |= {"X_Linked_Size": str(len(content)), "X_Linked_ETag": f'"{digest}"'}
        location = f"{self.hub.cdn}/cdn/{repo_id}/resolve/{revision}/{name}?signature=signed-{digest[:8]}"
        self.send(302, Location=location, **headers)

    def _content(self, path: str) -> bytes | None:
        repo_id, found, rest = path.removeprefix("/cdn").lstrip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        commit = self._commit(repo_id, revision) if found else None
        return self.hub.commits[repo_id][commit].get(name) if commit else None

    def _commit(self, repo_id: str, revision: str) -> str | None:
        if revision in self.hub.commits.get(repo_id, {}):
            return revision
        return self.hub.branches.get(repo_id, {}).get(revision)


@contextmanager
def serve() -> Iterator[HubServer]:
    """A hub and its storage server, each on a port of its own, until the block ends."""
    hub = HubServer()
    handler = type("HubHandler", (Handler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    ports = [server.server_address[1] for server in servers]
    # Different names, as on the real hub: the client treats its storage as a stranger.
    hub.endpoint, hub.cdn = f"http://127.0.0.1:{ports[0]}", f"http://localhost:{ports[1]}"
    try:
        yield hub
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def status(code: int, **headers: str) -> Callable[[Handler, bytes | None], bool]:
    """A fault: always this HTTP status."""

    def fault(handler: Handler, content: bytes | None) -> bool:
        handler.send(code, b"no", **headers)
        return True

    return fault


def body(
    replacement: bytes, content_type: str = "application/json"
) -> Callable[[Handler, bytes | None], bool]:
    """A fault: always this body, with status 200."""

    def fault(handler: Handler, content: bytes | None) -> bool:
        handler.send(200, replacement, Content_Type=content_type)
        return True

    return fault


def silence(seconds: float) -> Callable[[Handler, bytes | None], bool]:
    """A fault: no answer for a while, then none at all."""

    def fault(handler: Handler, content: bytes | None) -> bool:
        threading.Event().wait(seconds)
        handler.close_connection = True
        return True

    return fault
