"""A run's rows: which figures come from what, and who takes part in ratios."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from swiftformer_keras.benchmark.report import wording
from swiftformer_keras.benchmark.report.table import run_lines, run_table
from swiftformer_keras.benchmark.residency import Residency
from swiftformer_keras.benchmark.result import Aggregate, ProcessResult, Verification
from swiftformer_keras.benchmark.statistics import Interval, Ratio
from swiftformer_keras.benchmark.summary import (
    delegate_label,
    process_median,
    residency_text,
    summarise_run,
    takes_part,
)
from tests.swiftformer_keras.benchmark.synthetic_runs import synthetic_run


@pytest.fixture(scope="module")
def run():
    return synthetic_run(1)


@pytest.fixture(scope="module")
def summary(run):
    return summarise_run(run)


def first_with(run, **changes):
    """The summary's first row after its configuration was changed."""
    result = dataclasses.replace(run.configurations[0], **changes)
    return summarise_run(dataclasses.replace(run, configurations=(result, *run.configurations[1:]))).rows[0]


def test_figures_are_numpys_of_the_runs(run, summary):
    for row, result in zip(summary.rows[:9], run.configurations, strict=False):
        samples = np.concatenate([process.samples_ms for process in result.processes])
        medians = [np.median(process.samples_ms) for process in result.processes]
        assert row.median_ms == pytest.approx(np.median(medians))
        assert (row.p90_ms, row.p99_ms) == pytest.approx(tuple(np.quantile(samples, (0.9, 0.99))))
        assert row.mean_ms == pytest.approx(samples.mean()) and row.runs == len(samples)
        assert (row.interval.low, row.interval.high) == pytest.approx(
            (sorted(medians)[1], sorted(medians)[7])
        )
        assert row.interval.low <= row.median_ms <= row.interval.high
        firsts = [process.first_inference_ms for process in result.processes]
        assert row.first_inference_ms == pytest.approx(np.median(firsts))


def test_speed_is_relative_to_the_first_and_of_its_rounds(summary):
    assert summary.baseline.number == 1 and summary.baseline.speed is None
    for row in summary.rows[1:9]:
        assert row.speed.value == pytest.approx(summary.baseline.median_ms / row.median_ms)
        ends = (
            summary.baseline.interval.low / row.interval.high,
            summary.baseline.interval.high / row.interval.low,
        )
        assert (row.speed.interval.low, row.speed.interval.high) == pytest.approx(ends)
    assert summary.fastest is min(summary.rows[:9], key=lambda row: row.median_ms)


def test_wrong_failed_and_unused_take_no_part(summary):
    assert [takes_part(row) for row in summary.rows] == [True] * 9 + [False] * 3
    assert all(row.speed is None for row in summary.rows[9:])
    wrong = summary.rows[10]
    assert wrong.median_ms < summary.fastest.median_ms, "it is the fastest of all, and out"


def test_even_a_status_ok_is_out_with_wrong_answers_or_without_its_delegate(run):
    assert takes_part(first_with(run))
    assert not takes_part(first_with(run, verification=Verification(16, False, 3.0)))
    gpu = dataclasses.replace(run.configurations[0].configuration, delegate="gpu")
    none = Residency("gpu", 0, 214, None, "none")
    assert not takes_part(first_with(run, configuration=gpu, residency=none))
    assert not takes_part(first_with(run, processes=()))


def test_a_baseline_that_is_wrong_leaves_the_place_to_the_next(run):
    wrong = dataclasses.replace(run.configurations[0], status="wrong_answer", reason="another class")
    found = summarise_run(dataclasses.replace(run, configurations=(wrong, *run.configurations[1:])))
    assert found.baseline.number == 2 and found.rows[0].speed is None and found.rows[2].speed is not None


def test_a_tool_without_single_runs_has_fewer_figures(run):
    processes = tuple(
        ProcessResult(round=n, started_at="", aggregate=Aggregate(10 + n, 5.0 + n, median_ms=4.0 + n))
        for n in range(6)
    )
    row = first_with(run, processes=processes)
    assert row.median_ms == 6.5 and (row.interval.low, row.interval.high) == (4.0, 9.0)
    assert (row.p90_ms, row.p99_ms, row.mad_ms) == (None, None, None)
    assert row.runs == 75 and row.mean_ms == pytest.approx(sum((10 + n) * (5 + n) for n in range(6)) / 75)
    assert "no single runs" in " ".join(wording.remarks(row))


def test_a_process_counts_only_when_it_ended_well():
    good = ProcessResult(round=0, started_at="", samples_ms=(3.0, 1.0, 2.0, 10.0))
    assert process_median(good) == 2.5
    assert process_median(dataclasses.replace(good, error="crashed")) is None
    assert process_median(dataclasses.replace(good, samples_ms=())) is None
    assert process_median(dataclasses.replace(good, samples_ms=(0.0, 0.0))) is None
    assert process_median(dataclasses.replace(good, samples_ms=(5e-324, 5e-324))) is None
    assert process_median(ProcessResult(round=0, started_at="", aggregate=Aggregate(5, 7.0))) == 7.0
    assert process_median(ProcessResult(round=0, started_at="", aggregate=Aggregate(0, 7.0))) is None


def test_peak_memory_is_that_of_a_process_of_its_own(run):
    assert first_with(run, memory_kib=77).memory_kib == 77
    assert first_with(run).memory_kib == max(p.memory_kib for p in run.configurations[0].processes)


def test_a_latency_that_did_not_settle_is_told(run):
    restless = tuple(10.0 * (1 + n // 8 % 2) for n in range(400))
    processes = tuple(
        dataclasses.replace(p, warm_up_ms=restless) for p in run.configurations[0].processes[:4]
    )
    row = first_with(run, processes=processes)
    assert row.unsettled == 4
    assert "had not settled after warm-up in 4 of 4 processes" in " ".join(wording.remarks(row))


@pytest.mark.parametrize(
    ("verdict", "taken", "label"),
    [
        ("full", 10, "gpu"),
        ("partial", 5, "gpu (partial)"),
        ("none", 0, "gpu (not used)"),
        ("unknown", None, "gpu (share unknown)"),
        ("unknown", 10, "gpu (accelerator unknown)"),
        ("partial, driver unknown", 5, "gpu (partial, accelerator unknown)"),
    ],
)
def test_only_a_full_delegate_is_called_by_its_name_alone(run, verdict, taken, label):
    gpu = dataclasses.replace(run.configurations[0].configuration, delegate="gpu")
    verdict, _, driver = verdict.partition(", ")
    residency = Residency("gpu", taken, 10, 2, verdict, driver_unknown=bool(driver))
    row = first_with(run, configuration=gpu, residency=residency)
    assert delegate_label(row.result) == label
    assert residency_text(row.result) == (
        "operators: unknown" if taken is None else f"{taken} of 10 operators in 2 partitions"
    )


def test_ratios_that_are_not_told_from_one_say_so(run, summary):
    near = summary.rows[3]
    assert "not told from 1" not in wording.speed(near, summary.baseline)
    gpu_first = dataclasses.replace(run, configurations=run.configurations[2:4])
    found = summarise_run(gpu_first)
    assert wording.speed(found.rows[1], found.baseline).endswith("(not told from 1)")
    assert wording.speed(found.rows[0], found.baseline) == "1 (baseline)"


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (1.42, 1.38, 1.47, "1.42x, 1.38–1.47"),
        (1.007, 1.004, 1.01, "1.007x, 1.004–1.010"),
        (0.9981, 0.9972, 0.9996, "0.9981x, 0.9972–0.9996"),
        (1.05, 0.9996, 1.1, "1.05x, 1.00–1.10 (not told from 1)"),
        (1.0000000001, 1.00000000005, 1.0000000002, "1.0000000x, 1.0000000–1.0000000"),
    ],
)
def test_a_ratio_that_is_told_from_one_is_seen_to_be(value, low, high, text):
    assert wording.ratio(Ratio(value, Interval(low, high, 0.95))) == text


def test_the_terminal_table_has_every_row_and_colours_what_is_wrong(summary):
    table = run_table(summary)
    assert len(table.rows) == len(table.styles) == 12
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert table.styles[8:] == ("yellow", "red", "bold red", "red")
    assert table.rows[10][-1] == "WRONG ANSWER" and table.rows[10][11] == "not compared"
    lines = "\n".join(run_lines(summary))
    assert (
        "covers it with 96.1 %" in lines
        and "how many times as fast as synthetic_xs_float16 cpu 1 thread" in lines
    )
    assert lines.count("NNAPI is deprecated since Android 15") == 1


def test_the_terminal_has_the_answers_and_the_accuracy(run, summary):
    lines = run_lines(summary)
    [right] = [
        line for line in lines if line.startswith("golden inputs, synthetic_xs_int8 gpu 1 thread - partial: ")
    ]
    assert right.endswith(
        "as the host's on 16; largest difference 0.0021 (0.02 is allowed), top-1 agreement 100.0 %, "
        "NaN or infinity in 0"
    )
    [wrong] = [line for line in lines if "NOT as the host's" in line]
    assert "largest difference 3.72 (0.05 is allowed), top-1 agreement 25.0 %" in wrong
    assert (
        "labelled pictures, synthetic_xs_float16 cpu 1 thread: top-1 86.12 %, 85.44–86.80 of 10,000 in "
        "synthetic-labelled-pictures; the host 86.15 %, 85.47–86.83; the same class for 9,981"
    ) in lines
    nothing = Verification(16, False, None, None, None, 16, "NaN")
    row = first_with(run, verification=nothing)
    assert "difference unknown, top-1 agreement unknown, NaN or infinity in 16" in wording.verification(
        nothing
    )
    assert not takes_part(row)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.01234, "0.012"),
        (7.9019, "7.902"),
        (61.579, "61.58"),
        (148.25, "148.2"),
        (1203.4, "1,203"),
    ],
)
def test_milliseconds_have_the_digits_that_mean_something(value, text):
    assert wording.milliseconds(value) == text
