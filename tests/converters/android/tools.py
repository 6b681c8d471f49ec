"""What the builder's tests share: the tools where they are there, a tiny model, and programs that pretend."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

from converters.android.jdk import Jdk, find_jdk, find_maven
from converters.android.toolchain import Toolchain, prepare_toolchain
from converters.tflite.metadata import write_metadata
from swiftformer_keras.errors import MissingToolError, ToolchainError
from tests.converters.tflite.models import card, tiny
from tests.harness import absent


def needed_jdk() -> Jdk:
    """The JDK, or the test ends."""
    try:
        return find_jdk()
    except MissingToolError as error:
        absent(str(error))


@functools.cache
def _toolchain() -> Toolchain | str:
    try:
        find_maven()
        return prepare_toolchain()
    except (MissingToolError, ToolchainError) as error:
        return str(error)


def needed_toolchain() -> Toolchain:
    """The pinned tools (downloaded at the first use), or the test ends."""
    found = _toolchain()
    if isinstance(found, str):
        absent(found)
    return found


def needed_program(name: str, package: str) -> str:
    """A program of Debian's, or the test ends."""
    found = shutil.which(name)
    if found is None:
        absent(f"{name} not found (Debian: apt-get install {package})")
    return found


def tiny_model(folder: Path, name: str = "tiny.tflite", **changes: object) -> Path:
    """A sound model of four classes."""
    path = folder / name
    path.write_bytes(write_metadata(tiny(), card(**changes)))
    return path


def pretend(folder: Path, name: str, script: str) -> Path:
    """An executable shell script called `name`, for a PATH of the test's."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
