"""The kernel's clocks: files of `/sys/devices/system/cpu/cpu*/cpufreq/`, as `grep -H .` prints them.

What each holds: "CPU Performance Scaling" of the kernel's documentation (admin-guide/pm/cpufreq.rst); frequencies are
kHz. Older kernels have the files in every core's folder, newer ones link them there.
"""

from __future__ import annotations

import re

from swiftformer_keras.benchmark.facts import MAX_CLUSTERS, MAX_CORES, MAX_KHZ, CpuCluster
from swiftformer_keras.benchmark.parsing.values import printable, whole
from swiftformer_keras.benchmark.state import ClusterState

FILES = ("related_cpus", "cpuinfo_max_freq", "scaling_max_freq", "scaling_cur_freq", "scaling_governor")
COMMAND = "grep -sH . " + " ".join(f"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/{name}" for name in FILES)
"""Prints every file with its path; files that may not be read are passed over."""

_LINE = re.compile(
    r"^/sys/devices/system/cpu/(?:cpu(?=\d+/c)|cpufreq/policy)(\d{1,3})/(?:cpufreq/)?([a-z_]+):([^\n]{0,4096})$",
    re.MULTILINE,
)


def parse_clusters(said: str) -> tuple[CpuCluster, ...]:
    """The clusters and their highest frequencies, the slowest first."""
    return tuple(
        CpuCluster(cores, whole(files.get("cpuinfo_max_freq"), 1, MAX_KHZ)) for cores, files in _grouped(said)
    )


def parse_cluster_states(said: str) -> tuple[ClusterState, ...]:
    """Governor and frequencies of each cluster, in the order of `parse_clusters`."""
    return tuple(
        ClusterState(
            cores,
            printable(files.get("scaling_governor")),
            whole(files.get("scaling_cur_freq"), 0, MAX_KHZ),
            whole(files.get("scaling_max_freq"), 0, MAX_KHZ),
        )
        for cores, files in _grouped(said)
    )


def _grouped(said: str) -> list[tuple[tuple[int, ...], dict[str, str]]]:
    """The files of each cluster with its cores, the slowest first; where there are too many to be clusters, none."""
    of_core: dict[int, dict[str, str]] = {}
    for core, name, value in _LINE.findall(said):
        if name in FILES and int(core) < MAX_CORES:
            of_core.setdefault(int(core), {})[name] = value.strip()
    clusters: dict[tuple[int, ...], dict[str, str]] = {}
    for core in sorted(of_core):
        related = [whole(word, 0, MAX_CORES - 1) for word in of_core[core].get("related_cpus", "").split()]
        cores = tuple(sorted({number for number in related if number is not None})) or (core,)
        clusters.setdefault(cores, of_core[core])
    if len(clusters) > MAX_CLUSTERS:
        return []
    return sorted(
        clusters.items(), key=lambda item: (whole(item[1].get("cpuinfo_max_freq"), 1, MAX_KHZ) or 0, item[0])
    )
