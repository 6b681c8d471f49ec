"""Which program measured: a run has the figures of one version of the app and of one runtime in it, or it ends.

Of `benchmark_model` the bytes are compared before it is sent; it names no version of an app, and is not looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swiftformer_keras.errors import RunnerChangedError
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from swiftformer_keras.benchmark.result import ProcessResult, Run
    from swiftformer_keras.benchmark.runners.app_result import AppResult

Versions = tuple[str | None, str | None]
"""Of the app and of its runtime, as far as a process said them."""


class Programs:
    """The programs of a run: as far as it is, and of every process that is to be added."""

    def __init__(self, run: Run) -> None:
        measured = (process for result in run.configurations for process in result.processes)
        self._known = {_versions(process) for process in measured if process.error is None}

    def check(self, process: ProcessResult | AppResult) -> None:
        """Take a process for one of this run, of whatever kind it is.

        Raises:
            RunnerChangedError: its app, or the runtime in it, is another version than of those before.
        """
        found = _versions(process)
        if process.app_version is None:
            return
        for earlier in self._known:
            if any(None not in pair and pair[0] != pair[1] for pair in zip(found, earlier, strict=True)):
                raise RunnerChangedError(
                    f"the app is version {_named(found)}, and the run was begun with {_named(earlier)}. "
                    "Install that one, or begin anew"
                )
        if process.error is None:
            self._known.add(found)


def _versions(process: ProcessResult | AppResult) -> Versions:
    return process.app_version, process.runtime_version


def _named(versions: Versions) -> str:
    app, runtime = (shown(version or "unknown", 40) for version in versions)
    return f"{app} (TFLite {runtime})"
