"""A run whose every text is one that somebody would like a page, a terminal or a shell to act on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from swiftformer_keras.benchmark.result import Run
from tests.swiftformer_keras.benchmark.synthetic_runs import synthetic_run

ATTACKS = (
    "<script>window.acted=1</script>",
    "\"><img src=x onerror='window.acted=1'>",
    "'><svg onload=window.acted=1><a href=javascript:acted=1>x</a></svg>",
    "</style></title></svg><iframe srcdoc='<script>parent.acted=1</script>'></iframe>",
    "<link rel=stylesheet href=https://example.invalid/x.css><base href=https://example.invalid/>",
    "<meta http-equiv=refresh content='0;url=https://example.invalid/'>",
    "{{ 7 * 191 }}{% raw %}${7*191}",
    "[bold red]markup[/bold red][link=https://example.invalid]x[/link]",
    "\x1b[31mred\x1b]0;title\x07\x1b[2J\r\n\x00",
    "\u202egpj.exe\u2066\u200b\ufeff",
    "`$(reboot)`; reboot #",
    "\ud83d half of a pair",
    "&lt;b&gt;&#x3c;script&#x3e;",
    "W" * 400,
)
FREE = ("round", "started_at", "at", "delegate", "verdict", "status", "format")  # read, or one of a few words


def hostile_run() -> Run:
    """The synthetic run with an attack in place of every free text, each attack in many places."""
    count = 0

    def attack() -> str:
        nonlocal count
        count += 1
        return ATTACKS[count % len(ATTACKS)]

    return _replaced(dataclasses.replace(synthetic_run(1, processes=6)), attack)


def _replaced(value: Any, attack: Callable[[], str], name: str = "") -> Any:
    if isinstance(value, str):
        return value if name in FREE else attack()
    if isinstance(value, tuple):
        return tuple(_replaced(item, attack, name) for item in value)
    if isinstance(value, dict):
        return {attack(): item for item in value.values()}
    if dataclasses.is_dataclass(value):
        changed = {
            f.name: _replaced(getattr(value, f.name), attack, f.name) for f in dataclasses.fields(value)
        }
        return type(value)(**changed)
    return value
