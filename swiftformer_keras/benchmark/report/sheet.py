"""The device sheet: what was measured on, with what, and how the device was before and after. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from swiftformer_keras.benchmark.report import drift, wording
from swiftformer_keras.benchmark.result import Run
from swiftformer_keras.benchmark.state import DeviceState

THERMAL = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""Android's names of its thermal statuses 0 to 6 (PowerManager)."""


def device_sheet(run: Run) -> list[tuple[str, str]]:
    """Names and values, in the order of the sheet; what the device does not say is left out."""
    device = run.device
    rows: list[tuple[str, str | None]] = [
        ("maker and model", " ".join(filter(None, (device.manufacturer, device.model))) or None),
        ("serial", device.serial),
        ("chip", device.soc),
        ("Android", _android(device.android_version, device.sdk)),
        ("build", device.fingerprint),
        ("ABIs", ", ".join(device.abis) or None),
        ("memory", None if device.memory_kib is None else f"{device.memory_kib / 1024**2:.1f} GiB"),
    ]
    rows += [
        (f"cores {_cores(cluster.cores)}", f"up to {wording.frequency(cluster.max_khz)}")
        for cluster in device.clusters
    ]
    rows += _states(drift.states_in_order(run))
    processes = [process for result in run.configurations for process in result.processes]
    rows += [
        ("runner", run.plan.runner),
        ("runtime", ", ".join(sorted({p.runtime_version for p in processes if p.runtime_version})) or None),
        ("accelerator", ", ".join(sorted({p.accelerator for p in processes if p.accelerator})) or None),
        ("plan", f"preset {run.plan.preset}: {run.plan.runs} runs and {run.plan.seconds:g} s in {run.plan.processes} "
         f"processes for each configuration, seed {run.plan.seed}"),
        ("limits", f"before a process a battery of {run.plan.max_battery_c:g} °C and the thermal status "
         f"{run.plan.max_thermal_status}, waited for at most {run.plan.cool_timeout_s:g} s; then "
         f"{run.plan.time_limit_s:g} s"),
        ("waited to cool", _seconds(sum(process.waited_s or 0.0 for process in processes))),
        ("started", run.started_at),
        ("finished", run.finished_at or "not finished"),
        ("tool", f"swiftformer {run.tool.version}, "
         f"{f'commit {run.tool.commit}' if run.tool.commit else 'from no clone, so without a commit'}"),
    ]  # fmt: skip
    for model in run.models:
        facts = [model.name, model.precision, f"{model.size_bytes:,} bytes"]
        facts += [
            f"{model.operators} operators" if model.operators is not None else None,
            f"SHA-256 {model.sha256}",
        ]
        rows.append((model.file, ", ".join(filter(None, facts))))
    return [(what, value) for what, value in rows if value]


def _seconds(value: float) -> str | None:
    return f"{value:.0f} s in all" if value >= 1 else None


def _android(version: str | None, sdk: int | None) -> str | None:
    parts = ([version] if version else []) + ([f"API {sdk}"] if sdk is not None else [])
    return ", ".join(parts) or None


def _cores(cores: Sequence[int]) -> str:
    if len(cores) > 1 and cores[-1] - cores[0] == len(cores) - 1:
        return f"{cores[0]} to {cores[-1]}"
    return ", ".join(map(str, cores))


def _states(states: Sequence[DeviceState]) -> list[tuple[str, str | None]]:
    """The first state and the last, and the worst between them."""
    if not states:
        return []
    first, last = states[0], states[-1]
    rows: list[tuple[str, str | None]] = [
        ("battery", _change(_level(first), _level(last))),
        (
            "battery temperature",
            _change(_degrees(first.battery_temperature_c), _degrees(last.battery_temperature_c)),
        ),
        ("hottest sensor", _change(_hottest(first), _hottest(last))),
        ("thermal status", _thermal(states)),
        ("charging", _often([state.charging for state in states])),
        ("screen on", _often([state.screen_on for state in states])),
    ]
    for before, after in zip(first.clusters, last.clusters, strict=False):
        governor = before.governor or "unknown governor"
        clocks = _change(wording.frequency(before.current_khz), wording.frequency(after.current_khz))
        rows.append((f"clock of cores {_cores(before.cores)}", f"{governor}, {clocks}"))
    return rows


def _change(before: str | None, after: str | None) -> str | None:
    if before is None or after is None or before == after:
        return before or after
    return f"{before} at first, {after} at last"


def _level(state: DeviceState) -> str | None:
    return None if state.battery_level is None else f"{state.battery_level} %"


def _degrees(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f} °C"


def _hottest(state: DeviceState) -> str | None:
    if not state.temperatures_c:
        return None
    name, value = max(state.temperatures_c.items(), key=lambda each: each[1])
    return f"{value:.1f} °C ({wording.shown_text(name, 40)})"


def _thermal(states: Sequence[DeviceState]) -> str | None:
    known = [state.thermal_status for state in states if state.thermal_status is not None]
    if not known:
        return None
    return f"{_named(known[0])} at first, {_named(max(known))} at worst, {_named(known[-1])} at last"


def _named(status: int) -> str:
    return f"{status} ({THERMAL[status]})" if status < len(THERMAL) else str(status)


def _often(values: Sequence[bool | None]) -> str | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return "yes" if all(known) else "at times" if any(known) else "no"
