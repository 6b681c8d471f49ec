"""Runs that nothing measured, for the tests and pictures of the reports; every name in them says so.

Two models, three delegates, two numbers of threads: most go well, and one of each thing goes wrong that can.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from datetime import UTC, datetime, timedelta

import numpy as np

from converters.top1 import Top1
from swiftformer_keras.benchmark.facts import CpuCluster, DeviceFacts
from swiftformer_keras.benchmark.plan import Configuration
from swiftformer_keras.benchmark.residency import Residency
from swiftformer_keras.benchmark.result import (
    Accuracy,
    ConfigurationResult,
    ModelRecord,
    PlanRecord,
    ProcessResult,
    Replacing,
    Run,
    Tool,
    Verification,
)
from swiftformer_keras.benchmark.state import ClusterState, DeviceState

START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
FLOAT16, INT8 = "synthetic_xs_float16.tflite", "synthetic_xs_int8.tflite"

DEVICE = DeviceFacts(
    serial="SYNTHETIC0001",
    identity="SYNTHETIC0001",
    manufacturer="Synthetic",
    model="Phone One",
    soc="Imaginary SM-1",
    android_version="15",
    sdk=35,
    abis=("arm64-v8a", "armeabi-v7a"),
    fingerprint="synthetic/one/one:15/AP3A.000000.001/1:user/release-keys",
    memory_kib=7_812_500,
    clusters=(
        CpuCluster((0, 1, 2, 3), 1_800_000),
        CpuCluster((4, 5, 6), 2_420_000),
        CpuCluster((7,), 2_960_000),
    ),
)
OTHER_DEVICE = dataclasses.replace(
    DEVICE,
    serial="SYNTHETIC0002",
    identity="SYNTHETIC0002",
    model="Phone Two Ultra",
    soc="Imaginary SM-2",
    fingerprint="synthetic/two/two:14/UP1A.000000.002/2:user/release-keys",
    android_version="14",
    sdk=34,
    memory_kib=11_700_000,
)

# Milliseconds of the median, relative scatter of runs and of processes.
TYPICAL = {
    (FLOAT16, "cpu", 1): (61.0, 0.012, 0.004),
    (FLOAT16, "cpu", 4): (24.6, 0.035, 0.012),
    (FLOAT16, "gpu", 1): (11.3, 0.030, 0.010),
    (FLOAT16, "gpu", 4): (11.4, 0.030, 0.010),
    (FLOAT16, "nnapi", 1): (17.2, 0.050, 0.020),
    (FLOAT16, "nnapi", 4): (17.0, 0.050, 0.020),
    (INT8, "cpu", 1): (33.5, 0.012, 0.004),
    (INT8, "cpu", 4): (14.1, 0.040, 0.014),
    (INT8, "gpu", 1): (19.8, 0.030, 0.010),
    (INT8, "nnapi", 1): (7.9, 0.040, 0.015),
}


def synthetic_run(
    seed: int = 1, *, device: DeviceFacts = DEVICE, slower: float = 1.0, processes: int = 9, days: float = 0
) -> Run:
    """A run in which every latency is `slower` times the typical one; the same for the same arguments."""
    random = np.random.default_rng(seed)
    start = START + timedelta(days=days)
    order = [
        (number, configuration)
        for number in range(processes)
        for configuration in random.permutation(
            np.array(list(itertools.product(range(2), range(3), range(2))))
        )
    ]
    measured: dict[Configuration, list[ProcessResult]] = {each: [] for each in _configurations()}
    for step, (number, (model, delegate, threads)) in enumerate(order):
        configuration = _configuration(int(model), int(delegate), int(threads))
        minutes = 0.35 * step
        measured[configuration].append(_process(random, configuration, number, start, minutes, slower))
    return Run(
        tool=Tool("0.0.0-synthetic", "0" * 40),
        started_at=start.isoformat(),
        finished_at=(start + timedelta(minutes=0.35 * len(order))).isoformat(),
        device=device,
        plan=PlanRecord("app", "quick", processes, 128, 10.0, seed, 38.0, 0, 300.0, 153.333),
        models=(
            ModelRecord(FLOAT16, _sha(FLOAT16), 7_214_336, "Synthetic XS", "float16", 214),
            ModelRecord(INT8, _sha(INT8), 3_981_120, "Synthetic XS", "int8", 231),
        ),
        configurations=tuple(_result(each, measured[each]) for each in _configurations()),
        notes=("All figures of this run are synthetic: no phone measured them.",),
    )


def _configurations() -> list[Configuration]:
    return [_configuration(*each) for each in itertools.product(range(2), range(3), range(2))]


def _configuration(model: int, delegate: int, threads: int) -> Configuration:
    file = (FLOAT16, INT8)[model]
    return Configuration(file, _sha(file), ("cpu", "gpu", "nnapi")[delegate], (1, 4)[threads])


def _sha(file: str) -> str:
    return hashlib.sha256(file.encode()).hexdigest()


def _state(at: datetime, minutes: float) -> DeviceState:
    heat = 1 - np.exp(-minutes / 14)
    current = 2_960_000 - int(380_000 * heat)
    return DeviceState(
        at=at.isoformat(),
        thermal_status=1 if minutes > 30 else 0,
        temperatures_c={"skin": round(31.0 + 9.5 * heat, 1), "cpu": round(38.0 + 21 * heat, 1)},
        battery_level=max(5, 91 - int(minutes / 4)),
        battery_temperature_c=round(29.4 + 7.0 * heat, 1),
        charging=False,
        screen_on=True,
        clusters=(
            ClusterState((0, 1, 2, 3), "schedutil", 1_800_000, 1_800_000),
            ClusterState((4, 5, 6), "schedutil", 2_420_000, 2_420_000),
            ClusterState((7,), "schedutil", current, current),
        ),
    )


def _process(
    random: np.random.Generator,
    configuration: Configuration,
    number: int,
    start: datetime,
    minutes: float,
    slower: float,
) -> ProcessResult:
    at = start + timedelta(minutes=minutes)
    key = (configuration.model_file, configuration.delegate, configuration.threads)
    common = {"round": number, "started_at": at.isoformat(), "state_before": _state(at, minutes)}
    if key == (INT8, "nnapi", 4) and number == 2:
        return ProcessResult(
            **common,
            error="the app crashed: signal 11 (SIGSEGV) in libneuralnetworks.so",
            log_excerpt="F DEBUG : synthetic log\nF DEBUG : signal 11 (SIGSEGV), code 1, fault addr 0x0\n"
            "F DEBUG :   #00 pc 00000000000a1b2c  libneuralnetworks.so (synthetic)",
        )
    typical, run_scatter, process_scatter = TYPICAL.get(key, (9.0, 0.04, 0.015))
    level = (
        typical
        * slower
        * (1 + 0.035 * (1 - np.exp(-minutes / 14)))
        * np.exp(random.normal(0, process_scatter))
    )
    scatter = np.exp(random.normal(0, run_scatter, 64)) * np.where(random.random(64) < 0.03, 1.35, 1.0)
    warm = level * (1 + 0.5 * np.exp(-np.arange(24) / 4)) * np.exp(random.normal(0, run_scatter, 24))
    return ProcessResult(
        **common,
        initialization_ms=round(
            float(level * 3 + {"cpu": 40, "gpu": 480, "nnapi": 260}[configuration.delegate]), 3
        ),
        first_inference_ms=round(float(level * 2.4), 3),
        warm_up_ms=tuple(round(float(each), 4) for each in warm),
        samples_ms=tuple(round(float(each), 4) for each in level * scatter),
        memory_kib=int(70_000 + 900 * typical + random.integers(0, 900)),
        runtime_version="2.3.0-synthetic",
        replacing=(Replacing("SyntheticDelegate", 214, 214, 1),),
        accelerator="synthetic-npu" if configuration.delegate == "nnapi" else None,
        xnnpack=configuration.delegate == "cpu",
        cpuset="/top-app",
        waited_s=0.25,
        state_after=_state(at + timedelta(seconds=15), minutes + 0.25),
    )


def _result(configuration: Configuration, processes: list[ProcessResult]) -> ConfigurationResult:
    key = (configuration.model_file, configuration.delegate, configuration.threads)
    int8 = configuration.model_file == INT8
    operators = 231 if int8 else 214
    full = Residency(configuration.delegate, operators, operators, 1, "full")
    right = 8_612 if not int8 else 8_540
    accuracy = Accuracy("synthetic-labelled-pictures", _top1(right, 10_000), _top1(right + 3, 10_000), 9_981)
    checked = Verification(16, True, 0.0021, 0.02, 1.0)
    if key == (INT8, "gpu", 1):
        note = f"{operators - 174} of {operators} operators ran on the CPU"
        partial = Residency("gpu", 174, operators, 5, "partial", note)
        return ConfigurationResult(
            configuration, "ok", None, partial, tuple(processes), 99_812, checked, accuracy
        )
    if key == (INT8, "gpu", 4):
        none = Residency("gpu", 0, operators, None, "none", "the GPU delegate took no operator")
        reason = "the GPU delegate took no operator: all of it ran on the CPU"
        return ConfigurationResult(configuration, "failed", reason, none, tuple(processes[:1]))
    if key == (INT8, "nnapi", 1):
        wrong = Verification(
            16, False, 3.72, 0.05, 0.25, 0, "another class than the host's for 12 of 16 inputs"
        )
        few = Accuracy("synthetic-labelled-pictures", _top1(2_114, 10_000), _top1(8_543, 10_000), 2_290)
        reason = "wrong answers: another class than the host's for 12 of 16 golden inputs"
        return ConfigurationResult(
            configuration, "wrong_answer", reason, full, tuple(processes), 88_120, wrong, few
        )
    if key == (INT8, "nnapi", 4):
        reason = "the app crashed in round 2: signal 11 (SIGSEGV) in libneuralnetworks.so"
        return ConfigurationResult(configuration, "failed", reason, None, tuple(processes[:3]))
    if configuration.delegate == "nnapi":
        note = "accelerator unknown: NNAPI's own CPU driver was not kept out; NNAPI is deprecated since Android 15"
        unknown = Residency("nnapi", operators, operators, 1, "unknown", note)
        return ConfigurationResult(
            configuration, "ok", None, unknown, tuple(processes), 91_240, checked, accuracy
        )
    return ConfigurationResult(configuration, "ok", None, full, tuple(processes), None, checked, accuracy)


def _top1(correct: int, total: int) -> Top1:
    share, half = correct / total, 1.96 * (correct / total * (1 - correct / total) / total) ** 0.5
    return Top1(correct, total, share - half, share + half)
