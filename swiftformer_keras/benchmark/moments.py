"""Moments of this computer's clock, as the files have them."""

from __future__ import annotations

import datetime


def now() -> str:
    """ISO 8601 with zone, to the millisecond."""
    return datetime.datetime.now().astimezone().isoformat(timespec="milliseconds")
