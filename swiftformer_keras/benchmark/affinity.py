"""Which cores a program is kept on: "big", "little" or a mask, as `taskset` takes it (hexadecimal, bit 0 is core 0)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from swiftformer_keras.benchmark.facts import MAX_CORES, CpuCluster, DeviceFacts
from swiftformer_keras.errors import AffinityError
from swiftformer_keras.shown import shown


def check_affinity(choice: str) -> str:
    """`choice`, where it is "big", "little" or a hexadecimal mask with a bit set; a mask without its `0x`.

    Raises:
        AffinityError: it is something else.
    """
    if choice in ("big", "little"):
        return choice
    match = re.fullmatch(r"(?:0[xX])?0*([0-9a-fA-F]{1,64})", choice)
    if match is None or int(match[1], 16) == 0:
        raise AffinityError(
            f"the affinity {shown(choice, 60)!r} is neither big nor little nor a hexadecimal mask of cores such as f0"
        )
    return match[1].lower()


def taskset_mask(choice: str, facts: DeviceFacts) -> str:
    """The mask for `taskset`, without `0x`, which toybox's does not take.

    "big" is the cluster with the highest frequency, "little" the one with the lowest.

    Raises:
        AffinityError: the choice makes no sense, the phone's clusters are unknown or all alike, or it has no such core.
    """
    checked = check_affinity(choice)
    name = shown(facts.serial, 60)
    if checked not in ("big", "little"):
        known = [core for cluster in facts.clusters for core in cluster.cores]
        if known and (unknown := sorted(set(_bits(int(checked, 16))) - set(known))):
            raise AffinityError(f"the phone {name} has no core {unknown[0]}; its cores are 0 to {max(known)}")
        return checked
    speeds = {cluster.max_khz for cluster in facts.clusters}
    if None in speeds or not speeds:
        raise AffinityError(
            f"the phone {name} does not tell how fast its cores are; give a mask of cores instead of {checked}"
        )
    if len(speeds) == 1:
        raise AffinityError(f"all cores of the phone {name} are equally fast: there is no {checked} cluster")
    wanted = max if checked == "big" else min
    return cluster_mask(wanted(facts.clusters, key=lambda cluster: cluster.max_khz or 0))


def crowded(mask: str, threads: int) -> str | None:
    """What is said where more threads than cores are kept on a mask's cores: they take turns."""
    cores = int(mask, 16).bit_count()
    if threads <= cores:
        return None
    return f"{threads} threads share the {cores} core{'s' if cores > 1 else ''} of the mask {mask}: they take turns"


def cluster_mask(cluster: CpuCluster) -> str:
    """The mask of a cluster's cores, hexadecimal."""
    return f"{sum(1 << core for core in set(cluster.cores)):x}"


def _bits(mask: int) -> Iterable[int]:
    return (core for core in range(MAX_CORES) if mask >> core & 1)
