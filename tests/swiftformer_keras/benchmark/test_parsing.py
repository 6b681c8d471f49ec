"""What phones said, as recorded in public, and what they might say to do harm."""

from __future__ import annotations

import random
import re

import pytest

from converters.android.adb_client import parse_devices
from swiftformer_keras.benchmark.facts import MAX_CLUSTERS, CpuCluster
from swiftformer_keras.benchmark.parsing import cpufreq, packages, power, properties, storage
from swiftformer_keras.benchmark.parsing.battery import Battery, parse_battery
from swiftformer_keras.benchmark.parsing.thermal import parse_thermal
from swiftformer_keras.benchmark.runners.app import _why
from swiftformer_keras.benchmark.state import ClusterState
from tests.harness import FIXTURES
from tests.phone.programs.activity import result_lines, status_lines

OUTPUTS = FIXTURES / "device_outputs"
LONG_BYTES = 100_000
LONG = tuple(
    piece * (LONG_BYTES // len(piece))
    for piece in (
        "[a]: [",
        "Temperature{mValue=",
        "\n",
        " ",
        "level: ",
        "9",
        "1 1 1 1% /",
        "\x1b[",
    )
)
HOSTILE = (
    "",
    "\x00" * 50,
    "[ro.build.version.sdk]: [34; reboot]\n",
    "\x1b]0;owned\x07\x1b[2J",
    "temperature: 999999999999999999999999\nlevel: -5\nscale: 0\nAC powered: maybe\n",
    "Thermal Status: 99\nTemperature{mValue=1e999, mType=1, mName=x, mStatus=0}",
    "MemTotal: 99999999999999999999 kB\n",
    "/sys/devices/system/cpu/cpu999/cpufreq/related_cpus:0 999999 -1 $(reboot)\n",
    "<script>alert(1)</script>\n" * 1000,
    "Temperature{mValue=1, mType=1, mName=" + "x" * 100_000 + ", mStatus=0}",
    "[" * 20_000 + "]" * 20_000,
    "9" * 100_000 + "\n" + " 1 1 1 1% /" * 1000,
)


def recorded(name: str) -> str:
    return (OUTPUTS / name).read_text("utf-8")


def test_every_recording_is_explained() -> None:
    table = recorded("README.md")
    for path in OUTPUTS.iterdir():
        short = re.sub("synthetic_instrument(?!_done)", "...", path.name)
        assert path.name == "README.md" or f"`{path.name}`" in table or f"`{short}`" in table


def test_more_clusters_than_a_processor_has_are_none() -> None:
    said = [
        f"/sys/devices/system/cpu/cpu{core}/cpufreq/{name}"
        for core in range(40)
        for name in (f"related_cpus:{core}", "cpuinfo_max_freq:1000")
    ]
    assert len(cpufreq.parse_clusters("\n".join(said[: 2 * MAX_CLUSTERS]))) == MAX_CLUSTERS
    assert cpufreq.parse_clusters("\n".join(said)) == cpufreq.parse_cluster_states("\n".join(said)) == ()


def test_batteries() -> None:
    assert parse_battery(recorded("battery_samsung.txt")) == Battery(100, 30.9, True)
    assert parse_battery(recorded("battery_pixel_c.txt")) == Battery(19, 27.5, True)
    assert parse_battery("  AC powered: false\n  USB powered: false\n  level: 3\n  scale: 4\n") == Battery(
        75, None, False
    )


def test_heat() -> None:
    shield = parse_thermal(recorded("thermal_shield_tv.txt"), 30)
    assert shield.status == 0
    assert shield.temperatures_c == {"GPU": 36.0, "CPU0": 37.0, "CPU1": 37.0, "CPU2": 37.0, "CPU3": 37.0}
    throttled = parse_thermal(recorded("synthetic_thermal_throttled.txt"), 34)
    assert throttled.status == 3
    # What is measured now counts more than what was kept; voltages and unset sensors are no temperatures.
    assert throttled.temperatures_c == {"VIRTUAL-SKIN": 46.75, "battery": 31.0}


@pytest.mark.parametrize("sdk", [26, 28, None])
def test_below_android_10_the_thermal_status_is_unknown(sdk: int | None) -> None:
    found = parse_thermal(recorded("thermal_shield_tv.txt"), sdk)
    assert found.status is None and not found.temperatures_c


def test_a_status_that_nothing_measures_is_unknown() -> None:
    said = recorded("synthetic_thermal_not_ready.txt")
    assert parse_thermal(said, 34).status is None
    assert parse_thermal(said.replace("IsStatusOverride: false", "IsStatusOverride: true"), 34).status == 0


def test_properties() -> None:
    found = properties.parse_properties(recorded("getprop_nexus_5.txt"))
    assert len(found) == 26
    assert (
        found["ro.build.fingerprint"] == "google/hammerhead/hammerhead:5.1/LMY06B/1666863:userdebug/dev-keys"
    )
    assert properties.chip(found) == "msm8974"
    assert properties.api_level(found) is None
    newer = {**found, "ro.soc.manufacturer": "QTI", "ro.soc.model": "SM8550", "ro.build.version.sdk": "34"}
    assert properties.chip(newer) == "QTI SM8550" and properties.api_level(newer) == 34
    two_lines = "[a]: [first\nsecond]\n[b]: []\n[c]: [1]\r\n[a]: [again]\n"
    assert properties.parse_properties(two_lines) == {"a": "first\nsecond", "b": "", "c": "1"}
    assert properties.processor_abis({"ro.product.cpu.abilist": "arm64-v8a, armeabi-v7a,$(reboot),"}) == (
        "arm64-v8a",
        "armeabi-v7a",
    )


def test_memory_and_room() -> None:
    assert storage.parse_total_memory(recorded("meminfo_android_10.txt")) == 3_659_320
    assert storage.parse_free_space(recorded("df_linux.txt")) == 75_011_972
    assert storage.parse_free_space(recorded("synthetic_df_toybox.txt")) == 194_654_580
    assert storage.parse_free_space(recorded("df_android_4.txt")) is None  # other columns: unknown, not wrong
    long_name = (
        "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/a-very-long-name\n 100 40 60 40% /data\n"
    )
    assert storage.parse_free_space(long_name) == 60


def test_clocks() -> None:
    said = recorded("synthetic_cpufreq_three_clusters.txt")
    assert cpufreq.parse_clusters(said) == (
        CpuCluster((0, 1, 2, 3), 1_803_000),
        CpuCluster((4, 5, 6), 2_348_000),
        CpuCluster((7,), 2_850_000),
    )
    assert cpufreq.parse_cluster_states(said)[1:] == (
        ClusterState((4, 5, 6), "schedutil", 2_000_000, 1_999_000),
        ClusterState((7,), "performance", 500_000, 2_850_000),
    )
    assert cpufreq.parse_clusters(recorded("cpufreq_sbc2d70.txt")) == (CpuCluster((0, 1), 1_700_000),)


def test_awake_or_not() -> None:
    assert power.parse_awake(recorded("power_awake.txt")) is True
    assert [power.parse_awake(f"  mWakefulness={word}\n") for word in ("Asleep", "Dozing", "Dreaming")] == [
        False
    ] * 3
    assert power.parse_awake("mWakefulness=Maybe") is None


@pytest.mark.parametrize("said", ["1; reboot", "true", "", "SecurityException: no", "1" * 20])
def test_a_setting_that_is_no_number_is_not_to_be_changed(said: str) -> None:
    assert power.parse_setting("null\n") is None and power.parse_setting("60000\n") == "60000"
    with pytest.raises(ValueError):
        power.parse_setting(said)


def test_packages() -> None:
    assert packages.parse_instrumentations(recorded("instrumentation.txt")) == {
        "de.konzeptix.test.app.test/android.test.InstrumentationTestRunner": "de.konzeptix.test.app",
        "org.chromium.webview_shell/.WebViewLayoutTestRunner": "org.chromium.webview_shell",
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("done", "left no result (am instrument ended with code -1)"),
        ("refused", "is older than this package"),
        ("crashed", "the app crashed: Native crash: Segmentation fault"),
        ("missing", "is not there any more, or has no benchmark entry"),
    ],
)
def test_what_am_instrument_prints(name: str, said: str) -> None:
    """Where there is no result file; cut within its last line, it was cut short."""
    text = recorded(f"synthetic_instrument_{name}.txt")
    assert said in _why(text, "dev.swiftformer.app")
    if name == "done":
        assert "was cut short" in _why(text[:-5], "dev.swiftformer.app")
        steps = [{"status": "loading /data/local/tmp/x.tflite"}, {"status": "running 50 or more"}]
        result = {"result": "/storage/emulated/0/Android/data/dev.swiftformer.app/files/x.json"}
        assert text == "".join(status_lines(each, 1) for each in steps) + result_lines(result, -1), (
            "our phone"
        )


def test_devices() -> None:
    states = {
        "no_permissions": ("009d1cd696d5194a", "no permissions"),
        "udev": ("0123456789ABCDEF", "no permissions"),
        "offline": ("3949363555493098", "offline"),
        "authorizing": ("3949363555493098", "authorizing"),
        "unauthorized": ("10.10.176.186:7401", "unauthorized"),
    }
    for name, expected in states.items():
        (found,) = parse_devices(recorded(f"devices_{name}.txt"))
        assert (found.serial, found.state) == expected
    assert [
        (each.serial, each.state, each.model) for each in parse_devices(recorded("synthetic_devices.txt"))
    ] == [
        ("R58M123ABC", "device", "SM_G973F"),
        ("emulator-5554", "offline", None),
        ("(no serial number)", "unauthorized", None),
        ("????????????", "no permissions", None),
        ("192.168.1.7:5555", "recovery", "y"),
    ]


def every_parser(said: str) -> None:
    parse_battery(said)
    for degrees in parse_thermal(said, 34).temperatures_c.values():
        assert -60 <= degrees <= 300
    found = properties.parse_properties(said)
    for text in (properties.chip(found), *properties.processor_abis(found)):
        assert text is None or (text.isprintable() and len(text) <= 200)
    properties.api_level(found)
    storage.parse_total_memory(said)
    storage.parse_free_space(said)
    for cluster in cpufreq.parse_clusters(said):
        assert all(0 <= core < 256 for core in cluster.cores)
    cpufreq.parse_cluster_states(said)
    power.parse_awake(said)
    packages.parse_instrumentations(said)
    parse_devices(said)


@pytest.mark.parametrize("said", HOSTILE + LONG, ids=range(len(HOSTILE + LONG)))
def test_nothing_that_a_device_says_is_an_error(said: str) -> None:
    every_parser(said)


def test_damaged_recordings() -> None:
    chance = random.Random(6)
    for path in sorted(OUTPUTS.glob("*.txt")):
        said = path.read_text("utf-8")
        for _ in range(40):
            cut = said[: chance.randrange(len(said))]
            place = chance.randrange(len(cut) + 1)
            inserted = chance.choice(["\x1b[31m", "\x00", "\n", "999999999999", "\ufffd"])
            every_parser(cut[:place] + inserted + cut[place:])
