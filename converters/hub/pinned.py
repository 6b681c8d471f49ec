"""Pinned downloads: a hub name goes in, a folder of checked files comes out.

`hf://MBZUAI/swiftformer-xs` and `hf://owner/name@revision` are hub names, and for the publishers that `names.py`
knows also the bare `timm/swiftformer_xs.dist_in1k`. The first download records the commit and the SHA-256 of every
file (`record.py`); later ones stay at that commit and check every file against the record, also offline. Only
configuration and weights are fetched. `load.py` reads the folder.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

from converters.hub import transport
from converters.hub.names import HubName, parse_name
from converters.hub.record import COMMIT, FILE_NAME, Record, RecordedCommit, RecordedFile, home
from converters.hub.transport import BY_HAND, Progress, RemoteCommit, RemoteFile
from swiftformer_keras.errors import HubError, HubUnreachableError
from swiftformer_keras.files import sha256_file

MAX_JSON_BYTES = 16 << 20
MAX_WEIGHTS_BYTES = 4 << 30
MAX_FILES = 200

_CONFIGURATION = ("config.json", "preprocessor_config.json")
_SAFETENSORS_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_TORCH_SHARD = re.compile(r"pytorch_model-\d{5}-of-\d{5}\.bin")


@dataclasses.dataclass(frozen=True)
class HubSnapshot:
    """A folder that holds exactly the checked files of one commit.

    Attributes:
        folder: where they are.
        repo_id, revision, commit: what was asked, and the commit (40 hexadecimal digits) that it is.
        files: name to hexadecimal SHA-256, computed from the files.
        licence, author: as the hub's page says, else "unknown".
        notes: lines for the user, such as that the branch has moved on since the first download.
    """

    folder: Path
    repo_id: str
    revision: str
    commit: str
    files: dict[str, str]
    licence: str = "unknown"
    author: str = "unknown"
    notes: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The page of this commit."""
        return f"https://huggingface.co/{self.repo_id}/tree/{self.commit}"

    def origin(self) -> dict[str, str]:
        """Fields of `Origin` that the hub knows; licence and author only where it says something."""
        said = {"licence": self.licence, "author": self.author}
        known = {field: text for field, text in said.items() if text != "unknown"}
        return {"url": self.url, "revision": self.commit, **known}


def fetch(
    source: str,
    *,
    cache_dir: Path | None = None,
    lock_file: Path | None = None,
    update: bool = False,
    progress: Progress | None = None,
) -> HubSnapshot:
    """Bring the configuration and weights of a hub model to this machine, checked against the record.

    Args:
        source: a hub name (see `parse_name`).
        cache_dir: where downloads are kept; default: in the user's cache folder.
        lock_file: the record of commits and hashes; default: `hub.json` in the user's state folder. Both are in
            SWIFTFORMER_HOME when that is set.
        update: follow a branch that has moved since it was recorded, instead of staying at the recorded commit.
        progress: called with (file name, bytes so far, bytes in all) while a file arrives.

    Raises:
        HubUnreachableError: there is no connection (or HF_HUB_OFFLINE is set) and no complete recorded copy.
        HubError: not a hub name, refused by the hub, or a file is not what was recorded.
    """
    name = parse_name(source)
    store = (Path(cache_dir) if cache_dir is not None else home("cache") / "hub") / name.repo_id.replace(
        "/", "--"
    )
    record = Record(Path(lock_file) if lock_file is not None else home("state") / "hub.json")
    with transport.alone(store):
        return _fetch(name, store, record, update=update, progress=progress)


def _fetch(
    name: HubName, store: Path, record: Record, *, update: bool, progress: Progress | None
) -> HubSnapshot:
    recorded = record.commit_of(name.repo_id, name.revision)
    if recorded is not None and recorded == name.revision and (done := _held(name, recorded, store, record)):
        return done  # a commit never changes: nothing to ask
    if transport.is_offline():
        return _offline(name, recorded, store, record)
    try:
        remote = transport.describe(name.repo_id, name.revision)
    except HubUnreachableError as error:
        if recorded is not None and (done := _held(name, recorded, store, record)):
            note = f"The hub could not be reached; using the recorded copy of {name} (commit {recorded})."
            return dataclasses.replace(done, notes=(note,))
        raise error
    if COMMIT.fullmatch(name.revision) and remote.commit != name.revision:
        raise HubError(f"{name}: the hub answered with another commit, {remote.commit}; refused")
    notes: tuple[str, ...] = ()
    if recorded is not None and remote.commit != recorded:
        if not update:
            note = (
                f"{name} has moved from commit {recorded} to {remote.commit} since it was recorded; "
                "staying at the recorded one. To take the new one, give --update, or name it: "
                f"{name.repo_id}@{remote.commit}."
            )
            done = _held(name, recorded, store, record) or _download_recorded(
                name, recorded, store, record, progress
            )
            return dataclasses.replace(done, notes=(note,))
        notes = (f"{name} moved from commit {recorded} to {remote.commit}, which is recorded now.",)
    facts = record.files_of(name.repo_id, remote.commit)
    if facts is not None:
        _check_announced(name, remote, facts, record)
        done = _held(name, remote.commit, store, record)
        done = done or _download_recorded(name, remote.commit, store, record, progress)
        licence = remote.licence if facts.licence == "unknown" else facts.licence
        author = remote.author if facts.author == "unknown" else facts.author
        known = dataclasses.replace(facts, licence=licence, author=author)
        if recorded != remote.commit or known != facts:
            record.accept(name.repo_id, name.revision, remote.commit, known)
        return dataclasses.replace(done, notes=notes, licence=licence, author=author)
    return _download_first(name, remote, store, record, progress, notes)


def _offline(name: HubName, recorded: str | None, store: Path, record: Record) -> HubSnapshot:
    if recorded is not None:
        if done := _held(name, recorded, store, record):
            return done
    elif done := _from_library_cache(name, store, record):
        return done
    raise HubUnreachableError(
        f"{name}: HF_HUB_OFFLINE is set and this model was not downloaded before. "
        f"Unset it to download, or: {BY_HAND.format(repo_id=name.repo_id)}"
    )


def _held(name: HubName, commit: str, store: Path, record: Record) -> HubSnapshot | None:
    """The recorded files of a commit if all of them are here; each is hashed again."""
    facts = record.files_of(name.repo_id, commit)
    folder = store / commit
    if facts is None or not facts.files or not all((folder / file).is_file() for file in facts.files):
        return None
    for file, expected in facts.files.items():
        _check_recorded(name, commit, folder / file, expected, record)
    return _snapshot(name, commit, folder, facts)


def _check_recorded(name: HubName, commit: str, path: Path, expected: RecordedFile, record: Record) -> None:
    try:
        found = sha256_file(path)
    except OSError as error:
        raise HubError(
            f"{path}: cannot be read: {error.strerror}. Remove it to have it downloaded again"
        ) from None
    if found != expected.sha256:
        raise HubError(
            f"{path}: is not the file that was recorded for {name.repo_id} at commit {commit[:12]} (SHA-256 "
            f"{found[:16]}… instead of {expected.sha256[:16]}… in {record.path}). Remove it to have it downloaded again"
        )


def _check_announced(name: HubName, remote: RemoteCommit, facts: RecordedCommit, record: Record) -> None:
    """Refuse a hub that now announces other files for a recorded commit."""
    for file, expected in facts.files.items():
        now = remote.files.get(file)
        if now is None or now.sha256 not in (None, expected.sha256) or now.size_bytes != expected.size_bytes:
            raise HubError(
                f"{name}: the hub now announces another {file} for commit {remote.commit[:12]} than was recorded in "
                f"{record.path}. A commit never changes, so do not trust it; remove its entry there if you know why"
            )


def _download_recorded(
    name: HubName, commit: str, store: Path, record: Record, progress: Progress | None
) -> HubSnapshot:
    facts = record.files_of(name.repo_id, commit)
    assert facts is not None, "the caller found this commit in the record"
    folder = store / commit
    for file, expected in facts.files.items():
        if not (folder / file).is_file():
            wanted = RemoteFile(file, expected.size_bytes, expected.sha256)
            _bring(name, commit, wanted, folder, progress)
        _check_recorded(name, commit, folder / file, expected, record)
    return _snapshot(name, commit, folder, facts)


def _download_first(
    name: HubName,
    remote: RemoteCommit,
    store: Path,
    record: Record,
    progress: Progress | None,
    notes: tuple[str, ...],
) -> HubSnapshot:
    wanted = {file: remote.files[file] for file in choose_files(name, list(remote.files))}
    for file in wanted.values():
        most = MAX_JSON_BYTES if file.name.endswith(".json") else MAX_WEIGHTS_BYTES
        if file.size_bytes > most:
            raise HubError(
                f"{name}: {file.name} has {file.size_bytes:,} bytes; more than {most:,} is no SwiftFormer"
            )
    folder = store / remote.commit
    for file in wanted.values():
        path = folder / file.name
        if path.is_file() and not transport.matches(path, file):
            path.unlink()
        if not path.is_file():
            _bring(name, remote.commit, file, folder, progress)
    return _accept(name, remote.commit, folder, list(wanted), record, remote.licence, remote.author, notes)


def _bring(name: HubName, commit: str, file: RemoteFile, folder: Path, progress: Progress | None) -> None:
    """Copy a file from huggingface_hub's own cache when it is there and right, else download it."""
    known = transport.library_cache(name.repo_id, commit, file.name)
    if known is not None and (file.sha256 or file.git_sha1) and transport.matches(known, file):
        _copy(known, folder / file.name)
    else:
        transport.download(name.repo_id, commit, file, folder / file.name, progress=progress)


def _from_library_cache(name: HubName, store: Path, record: Record) -> HubSnapshot | None:
    """First use without a network of what `hf download`, transformers or timm left in huggingface_hub's cache."""
    config = transport.library_cache(name.repo_id, name.revision, "config.json")
    if config is None or not COMMIT.fullmatch(config.parent.name):
        return None
    commit, folder = config.parent.name, store / config.parent.name
    held = [path.name for path in config.parent.iterdir() if path.is_file()]
    try:
        wanted = choose_files(name, held)
    except HubError:
        return None
    for file in wanted:
        _copy(config.parent / file, folder / file)
    note = f"{name} was taken from huggingface_hub's cache (commit {commit})."
    return _accept(name, commit, folder, wanted, record, "unknown", "unknown", (note,))


def _accept(
    name: HubName,
    commit: str,
    folder: Path,
    files: list[str],
    record: Record,
    licence: str,
    author: str,
    notes: tuple[str, ...],
) -> HubSnapshot:
    held = {file: RecordedFile(sha256_file(folder / file), (folder / file).stat().st_size) for file in files}
    facts = RecordedCommit(held, licence, author)
    record.accept(name.repo_id, name.revision, commit, facts)
    notes += (
        f"Commit {commit} of {name} and the SHA-256 of {len(files)} files are recorded in {record.path}.",
    )
    return _snapshot(name, commit, folder, facts, notes)


def _snapshot(
    name: HubName, commit: str, folder: Path, facts: RecordedCommit, notes: tuple[str, ...] = ()
) -> HubSnapshot:
    known = {*facts.files, *(f"{file}.partial" for file in facts.files)}
    if strays := sorted(path.name for path in folder.iterdir() if path.name not in known):
        raise HubError(f"{folder}: holds {strays[0]!a}, which was not downloaded with {name}. Remove it")
    files = {file: held.sha256 for file, held in facts.files.items()}
    return HubSnapshot(folder, name.repo_id, name.revision, commit, files, facts.licence, facts.author, notes)


def choose_files(name: HubName, listed: list[str]) -> list[str]:
    """The files to fetch: configuration, and one set of weights (safetensors before pickles, whole before sharded).

    Raises:
        HubError: there are no weights, or several sets without a usual name.
    """
    held = sorted(file for file in listed if FILE_NAME.fullmatch(file))
    named = [file for file in _CONFIGURATION if file in held]
    loose = [
        file for file in held if file.endswith(".safetensors") and not _SAFETENSORS_SHARD.fullmatch(file)
    ]
    if "model.safetensors" in held:
        weights = ["model.safetensors"]
    elif "model.safetensors.index.json" in held:
        weights = ["model.safetensors.index.json", *filter(_SAFETENSORS_SHARD.fullmatch, held)]
    elif len(loose) == 1:
        weights = loose
    elif "pytorch_model.bin" in held:
        weights = ["pytorch_model.bin"]
    elif "pytorch_model.bin.index.json" in held:
        weights = ["pytorch_model.bin.index.json", *filter(_TORCH_SHARD.fullmatch, held)]
    elif loose:
        raise HubError(
            f"{name}: holds several weights files ({', '.join(loose[:4])}), none of a usual name. "
            f"Download the one you mean and give its path"
        )
    else:
        raise HubError(
            f"{name}: holds no weights (model.safetensors or pytorch_model.bin). If its weights have another name, "
            "download the file and give its path"
        )
    if len(weights) > MAX_FILES:
        raise HubError(f"{name}: its weights are in {len(weights)} files; no SwiftFormer is")
    return named + weights


def _copy(source: Path, destination: Path) -> None:
    temporary = destination.with_name(destination.name + ".partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, temporary)
        temporary.replace(destination)
    except OSError as error:
        raise HubError(
            f"{destination}: cannot be written: {error.strerror}. Set SWIFTFORMER_HOME elsewhere"
        ) from None
