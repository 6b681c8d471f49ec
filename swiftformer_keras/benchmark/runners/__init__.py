"""The two programs that measure on the phone, behind one small interface.

`app.py` is the demo app's own benchmark entry, `benchmark_model.py` the native tool of TFLite or LiteRT;
`tool_output.py` and `app_result.py` read what they answer, and are pure. A runner gets a session, a configuration and
a budget, and gives the facts of one process; what they mean is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.plan import Configuration, ProcessBudget
from swiftformer_keras.benchmark.result import ProcessResult

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.session import DeviceSession
    from swiftformer_keras.benchmark.transfer import RemoteFile


class Runner(Protocol):
    """A program on the phone that measures one configuration in one fresh process."""

    @property
    def name(self) -> str:
        """By which it is chosen and recorded."""

    def check(self, configurations: Sequence[Configuration], facts: DeviceFacts) -> None:
        """Refuse what this runner cannot do, before anything is changed on the phone.

        Raises:
            BenchmarkPlanError: and says which part of the plan it is.
        """

    def prepare(self, session: DeviceSession) -> None:
        """Put on the phone, or find there, what all runs need.

        Raises:
            BenchmarkRunnerError: it is missing there, or too old.
            DeviceError: the phone does not do it.
        """

    def run(
        self,
        session: DeviceSession,
        configuration: Configuration,
        model: RemoteFile,
        budget: ProcessBudget,
        round_number: int,
    ) -> ProcessResult:
        """Measure in a fresh process; what fails in it is the result's `error`.

        Raises:
            DeviceError: the phone is gone, or no longer answers.
        """
