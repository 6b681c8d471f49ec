"""The three questions asked of a hub: what is in a repository, send a file, and is it in the library's own cache.

Everything goes through huggingface_hub (endpoint, token, proxies, retries, resume); answers are taken for what a
stranger sent: bounded in size, checked in shape, and compared with the hashes that the hub announced.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

from converters.hub.record import COMMIT, SHA256
from swiftformer_keras.errors import HubError, HubUnreachableError

Progress = Callable[[str, int, int], None]
"""Called with (file name, bytes so far, bytes in all)."""

MAX_ANSWER_BYTES = 8 << 20
MAX_ANSWER_SECONDS = 60.0
BY_HAND = (
    "On a machine with a connection, run `hf download {repo_id} --local-dir FOLDER` "
    "(or save the files with a browser), bring the folder here and give it instead of the name"
)


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A file as the hub announces it. Large files come with a SHA-256, small ones with git's blob hash."""

    name: str
    size_bytes: int
    sha256: str | None = None
    git_sha1: str | None = None


@dataclasses.dataclass(frozen=True)
class RemoteCommit:
    """What the hub says of a repository at one revision."""

    commit: str
    files: dict[str, RemoteFile]
    licence: str = "unknown"
    author: str = "unknown"


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids the network."""
    values = (os.environ.get("HF_HUB_OFFLINE"), os.environ.get("TRANSFORMERS_OFFLINE"))
    return any((value or "").upper() in ("1", "ON", "YES", "TRUE") for value in values)


def describe(repo_id: str, revision: str) -> RemoteCommit:
    """Ask the hub which commit `revision` is and which files it holds.

    Raises:
        HubUnreachableError: no connection, no answer in time, or the hub is out of order.
        HubError: it refused, does not know the name, or answered nonsense.
    """
    where = f"{repo_id}@{revision}"
    with _hub(repo_id, where) as hub:
        url = f"{_endpoint()}/api/models/{repo_id}/revision/{quote(revision, safe='')}?blobs=true"
        started, answer = time.monotonic(), bytearray()
        with hub.get_session().stream(
            "GET", url, headers=hub.build_hf_headers(), timeout=hub.timeout()
        ) as response:
            _raise_for_status(response, repo_id, where)
            for chunk in response.iter_bytes():
                answer += chunk
                if len(answer) > MAX_ANSWER_BYTES:
                    raise HubError(
                        f"{where}: the hub's answer is longer than {MAX_ANSWER_BYTES:,} bytes; refused"
                    )
                if time.monotonic() - started > MAX_ANSWER_SECONDS:
                    raise _unreachable(repo_id, where, "the hub answers too slowly")
    try:
        return _read_answer(json.loads(bytes(answer)))
    except HubError as error:
        raise HubError(f"{where}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise HubError(
            f"{where}: the hub at {_shown_endpoint()} answered with something that describes no repository "
            "(a login page of the network?). Check HF_ENDPOINT and the connection"
        ) from None


def download(
    repo_id: str, commit: str, file: RemoteFile, destination: Path, *, progress: Progress | None = None
) -> None:
    """Bring one file of a commit to `destination`, going on where an earlier attempt was cut off.

    What arrived stays beside it as `.partial` until it is whole and has the announced size and hash.

    Raises:
        HubUnreachableError: the connection was lost (the part is kept).
        HubError: refused, not what was announced, or the disk is full.
    """
    where = f"{repo_id}@{commit[:12]}: {file.name}"
    partial = destination.with_name(destination.name + ".partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(destination.parent).free
        held = partial.stat().st_size if partial.exists() else 0
        if held > file.size_bytes:
            partial.unlink()
            held = 0
        if free < file.size_bytes - held:
            raise HubError(
                f"{where}: needs {file.size_bytes:,} bytes, {destination.parent} has {free:,}. Free some"
            )
        with _hub(repo_id, where) as hub, open(partial, "ab") as stream:
            if held < file.size_bytes or not held:
                hub.http_get(
                    f"{_endpoint()}/{repo_id}/resolve/{commit}/{quote(file.name)}",
                    _Bounded(stream, file, where, progress),
                    resume_size=held,
                    headers=hub.build_hf_headers(),
                    displayed_filename=file.name,
                    tqdm_class=hub.silent_bar,
                )
        _check_content(partial, file, where)
        partial.replace(destination)
    except OSError as error:
        raise HubError(f"{where}: cannot be saved: {_disk_reason(error)}") from None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time in a folder, which is made if need be.

    Raises:
        HubError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _Library().lock(folder / ".lock"):
            yield
    except OSError as error:
        raise HubError(f"{folder}: cannot be written: {_disk_reason(error)}") from None


def library_cache(repo_id: str, revision: str, name: str) -> Path | None:
    """Where huggingface_hub's own cache holds this file, if it does (`hf download`, transformers, timm)."""
    with _hub(repo_id, repo_id) as hub:
        found = hub.try_to_load_from_cache(repo_id, name, revision=revision)
    return Path(found) if isinstance(found, str) and Path(found).is_file() else None


def matches(path: Path, file: RemoteFile) -> bool:
    """Whether a file has the announced size and hashes."""
    if path.stat().st_size != file.size_bytes:
        return False
    if file.sha256 is not None:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    if file.git_sha1 is not None:
        header = f"blob {file.size_bytes}\0".encode()  # git hashes its own header before the content
        return hashlib.sha1(header + path.read_bytes(), usedforsecurity=False).hexdigest() == file.git_sha1
    return True


class _Bounded:
    """The file that a download is written to: never longer than announced, and it tells how far it is."""

    def __init__(self, stream: IO[bytes], file: RemoteFile, where: str, progress: Progress | None) -> None:
        self._stream, self._file, self._where, self._progress = stream, file, where, progress

    def write(self, chunk: bytes) -> int:
        if self._stream.tell() + len(chunk) > self._file.size_bytes:
            raise HubError(
                f"{self._where}: the hub sends more than the {self._file.size_bytes:,} bytes it announced; refused"
            )
        written = self._stream.write(chunk)
        self._stream.flush()
        if self._progress is not None:
            self._progress(self._file.name, self._stream.tell(), self._file.size_bytes)
        return written

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int) -> int:
        return self._stream.seek(offset)

    def truncate(self) -> int:
        return self._stream.truncate()


def _check_content(partial: Path, file: RemoteFile, where: str) -> None:
    held = partial.stat().st_size
    if held < file.size_bytes:
        partial.unlink()
        raise HubError(
            f"{where}: the hub sent {held:,} of the {file.size_bytes:,} bytes it announced. Try again"
        )
    if not matches(partial, file):
        partial.unlink()
        raise HubError(
            f"{where}: what arrived is not what the hub announced (its hash differs); it was thrown away. "
            "Try again; if it stays so, a proxy changes the file"
        )


def _read_answer(answer: Any) -> RemoteCommit:
    if not COMMIT.fullmatch(answer["sha"]):
        raise HubError("the hub names no commit (40 hexadecimal digits)")
    files = {}
    for entry in answer["siblings"]:
        name = entry["rfilename"]
        parts = name.replace("\\", "/").split("/")
        if not name.isprintable() or any(part in ("", ".", "..") for part in parts) or ":" in name:
            raise HubError(f"the hub lists a file {name[:80]!r}, which no repository can hold; refused")
        lfs = entry.get("lfs") or {}
        size = lfs.get("size", entry.get("size"))
        if not isinstance(size, int) or size < 0:
            raise HubError(f"the hub gives no size for {name!r}")
        sha256, git_sha1 = lfs.get("sha256"), None if lfs else entry.get("blobId")
        if (sha256 is not None and not SHA256.fullmatch(sha256)) or (
            git_sha1 is not None and not COMMIT.fullmatch(git_sha1)
        ):
            raise HubError(f"the hub gives a malformed hash for {name!r}")
        files[name] = RemoteFile(name, size, sha256, git_sha1)
    card = answer.get("cardData") or {}
    return RemoteCommit(answer["sha"], files, _fact(card.get("license")), _fact(answer.get("author")))


def _fact(value: Any) -> str:
    """A short text that the hub says of the model, on one line, else "unknown"."""
    text = " ".join(value.split())[:200] if isinstance(value, str) else ""
    return text if text and text.isprintable() else "unknown"


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _shown_endpoint() -> str:
    """The endpoint as messages name it, without a user name and password."""
    parts = urlsplit(_endpoint())
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class _Library:
    """The few names of huggingface_hub in use, imported when the first hub name is given."""

    def __init__(self) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read once, when the library is imported
        try:
            import huggingface_hub
            from huggingface_hub import constants
            from huggingface_hub.file_download import http_get
            from huggingface_hub.utils import WeakFileLock, build_hf_headers, get_session, tqdm
        except ImportError as error:
            raise HubError(
                f"huggingface_hub cannot be imported ({error}). Run `pip install huggingface-hub`"
            ) from None

        class SilentBar(tqdm):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{**kwargs, "disable": True})

        self.http_get: Any = http_get
        self.get_session: Any = get_session
        self.build_hf_headers: Any = build_hf_headers
        self.try_to_load_from_cache: Any = huggingface_hub.try_to_load_from_cache
        self.lock: Any = WeakFileLock
        self.silent_bar = SilentBar
        self.timeout: Callable[[], float] = lambda: float(constants.HF_HUB_ETAG_TIMEOUT)


@contextlib.contextmanager
def _hub(repo_id: str, where: str) -> Iterator[_Library]:
    """The library, with its log silenced (it prints signed addresses) and its errors turned into ours."""
    library = _Library()
    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield library
    except HubError:
        raise
    except Exception as error:  # noqa: BLE001 - what a foreign answer makes two libraries raise is not listed anywhere
        raise _from_library(error, repo_id, where) from None
    finally:
        log.setLevel(level)


def _from_library(error: Exception, repo_id: str, where: str) -> HubError:
    """Our error for whatever huggingface_hub and its HTTP library raise; never with an address in it."""
    response = getattr(error, "response", None)
    if response is not None:
        try:
            _raise_for_status(response, repo_id, where)
        except HubError as ours:
            return ours
    names = {cls.__name__ for cls in type(error).__mro__}
    if "TimeoutException" in names or isinstance(error, TimeoutError):
        return _unreachable(repo_id, where, "the hub did not answer in time")
    if "OfflineModeIsEnabled" in names:
        return _unreachable(repo_id, where, "huggingface_hub is in offline mode")
    if isinstance(error, OSError) and error.errno in _DISK:
        return HubError(f"{where}: cannot be saved: {_disk_reason(error)}")
    if "TransportError" in names or isinstance(error, ConnectionError):
        return _unreachable(repo_id, where, f"no connection to {_shown_endpoint()}, or it was lost")
    return HubError(f"{where}: the hub's answer cannot be used ({type(error).__name__}). Try again later")


def _raise_for_status(response: Any, repo_id: str, where: str) -> None:
    status = response.status_code
    if status < 300:
        return
    code = str(response.headers.get("X-Error-Code", ""))
    if code == "GatedRepo":
        raise HubError(
            f"{where}: the model is gated. Accept its terms on its page, then log in with `hf auth login` "
            "or set HF_TOKEN"
        )
    if code == "RevisionNotFound":
        raise HubError(f"{where}: the repository has no such branch, tag or commit. Check the part after @")
    if status in (401, 403):
        raise HubError(
            f"{where}: the hub refuses access (HTTP {status}): no such model, or it is private. "
            "Check the name; for a private model, log in with `hf auth login` or set HF_TOKEN"
        )
    if status == 404:
        raise HubError(
            f"{where}: the hub at {_shown_endpoint()} has nothing of that name (HTTP 404). Check the spelling"
        )
    if status == 429:
        raise _unreachable(repo_id, where, "the hub wants fewer requests (HTTP 429); wait some minutes")
    if status >= 500:
        raise _unreachable(repo_id, where, f"the hub is out of order (HTTP {status}); try again later")
    raise HubError(f"{where}: the hub answered HTTP {status}, which this program cannot use")


def _unreachable(repo_id: str, where: str, what: str) -> HubUnreachableError:
    return HubUnreachableError(f"{where}: {what}. {BY_HAND.format(repo_id=repo_id)}")


_DISK = {
    errno.ENOSPC: "the disk is full; free some space or set SWIFTFORMER_HOME to another disk",
    errno.EDQUOT: "the disk quota is used up; free some space or set SWIFTFORMER_HOME to another disk",
    errno.EACCES: "no permission to write there; set SWIFTFORMER_HOME to a folder you can write",
    errno.EPERM: "no permission to write there; set SWIFTFORMER_HOME to a folder you can write",
    errno.EROFS: "the file system is read-only; set SWIFTFORMER_HOME to a folder you can write",
}


def _disk_reason(error: OSError) -> str:
    return _DISK.get(
        error.errno or 0, f"{error.strerror or type(error).__name__}; SWIFTFORMER_HOME names another place"
    )
