"""Packing, compared with Python's zipfile and Debian's zipalign; dex and ELF readers, with dexdump and readelf."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest

from converters.android.apk import Entry, data_offsets, entries_of, pack
from converters.android.dex import CALL_SITES, METHOD_HANDLES, check_dex, map_counts
from converters.android.elf import for_large_pages, load_alignments
from converters.android.runtime import ABIS, check_abis, open_runtime
from swiftformer_keras.errors import AppOptionError, AppSourceError
from tests.converters.android.tools import needed_program, needed_toolchain
from tests.harness import absent, assert_refused

ENTRIES = [
    Entry("resources.arsc", b"r" * 101),
    Entry("AndroidManifest.xml", b"<m/>" * 50),
    Entry("lib/arm64-v8a/libx.so", b"\x7fELF" + bytes(20_000)),
    Entry("assets/models/m.tflite", b"TFL3" * 999),
    Entry("classes.dex", b"dex\n" * 400),
]


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "packed.apk"
    pack(ENTRIES, path)
    return path


def test_entries_come_back_and_the_manifest_is_first(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "AndroidManifest.xml"
        stored = {info.filename: info.compress_type == zipfile.ZIP_STORED for info in archive.infolist()}
    assert {entry.name: entry.content for entry in entries_of(packed)} == {e.name: e.content for e in ENTRIES}
    assert stored == {
        "AndroidManifest.xml": False,
        "assets/models/m.tflite": True,
        "classes.dex": False,
        "lib/arm64-v8a/libx.so": True,
        "resources.arsc": True,
    }


def test_alignment(packed: Path) -> None:
    offsets = data_offsets(packed)
    data = packed.read_bytes()
    for entry in ENTRIES:
        if entry.name in offsets:
            start = offsets[entry.name]
            assert data[start : start + len(entry.content)] == entry.content
            assert start % (16384 if entry.name.endswith(".so") else 4) == 0


def test_zipalign_finds_it_aligned(packed: Path) -> None:
    ran = subprocess.run([needed_program("zipalign", "zipalign"), "-c", "-p", "4", packed], check=False)
    assert ran.returncode == 0


def test_the_same_entries_in_any_order_give_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.apk"
    pack(reversed(ENTRIES), again)
    assert again.read_bytes() == packed.read_bytes()


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    assert_refused(
        AppSourceError, lambda: pack([ENTRIES[0], ENTRIES[0]], tmp_path / "x.apk"), "resources.arsc"
    )


def dex(**counts: int) -> bytes:
    """A dex file's header and map with these items."""
    kinds = {"call_sites": CALL_SITES, "handles": METHOD_HANDLES, "strings": 1}
    items = b"".join(struct.pack("<HHII", kinds[name], 0, count, 0) for name, count in counts.items())
    header = bytearray(0x70)
    header[:8] = b"dex\n038\0"
    struct.pack_into("<I", header, 0x34, len(header))
    return bytes(header) + struct.pack("<I", len(counts)) + items


@pytest.mark.parametrize(
    ("name", "mention"), [("call_sites", "invoke-custom"), ("handles", "method handles")]
)
def test_what_android_8_cannot_run_is_refused(tmp_path: Path, name: str, mention: str) -> None:
    path = tmp_path / "classes.dex"
    path.write_bytes(dex(strings=3, **{name: 2}))
    assert_refused(AppSourceError, lambda: check_dex(path), "classes.dex", f"2 {mention}")
    path.write_bytes(dex(strings=3))
    check_dex(path)


@pytest.mark.parametrize("data", [b"", b"dex\n038\0", dex(strings=1)[:-5], b"x" * 200])
def test_what_is_no_dex_file(data: bytes) -> None:
    assert_refused(AppSourceError, lambda: map_counts(data, "x.dex"), "x.dex: is no dex file")


@pytest.mark.parametrize("abi", ABIS)
def test_load_segments_as_readelf_shows_them(abi: str, tmp_path: Path) -> None:
    tools = needed_toolchain()
    readelf = shutil.which("readelf") or shutil.which("aarch64-linux-gnu-readelf")
    if readelf is None:
        absent("readelf not found (Debian: apt-get install binutils)")
    runtime = open_runtime(tools.aars(), [abi], tmp_path)
    assert len(runtime.libraries) == 2
    for library in runtime.libraries:
        path = tmp_path / "library.so"
        path.write_bytes(library.content)
        shown = subprocess.run([readelf, "-lW", path], capture_output=True, text=True, check=True).stdout
        theirs = [int(line.split()[-1], 16) for line in shown.splitlines() if line.split()[:1] == ["LOAD"]]
        assert load_alignments(library.content, library.name) == theirs
        assert runtime.large_pages[library.name] is all(a >= 16384 for a in theirs)


def test_pages_of_16_kb_are_told_from_others() -> None:
    def elf(alignment: int) -> bytes:
        header = bytearray(64)
        header[:6] = b"\x7fELF\x02\x01"
        struct.pack_into("<Q", header, 0x20, 64)
        struct.pack_into("<HH", header, 0x36, 56, 1)
        segment = bytearray(56)
        struct.pack_into("<I", segment, 0, 1)
        struct.pack_into("<Q", segment, 0x30, alignment)
        return bytes(header + segment)

    assert [for_large_pages(elf(a), "x.so") for a in (4096, 16384, 65536, 24576)] == [
        False,
        True,
        True,
        False,
    ]
    for damaged in (b"", b"\x7fELF", elf(4096)[:100], b"MZ" + elf(4096)[2:]):
        assert_refused(
            AppOptionError, lambda data=damaged: load_alignments(data, "x.so"), "no native library"
        )  # type: ignore[misc]


def test_abis() -> None:
    assert check_abis(["x86_64", "arm64-v8a", "x86_64"]) == ("arm64-v8a", "x86_64")
    assert_refused(AppOptionError, lambda: check_abis(["mips"]), "'mips' is no ABI", "arm64-v8a")
    assert_refused(AppOptionError, lambda: check_abis([]), "no ABI")


def test_aars_that_are_none_or_lack_something(tmp_path: Path) -> None:
    text = tmp_path / "text.aar"
    text.write_text("no archive")
    assert_refused(
        AppOptionError, lambda: open_runtime([text], ["x86"], tmp_path), "text.aar", "no zip archive"
    )
    assert_refused(
        AppOptionError, lambda: open_runtime([tmp_path / "no.aar"], ["x86"], tmp_path), "No such file"
    )
    empty = tmp_path / "empty.aar"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("AndroidManifest.xml", "<manifest />")
    assert_refused(
        AppOptionError,
        lambda: open_runtime([empty], ["x86"], tmp_path),
        "org.tensorflow.lite.Interpreter",
        "litert-gpu",
    )
    with zipfile.ZipFile(empty, "a") as archive:
        archive.writestr("classes.jar", b"no jar")
    assert_refused(AppOptionError, lambda: open_runtime([empty], ["x86"], tmp_path), "classes.jar is damaged")


def test_a_damaged_aar(tmp_path: Path) -> None:
    """Deflated data that is none: a phone's browser that broke off and went on writes such files."""
    aar = tmp_path / "damaged.aar"
    with zipfile.ZipFile(aar, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("classes.jar", bytes(range(256)) * 40)
    data = bytearray(aar.read_bytes())
    start = data.index(b"classes.jar") + len("classes.jar")
    data[start : start + 40] = b"\xff" * 40
    aar.write_bytes(data)
    assert_refused(AppOptionError, lambda: open_runtime([aar], ["x86"], tmp_path), "classes.jar is damaged")
