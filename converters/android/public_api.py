"""Calls outside the public API of the lowest Android that the app runs on, found by animal-sniffer.

Code that asks for a newer Android before it calls says so with `@TargetApi` on the method or class, and is let be;
Android's own annotation is used because it is in the class files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from converters.android.jdk import HEAP, HELPERS, Jdk, run
from converters.android.manifest import MIN_SDK
from converters.android.toolchain import Toolchain
from swiftformer_keras.errors import AppSourceError

ANNOTATION = "android.annotation.TargetApi"


def check(jdk: Jdk, tools: Toolchain, classes: Path, libraries: Sequence[Path]) -> None:
    """Compare every call of the app's classes with the list.

    Raises:
        AppSourceError: with the first calls that are not on it.
    """
    (signature,) = tools.files("api-signature")
    class_path = os.pathsep.join(map(str, tools.files("api-check")))
    helper = HELPERS / "PublicApi.java"
    arguments: list[str | Path] = [jdk.java, HEAP, "-cp", class_path, helper, signature, ANNOTATION, classes]
    said = run([*arguments, *libraries], "The public API check", AppSourceError)
    calls = [line.removeprefix("! ") for line in said.splitlines() if line.startswith("! ")]
    if calls:
        more = f", and {len(calls) - 3} more" if len(calls) > 3 else ""
        raise AppSourceError(
            f"The app calls what Android {MIN_SDK} (API level) does not have: {'; '.join(calls[:3])}{more}. "
            "Ask for the version first, and say so with @TargetApi"
        )
