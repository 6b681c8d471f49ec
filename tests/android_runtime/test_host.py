"""The app's Kotlin with Android's x86-64 library: the tensors of Python, the logits of LiteRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.android_runtime import host
from tests.android_runtime.engine import Engine, Job, Result
from tests.android_runtime.exported import Files, input_bytes, litert, photos
from tests.android_runtime.library import VERSION
from tests.android_runtime.runtime import AndroidRuntime
from tests.android_runtime.test_agreement import STEPS, last_step

pytestmark = pytest.mark.slow

FLOATS = [
    (variant, size, precision, gelu)
    for variant, size in [("swiftformer_xs", 64), ("swiftformer_xs", 224), ("swiftformer_s", 224)]
    for precision, gelu in [("float32", "fast"), ("float32", "exact"), ("float16", "fast")]
]
QUANTISED = [
    ("swiftformer_xs", 64, "float32"),
    ("swiftformer_xs", 64, "int8"),
    ("swiftformer_xs", 224, "float32"),
]
PLAIN_STEPS = 6  # between two versions of TFLite's own int8 kernels
BOUND = 1e-5  # of logits that are computed in float32 on both sides


@pytest.fixture(scope="module")
def results(
    engine: Engine, files: Files, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple, tuple[Path, Result]]:
    """Everything that Kotlin is asked, in one JVM."""
    paths = {case: files.exported(*case) for case in FLOATS}
    paths |= {case: files.quantised(*case) for case in QUANTISED}
    safe = not host.breaks_xnnpack()
    jobs = [Job(path, photos(), xnnpack=safe or len(case) == 4) for case, path in paths.items()]
    answers = engine.run(jobs, tmp_path_factory.mktemp("kotlin"))
    return {case: (path, answer) for (case, path), answer in zip(paths.items(), answers, strict=True)}


@pytest.mark.parametrize("case", FLOATS, ids=str)
def test_float_files(results: dict[tuple, tuple[Path, Result]], case: tuple) -> None:
    path, answer = results[case]
    assert answer.refused is None and answer.version == VERSION
    tensors = [input_bytes(path, picture) for picture in photos()]
    assert answer.tensors == tuple(tensors), "Kotlin's input tensors are Python's, byte for byte"
    (made,) = answer.delegations
    assert made.delegate == "TfLiteXNNPackDelegate" and made.taken <= made.total
    assert made.taken > (0.7 if case[3] == "exact" else 0.9) * made.total, "GELU and RSQRT are left there"
    outputs = [np.frombuffer(output, np.float32) for output in answer.outputs]
    for ours, theirs in zip(outputs, litert(path, tensors), strict=True):
        largest = float(np.abs(ours - theirs[0]).max())
        assert largest <= BOUND, f"{largest:.3g}"
    assert np.ptp(np.stack(outputs), axis=0).max() > 0.01, "outputs follow the picture"


@pytest.mark.parametrize("case", QUANTISED, ids=str)
def test_int8_files(results: dict[tuple, tuple[Path, Result]], case: tuple) -> None:
    """With XNNPACK where the processor lets it, else with the kernels that TFLite and LiteRT have themselves.

    Those two round otherwise in each operator, so they are further apart than XNNPACK's of both, though mostly equal.
    """
    path, answer = results[case]
    safe = not host.breaks_xnnpack()
    assert answer.refused is None and bool(answer.delegations) == safe
    tensors = [input_bytes(path, picture) for picture in photos()]
    assert answer.tensors == tuple(tensors)
    dtype, step = (np.float32, last_step(path)) if case[2] == "float32" else (np.int8, 1.0)
    outputs = [np.frombuffer(output, dtype).astype(np.float64) for output in answer.outputs]
    for ours, theirs in zip(outputs, litert(path, tensors, xnnpack=safe), strict=True):
        apart = np.abs(ours - theirs[0]) / step
        assert apart.max() <= (STEPS if safe else PLAIN_STEPS) + 1e-3
        assert np.median(apart) <= 1 + 1e-3
    assert np.ptp(np.stack(outputs), axis=0).max() > STEPS * step, "outputs follow the picture"


@pytest.mark.parametrize("case", QUANTISED[:2], ids=str)
def test_kotlins_int8_tensors_on_the_phones_own_code(
    results: dict[tuple, tuple[Path, Result]], android: AndroidRuntime, case: tuple
) -> None:
    """One arm64 harness for both: no step of difference, and with XNNPACK, whatever this processor has."""
    path, answer = results[case]
    dtype = np.dtype("float32" if case[2] == "float32" else "int8")
    made = [np.frombuffer(tensor, dtype).reshape(1, case[1], case[1], 3) for tensor in answer.tensors]
    python = [
        np.frombuffer(input_bytes(path, picture), dtype).reshape(1, case[1], case[1], 3)
        for picture in photos()
    ]
    ran = android.run(path, [*made, *python])
    assert ran.taken > 0
    outputs = [output for (output,) in ran.results]
    for kotlins, pythons in zip(outputs[: len(made)], outputs[len(made) :], strict=True):
        assert np.array_equal(kotlins, pythons)
    assert not np.array_equal(outputs[0], outputs[1]), "outputs follow the picture"


def test_the_apps_own_tests_of_the_library(engine: Engine, tmp_path: Path) -> None:
    """Screens, the GPU's refusal and the benchmark entry; without the library Maven leaves them out."""
    said = engine.junit("dev.swiftformer.app.RealLibraryTest", tmp_path)
    assert "OK (3 tests)" in said, said
    log = (tmp_path / "android.log").read_text()
    assert "with delegate (TfLiteXNNPackDelegate) node" in log


def test_a_gpu_that_is_not_there_is_refused(engine: Engine, files: Files, tmp_path: Path) -> None:
    model = files.exported("swiftformer_xs", 64, "float32", "fast")
    (answer,) = engine.run([Job(model, photos()[:1], delegate="GPU")], tmp_path)
    assert answer.refused is not None and "clGetPlatformIDs" in answer.refused
