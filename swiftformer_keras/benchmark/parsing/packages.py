"""`pm`: what is installed, and which version."""

from __future__ import annotations

import re

_PACKAGE = r"[A-Za-z][A-Za-z0-9_]{0,100}(?:\.[A-Za-z0-9_]{1,100}){0,20}"


def parse_instrumentations(said: str) -> dict[str, str]:
    """Target package of each component in the output of `pm list instrumentation`.

    Its lines are `instrumentation:dev.swiftformer.app/.BenchmarkInstrumentation (target=dev.swiftformer.app)`.
    """
    pattern = rf"^instrumentation:({_PACKAGE}/[A-Za-z0-9_.$]{{1,300}}) \(target=({_PACKAGE})\)[ \t\r]{{0,8}}$"
    return dict(re.findall(pattern, said, re.MULTILINE))


def parse_package_paths(said: str) -> tuple[str, ...]:
    """Paths of a package's APKs in the output of `pm path PACKAGE`; empty where it is not installed."""
    return tuple(re.findall(r"^package:(/\S{1,1000})[ \t\r]{0,8}$", said, re.MULTILINE))


def parse_package_version(said: str) -> tuple[str, int] | None:
    """Version name and code in the output of `dumpsys package PACKAGE`, or None."""
    code = re.search(r"^[ \t]{0,40}versionCode=(\d{1,10})\b", said, re.MULTILINE)
    name = re.search(r"^[ \t]{0,40}versionName=([!-~]{1,80})[ \t\r]{0,8}$", said, re.MULTILINE)
    return (name[1], int(code[1])) if code and name else None
