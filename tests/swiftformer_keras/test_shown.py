"""Foreign texts in messages: one printable line, whatever they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from swiftformer_keras.shown import shown


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain.png", "plain.png"),
        (Path("folder/plain.png"), "folder/plain.png"),
        (b"plain.png", "plain.png"),
        ("猫 é.png", "猫 é.png"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2Jcleared", "\\x1b[2Jcleared"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2028b", "a\\u2028b"),
        (b"not utf-8 \xff", "not utf-8 \\udcff"),
        (42, "42"),
        (None, "None"),
    ],
)
def test_values_are_one_printable_line(value: object, line: str) -> None:
    assert shown(value) == line
    assert shown(value).isprintable()


def test_long_values_keep_both_ends() -> None:
    text = shown("a" * 500 + "b" * 500, limit=21)
    assert text == "a" * 10 + "…" + "b" * 10
    assert shown("c" * 21, limit=21) == "c" * 21
