"""Whose work was measured: how much of the graph a delegate took, and what may be said of it.

A delegate that was asked for may take all operators, some or none, and the runtime computes the rest without a word
to its caller. What it took is in its log, one line for each replacement (TensorFlow Lite, `core/subgraph.cc`,
`ReplaceNodeSubsetsWithDelegateKernels`), so a verdict is drawn from those lines and from nothing that was asked for.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from swiftformer_keras.benchmark.plan import Delegate

if TYPE_CHECKING:  # the run's facts hold a residency
    from swiftformer_keras.benchmark.result import Replacing

Verdict = Literal["full", "partial", "none", "unknown"]

NNAPI_FIRST_API = 27
"""Android 8.1 is the first with NNAPI (developer.android.com/ndk/guides/neuralnetworks)."""

NNAPI_NAMES_DEVICES_API = 29
"""Android 10 is the first on which an accelerator can be named and NNAPI's own CPU driver kept out."""

NNAPI_DEPRECATED_API = 35
"""Android 15, from which on NNAPI is deprecated."""

# The names that delegates have in the log: TensorFlow Lite's GPU delegate v2, LiteRT's GPU accelerators (OpenCL,
# OpenGL, WebGPU, Metal share the prefix LITERT), NNAPI, and XNNPACK, which is the CPU.
_GPU = re.compile(r"gpu|LITERT_(CL|GL|WEBGPU)|opencl|ml_?drift", re.IGNORECASE)
_NNAPI = re.compile(r"nnapi", re.IGNORECASE)
_CPU = re.compile(r"xnnpack", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Residency:
    """How much of the graph ran where it was meant to.

    Attributes:
        delegate: that was asked for.
        taken, total: operators that it took, of how many; None where the log does not say.
        partitions: into how many pieces the graph fell, its and the others.
        verdict: "full", "partial", "none", or "unknown" where nothing shows it.
        note: what must be known with it, in one line.
        driver_unknown: whether what NNAPI took may have been computed by its own CPU driver.
    """

    delegate: str
    taken: int | None
    total: int | None
    partitions: int | None
    verdict: Verdict
    note: str | None = None
    driver_unknown: bool = False


def judge(
    delegate: Delegate,
    replacing: Sequence[Replacing] | None,
    *,
    sdk: int | None,
    accelerator: str | None = None,
    xnnpack: bool | None = None,
) -> Residency:
    """The verdict on one process.

    Args:
        replacing: what its log shows; None where the log could not be read.
        sdk: the phone's API level; None where it does not say.
        accelerator: NNAPI's device as the runner reports it.
        xnnpack: whether the runner says that XNNPACK computes on the CPU.
    """
    if delegate == "cpu":
        return _cpu(replacing, xnnpack)
    notes = list(_nnapi_notes(sdk, accelerator)) if delegate == "nnapi" else []
    own = _NNAPI if delegate == "nnapi" else _GPU
    if replacing is None:
        return _residency(
            delegate, None, None, None, "unknown", ["the runtime's log shows no node count", *notes]
        )
    mine = [each for each in replacing if own.search(each.delegate)]
    total = max((each.total for each in replacing), default=None)
    if not mine:
        gone = f"the {_called(delegate)} took no operator: all of it ran on the CPU"
        return _residency(delegate, 0, total, None, "none", [gone, *notes])
    taken, partitions = _sums(mine)
    total = sum(each.total for each in mine)
    verdict: Verdict = "none" if taken == 0 else "full" if taken == total else "partial"
    if verdict == "none":
        notes.insert(0, f"the {_called(delegate)} took no operator: all of it ran on the CPU")
    elif verdict == "partial":
        notes.insert(0, f"{total - taken} of {total} operators ran on the CPU")
    unknown = delegate == "nnapi" and verdict != "none" and _driver_unknown(sdk, accelerator)
    if unknown and verdict == "full":
        verdict = "unknown"
    found = _residency(delegate, taken, total, partitions, verdict, notes)
    return dataclasses.replace(found, driver_unknown=unknown)


def refused(delegate: Delegate, sdk: int | None) -> str | None:
    """Why a delegate cannot be measured on a phone of this API level; None where it can."""
    if delegate == "nnapi" and sdk is None:
        return "NNAPI depends on the API level, and this phone does not say its own"
    if delegate == "nnapi" and sdk is not None and sdk < NNAPI_FIRST_API:
        return f"NNAPI needs Android 8.1 (API {NNAPI_FIRST_API}), and this phone has API {sdk}"
    return None


def fails(residency: Residency) -> str | None:
    """Why a configuration with this residency counts as failed: what it is labelled with did not compute it."""
    if residency.delegate != "cpu" and residency.verdict == "none":
        return residency.note or "the delegate took no operator"
    return None


def worst(found: Iterable[Residency]) -> Residency | None:
    """The residency of a configuration from those of its processes: the one of which the least can be said."""
    order: dict[Verdict, int] = {"none": 0, "unknown": 1, "partial": 2, "full": 3}
    return min(found, key=lambda each: (order[each.verdict], each.taken or 0), default=None)


def _cpu(replacing: Sequence[Replacing] | None, xnnpack: bool | None) -> Residency:
    if replacing is None:
        return Residency("cpu", None, None, None, "unknown", "the runtime's log shows no node count")
    foreign = [each for each in replacing if not _CPU.search(each.delegate)]
    if foreign:
        named = foreign[0]
        return Residency(
            "cpu",
            None,
            named.total,
            None,
            "partial",
            f"{named.delegate} took {named.taken} operators unasked",
        )
    mine = [each for each in replacing if _CPU.search(each.delegate)]
    if not mine:
        note = (
            "XNNPACK took no operator: the runtime's own kernels ran"
            if xnnpack is not None
            else "the log names no operators for XNNPACK"
        )
        return Residency("cpu", None, None, None, "full", note)
    taken, partitions = _sums(mine)
    total = sum(each.total for each in mine)
    left = None
    if taken < total:
        left = f"XNNPACK took {taken} of {total} operators, the runtime's own kernels the rest"
    return Residency("cpu", taken, total, partitions, "full", left)


def _sums(replacing: Sequence[Replacing]) -> tuple[int, int | None]:
    """Operators taken and partitions, over the subgraphs."""
    partitions = [each.partitions for each in replacing if each.partitions is not None]
    return sum(each.taken for each in replacing), sum(partitions) if partitions else None


def _nnapi_notes(sdk: int | None, accelerator: str | None) -> Iterable[str]:
    if sdk is not None and sdk >= NNAPI_DEPRECATED_API:
        yield "NNAPI is deprecated since Android 15"
    if sdk is None or sdk < NNAPI_NAMES_DEVICES_API:
        level = "an unknown API level" if sdk is None else f"API {sdk}"
        yield f"accelerator unknown: on {level} NNAPI may compute on its own CPU driver and does not say so"
    elif _driver_unknown(sdk, accelerator):
        yield "accelerator unknown: NNAPI's own CPU driver was not kept out"
    else:
        yield f"NNAPI's device is {accelerator}"


def _driver_unknown(sdk: int | None, accelerator: str | None) -> bool:
    """Whether what NNAPI took may have been computed by its own CPU driver ("nnapi-reference")."""
    return sdk is None or sdk < NNAPI_NAMES_DEVICES_API or not accelerator or accelerator == "nnapi-reference"


def _called(delegate: Delegate) -> str:
    return {"cpu": "CPU", "gpu": "GPU delegate", "nnapi": "NNAPI delegate"}[delegate]


def _residency(
    delegate: str,
    taken: int | None,
    total: int | None,
    partitions: int | None,
    verdict: Verdict,
    notes: Sequence[str],
) -> Residency:
    return Residency(delegate, taken, total, partitions, verdict, "; ".join(notes) or None)
