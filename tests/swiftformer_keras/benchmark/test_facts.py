"""Facts and states become JSON and come back; what is not theirs is refused with the field's name."""

from __future__ import annotations

import dataclasses
import json

import pytest

from swiftformer_keras.benchmark.affinity import check_affinity, taskset_mask
from swiftformer_keras.benchmark.facts import CpuCluster, DeviceFacts
from swiftformer_keras.benchmark.records import read_record, write_record
from swiftformer_keras.benchmark.state import ClusterState, DeviceState
from swiftformer_keras.errors import AffinityError
from tests.harness import assert_refused

FACTS = DeviceFacts(
    serial="R58M",
    identity="R58M",
    manufacturer="Example",
    model=None,
    soc="ES1000",
    android_version="14",
    sdk=34,
    abis=("arm64-v8a",),
    fingerprint="example/x:14/1:user/release-keys",
    memory_kib=7_851_236,
    clusters=(
        CpuCluster((0, 1, 2, 3), 1_803_000),
        CpuCluster((4, 5, 6), 2_348_000),
        CpuCluster((7,), 2_850_000),
    ),
)
STATE = DeviceState(
    at="2026-01-02T03:04:05.678+00:00",
    thermal_status=None,
    temperatures_c={"skin": 31.5},
    battery_level=80,
    battery_temperature_c=27.1,
    charging=True,
    screen_on=None,
    clusters=(ClusterState((0, 1), "schedutil", 300_000, None),),
)


def test_there_and_back() -> None:
    assert read_record(DeviceFacts, json.loads(json.dumps(write_record(FACTS))), "x") == FACTS
    assert read_record(DeviceState, json.loads(json.dumps(write_record(STATE))), "x") == STATE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("serial", None),
        ("serial", "x" * 500),
        ("model", 3),
        ("sdk", "34"),
        ("sdk", True),
        ("sdk", 0),
        ("abis", "arm64-v8a"),
        ("abis", ["x"] * 100),
        ("abis", [1]),
        ("memory_kib", -1),
        ("clusters", [{"cores": [0]}]),
        ("clusters", [{"cores": [300], "max_khz": 1}]),
        ("clusters", {}),
    ],
)
def test_facts_that_make_no_sense(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_record(DeviceFacts, {**write_record(FACTS), field: value}, "x")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("thermal_status", 7),
        ("battery_level", 101),
        ("battery_temperature_c", float("nan")),
        ("temperatures_c", {"skin": "hot"}),
        ("temperatures_c", {str(index): 1.0 for index in range(300)}),
        ("temperatures_c", []),
        ("charging", 1),
        ("clusters", [None]),
    ],
)
def test_states_that_make_no_sense(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        read_record(DeviceState, {**write_record(STATE), field: value}, "x")


def test_fields_that_lack_or_are_unknown() -> None:
    for kind, values in ((DeviceFacts, write_record(FACTS)), (DeviceState, write_record(STATE))):
        with pytest.raises(ValueError, match="clusters"):
            read_record(kind, {name: value for name, value in values.items() if name != "clusters"}, "x")
        with pytest.raises(ValueError, match="<script>"):
            read_record(kind, {**values, "<script>": 1}, "x")
        with pytest.raises(ValueError, match="no JSON object"):
            read_record(kind, [values], "x")


@pytest.mark.parametrize(
    ("choice", "mask"), [("big", "80"), ("little", "f"), ("0xF0", "f0"), ("70", "70"), ("00000001", "1")]
)
def test_masks(choice: str, mask: str) -> None:
    assert taskset_mask(choice, FACTS) == mask


@pytest.mark.parametrize("choice", ["", "0", "0x", "BIG", "f0; reboot", "-1", "1" * 100, "g"])
def test_no_affinity(choice: str) -> None:
    assert_refused(AffinityError, lambda: check_affinity(choice), "mask")


def test_phones_without_such_cores() -> None:
    assert_refused(AffinityError, lambda: taskset_mask("100", FACTS), "no core 8", "0 to 7")
    alike = dataclasses.replace(FACTS, clusters=(CpuCluster((0, 1), 1000), CpuCluster((2, 3), 1000)))
    assert_refused(AffinityError, lambda: taskset_mask("big", alike), "equally fast")
    unknown = dataclasses.replace(FACTS, clusters=())
    assert_refused(AffinityError, lambda: taskset_mask("little", unknown), "does not tell")
    assert taskset_mask("f0", unknown) == "f0"
