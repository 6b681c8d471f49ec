"""The files of /proc and /sys that say what a processor and its memory are, in the kernel's formats."""

from __future__ import annotations

from pathlib import Path

from tests.phone.description import PhoneDescription


def write(root: Path, description: PhoneDescription, boot_id: str) -> None:
    """Write them anew below `root`."""
    cpus = root / "sys/devices/system/cpu"
    everyone = sorted(core for cluster in description.clusters for core in cluster.cores)
    span = f"0-{everyone[-1]}" if len(everyone) > 1 else "0"
    for name in ("possible", "present", "online"):
        _put(cpus / name, span)
    for cluster in description.clusters:
        policy = cpus / "cpufreq" / f"policy{cluster.cores[0]}"
        _put(policy / "cpuinfo_max_freq", cluster.max_khz)
        _put(policy / "cpuinfo_min_freq", cluster.min_khz)
        _put(policy / "scaling_max_freq", cluster.max_khz)
        _put(policy / "scaling_min_freq", cluster.min_khz)
        _put(policy / "scaling_cur_freq", cluster.current_khz)
        _put(policy / "scaling_governor", cluster.governor)
        cores = " ".join(str(core) for core in cluster.cores)
        _put(policy / "related_cpus", cores)
        _put(policy / "affected_cpus", cores)
        for core in cluster.cores:
            link = cpus / f"cpu{core}" / "cpufreq"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(f"../cpufreq/policy{cluster.cores[0]}")
    _put(
        root / "proc/meminfo",
        f"MemTotal:       {description.memory_kib:>8} kB\n"
        f"MemFree:        {description.available_kib // 4:>8} kB\n"
        f"MemAvailable:   {description.available_kib:>8} kB\n"
        f"Buffers:            4396 kB\nCached:          2876480 kB\nSwapCached:        12312 kB",
    )
    lines = [
        f"processor\t: {core}\nBogoMIPS\t: 49.15\n"
        "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm asimddp\n"
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd05\nCPU revision\t: 0\n"
        for core in everyone
    ]
    _put(root / "proc/cpuinfo", "\n".join(lines) + f"\nHardware\t: {description.hardware}")
    _put(root / "proc/sys/kernel/random/boot_id", boot_id)


def _put(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{content}\n", encoding="utf-8")
