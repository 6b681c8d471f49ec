"""Whether the answers are right, asked of a phone through the app: golden inputs, and a labelled folder.

The pictures go to the session's own folder, the app scores them under the configuration's delegate and threads, and
what it says is compared with this computer's answers, which are worked out once for each model.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from swiftformer_keras.benchmark import evaluate, verify
from swiftformer_keras.benchmark.host import HostAnswers, as_png, host_answers
from swiftformer_keras.benchmark.plan import Configuration
from swiftformer_keras.benchmark.quoting import script
from swiftformer_keras.benchmark.result import ConfigurationResult
from swiftformer_keras.benchmark.runners.app import AppRunner
from swiftformer_keras.benchmark.runners.app_result import PictureScores
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
_START_S, _PICTURE_S = 120.0, 5.0
"""What a process may take to start and, for each picture, to answer."""


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
    ) -> dict[str, Any]:
        """The fields of the configuration's result that this part gives.

        Raises:
            BenchmarkOutputError, BenchmarkRunnerError: the app's answer cannot be used.
            DeviceError: the phone is gone, or does not end in time.
        """
        sha256 = configuration.model_sha256
        if part == "golden":
            host = self._golden[sha256]
            phone = self._ask(session, configuration, model, verify.golden_pictures(), host.scores.shape[1])
            return {"verification": verify.compare(host, phone)}
        assert self._dataset is not None
        side = self._host[sha256]
        phone = self._ask(session, configuration, model, self._dataset.paths, side.answers.scores.shape[1])
        return {"accuracy": evaluate.accuracy(self._dataset, side, phone)}

    def _ask(
        self,
        session: DeviceSession,
        configuration: Configuration,
        model: RemoteFile,
        pictures: Sequence[Path],
        classes: int,
    ) -> list[PictureScores]:
        """The app's answers to pictures, in their order."""
        size = max(1, min(_MOST_PICTURES, _MOST_SCORES // max(1, classes)))
        found: list[PictureScores] = []
        with as_png(pictures, size) as folders:
            for folder, names in folders:
                with _on_phone(session, folder) as remote:
                    arguments = {"runs": "1", "warm_up": "0", "evaluate": remote}
                    limit = _START_S + _PICTURE_S * len(names)
                    said = self._runner.start(session, configuration, model, arguments, limit)
                if said.error is not None:
                    raise BenchmarkOutputError(f"the app says: {said.error}")
                if said.model_sha256 != configuration.model_sha256 or said.delegate != configuration.delegate:
                    raise BenchmarkOutputError(
                        "the app answered with another model or delegate than was asked for"
                    )
                found += verify.matched(names, said.evaluation)
        return found


@contextlib.contextmanager
def _on_phone(session: DeviceSession, folder: Path) -> Iterator[str]:
    """The folder's files in a folder of the phone, for as long as the block runs; the session removes it otherwise."""
    remote = f"{session.folder}/pictures-{secrets.token_hex(8)}"
    size = sum(file.stat().st_size for file in folder.iterdir())
    session.adb.push(folder, remote, timeout_s=60 + size / _SLOWEST_BYTES_PER_S)
    readable = session.run_script(script("chmod 755 {} && cd {} && chmod 644 -- *", remote, remote))
    if readable.returncode:
        said = shown(readable.stderr.decode("utf-8", "replace").strip(), 120)
        raise DeviceError(f"the pictures on the phone cannot be made readable for the app: {said}")
    yield remote
    session.run_script(script("rm -rf {}", remote))
