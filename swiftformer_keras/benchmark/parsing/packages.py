"""`pm`: what is installed."""

from __future__ import annotations

import re

_PACKAGE = r"[A-Za-z][A-Za-z0-9_]{0,100}(?:\.[A-Za-z0-9_]{1,100}){0,20}"


def parse_instrumentations(said: str) -> dict[str, str]:
    """Target package of each component in the output of `pm list instrumentation`.

    Its lines are `instrumentation:dev.swiftformer.app/.BenchmarkInstrumentation (target=dev.swiftformer.app)`.
    """
    pattern = rf"^instrumentation:({_PACKAGE}/[A-Za-z0-9_.$]{{1,300}}) \(target=({_PACKAGE})\)[ \t\r]{{0,8}}$"
    return dict(re.findall(pattern, said, re.MULTILINE))
