"""Two runs side by side, and how often the regression check is wrong."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from swiftformer_keras.benchmark import compare as comparing
from swiftformer_keras.benchmark.compare import check, check_all, compare, compare_all, parse_bound
from swiftformer_keras.benchmark.report.data import comparison_data
from swiftformer_keras.benchmark.report.table import comparison_table
from swiftformer_keras.benchmark.result import Run
from swiftformer_keras.benchmark.summary import summarise_run
from swiftformer_keras.errors import RunsNotComparableError
from tests.harness import assert_refused
from tests.swiftformer_keras.benchmark.synthetic_runs import FLOAT16, INT8, OTHER_DEVICE, synthetic_run
from tests.swiftformer_keras.benchmark.test_statistics import MEDIANS, SHAPES

BOUND = 0.05


@pytest.fixture(scope="module")
def before():
    return synthetic_run(1)


@pytest.fixture(scope="module")
def slower():
    return synthetic_run(2, slower=1.2, days=1)


def compared(a: Run, b: Run) -> comparing.Comparison:
    return compare(summarise_run(a), summarise_run(b))


def with_configuration(run: Run, index: int, **changes: object) -> Run:
    results = list(run.configurations)
    results[index] = dataclasses.replace(results[index], **changes)
    return dataclasses.replace(run, configurations=tuple(results))


def with_medians(run: Run, medians: np.ndarray) -> Run:
    """The run with processes of one timed run each: `medians` is (configurations, processes)."""
    results = []
    for result, values in zip(run.configurations, medians, strict=False):
        [first, *_] = result.processes
        processes = [
            dataclasses.replace(first, round=number, samples_ms=(float(value),), warm_up_ms=(), error=None)
            for number, value in enumerate(values)
        ]
        results.append(dataclasses.replace(result, processes=tuple(processes)))
    return dataclasses.replace(run, configurations=tuple(results))


def test_a_slower_run_has_regressed_everywhere(before, slower):
    found = check(compared(before, slower), BOUND)
    assert [finding.outcome for finding in found.findings] == ["regressed"] * 9
    assert all(finding.growth.interval.includes(1.2) for finding in found.findings)
    assert found.false_alarm == pytest.approx(9 * 2 / 2**9)


def test_the_same_run_is_within_and_a_faster_one_too(before, slower):
    assert {f.outcome for f in check(compared(before, before), BOUND).findings} == {"within"}
    assert {f.outcome for f in check(compared(slower, before), BOUND).findings} == {"within"}


def test_what_failed_or_is_wrong_in_both_is_not_checked(before, slower):
    found = check(compared(before, slower), BOUND)
    assert {finding.row.number for finding in found.findings} == set(range(1, 10))
    wrong = next(pair for pair in compared(before, slower).pairs if pair.before.number == 11)
    assert wrong.growth is None


def test_what_was_measured_and_no_longer_can_be_is_lost(before):
    broken = with_configuration(before, 2, status="failed", reason="the GPU delegate took no operator")
    [lost] = check(compared(before, broken), BOUND).of("lost")
    assert lost.row.number == 3 and "took no operator" in lost.text


def test_what_the_later_run_did_not_plan_is_lost_where_it_was_measured(before):
    fewer = dataclasses.replace(before, configurations=before.configurations[:8])
    found = check(compared(before, fewer), BOUND)
    [lost] = found.of("lost")
    assert lost.row.number == 9 and "not planned in the later run" in lost.text
    assert found.met is False


def test_a_baseline_without_a_measurement_leaves_nothing_to_check(before):
    failed = tuple(
        dataclasses.replace(each, status="failed", reason="it crashed") for each in before.configurations
    )
    found = check(compared(dataclasses.replace(before, configurations=failed), before), BOUND)
    assert found.findings == () and found.met is None


def test_a_bound_is_met_only_where_that_is_clear(before, slower):
    assert check(compared(before, before), BOUND).met is True
    assert check(compared(before, slower), BOUND).met is False
    assert check(compared(before, before), 0.0).met is None


def test_a_partial_gpu_is_never_named_as_a_whole_one(before):
    """In the table, the lines and the object of a comparison; also where it was whole before."""
    found = compared(before, before)
    answer = check(found, BOUND)
    said = [str(comparison_table(found, answer)), json.dumps(comparison_data(found, answer))]
    assert all(text.count("int8 gpu 1 thread") == text.count("int8 gpu 1 thread - partial") for text in said)
    partial = with_configuration(before, 2, residency=before.configurations[8].residency)
    [pair] = [each for each in compared(before, partial).pairs if each.before.number == 3]
    assert pair.name == "synthetic_xs_float16 gpu 1 thread, now gpu (partial)"


@pytest.mark.parametrize("count", [2, 5])
def test_few_processes_are_unclear_however_slow(before, count):
    short = [dataclasses.replace(r, processes=r.processes[:count]) for r in before.configurations]
    slow = with_medians(
        dataclasses.replace(before, configurations=tuple(short)), np.full((12, count), 1000.0)
    )
    found = check(compared(before, slow), BOUND)
    assert {finding.outcome for finding in found.findings} == {"unclear"}


def test_the_model_may_change_its_bytes_but_not_its_name(before):
    results = [
        dataclasses.replace(r, configuration=dataclasses.replace(r.configuration, model_sha256="f" * 64))
        if r.configuration.model_file == INT8
        else r
        for r in before.configurations
    ]
    found = compared(before, dataclasses.replace(before, configurations=tuple(results)))
    assert len(found.pairs) == 12 and not found.missing
    assert ["the model file changed" in pair.remarks for pair in found.pairs] == [False] * 6 + [True] * 6


def test_configurations_are_matched_by_all_that_defines_them(before):
    fewer = dataclasses.replace(before, configurations=before.configurations[:3])
    found = compared(before, fewer)
    assert [pair.before.number for pair in found.pairs] == [1, 2, 3]
    assert [row.number for row in found.missing] == list(range(4, 13))
    pinned = with_configuration(
        fewer, 0, configuration=dataclasses.replace(fewer.configurations[0].configuration, affinity="big")
    )
    assert [pair.before.number for pair in compared(fewer, pinned).pairs] == [2, 3]
    only = dataclasses.replace(pinned, configurations=pinned.configurations[:1])
    assert_refused(RunsNotComparableError, lambda: compared(fewer, only), "no configuration in common")


def test_runs_of_different_phones_are_shown_but_not_checked(before):
    other = synthetic_run(3, device=OTHER_DEVICE)
    found = compared(before, other)
    assert not found.same_device and "different phones" in found.remarks
    assert_refused(RunsNotComparableError, lambda: check(found, BOUND), "Phone One", "Phone Two Ultra")


def test_each_run_is_compared_with_the_first_of_its_phone(before, slower):
    other, later = synthetic_run(3, device=OTHER_DEVICE), synthetic_run(4, device=OTHER_DEVICE, days=3)
    found = compare_all([summarise_run(run) for run in (before, other, slower, later)])
    assert [(each.before.run, each.after.run) for each in found] == [
        (before, other),
        (before, slower),
        (other, later),
    ]


def test_what_changed_in_between_is_remarked(before):
    device = dataclasses.replace(
        before.device,
        serial="SYNTHETIC0009",
        identity="SYNTHETIC0009",
        fingerprint="synthetic/one/one:16/X/2:user/k",
    )
    after = dataclasses.replace(before, device=device, finished_at=None)
    assert compared(before, after).remarks == (
        "two phones of the same model",
        "the phone's system was updated in between",
        "the later run was not finished",
    )


@pytest.mark.parametrize(
    ("text", "bound"), [("5%", 0.05), ("0.05", 0.05), (".5%", 0.005), ("12.5%", 0.125), ("0", 0.0)]
)
def test_a_bound_is_a_percentage_or_a_share(text, bound):
    assert parse_bound(text) == pytest.approx(bound)


def test_a_bare_number_that_could_be_a_percentage_is_refused():
    with pytest.raises(ValueError, match=r"could be 5 % or 500 %\. Write it as in 5% or 0\.05"):
        parse_bound("5")


@pytest.mark.parametrize(
    "text", ["", "five", "-5%", "5 %%", "nan", "inf", "1e3", "1001%", "٥%", "5%\n5%", "5", "1", "1.0"]
)
def test_what_is_no_bound_is_refused(text):
    with pytest.raises(ValueError, match="is no bound"):
        parse_bound(text)


def test_equal_phones_are_each_held_against_themselves(before, slower):
    """Two units of one model: the second is slower than the first, and has not changed."""
    twin = dataclasses.replace(before.device, serial="SYNTHETIC0009", identity="SYNTHETIC0009")
    runs = [before, dataclasses.replace(slower, device=twin), synthetic_run(5), synthetic_run(6, slower=1.2)]
    runs[3] = dataclasses.replace(runs[3], device=twin)
    found = compare_all([summarise_run(run) for run in runs])
    assert [each.before.run for each in found] == [before, before, runs[1]]
    checks = check_all(found, 2 * BOUND)
    assert checks[0] is None and [each.met for each in checks[1:]] == [True, True]
    farm = check_all(compare_all([summarise_run(run) for run in runs[:2]]), 2 * BOUND)
    assert [each.met for each in farm] == [False], (
        "a unit without a run of its own before is held against its model"
    )


def test_a_phone_is_itself_by_cable_and_by_wifi(before, slower):
    """adb has another serial for each; `identity` is the phone's own."""
    wifi = dataclasses.replace(before.device, serial="192.0.2.7:5555")
    twin = dataclasses.replace(before.device, serial="SYNTHETIC0009", identity="SYNTHETIC0009")
    runs = [dataclasses.replace(before, device=twin), before, dataclasses.replace(slower, device=wifi)]
    found = compare_all([summarise_run(run) for run in runs])[1]
    assert found.before.run is before and "two phones of the same model" not in found.remarks


def test_phones_that_tell_nothing_are_not_of_one_model(before, slower):
    nothing = dataclasses.replace(before.device, manufacturer=None, model=None, soc=None)
    other = dataclasses.replace(nothing, serial="SYNTHETIC0009", identity="SYNTHETIC0009")
    quiet = dataclasses.replace(before, device=nothing)
    assert compared(quiet, quiet).same_device
    found = compared(quiet, dataclasses.replace(slower, device=other))
    assert not found.same_device and "different phones" in found.remarks


def renamed(run: Run, **files: str) -> Run:
    """The run with models of these SHA-256, all of one file name."""
    of = dict(zip((FLOAT16, INT8), files.items(), strict=True))
    results = []
    for each in run.configurations:
        letter, name = of[each.configuration.model_file]
        changes = {"model_file": name, "model_sha256": letter * 64}
        configuration = dataclasses.replace(each.configuration, **changes)
        results.append(dataclasses.replace(each, configuration=configuration))
    models = tuple(
        dataclasses.replace(model, file=of[model.file][1], sha256=of[model.file][0] * 64)
        for model in run.models
    )
    return dataclasses.replace(run, configurations=tuple(results), models=models)


def test_files_of_one_name_are_never_paired_crosswise(before):
    """The first of two changed; the second is itself. Where both changed, nothing tells which is which."""
    was = renamed(before, a="m.tflite", b="m.tflite")
    found = compared(was, renamed(before, c="m.tflite", b="m.tflite"))
    paired = {
        (pair.before.result.configuration.model_sha256[0], pair.after.result.configuration.model_sha256[0])
        for pair in found.pairs
    }
    assert paired == {("b", "b"), ("a", "c")} and len(found.pairs) == 12
    swapped = renamed(before, b="m.tflite", a="m.tflite")
    assert {pair.remarks for pair in compared(was, swapped).pairs if "model" in str(pair.remarks)} == set()
    half = renamed(before, a="m.tflite", b="n.tflite")
    changed = dataclasses.replace(
        renamed(before, c="m.tflite", d="m.tflite"),
        configurations=(
            *renamed(before, c="m.tflite", d="m.tflite").configurations[:6],
            *half.configurations[6:],
        ),
    )
    both = dataclasses.replace(was, configurations=(*was.configurations, *half.configurations[6:]))
    found = compared(both, changed)
    assert {pair.before.result.configuration.model_file for pair in found.pairs} == {"n.tflite"}
    assert "several files called m.tflite changed: which is which is not known" in found.remarks


def test_files_of_one_name_are_told_apart_by_their_bytes(before):
    rows = summarise_run(renamed(before, a="m.tflite", b="m.tflite")).rows
    assert rows[0].name == "m cpu 1 thread (aaaaaaaa)" and len({row.name for row in rows}) == 12
    assert rows[8].full_name == "m gpu 1 thread (bbbbbbbb) - partial"


def ranks_of(found: comparing.Check) -> set[tuple[int, int]]:
    """Which of the later and of the earlier medians, by size, the lower ends of all intervals come from."""
    ranks = set()
    for pair, finding in zip(found.comparison.pairs, found.findings, strict=False):
        after, before = (sorted(row.medians_ms.values()) for row in (pair.after, pair.before))
        low = finding.growth.interval.low
        ranks |= {(i, j) for i, a in enumerate(after) for j, b in enumerate(before) if a / b == low}
    return ranks


@pytest.mark.parametrize("shapes", [(tuple(SHAPES), tuple(SHAPES)), (("a near mode",), ("a far mode",))])
@pytest.mark.parametrize("n", [6, 9, 12])
def test_false_alarms_are_as_rare_as_stated_whatever_the_shapes(before, n, shapes):
    """Each pair of shapes grew by exactly what the bound allows; the second pair comes nearest to what is stated.

    The check is made once, from processes to outcomes, which shows which order statistics it compares; twenty thousand
    checks are then simulated with these.
    """
    random = np.random.default_rng(n)
    used, times, block = 9, 20_000, 250
    found = check(compared(*(with_medians(before, random.lognormal(size=(12, n))) for _ in range(2))), BOUND)
    assert len(found.findings) == used
    [(after, earlier)] = ranks_of(found)
    alarms = 0
    for _ in range(times // block):
        alarm = np.zeros(block, bool)
        for _ in range(used):
            was, now = (str(random.choice(each)) for each in shapes)
            old = np.sort(SHAPES[was](random, (block, n)) / MEDIANS[was], axis=1)
            new = np.sort(SHAPES[now](random, (block, n)) / MEDIANS[now] * (1 + BOUND), axis=1)
            alarm |= new[:, after] / old[:, earlier] > 1 + BOUND
        alarms += alarm.sum()
    stated = {6: used * 2 / 2**6, 9: used * 2 / 2**9, 12: used * 2 / 2**12}[n]
    assert found.false_alarm == pytest.approx(stated)
    assert alarms / times <= stated + 3 * (stated * (1 - stated) / times) ** 0.5
    if len(shapes[0]) == 1:
        assert alarms / times > stated / 2, "a rate several times too high would be seen"


@pytest.mark.parametrize(("n", "least"), [(6, 0.98), (9, 0.98), (12, 0.98)])
def test_a_real_growth_is_found(before, n, least):
    """Processes that scatter by 2 %, a bound of 5 %, a growth of 20 %."""
    random = np.random.default_rng(n)
    found = []
    for _ in range(10):
        old, new = np.exp(random.normal(0, 0.02, (2, 12, n)))
        found += check(compared(with_medians(before, old), with_medians(before, 1.2 * new)), BOUND).findings
    assert np.mean([finding.outcome == "regressed" for finding in found]) >= least
