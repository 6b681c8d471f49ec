"""Licence notices of everything that is inside an APK, as one text among its assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from converters.android.apk import Entry
from converters.android.artifacts import ARTIFACTS
from converters.android.models import BundledModel

NAME = "assets/licences/NOTICES.txt"
_RULE = "-" * 78
_APACHE = Path(__file__).with_name("LICENSE-Apache-2.0.txt")


def notices(models: Sequence[BundledModel], given: Sequence[str], texts: Mapping[str, bytes]) -> Entry:
    """The notices: the app, its libraries, its models with the licence each states, then the licences' texts.

    Args:
        given: names of run-time libraries of the user's own, which take the place of TFLite 2.16.1.
        texts: licence texts that the run-time libraries carry, by name.
    """
    lines = ["This app is built from swiftformer-keras, Apache License 2.0.", "", "Libraries in it:", ""]
    lines += [
        f"  {a.coordinates}: {a.licence}"
        for a in ARTIFACTS
        if a.in_the_app and not (given and a.use == "runtime-aar")
    ]
    lines += [f"  {name}: as its own notices say" for name in given]
    lines += ["", "Models in it:", ""]
    lines += [f"  {model.file} ({model.card.name}): {model.card.licence}" for model in models]
    parts = ["\n".join(lines), f"{_RULE}\nApache License 2.0\n\n{_APACHE.read_text('utf-8').strip()}"]
    unique = dict.fromkeys(text.decode("utf-8", "replace").strip() for text in texts.values())
    for text in unique:
        names = [
            name for name, content in texts.items() if content.decode("utf-8", "replace").strip() == text
        ]
        parts.append(f"{_RULE}\n{', '.join(names)}\n\n{text}")
    return Entry(NAME, ("\n\n".join(parts) + "\n").encode())
