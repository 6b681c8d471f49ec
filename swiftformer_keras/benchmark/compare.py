"""Runs side by side: what each configuration's median was multiplied by, and whether that is a regression.

Growth is the ratio of the later median to the earlier one (`statistics.ratio_of_medians`). A configuration of one run
is the same of another when delegate, threads and cores are, and the model's bytes; where those changed (before and
after), its file name, as long as no other changed file has it.

The regression check of a bound b asks of each configuration whether its median grew to more than 1 + b times the
baseline's, and answers one of three: "regressed" where the whole interval lies above the bound, "within" where the
whole interval lies below it or at it, "unclear" where the interval holds the bound. Whatever the shapes, such an
interval lies wholly above the true growth with a probability of at most 2 P(Binomial(n, 1/2) < k), n processes on each
side and k their order statistic. Its lower end is widened (Bonferroni) so that of all configurations together a false
"regressed" has a probability of 2.5 % at most where the processes are many enough for that, as 12 are; with fewer it
compares the fastest process now with the slowest before, and the probability that then holds is stated: 3.1 % for each
configuration with 6, 0.4 % with 9. (Two far modes reach it; where a change multiplies all times alike it is far
smaller.) A false "within" has 3.9 % at most, for each configuration alone. All of it is about processes of these two
sessions: what differs between sessions as a whole must find room in the bound.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from swiftformer_keras.benchmark import statistics
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.plan import Configuration
from swiftformer_keras.benchmark.statistics import Interval, Ratio
from swiftformer_keras.benchmark.summary import Row, RunSummary, delegate_label, takes_part
from swiftformer_keras.errors import RunsNotComparableError
from swiftformer_keras.shown import shown

FALSE_ALARM = 0.025
LEAST_PROCESSES = 6  # on both sides; of fewer the medians have no interval of 95 %

Outcome = Literal["regressed", "within", "unclear", "lost"]


@dataclass(frozen=True)
class Pair:
    """One configuration in two runs; `growth` is the later median over the earlier one."""

    before: Row
    after: Row
    growth: Ratio | None
    remarks: tuple[str, ...]

    @property
    def name(self) -> str:
        """The earlier row's full name, and what the delegate computes now where that is not the same."""
        was, now = (delegate_label(row.result) for row in (self.before, self.after))
        return self.before.full_name if was == now else f"{self.before.full_name}, now {now}"


@dataclass(frozen=True)
class Comparison:
    """Two runs; `missing` are the earlier one's configurations that the later one did not plan.

    `checked` is whether the later run is held against the earlier one in a check: not where it is of another unit and
    is itself what later runs of its own unit are held against.
    """

    before: RunSummary
    after: RunSummary
    pairs: tuple[Pair, ...]
    missing: tuple[Row, ...]
    remarks: tuple[str, ...]
    checked: bool = True

    @property
    def same_device(self) -> bool:
        return same_device(self.before.run.device, self.after.run.device)


@dataclass(frozen=True)
class Finding:
    """What the check says of an earlier configuration; "lost" was measured before and is not now."""

    row: Row
    name: str
    outcome: Outcome
    growth: Ratio | None
    text: str


@dataclass(frozen=True)
class Check:
    """The regression check of one comparison; `false_alarm` bounds the probability of any false "regressed"."""

    comparison: Comparison
    max_regression: float
    findings: tuple[Finding, ...]
    false_alarm: float

    def of(self, *outcomes: Outcome) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.outcome in outcomes)

    @property
    def met(self) -> bool | None:
        """Whether the bound holds everywhere; None where that is not clear, or nothing was there to check."""
        if self.of("regressed", "lost"):
            return False
        return None if self.of("unclear") or not self.findings else True


def parse_bound(text: str) -> float:
    """`"5%"` or `"0.05"` as 0.05.

    Raises:
        ValueError: it is neither, not within 0 to 1000 %, or a bare number of 1 or more: that may mean 5 % or 500 %.
    """
    match = re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})(%?)", text.strip(), re.ASCII)
    bound = float(match[1]) / (100 if match[2] else 1) if match else -1.0
    if not 0 <= bound <= 10:
        raise ValueError(f"{shown(text, 40)!r} is no bound. Write it as in 5% or 0.05")
    if bound >= 1 and match and not match[2]:
        raise ValueError(
            f"{shown(text, 40)!r} is no bound: it could be {match[1]} % or {100 * bound:g} %. Write it as in 5% or 0.05"
        )
    return bound


def compare(before: RunSummary, after: RunSummary) -> Comparison:
    """Match the configurations of two runs.

    Raises:
        RunsNotComparableError: they have none in common.
    """
    matches = _matches(before, after)
    pairs = [_pair(row, matches[row.number]) for row in before.rows if row.number in matches]
    missing = [row for row in before.rows if row.number not in matches]
    if not pairs:
        raise RunsNotComparableError(
            "the runs have no configuration in common (same model file, delegate, threads and cores). Compare runs of "
            "one plan"
        )
    return Comparison(before, after, tuple(pairs), tuple(missing), tuple(_remarks(before, after)))


def compare_all(summaries: Sequence[RunSummary]) -> tuple[Comparison, ...]:
    """Each run with the first one of the same unit, where there is an earlier one; else of the same model; else of all.

    Raises:
        RunsNotComparableError: two of them have no configuration in common.
    """
    devices = [summary.run.device for summary in summaries]
    found = []
    for index, after in enumerate(summaries[1:], start=1):
        here, earlier = devices[index], range(index)
        unit = next((each for each in earlier if same_unit(devices[each], here)), None)
        model = next((each for each in earlier if same_device(devices[each], here)), 0)
        is_baseline = unit is None and any(same_unit(here, later) for later in devices[index + 1 :])
        comparison = compare(summaries[model if unit is None else unit], after)
        found.append(replace(comparison, checked=not is_baseline))
    return tuple(found)


def check_all(comparisons: Sequence[Comparison], max_regression: float) -> tuple[Check | None, ...]:
    """The check of each comparison that has one, None for the others.

    Raises:
        RunsNotComparableError: as `check`.
    """
    return tuple(check(each, max_regression) if each.checked else None for each in comparisons)


def check(comparison: Comparison, max_regression: float) -> Check:
    """Whether medians grew by more than `max_regression` (0.05 is 5 %).

    Raises:
        RunsNotComparableError: the runs are of different phones.
    """
    if not comparison.same_device:
        raise RunsNotComparableError(
            f"{device_name(comparison.before.run.device)} and {device_name(comparison.after.run.device)} are different "
            "phones: a regression is of one. Give runs of the same phone, or leave --max-regression out"
        )
    tested = [pair for pair in comparison.pairs if takes_part(pair.before) and takes_part(pair.after)]
    findings, false_alarm = [], 0.0
    for pair in comparison.pairs:
        if not takes_part(pair.before):
            continue
        if not takes_part(pair.after):
            why = pair.after.result.reason or pair.after.result.status
            findings.append(
                Finding(pair.before, pair.name, "lost", None, f"was measured before, and now: {shown(why)}")
            )
            continue
        finding, its_false_alarm = _judge(pair, max_regression, FALSE_ALARM / len(tested))
        findings.append(finding)
        false_alarm += its_false_alarm
    findings += [
        Finding(row, row.full_name, "lost", None, "was measured before, and is not planned in the later run")
        for row in comparison.missing
        if takes_part(row)
    ]
    return Check(comparison, max_regression, tuple(findings), min(1.0, false_alarm))


def same_device(a: DeviceFacts, b: DeviceFacts) -> bool:
    """Whether two runs are of one model of phone; the serial may differ, as in a farm of equal ones.

    Phones that do not name their model are of one only where they are one unit.
    """
    return _kind(a) == _kind(b) and (a.model is not None or a.identity == b.identity)


def same_unit(a: DeviceFacts, b: DeviceFacts) -> bool:
    """Whether two runs are of one and the same phone, by cable or Wi-Fi; emulators may share an identity."""
    return a.identity == b.identity and _kind(a) == _kind(b)


def _kind(device: DeviceFacts) -> tuple[str | None, ...]:
    return device.manufacturer, device.model, device.soc


def device_name(device: DeviceFacts) -> str:
    """What people call it: maker and model, or its serial where it does not say."""
    named = " ".join(filter(None, (device.manufacturer, device.model)))
    return shown(named or device.serial, 80)


def _matches(before: RunSummary, after: RunSummary) -> dict[int, Row]:
    """The later row of each earlier one, by its number: first of the same bytes, then of the same file name.

    By name only where that tells: not where several files of one name are left in either run.
    """
    found: dict[int, Row] = {}
    left = {row.number: row for row in after.rows}
    for key in (_same_bytes, _same_name):
        offered = _by(key, left.values())
        for what, rows in _by(key, (row for row in before.rows if row.number not in found)).items():
            if len(rows) == len(offered.get(what, ())) == 1:
                found[rows[0].number] = left.pop(offered[what][0].number)
    return found


def _by(key: Callable[[Configuration], Hashable], rows: Iterable[Row]) -> dict[Hashable, list[Row]]:
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row.result.configuration), []).append(row)
    return found


def _same_bytes(configuration: Configuration) -> Hashable:
    return configuration.model_sha256, _way(configuration)


def _same_name(configuration: Configuration) -> Hashable:
    return configuration.model_file, _way(configuration)


def _way(configuration: Configuration) -> tuple[object, ...]:
    return configuration.delegate, configuration.threads, configuration.affinity


def _pair(before: Row, after: Row) -> Pair:
    remarks = []
    growth = None
    if takes_part(before) and takes_part(after):
        growth = statistics.ratio_of_medians(
            list(after.medians_ms.values()), list(before.medians_ms.values())
        )
    old, new = before.result, after.result
    if old.configuration.model_sha256 != new.configuration.model_sha256:
        remarks.append("the model file changed")
    if old.residency and new.residency and old.residency.verdict != new.residency.verdict:
        remarks.append(f"residency was {old.residency.verdict} and is {new.residency.verdict}")
    runtimes = [{p.runtime_version for p in result.processes if p.runtime_version} for result in (old, new)]
    if all(runtimes) and runtimes[0] != runtimes[1]:
        was, now = (", ".join(sorted(shown(version, 40) for version in each)) for each in runtimes)
        remarks.append(f"runtime was {was} and is {now}")
    return Pair(before, after, growth, tuple(remarks))


def _remarks(before: RunSummary, after: RunSummary) -> list[str]:
    a, b = before.run, after.run
    remarks = []
    if not same_device(a.device, b.device):
        remarks.append("different phones")
    elif a.device.identity != b.device.identity:
        remarks.append("two phones of the same model")
    if a.device.fingerprint != b.device.fingerprint and same_device(a.device, b.device):
        remarks.append("the phone's system was updated in between")
    both = [{(model.file, model.sha256) for model in run.models} for run in (a, b)]
    changed = [Counter(file for file, _ in one - other) for one, other in (both, reversed(both))]
    for file in sorted(changed[0].keys() & changed[1].keys()):
        if max(each[file] for each in changed) > 1:
            remarks.append(f"several files called {shown(file, 80)} changed: which is which is not known")
    if a.plan.runner != b.plan.runner:
        remarks.append(f"measured by {shown(a.plan.runner, 40)} and {shown(b.plan.runner, 40)}")
    if a.plan.preset != b.plan.preset:
        remarks.append(f"preset {shown(a.plan.preset, 40)} and {shown(b.plan.preset, 40)}")
    for run, which in ((a, "earlier"), (b, "later")):
        if run.finished_at is None:
            remarks.append(f"the {which} run was not finished")
    return remarks


def _judge(pair: Pair, max_regression: float, level: float) -> tuple[Finding, float]:
    """What holds of one pair, and the probability that "regressed" is false: `level`, or the least there is."""
    bound = 1 + max_regression
    after, before = list(pair.after.medians_ms.values()), list(pair.before.medians_ms.values())
    fewest = min(len(after), len(before))
    wide = statistics.ratio_of_medians(after, before, max(level / 2, 0.5**fewest))
    plain = pair.growth
    if fewest < LEAST_PROCESSES or plain is None or not (plain.interval and wide and wide.interval):
        few = f"fewer than {LEAST_PROCESSES} processes in one of the runs"
        return Finding(pair.before, pair.name, "unclear", plain, few), 0.0
    low, high = wide.interval.low, plain.interval.high
    growth = Ratio(plain.value, Interval(low, high, (wide.interval.coverage + plain.interval.coverage) / 2))
    text = f"{growth.value:.3f} times the earlier median ({low:.3f} to {high:.3f})"
    outcome: Outcome = "regressed" if low > bound else "within" if high <= bound else "unclear"
    return Finding(pair.before, pair.name, outcome, growth, text), (1 - wide.interval.coverage) / 2
