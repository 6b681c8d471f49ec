"""Facts and state read from a phone: one command each, which disturbs what is measured least."""

from __future__ import annotations

import datetime
import re

from converters.android.adb_client import QUICK_S, Adb
from swiftformer_keras.benchmark.facts import DeviceFacts
from swiftformer_keras.benchmark.parsing import cpufreq, properties, storage
from swiftformer_keras.benchmark.parsing.battery import parse_battery
from swiftformer_keras.benchmark.parsing.power import parse_awake
from swiftformer_keras.benchmark.parsing.thermal import FIRST_SDK, parse_thermal
from swiftformer_keras.benchmark.parsing.values import printable
from swiftformer_keras.benchmark.quoting import script
from swiftformer_keras.benchmark.state import DeviceState
from swiftformer_keras.errors import DeviceAnswerError
from swiftformer_keras.shown import shown

MAX_BYTES = 512 << 10
_SECTION = "== swiftformer "
_FACTS = {
    "properties": "getprop",
    "memory": "cat /proc/meminfo",
    "clocks": cpufreq.COMMAND,
}
_STATE = {
    "heat": "dumpsys thermalservice",
    "battery": "dumpsys battery",
    "power": "dumpsys power | grep mWakefulness=",
    "clocks": cpufreq.COMMAND,
}


def read_facts(adb: Adb, *, timeout_s: float = QUICK_S) -> DeviceFacts:
    """What the phone says of itself.

    Raises:
        DeviceAnswerError: it names no API level, so nothing it says can be relied on.
        DeviceError: as `Adb.shell`.
    """
    said = _sections(adb, _FACTS, "reading what the phone is", timeout_s)
    found = properties.parse_properties(said["properties"])
    sdk = properties.api_level(found)
    if sdk is None:
        raise DeviceAnswerError(
            f"the phone {shown(adb.serial or '', 60)} does not say which Android it runs (getprop "
            "ro.build.version.sdk). Restart it and try again"
        )
    return DeviceFacts(
        serial=shown(adb.serial or "", 200),
        identity=shown(properties.identity(found, adb.serial or ""), 200),
        manufacturer=printable(found.get("ro.product.manufacturer")),
        model=printable(found.get("ro.product.model")),
        soc=properties.chip(found),
        android_version=printable(found.get("ro.build.version.release")),
        sdk=sdk,
        abis=properties.processor_abis(found),
        fingerprint=printable(found.get("ro.build.fingerprint")),
        memory_kib=storage.parse_total_memory(said["memory"]),
        clusters=cpufreq.parse_clusters(said["clocks"]),
    )


def read_identity(adb: Adb, *, timeout_s: float = QUICK_S) -> str:
    """What tells this phone from others, whatever adb calls it (`properties.identity`).

    Raises:
        DeviceError: as `Adb.shell`.
    """
    command = script('echo "[ro.serialno]: [$(getprop ro.serialno)]"')
    done = adb.shell(command, timeout_s=timeout_s, limit_bytes=MAX_BYTES, what="reading which phone it is")
    return properties.identity(properties.parse_properties(done.text), adb.serial or "")


def read_state(adb: Adb, sdk: int | None, *, timeout_s: float = QUICK_S) -> DeviceState:
    """Heat, battery, screen and clocks now.

    Args:
        sdk: the phone's API level: below 29 there is no thermal status, and none is asked for.

    Raises:
        DeviceError: as `Adb.shell`.
    """
    wanted = {name: text for name, text in _STATE.items() if name != "heat" or (sdk or 0) >= FIRST_SDK}
    said = _sections(adb, wanted, "reading the phone's state", timeout_s)
    heat = parse_thermal(said.get("heat", ""), sdk)
    battery = parse_battery(said["battery"])
    return DeviceState(
        at=datetime.datetime.now().astimezone().isoformat(timespec="milliseconds"),
        thermal_status=heat.status,
        temperatures_c=heat.temperatures_c,
        battery_level=battery.level,
        battery_temperature_c=battery.temperature_c,
        charging=battery.charging,
        screen_on=parse_awake(said["power"]),
        clusters=cpufreq.parse_cluster_states(said["clocks"]),
    )


def _sections(adb: Adb, commands: dict[str, str], what: str, timeout_s: float) -> dict[str, str]:
    """What each command says, from one call; a command that fails says what it said."""
    text = "\n".join(f"echo '{_SECTION}{name}'; {command}" for name, command in commands.items())
    done = adb.shell(script(text), timeout_s=timeout_s, limit_bytes=MAX_BYTES, what=what)
    parts = re.split(rf"^{_SECTION}([a-z]+)\r?\n", done.text, flags=re.MULTILINE)
    found = dict.fromkeys(commands, "")
    for name, said in zip(parts[1::2], parts[2::2], strict=True):
        if name in found and not found[name]:
            found[name] = said
    return found
