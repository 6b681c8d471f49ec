"""What may be said of a run whose log shows this and that."""

import pytest

from swiftformer_keras.benchmark.residency import Residency, fails, judge, refused, worst
from swiftformer_keras.benchmark.result import Replacing

XNNPACK = Replacing("TfLiteXNNPackDelegate", 200, 220, 9)


def gpu(taken, total=220, partitions=1, name="TfLiteGpuDelegateV2"):
    return Replacing(name, taken, total, partitions)


def nnapi(taken, total=220, partitions=1):
    return Replacing("TfLiteNnapiDelegate", taken, total, partitions)


@pytest.mark.parametrize(
    "name", ["TfLiteGpuDelegateV2", "LITERT_CL", "LITERT_WEBGPU", "TfLiteGpuDelegate Delegate"]
)
def test_a_gpu_that_took_all_is_full(name):
    found = judge("gpu", [gpu(220, name=name)], sdk=34)
    assert (found.verdict, found.taken, found.total, found.partitions) == ("full", 220, 220, 1)
    assert fails(found) is None


def test_a_gpu_that_took_some_is_partial_and_says_how_much():
    found = judge("gpu", [gpu(150, partitions=7), XNNPACK], sdk=34)
    assert (found.verdict, found.taken, found.total, found.partitions) == ("partial", 150, 220, 7)
    assert found.note == "70 of 220 operators ran on the CPU"
    assert fails(found) is None


@pytest.mark.parametrize("replacing", [[], [XNNPACK], [gpu(0)]])
def test_a_run_labelled_gpu_that_ran_on_the_cpu_fails(replacing):
    found = judge("gpu", replacing, sdk=34)
    assert found.verdict == "none" and found.taken == 0
    assert fails(found) == "the GPU delegate took no operator: all of it ran on the CPU"


@pytest.mark.parametrize("delegate", ["cpu", "gpu", "nnapi"])
def test_without_a_node_count_nothing_is_assumed(delegate):
    found = judge(delegate, None, sdk=34, accelerator="npu")
    assert (found.verdict, found.taken, found.total) == ("unknown", None, None)
    assert "no node count" in found.note
    assert fails(found) is None


def test_subgraphs_are_added_up():
    found = judge("gpu", [gpu(100, 120, 2), gpu(50, 50, 1)], sdk=34)
    assert (found.verdict, found.taken, found.total, found.partitions) == ("partial", 150, 170, 3)


def test_nnapi_on_android_8_and_9_has_an_unknown_accelerator():
    for sdk in (27, 28):
        found = judge("nnapi", [nnapi(220)], sdk=sdk)
        assert (found.verdict, found.taken) == ("unknown", 220)
        assert f"accelerator unknown: on API {sdk}" in found.note


def test_nnapi_with_a_named_accelerator_is_what_it_took():
    found = judge("nnapi", [nnapi(220)], sdk=30, accelerator="synap-npu")
    assert found.verdict == "full" and found.note == "NNAPI's device is synap-npu"
    assert judge("nnapi", [nnapi(100)], sdk=30, accelerator="synap-npu").verdict == "partial"


@pytest.mark.parametrize("accelerator", [None, "", "nnapi-reference"])
def test_nnapis_own_cpu_driver_is_no_accelerator(accelerator):
    found = judge("nnapi", [nnapi(220)], sdk=30, accelerator=accelerator)
    assert found.verdict == "unknown" and "own CPU driver" in found.note and found.driver_unknown
    part = judge("nnapi", [nnapi(100)], sdk=30, accelerator=accelerator)
    assert part.verdict == "partial" and part.driver_unknown
    assert part.note.startswith("120 of 220 operators ran on the CPU; accelerator unknown")
    assert not judge("nnapi", [nnapi(100)], sdk=30, accelerator="npu").driver_unknown
    assert not judge("nnapi", [XNNPACK], sdk=30, accelerator=accelerator).driver_unknown


def test_nnapi_carries_its_deprecation_and_its_lowest_level():
    assert "deprecated since Android 15" in judge("nnapi", [nnapi(220)], sdk=35, accelerator="npu").note
    assert "deprecated" not in judge("nnapi", [nnapi(220)], sdk=34, accelerator="npu").note
    assert "API 27" in refused("nnapi", 26) and "does not say" in refused("nnapi", None)
    assert refused("nnapi", 27) is None and refused("gpu", 26) is None
    assert fails(judge("nnapi", [XNNPACK], sdk=30, accelerator="npu")).startswith(
        "the NNAPI delegate took no"
    )


def test_the_cpu_is_full_and_says_what_xnnpack_left():
    assert judge("cpu", [Replacing("TfLiteXNNPackDelegate", 220, 220, 1)], sdk=34).note is None
    assert judge("cpu", [XNNPACK], sdk=34).note.startswith("XNNPACK took 200 of 220")
    plain = judge("cpu", [], sdk=34, xnnpack=False)
    assert plain.verdict == "full" and "own kernels" in plain.note
    assert judge("cpu", [gpu(220)], sdk=34).verdict == "partial"


def test_of_several_processes_the_least_counts():
    full, partial = judge("gpu", [gpu(220)], sdk=34), judge("gpu", [gpu(150)], sdk=34)
    none = judge("gpu", [], sdk=34)
    assert worst([full, partial, full]) == partial
    assert worst([partial, none]) == none
    assert worst([full, Residency("gpu", None, None, None, "unknown")]).verdict == "unknown"
    assert worst([]) is None
