"""What kind of phone it is: facts that do not change while a test runs, and how it begins."""

from __future__ import annotations

import dataclasses

FEATURES = ("shell_v2", "cmd", "stat_v2", "ls_v2", "fixed_push_mkdir")


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Cores that share a clock; frequencies in kHz as the kernel gives them."""

    cores: tuple[int, ...]
    max_khz: int
    min_khz: int = 300_000
    current_khz: int = 1_200_000
    governor: str = "schedutil"


@dataclasses.dataclass(frozen=True)
class PhoneDescription:
    """A phone that does not exist, in the formats of those that do.

    Attributes:
        properties: further lines of getprop, or other values of those that are derived here.
        thermal_statuses: Android's thermal status (0 to 6) at each reading in turn; the last one stays.
        battery_temperatures: tenths of a degree at each reading in turn; the last one stays.
        free_kib: room on /data.
        authorisation: see `connection.Connection`.
    """

    serialno: str = "SYNTH0001"
    manufacturer: str = "Example"
    model: str = "Example Phone 1"
    device: str = "synthetic"
    soc_manufacturer: str = "ExampleSoC"
    soc_model: str = "ES1000"
    hardware: str = "es1000"
    release: str = "14"
    sdk: int = 34
    abis: tuple[str, ...] = ("arm64-v8a", "armeabi-v7a", "armeabi")
    fingerprint: str = "example/synthetic/synthetic:14/UP1A.231005.007/1:user/release-keys"
    memory_kib: int = 7_851_236
    available_kib: int = 3_456_780
    clusters: tuple[Cluster, ...] = (
        Cluster((0, 1, 2, 3), 1_803_000),
        Cluster((4, 5, 6), 2_348_000, 400_000, 2_000_000),
        Cluster((7,), 2_850_000, 500_000, 2_400_000),
    )
    battery_level: int = 87
    battery_temperatures: tuple[int, ...] = (271,)
    usb_powered: bool = True
    thermal_statuses: tuple[int, ...] = (0,)
    temperatures: tuple[tuple[str, int, float], ...] = (
        ("CPU0", 0, 41.2),
        ("GPU0", 1, 39.7),
        ("battery", 2, 27.1),
        ("skin", 3, 31.4),
    )
    screen_on: bool = True
    free_kib: int = 50_000_000
    settings: tuple[tuple[str, str, str], ...] = (
        ("global", "stay_on_while_plugged_in", "0"),
        ("system", "screen_off_timeout", "60000"),
        ("system", "screen_brightness", "102"),
    )
    properties: tuple[tuple[str, str], ...] = ()
    authorisation: str = "none"
    features: tuple[str, ...] = FEATURES

    def all_properties(self) -> dict[str, str]:
        """getprop's lines by name."""
        found = {
            "dalvik.vm.isa.arm64.variant": "generic",
            "init.svc.adbd": "running",
            "ro.board.platform": self.hardware,
            "ro.boot.hardware": self.hardware,
            "ro.build.characteristics": "nosdcard",
            "ro.build.fingerprint": self.fingerprint,
            "ro.build.type": "user",
            "ro.build.version.release": self.release,
            "ro.build.version.sdk": str(self.sdk),
            "ro.hardware": self.hardware,
            "ro.product.brand": self.manufacturer.lower(),
            "ro.product.cpu.abi": self.abis[0],
            "ro.product.cpu.abilist": ",".join(self.abis),
            "ro.product.device": self.device,
            "ro.product.manufacturer": self.manufacturer,
            "ro.product.model": self.model,
            "ro.product.name": self.device,
            "ro.serialno": self.serialno,
            "sys.boot_completed": "1",
        }
        if self.sdk >= 31:
            found["ro.soc.manufacturer"] = self.soc_manufacturer
            found["ro.soc.model"] = self.soc_model
        found.update(self.properties)
        return dict(sorted(found.items()))

    def banner(self) -> bytes:
        """What adbd says of the phone when a connection begins."""
        features = ",".join(self.features)
        return (
            f"device::ro.product.name={self.device};ro.product.model={self.model};"
            f"ro.product.device={self.device};features={features}"
        ).encode()
