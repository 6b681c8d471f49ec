"""The whole way once with nothing made up: the command, the real adb, the app's own code, Android's TFLite."""

from __future__ import annotations

import pytest

from tests.harness import ROOT
from tests.phone.jvm_app import JvmApp
from tests.swiftformer_keras.benchmark.bench import Bench

MODEL = ROOT / "android_app/app/src/test/assets/models/micro_float32.tflite"


@pytest.mark.slow
def test_the_app_measures_what_the_command_asks_for(bench: Bench, jvm_app: JvmApp) -> None:
    bench.phone.app = jvm_app
    ended = bench("--delegate", "cpu,gpu,nnapi", "--threads", "1,2", "--verify", model=MODEL)
    assert ended.run is not None, ended.err
    of = {each.configuration.name: each for each in ended.run.configurations}
    for threads in ("1 thread", "2 threads"):
        cpu = of[f"micro_float32 cpu {threads}"]
        assert (cpu.status, cpu.reason) == ("ok", None), ended.err
        assert cpu.residency.verdict in ("full", "partial")
        assert cpu.verification is not None and cpu.verification.passed
        for process in cpu.processes:
            assert process.runtime_version == "2.16.1" and process.xnnpack
            assert process.replacing is not None and process.replacing[0].delegate == "TfLiteXNNPackDelegate"
            assert min(process.samples_ms) > 0 and len(process.warm_up_ms) >= 24
        gpu = of[f"micro_float32 gpu {threads}"]
        assert gpu.status == "failed" and gpu.reason is not None and "GpuDelegate" in gpu.reason
        nnapi = of[f"micro_float32 nnapi {threads}"]
        assert nnapi.status in ("failed", "refused")
        assert nnapi.reason is not None and "NNAPI has no accelerator on this device" in nnapi.reason
    bench.assert_as_found()
