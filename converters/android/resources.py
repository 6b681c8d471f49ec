"""Resources and manifest into what Android reads: aapt2 compiles and links `res` with the chosen name and icon.

The class R that the code needs depends on the resources' names alone, so another name, icon or application id gives
the same code.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from converters.android.jdk import run
from converters.android.manifest import COMPILE_SDK, MIN_SDK, TARGET_SDK
from converters.android.sources import NAMESPACE
from converters.android.toolchain import Toolchain
from swiftformer_keras import __version__
from swiftformer_keras.errors import AppOptionError, AppSourceError
from swiftformer_keras.shown import shown

if TYPE_CHECKING:
    from PIL import Image

MAX_NAME = 50
MAX_VERSION_CODE = 2_100_000_000
"""The highest that Google Play takes."""
_VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,49}")
"""Of Android's versions, those that no tool on the way reads as anything but text."""
_NAME_FILE = Path("values") / "app_name.xml"
_FOREGROUND = "ic_launcher_foreground"
_ICON_FILE = Path("mipmap-anydpi") / "ic_launcher.xml"
_MONOCHROME = re.compile(r"\s*<monochrome\b[^>]*/>")
_ICON_SIDE = 432
"""Pixels of an adaptive icon's layer: 108 dp at the highest density; launchers show the middle 72 dp at most."""
_ICON_VISIBLE = 288


def _version_code(version: str) -> int:
    """Android's number of a version, which grows with every release: 100 of `"0.1.0"`, 10203 of `"1.2.3rc1"`."""
    found = [re.match(r"\d*", part) for part in version.split(".")[:3]]
    major, minor, patch = (int((each and each[0]) or 0) for each in found)
    return max(1, major * 10_000 + minor * 100 + patch)


DEFAULT_VERSION_NAME, DEFAULT_VERSION_CODE = __version__, _version_code(__version__)


@dataclasses.dataclass(frozen=True)
class LinkedResources:
    """An APK without code, and the source of the class R."""

    base_apk: Path
    r_java: Path


def check_name(name: str) -> str:
    """`name` where a launcher can show it.

    Raises:
        AppOptionError: it is empty, too long or has control characters.
    """
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise AppOptionError(
            f"{shown(name, 60)!r} cannot be the app's name: 1 to {MAX_NAME} printable characters are needed"
        )
    return name.strip()


def check_version(code: int | None, name: str | None) -> None:
    """Refuse a version that Android or Google Play would not take.

    Raises:
        AppOptionError: one of the two is none.
    """
    if code is not None and not 1 <= code <= MAX_VERSION_CODE:
        raise AppOptionError(f"{code} cannot be the version code: it is a number of 1 to {MAX_VERSION_CODE}")
    if name is not None and not _VERSION_NAME.fullmatch(name):
        raise AppOptionError(
            f"{shown(name, 60)!r} cannot be the version: 1 to 50 letters, digits and . _ + - are needed, of which the "
            "first is a letter or a digit"
        )


def check_icon(path: Path) -> None:
    """Refuse a file that is no picture before any work.

    Raises:
        PictureError: it cannot be read.
    """
    from swiftformer_keras.pictures import open_picture

    open_picture(path)


def link_resources(
    tools: Toolchain,
    resources: Path,
    manifest: bytes,
    folder: Path,
    *,
    name: str | None = None,
    icon: Path | None = None,
    version_code: int | None = None,
    version_name: str | None = None,
) -> LinkedResources:
    """Compile and link.

    Args:
        resources: the app's `res`, which is not changed.
        manifest: merged, with the application id as its package.
        folder: for what is made; empty.
        name: instead of the app's own; the same in every language.
        icon: a picture for the launcher, instead of the app's own.
        version_code, version_name: instead of this package's.

    Raises:
        AppSourceError: aapt2 refuses them.
        PictureError: `icon` cannot be read.
    """
    if name is not None or icon is not None:
        changed = folder / "res"
        shutil.copytree(resources, changed)
        resources = changed
        if name is not None:
            _set_name(resources, check_name(name))
        if icon is not None:
            _set_icon(resources, icon)
    compiled, base, java = folder / "resources.zip", folder / "base.apk", folder / "r"
    manifest_file = folder / "AndroidManifest.xml"
    manifest_file.write_bytes(manifest)
    run([tools.aapt2, "compile", "--dir", resources, "-o", compiled], "aapt2 compile", AppSourceError)
    link: list[str | Path] = [tools.aapt2, "link", "-o", base, "-I", tools.framework]
    link += ["--manifest", manifest_file, "--java", java, "--custom-package", NAMESPACE]
    link += ["--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK)]
    link += ["--compile-sdk-version-code", str(COMPILE_SDK), "--compile-sdk-version-name", "15"]
    link += ["--version-code", str(version_code or DEFAULT_VERSION_CODE)]
    link += ["--version-name", version_name or DEFAULT_VERSION_NAME, compiled]
    run(link, "aapt2 link", AppSourceError)
    return LinkedResources(base, java.joinpath(*NAMESPACE.split("."), "R.java"))


def _set_name(resources: Path, name: str) -> None:
    if not (resources / _NAME_FILE).is_file():
        raise AppSourceError(
            f"{shown(_NAME_FILE)}: the app's sources do not have it, and the name stands there"
        )
    text = escape(name.replace("\\", "\\\\"), {"'": "\\'", '"': '\\"'})
    text = f'"{text}"'  # in quotes spaces stay as they are, and @ and ? mean themselves
    (resources / _NAME_FILE).write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<resources>'
        f'<string name="app_name" translatable="false">{text}</string></resources>\n',
        "utf-8",
    )


def _set_icon(resources: Path, icon: Path) -> None:
    from PIL import Image

    picture = _with_transparency(icon)
    scale = _ICON_VISIBLE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    layer = Image.new("RGBA", (_ICON_SIDE, _ICON_SIDE), (0, 0, 0, 0))
    layer.paste(
        picture.resize(size, Image.Resampling.LANCZOS),
        ((_ICON_SIDE - size[0]) // 2, (_ICON_SIDE - size[1]) // 2),
    )
    before = list(resources.glob(f"drawable*/{_FOREGROUND}.*"))
    if not before:
        raise AppSourceError(f"{_FOREGROUND}: the app's sources do not have it, and the icon stands there")
    for file in before:
        file.unlink()
    target = resources / "drawable-nodpi" / f"{_FOREGROUND}.png"
    target.parent.mkdir(exist_ok=True)
    layer.save(target, optimize=True)
    # Themed icons are drawn in one colour by their transparency alone: of a photograph a blank square would be left.
    launcher = resources / _ICON_FILE
    launcher.write_text(_MONOCHROME.sub("", launcher.read_text("utf-8")), "utf-8")


def _with_transparency(icon: Path) -> Image.Image:
    """The picture, RGBA: read as every picture is, with the transparency that this lays over white."""
    from PIL import Image, ImageOps

    from swiftformer_keras.pictures import open_picture

    opaque = open_picture(icon).convert("RGBA")
    with Image.open(icon) as file:
        if not file.has_transparency_data:
            return opaque
        picture = ImageOps.exif_transpose(file.convert("RGBA"))
    return picture if picture.size == opaque.size else opaque
