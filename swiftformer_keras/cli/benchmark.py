"""`swiftformer benchmark`: latency, residency and answers of models on real phones, over adb."""

from __future__ import annotations

import enum
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import ForceFlag, JsonFlag, QuietFlag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converters.android.adb_client import Adb, Attached
    from swiftformer_keras.benchmark.fleet import Outcome
    from swiftformer_keras.benchmark.job import Job
    from swiftformer_keras.benchmark.summary import RunSummary


class RunnerChoice(enum.StrEnum):
    """The program that measures on the phone."""

    APP = "app"
    BENCHMARK_MODEL = "benchmark_model"


class PresetChoice(enum.StrEnum):
    """How much is measured."""

    RAPID = "rapid"
    QUICK = "quick"
    FULL = "full"


def benchmark(
    models: Annotated[list[Path], typer.Argument(metavar="MODEL.tflite...", help="One file, or several.")],
    device: Annotated[
        str | None,
        typer.Option(
            metavar="SERIAL", help="Which phone, where several are connected (swiftformer devices)."
        ),
    ] = None,
    all_devices: Annotated[
        bool, typer.Option("--all-devices", help="All phones that are connected, at the same time.")
    ] = False,
    delegate: Annotated[
        str | None, typer.Option(metavar="LIST", help="Of cpu, gpu and nnapi, as in cpu,gpu; by default cpu.")
    ] = None,
    threads: Annotated[
        str | None, typer.Option(metavar="LIST", help="Numbers of threads, as in 1,2,4; by default 4.")
    ] = None,
    runner: Annotated[
        RunnerChoice | None,
        typer.Option(help="The demo app (app, by default), or a benchmark_model given with --binary."),
    ] = None,
    binary: Annotated[
        Path | None, typer.Option(metavar="PATH", help="TFLite's or LiteRT's benchmark_model for the phone.")
    ] = None,
    application_id: Annotated[
        str | None,
        typer.Option("--application-id", metavar="ID", help="Of an app that was built with one of its own."),
    ] = None,
    preset: Annotated[
        PresetChoice | None,
        typer.Option(
            help="Processes, runs and seconds of each configuration: rapid 6, 64, 6 (by default), quick 9, 128, 10, "
            "full 12, 1024, 60."
        ),
    ] = None,
    cpu_affinity: Annotated[
        str | None,
        typer.Option(metavar="big|little|MASK", help="Keep benchmark_model on these cores (MASK as in f0)."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare answers to golden inputs with this computer's.")
    ] = False,
    evaluate: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Classify a labelled folder on the phone: top-1 beside this computer's."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="With --evaluate: the pictures' classes, rows of picture,class."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Of the order within rounds; recorded either way.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN.json", help="All that was measured; by default benchmark-MODEL-SERIAL-TIME.json."
        ),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN.json", help="Go on with a run that was interrupted.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Write one page with all of it, for any browser.")
    ] = None,
    max_battery_temperature: Annotated[
        float | None,
        typer.Option(
            min=0, max=60, metavar="C", help="Wait until the battery is no hotter, in degrees; by default 38."
        ),
    ] = None,
    cool_timeout: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="SECONDS", help="Wait no longer than this for a phone to cool; by default 300."
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="Of one process; what takes longer has failed."),
    ] = None,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Measure models on phones (adb): latency that can be trusted, who computed it, and whether the answers are right.

    Exit code 3 where a configuration was not measured to its end, or has wrong answers. (Peak memory that could not be
    measured is a note.)
    """
    from swiftformer_keras.benchmark.request import Request, prepare
    from swiftformer_keras.files import check_output
    from swiftformer_keras.interruption import Terminated

    if all_devices and (device is not None or resume is not None or out is not None):
        raise typer.BadParameter("does not go with --device, --out or --resume.", param_hint="--all-devices")
    if labels is not None and evaluate is None:
        raise typer.BadParameter("goes with --evaluate.", param_hint="--labels")
    console = Console("benchmark", as_json=json, quiet=quiet)
    if report is not None:
        check_output(report, force=force)
    goes_on = resume is not None and (out is None or _same(out, resume))
    check_output(
        out or resume or Path("benchmark-MODEL-SERIAL-TIME.json"), force=force or goes_on or out is None
    )
    request = Request(
        models=tuple(models),
        delegates=delegate,
        threads=threads,
        runner=None if runner is None else runner.value,
        binary=binary,
        preset=None if preset is None else preset.value,
        affinity=cpu_affinity,
        seed=seed,
        verify=verify,
        dataset=evaluate,
        truths=labels,
        resume=resume,
        battery_c=max_battery_temperature,
        cool_timeout_s=cool_timeout,
        time_limit_s=time_limit,
        package=application_id,
    )
    out_of = _Files(models[0], out or resume)
    try:
        with console.progress(f"Measuring {', '.join(path.name for path in models)}") as progress:
            found: list[tuple[Adb, Attached]] = []
            job = prepare(request, progress, lambda: found.extend(_phones(device, all_devices)))
            outcomes = _measure(job, found, all_devices, out_of, progress)
    except (KeyboardInterrupt, Terminated):
        for path in out_of.written():
            console.warn(f"what was measured is in {path}; go on with --resume {path}", always=True)
        raise
    _tell(console, outcomes, report, force)


def _phones(device: str | None, all_devices: bool) -> Sequence[tuple[Adb, Attached]]:
    """The phone that is chosen, or all that are connected, in whatever state."""
    from converters.android.adb_client import Adb, choose
    from swiftformer_keras.benchmark.fleet import connected

    if not all_devices:
        return [choose(device)]
    adb = Adb()
    return [(adb, each) for each in connected(adb)]


def _measure(
    job: Job,
    phones: Sequence[tuple[Adb, Attached]],
    all_devices: bool,
    out_of: Callable[[str], Path],
    progress: Callable,
) -> tuple[Outcome, ...]:
    """On one phone, where an error is the command's; or on all, where it is that phone's."""
    from swiftformer_keras.benchmark.fleet import Outcome, run_fleet
    from swiftformer_keras.benchmark.job import measure

    phone, attached = phones[0]
    if all_devices:
        return run_fleet(job, phone, out_of, progress)
    out = out_of(attached.serial)
    return (Outcome(attached.serial, out, measure(job, phone, out, progress)),)


class _Files:
    """The file of each phone's run: as given, or one that is not there yet, named after model, phone and moment."""

    def __init__(self, model: Path, given: Path | None) -> None:
        import datetime
        import threading

        self._model, self._given = model, given
        self._moment = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        self._asked: dict[Path, int] = {}
        self._lock = threading.Lock()

    def __call__(self, serial: str) -> Path:
        """For this phone; any thread may ask."""
        with self._lock:
            path = self._given or self._free(
                f"benchmark-{_safe(self._model.stem)}-{_safe(serial)}-{self._moment}"
            )
            self._asked[path] = _written_at(path)
        return path

    def written(self) -> list[Path]:
        """Those that have been written since they were asked for."""
        return [path for path, before in list(self._asked.items()) if _written_at(path) != before]

    def _free(self, name: str) -> Path:
        """The first of `name`, `name-2` and so on that is neither there nor another phone's."""
        for number in itertools.count(1):
            path = Path(f"{name}.json" if number == 1 else f"{name}-{number}.json")
            if path not in self._asked and not os.path.lexists(path):
                return path
        raise AssertionError("numbers do not end")


def _safe(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in text)[:60]


def _same(a: Path, b: Path) -> bool:
    """Whether two names are of one file, which need not be there."""
    return os.path.realpath(a) == os.path.realpath(b)


def _written_at(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _tell(console: Console, outcomes: Sequence[Outcome], report: Path | None, force: bool) -> None:
    """The tables, the page and the object; ends with 2 where a phone failed, 3 where a configuration did."""
    from swiftformer_keras.benchmark import OUTPUT_VERSION
    from swiftformer_keras.benchmark.compare import compare_all
    from swiftformer_keras.benchmark.report import table
    from swiftformer_keras.benchmark.report.data import run_data
    from swiftformer_keras.benchmark.summary import summarise_run

    summaries: list[RunSummary] = []
    told: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.run is None:
            console.problem(f"{outcome.serial}: {outcome.error}")
            told.append({"serial": outcome.serial, "error": outcome.error})
            continue
        summary = summarise_run(outcome.run)
        summaries.append(summary)
        shown = table.run_table(summary)
        console.table(shown.title, shown.columns, shown.rows, shown.styles)
        console.print(*(f"  {line}" for line in table.run_lines(summary)), "")
        console.note(f"Wrote {outcome.out}")
        told.append({"serial": outcome.serial, "file": str(outcome.out), "run": run_data(summary)})
    if report is not None and summaries:
        from swiftformer_keras.benchmark.report.html import write_page

        failures = [(each.serial, each.error or "") for each in outcomes if each.run is None]
        write_page(report, summaries, compare_all(summaries), [], failures, force=force)
        console.note(f"Wrote {report}")
    missed = [
        f"{row.full_name} on {summary.run.device.serial}: {row.result.reason}"
        for summary in summaries
        for row in summary.rows
        if row.result.status != "ok"
    ] + [
        f"{row.full_name} on {summary.run.device.serial}: its accuracy was not measured"
        f"{''.join(f'; {note}' for note in row.result.notes[-1:])}"
        for summary in summaries
        for row in summary.rows
        if row.result.status == "ok" and summary.run.plan.dataset is not None and row.result.accuracy is None
    ]
    page = None if report is None or not summaries else str(report)
    complete = not missed and len(summaries) == len(outcomes)
    console.result({"format_version": OUTPUT_VERSION, "phones": told, "html": page, "complete": complete})
    for line in missed:
        console.problem(line)
    if len(summaries) < len(outcomes):
        raise typer.Exit(2)
    if missed:
        raise typer.Exit(3)
