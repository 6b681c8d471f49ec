"""The whole way with nothing made up but the phone: the real adb, and the app's own code with TFLite 2.16.1 in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from swiftformer_keras.data import sample_pictures
from tests.harness import ROOT
from tests.phone.jvm_app import JvmApp
from tests.swiftformer_keras.benchmark.bench import Bench

pytestmark = pytest.mark.slow

MODEL = ROOT / "android_app" / "app" / "src" / "test" / "assets" / "models" / "micro_float32.tflite"


def test_the_apps_own_code_measures_and_its_answers_are_the_hosts(
    bench: Bench, jvm_app: JvmApp, tmp_path: Path
) -> None:
    """Passing takes that every input tensor of the app is this computer's to the bit."""
    bench.phone.app = jvm_app
    pictures = tmp_path / "pictures"
    for number, picture in enumerate(sample_pictures()[:6]):
        (pictures / str(number % 2)).mkdir(parents=True, exist_ok=True)
        (pictures / str(number % 2) / picture.name).write_bytes(picture.read_bytes())
    ended = bench("--threads", "1,2", "--verify", "--evaluate", str(pictures), model=MODEL, code=0)
    for each in ended.run.configurations:
        assert each.status == "ok" and len(each.processes) == 2
        assert each.memory_kib > 100_000  # a JVM's
        assert each.verification.passed and each.verification.inputs == 16
        assert each.verification.largest_difference < 1e-3 and each.verification.top1_agreement == 1.0
        assert each.accuracy.same_answer == each.accuracy.device.total == 6
        assert each.accuracy.device == each.accuracy.host
        assert each.residency.verdict == "full" and 0 < each.residency.taken <= each.residency.total
        for process in each.processes:
            assert process.runtime_version == "2.16.1" and len(process.samples_ms) >= 4
            assert len(process.warm_up_ms) >= 24 and process.initialization_ms > 0
    bench.assert_as_found()


def test_a_delegate_that_this_phone_has_not_and_a_file_that_is_no_model(
    bench: Bench, jvm_app: JvmApp, tmp_path: Path
) -> None:
    bench.phone.app = jvm_app
    ended = bench("--delegate", "gpu,cpu", model=MODEL, code=3)
    gpu, cpu = ended.run.configurations
    assert (gpu.status, cpu.status) == ("failed", "ok") and gpu.reason.isprintable()
    unknown = tmp_path / "unknown.tflite"
    unknown.write_bytes(MODEL.read_bytes()[:2000])
    broken = bench(model=unknown, code=3)
    assert broken.run.configurations[0].status == "failed"
    assert "unknown.tflite" in broken.error or ".tflite" in broken.error
    bench.assert_as_found()
