"""What is measured and in which order."""

import itertools
from collections import Counter

import pytest

from swiftformer_keras.benchmark.plan import PRESETS, PlannedModel, make_plan, parse_list, parse_threads
from swiftformer_keras.errors import BenchmarkPlanError

MODELS = (PlannedModel("a.tflite", "0" * 64), PlannedModel("b.tflite", "1" * 64))


def plan(preset="rapid", seed=7, delegates=("cpu", "gpu"), threads=(1, 4), models=MODELS, affinity=None):
    return make_plan(models, delegates, threads, preset, seed, affinity)


def test_the_plan_is_the_product():
    names = [each.name for each in plan().configurations]
    assert len(names) == 8 == len(set(names))
    assert names[0] == "a cpu 1 thread" and names[-1] == "b gpu 4 threads"
    assert plan(affinity="big").configurations[0].name == "a cpu 1 thread on big"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_configuration_runs_once_in_every_round(preset):
    made = plan(preset)
    rounds = list(made.rounds())
    assert [number for number, _ in rounds] == list(range(PRESETS[preset].processes))
    for _, order in rounds:
        assert Counter(order) == Counter(made.configurations)


def test_the_order_is_the_seeds_and_changes_from_round_to_round():
    assert list(plan().rounds()) == list(plan().rounds())
    assert list(plan(seed=8).rounds()) != list(plan().rounds())
    orders = {order for _, order in plan("full").rounds()}
    assert len(orders) == 12  # of 8! possible ones
    followers = Counter(pair for order in orders for pair in itertools.pairwise(order))
    assert max(followers.values()) < 7  # no configuration always comes after the same one


@pytest.mark.parametrize(
    ("name", "processes", "runs", "seconds"),
    [("rapid", 6, 64, 6), ("quick", 9, 128, 10), ("full", 12, 1024, 60)],
)
def test_the_totals_are_mlperfs_and_are_reached(name, processes, runs, seconds):
    preset = PRESETS[name]
    assert (preset.processes, preset.runs, preset.seconds) == (processes, runs, seconds)
    assert preset.processes * preset.runs_a_process >= runs
    assert preset.processes * preset.seconds_a_process == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": ()}, "no model"),
        ({"delegates": ()}, "no delegate"),
        ({"threads": ()}, "no number of threads"),
        ({"delegates": ("tpu",)}, "delegate 'tpu': unknown"),
        ({"delegates": ("cpu;reboot\x1b[2J",)}, "unknown"),
        ({"delegates": ("cpu", "cpu")}, "given twice"),
        ({"threads": (4, 4)}, "given twice"),
        ({"threads": (0,)}, "must be 1 to 64"),
        ({"threads": (65,)}, "must be 1 to 64"),
        ({"preset": "fast"}, "preset 'fast': unknown"),
        ({"models": (MODELS[0], PlannedModel("copy.tflite", "0" * 64))}, "the same file"),
        ({"models": tuple(PlannedModel(f"{n}.tflite", f"{n:064x}") for n in range(101))}, "at most 100"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(BenchmarkPlanError, match=said) as caught:
        plan(**changes)
    assert str(caught.value).isprintable()


def test_lists_are_read_strictly():
    assert parse_list("--delegate", "cpu, gpu") == ("cpu", "gpu")
    assert parse_threads("1,2,4") == (1, 2, 4)
    for text in ("1,,2", "", "1;2", "-1", "٣", "1e3", "1000"):
        with pytest.raises(BenchmarkPlanError):
            parse_threads(text)
