"""Names and icons as aapt2 takes them: what a user may give comes out of the APK's own resources unchanged."""

from __future__ import annotations

import io
import os
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from converters.android.manifest import merged
from converters.android.resources import MAX_VERSION_CODE, LinkedResources, check_name, link_resources
from converters.android.sources import find_sources
from swiftformer_keras.errors import AppOptionError
from tests.converters.android.tools import needed_toolchain
from tests.harness import assert_refused


def link(folder: Path, **chosen: object) -> LinkedResources:
    sources = find_sources(benchmark=False)
    manifest = merged(sources.manifests, "com.example.leaves")
    folder.mkdir()
    return link_resources(needed_toolchain(), sources.resources, manifest, folder, **chosen)  # type: ignore[arg-type]


def dumped(apk: Path, *what: str) -> str:
    command = [needed_toolchain().aapt2, "dump", *what, apk]
    said = subprocess.run(command, capture_output=True, check=True).stdout
    # Resources keep characters beyond 16 bits as two of three bytes each, as Java does.
    return said.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")


@pytest.mark.parametrize(
    "name",
    [
        'Tom\'s "Leaves" & <b>',
        "@5",
        "?attr/x",
        "100 % %d %s %s",
        r"a\nb \u0041",
        "이파리 🍁 über",
        "a  b",
        "&amp;",
        "]]>",
        "한",
        "'",
        '"',
    ],
)
def test_names_come_out_as_they_were_given(tmp_path: Path, name: str) -> None:
    linked = link(tmp_path / "made", name=name)
    assert f" : {name}\n" in dumped(linked.base_apk, "strings")
    assert name in dumped(linked.base_apk, "badging").replace("\\\\", "\\").replace('\\"', '"')


@pytest.mark.parametrize(("code", "name"), [(1, "1.10"), (MAX_VERSION_CODE, "0x10+" + "a_-B" * 11)])
def test_versions_come_out_as_they_were_given(tmp_path: Path, code: int, name: str) -> None:
    linked = link(tmp_path / "made", version_code=code, version_name=name)
    assert f" versionCode='{code}' versionName='{name}' " in dumped(linked.base_apk, "badging")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\u202eb", "x" * 51, "a\x00b", "\ud800"])
def test_names_that_no_launcher_shows(name: str) -> None:
    assert_refused(AppOptionError, lambda: check_name(name), "name")


def foreground(linked: LinkedResources) -> Image.Image:
    with zipfile.ZipFile(linked.base_apk) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("ic_launcher_foreground.png"))
        return Image.open(io.BytesIO(archive.read(name))).convert("RGBA")


def test_an_icons_transparency_stays(tmp_path: Path) -> None:
    """A red disc on nothing must not become a red disc on a white square."""
    icon = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    icon.paste((255, 0, 0, 255), (25, 25, 75, 75))
    icon.save(tmp_path / "icon.png")
    drawn = foreground(link(tmp_path / "made", icon=tmp_path / "icon.png"))
    assert drawn.size == (432, 432)
    assert drawn.getpixel((216, 216)) == (255, 0, 0, 255)
    assert drawn.getpixel((80, 80))[3] == 0  # inside the icon's square, outside of what it shows


def test_an_icon_is_upright_and_whole(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera on its side
    picture = Image.new("RGB", (60, 30), (0, 0, 255))
    picture.save(tmp_path / "icon.jpg", exif=exif)
    drawn = foreground(link(tmp_path / "made", icon=tmp_path / "icon.jpg"))
    left, top, right, bottom = drawn.getchannel("A").getbbox() or (0, 0, 0, 0)
    assert (right - left, bottom - top) == (144, 288)
    assert (left, top) == (144, 72)


def test_a_themed_icon_is_left_out_with_a_picture(tmp_path: Path) -> None:
    """Android 13 draws it in one colour by its transparency: a photograph would be a blank square."""
    icon = tmp_path / "icon.png"
    Image.new("RGB", (9, 9), (1, 2, 3)).save(icon)
    for name, chosen, themed in (("own", {}, True), ("given", {"icon": icon}, False)):
        linked = link(tmp_path / name, **chosen)
        with zipfile.ZipFile(linked.base_apk) as archive:
            (launcher,) = (n for n in archive.namelist() if n.endswith("/ic_launcher.xml"))
        tree = dumped(linked.base_apk, "xmltree", "--file", launcher)
        assert "E: foreground" in tree
        assert ("E: monochrome" in tree) is themed


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="time zones are the whole process's")
def test_neither_folder_nor_time_zone_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for zone, folder in (("Asia/Seoul", "one"), ("America/Los_Angeles", "another folder")):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        linked = link(tmp_path / folder, name="Leaves")
        with zipfile.ZipFile(linked.base_apk) as archive:
            made.append({name: archive.read(name) for name in archive.namelist()})
        made[-1]["R.java"] = linked.r_java.read_bytes()
    monkeypatch.undo()
    time.tzset()
    assert made[0] == made[1]
    assert not any(os.fsencode(tmp_path) in content for content in made[0].values())
