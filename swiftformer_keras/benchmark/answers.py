"""Whether the answers are right, asked of a phone through the app: golden inputs, and a labelled folder.

The pictures go to the session's own folder, the app scores them under the configuration's delegate and threads, and
what it says is compared with this computer's answers, which are worked out once for each model.
"""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from swiftformer_keras.benchmark import evaluate, residency, verify
from swiftformer_keras.benchmark.host import HostAnswers, as_png, host_answers
from swiftformer_keras.benchmark.plan import Configuration
from swiftformer_keras.benchmark.quoting import script
from swiftformer_keras.benchmark.residency import Residency
from swiftformer_keras.benchmark.result import ConfigurationResult
from swiftformer_keras.benchmark.runners.app import AppRunner, of_something_else
from swiftformer_keras.benchmark.runners.app_result import AppResult, PictureScores
from swiftformer_keras.errors import BenchmarkOutputError, DeviceError
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.session import DeviceSession
    from swiftformer_keras.benchmark.transfer import RemoteFile

Part = Literal["golden", "dataset"]
Progress = Callable[[str, int, int], None]

_MOST_PICTURES, _MOST_SCORES = 500, 1_000_000
"""Of one process of the app: its result is a JSON file."""

_SLOWEST_BYTES_PER_S = 500_000
_BLOCK_BYTES = 4096
"""Of a phone's file system: a small file takes a whole one."""
_START_S, _PICTURE_S = 120.0, 5.0
"""What a process may take to start and, for each picture, to answer."""


@dataclasses.dataclass(frozen=True)
class Answered:
    """What a part of the check gave.

    Attributes:
        fields: of the configuration's result; none where the delegate that was asked for did not answer.
        processes: of the app that answered.
        residency: the least that holds for all of them.
    """

    fields: dict[str, Any]
    processes: tuple[AppResult, ...]
    residency: Residency


class Answers:
    """The inputs and this computer's answers to them, for any number of phones.

    Args:
        models: the file of each SHA-256.
        golden: whether the golden inputs are asked for.
        dataset: labelled pictures, or None.

    Raises:
        TFLiteFileError, MetadataError, PictureError, LabelsError, ComparisonError: the models cannot be asked here.
    """

    def __init__(
        self,
        models: dict[str, Path],
        runner: AppRunner,
        *,
        golden: bool,
        dataset: evaluate.Dataset | None,
        progress: Progress | None = None,
    ) -> None:
        self._runner = runner
        self._dataset = dataset
        self._golden: dict[str, HostAnswers] = {}
        self._host: dict[str, evaluate.HostSide] = {}
        for sha256, path in models.items():
            if golden:
                self._golden[sha256] = host_answers(path, verify.golden_pictures(), progress)
            if dataset is not None:
                self._host[sha256] = evaluate.host_side(path, dataset, progress)

    @property
    def steps(self) -> int:
        """Processes that each configuration needs, for progress."""
        return sum(self.has(part) for part in ("golden", "dataset"))

    def has(self, part: str) -> bool:
        """Whether this part is asked for."""
        return bool(self._golden) if part == "golden" else self._dataset is not None

    def called(self, part: str) -> str:
        """What messages call it."""
        return "golden inputs" if part == "golden" else "labelled pictures"

    def known(self, part: str, result: ConfigurationResult) -> bool:
        """Whether a result has it already."""
        return (result.verification if part == "golden" else result.accuracy) is not None

    def check(
        self, part: str, session: DeviceSession, configuration: Configuration, model: RemoteFile
    ) -> Answered:
        """Ask the phone, and compare.

        Raises:
            BenchmarkOutputError, BenchmarkRunnerError: the app's answer cannot be used.
            DeviceError: the phone is gone, or does not end in time.
        """
        sha256 = configuration.model_sha256
        if part == "golden":
            host, pictures = self._golden[sha256], verify.golden_pictures()
        else:
            assert self._dataset is not None
            host, pictures = self._host[sha256].answers, self._dataset.paths
        phone, processes = self._ask(session, configuration, model, pictures, host.scores.shape[1])
        sdk = session.facts.sdk
        where = residency.worst(_judge(configuration, each, sdk) for each in processes)
        assert where is not None, "there are always pictures"
        fields: dict[str, Any] = {}
        if residency.fails(where) is None:
            if part == "golden":
                fields["verification"] = verify.compare(host, phone)
            elif self._dataset is not None:
                fields["accuracy"] = evaluate.accuracy(self._dataset, self._host[sha256], phone)
        return Answered(fields, tuple(processes), where)

    def _ask(
        self,
        session: DeviceSession,
        configuration: Configuration,
        model: RemoteFile,
        pictures: Sequence[Path],
        classes: int,
    ) -> tuple[list[PictureScores], list[AppResult]]:
        """The app's answers to pictures, in their order, and the processes that gave them."""
        size = max(1, min(_MOST_PICTURES, _MOST_SCORES // max(1, classes)))
        found: list[PictureScores] = []
        processes: list[AppResult] = []
        with as_png(pictures, size) as folders:
            for folder, names in folders:
                with _on_phone(session, folder) as remote:
                    arguments = {"runs": "1", "warm_up": "0", "evaluate": remote}
                    limit = _START_S + _PICTURE_S * len(names)
                    said = self._runner.start(session, configuration, model, arguments, limit)
                if said.error is not None:
                    raise BenchmarkOutputError(f"the app says: {said.error}")
                if (other := of_something_else(said, configuration)) is not None:
                    raise BenchmarkOutputError(other)
                found += verify.matched(names, said.evaluation)
                processes.append(dataclasses.replace(said, evaluation=None))
        return found, processes


def _judge(configuration: Configuration, said: AppResult, sdk: int | None) -> Residency:
    return residency.judge(
        configuration.delegate,
        said.replacing,
        sdk=sdk,
        accelerator=said.accelerator,
        xnnpack=said.xnnpack,
    )


@contextlib.contextmanager
def _on_phone(session: DeviceSession, folder: Path) -> Iterator[str]:
    """The folder's files in a folder of the phone, for as long as the block runs; the session removes it otherwise."""
    remote = f"{session.folder}/pictures-{secrets.token_hex(8)}"
    size = sum(-(-file.stat().st_size // _BLOCK_BYTES) * _BLOCK_BYTES for file in folder.iterdir())
    session.check_room("the pictures", size)
    session.adb.push(folder, remote, timeout_s=60 + size / _SLOWEST_BYTES_PER_S)
    readable = session.run_script(script("chmod 755 {} && cd {} && chmod 644 -- *", remote, remote))
    if readable.returncode:
        said = shown(readable.stderr.decode("utf-8", "replace").strip(), 120)
        raise DeviceError(f"the pictures on the phone cannot be made readable for the app: {said}")
    yield remote
    session.run_script(script("rm -rf {}", remote))
