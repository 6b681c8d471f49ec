"""What the JSON standard forbids or leaves open is refused."""

from __future__ import annotations

import pytest

from swiftformer_keras import strict_json


def test_json_is_parsed() -> None:
    assert strict_json.parse('{"a": [1, 2.5, null, true, "x"]}') == {"a": [1, 2.5, None, True, "x"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": 1, "a": 2}',
        '[{"a": {"b": 1, "b": 1}}]',
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        "[" * 200_000,
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        strict_json.parse(text)
    assert "\n" not in str(caught.value)
