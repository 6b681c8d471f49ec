"""The GPU's delegate of Android's library on an OpenCL device: it takes all of our float files, and computes them.

The driver is pocl on this machine's processor: what a phone's driver, its speed and its 16-bit arithmetic do is not
shown. The delegate's choice of operators, the code that it writes for every kernel, and what comes out are its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.android_runtime.exported import Files, input_bytes, litert, photos
from tests.android_runtime.opencl import Gpu
from tests.android_runtime.runtime import AndroidRuntime, Answer, Request
from tests.harness import SHARED, needs_shared

pytestmark = pytest.mark.slow

VARIANTS = ("swiftformer_xs", "swiftformer_s", "swiftformer_l1", "swiftformer_l3")
BOUND = 1e-4  # of logits up to 8: both compute in 32 bits, in another order


def on_gpu(gpu: Gpu, model: Path, inputs: list[np.ndarray]) -> Answer:
    runs = tuple((values,) for values in inputs)
    (answer,) = AndroidRuntime(gpu.library, gpu.environment).ask([Request(model, "gpu", runs)])
    return answer


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_takes_the_whole_graph_and_gives_what_litert_gives(
    gpu: Gpu, files: Files, variant: str, precision: str
) -> None:
    path = files.exported(variant, 224, precision)  # type: ignore[arg-type]
    tensors = [input_bytes(path, picture) for picture in photos()[::2]]
    inputs = [np.frombuffer(tensor, np.float32).reshape(1, 224, 224, 3) for tensor in tensors]
    answer = on_gpu(gpu, path, inputs)
    assert answer.refused is None, answer.refused
    assert any("Initialized OpenCL" in line for line in answer.log), answer.log
    (made,) = answer.delegations
    assert made.delegate == "TfLiteGpuDelegateV2" and made.pieces == 1
    assert made.taken == made.total, f"{made.total - made.taken} operators are left: {answer.log}"
    outputs = [output for (output,) in answer.results]
    for ours, theirs in zip(outputs, litert(path, tensors), strict=True):
        largest = float(np.abs(ours - theirs).max())
        assert largest <= BOUND * max(1.0, float(np.abs(theirs).max()) / 8), f"{largest:.3g}"
    assert np.ptp(np.stack(outputs), axis=0).max() > 0.01, "outputs follow the picture"


def test_without_a_device_it_refuses(gpu: Gpu, files: Files) -> None:
    """So what the tests above show is the device's work, and none of a fallback."""
    path = files.exported("swiftformer_xs", 64, "float32", "fast")
    values = np.zeros((1, 64, 64, 3), np.float32)
    (answer,) = AndroidRuntime(gpu.library).ask([Request(path, "gpu", ((values,),))])
    assert answer.refused is not None
    assert not any("Initialized OpenCL" in line for line in answer.log)


@needs_shared
def test_the_peers_float32_file_fails_there(gpu: Gpu) -> None:
    """The same network as another converter writes it: all is taken, and then there is no kernel for a part of it."""
    assert SHARED is not None
    values = np.zeros((1, 3, 224, 224), np.float32)
    answer = on_gpu(gpu, SHARED / "peers" / "swiftformer_xs_224_fp32.tflite", [values])
    assert answer.refused is not None and not answer.results
    assert not any("Initialized OpenCL" in line for line in answer.log)
    assert any("Unrecognized Write selector" in line for line in answer.log), answer.log
