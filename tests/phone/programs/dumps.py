"""`dumpsys battery`, `thermalservice` and `power`, in the formats of Android's services.

Sources of the formats, all of AOSP: `BatteryService.dumpInternal`, `ThermalManagerService.dumpInternal` and
`PowerManagerService.dumpInternal` of frameworks/base.
"""

from __future__ import annotations

from tests.phone.userland import Call


def dumpsys(call: Call) -> int:
    """`dumpsys SERVICE`."""
    services = {"battery": battery, "thermalservice": thermal, "power": power}
    name = next((word for word in call.arguments if not word.startswith("-")), None)
    if name == "package":
        return _package(call)
    if name not in services or (name == "thermalservice" and call.phone.description.sdk < 29):
        call.err(f"Can't find service: {name}\n")
        return 0
    call.out(services[name](call))
    return 0


def battery(call: Call) -> str:
    """The battery: its temperature is in tenths of a degree."""
    facts = call.phone.description
    temperature = call.phone.next_of("battery", facts.battery_temperatures)
    powered = str(facts.usb_powered).lower()
    return (
        "Current Battery Service state:\n"
        "  AC powered: false\n"
        f"  USB powered: {powered}\n"
        "  Wireless powered: false\n"
        "  Max charging current: 500000\n"
        "  Max charging voltage: 5000000\n"
        "  Charge counter: 3467000\n"
        f"  status: {2 if facts.usb_powered else 3}\n"
        "  health: 2\n"
        "  present: true\n"
        f"  level: {facts.battery_level}\n"
        "  scale: 100\n"
        "  voltage: 4213\n"
        f"  temperature: {temperature}\n"
        "  technology: Li-ion\n"
    )


def thermal(call: Call) -> str:
    """The thermal status and the sensors."""
    status = call.phone.next_of("thermal", call.phone.description.thermal_statuses)
    lines = "".join(
        f"\tTemperature{{mValue={value}, mType={kind}, mName={name}, mStatus={status if kind == 3 else 0}}}\n"
        for name, kind, value in call.phone.description.temperatures
    )
    return (
        "IsStatusOverride: false\n"
        "ThermalEventListeners:\n\tcallbacks: 1\n\tkilled: false\n\tbroadcasts count: -1\n"
        "ThermalStatusListeners:\n\tcallbacks: 1\n\tkilled: false\n\tbroadcasts count: -1\n"
        f"Thermal Status: {status}\n"
        f"Cached temperatures:\n{lines}"
        "HAL Ready: true\n"
        "HAL connection:\n\tThermalHAL 2.0 connected: yes\n"
        f"Current temperatures from HAL:\n{lines}"
        "Current cooling devices from HAL:\n"
        "\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}\n"
        "\tCoolingDevice{mValue=0, mType=3, mName=thermal-gpufreq-0}\n"
    )


def power(call: Call) -> str:
    """Whether the screen is on, and what keeps it so."""
    awake = call.phone.screen_on
    plugged = call.phone.description.usb_powered
    stay = int(call.phone.settings.get(("global", "stay_on_while_plugged_in"), "0") or 0)
    return (
        "POWER MANAGER (dumpsys power)\n\n"
        "Power Manager State:\n"
        "  Settings power_manager_constants:\n"
        "  mDirty=0x0\n"
        f"  mWakefulness={'Awake' if awake else 'Asleep'}\n"
        "  mWakefulnessChanging=false\n"
        f"  mIsPowered={str(plugged).lower()}\n"
        f"  mPlugType={2 if plugged else 0}\n"
        f"  mBatteryLevel={call.phone.description.battery_level}\n"
        f"  mStayOn={str(bool(stay and plugged)).lower()}\n"
        "  mProximityPositive=false\n"
        f"  mHoldingWakeLockSuspendBlocker={str(awake).lower()}\n"
        f"  mHoldingDisplaySuspendBlocker={str(awake).lower()}\n\n"
        "Settings and Configuration:\n"
        f"  mStayOnWhilePluggedInSetting={stay}\n"
        f"  mScreenOffTimeoutSetting={call.phone.settings.get(('system', 'screen_off_timeout'), '60000')}\n\n"
        f"Display Power: state={'ON' if awake else 'OFF'}\n"
    )


def _package(call: Call) -> int:
    wanted = call.arguments[-1]
    package = call.phone.packages.get(wanted)
    if package is None:
        call.out(f"Unable to find package: {wanted}\n")
        return 0
    flags = "DEBUGGABLE HAS_CODE ALLOW_BACKUP" if package.debuggable else "HAS_CODE ALLOW_BACKUP"
    call.out(
        f"Packages:\n  Package [{package.id}] (3f1a2b):\n    userId=10234\n    pkg=Package{{{package.id}}}\n"
        f"    codePath={package.apk.rpartition('/')[0]}\n    flags=[ {flags} ]\n"
        f"    versionCode={package.version_code} minSdk=26 targetSdk=35\n"
        f"    versionName={package.version_name}\n"
    )
    return 0
