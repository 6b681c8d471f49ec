"""Whatever a user or a device says, a phone's shell gets it as words, or not at all."""

from __future__ import annotations

import subprocess

import pytest

from converters.android.adb_client import Adb
from swiftformer_keras.benchmark.quoting import (
    checked_component,
    checked_name,
    checked_path,
    script,
    shell_word,
    words,
)
from swiftformer_keras.errors import UnsafeTextError
from tests.harness import assert_refused
from tests.phone.phone import Phone

INJECTIONS = (
    "; reboot",
    "$(reboot)",
    "`reboot`",
    "a && reboot",
    "a | reboot",
    "a > /data/local/tmp/x",
    "'; reboot; '",
    "'\\''; reboot; '",
    '"; reboot; "',
    "${IFS}reboot",
    "a\\",
    "*",
    "~",
    "{a,b}",
    "#",
    "!!",
    "-rf /",
    "--",
    "a b  c",
    "",
    "$HOME",
    "%s%n",
    "..",
    "../../etc/passwd",
)
UNPRINTABLE = ("a\nreboot", "a\rreboot", "a\x00b", "\x1b[31m", "a\tb", "é", "\u2028", "\udcff", "a" * 5000)


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_word_stays_one_word(text: str) -> None:
    for shell in ("sh", "bash"):
        ran = subprocess.run(
            [shell, "-c", f"printf '%s\\n' {words(text, text)}"], capture_output=True, text=True, check=True
        )
        assert ran.stdout == f"{text}\n{text}\n" and not ran.stderr


@pytest.mark.parametrize("text", UNPRINTABLE, ids=range(len(UNPRINTABLE)))
def test_what_no_shell_is_given(text: str) -> None:
    for call in (shell_word, words, checked_name, checked_path, checked_component):
        assert_refused(UnsafeTextError, lambda call=call: call(text))
    assert_refused(UnsafeTextError, lambda: script("ls {}", text))


@pytest.mark.parametrize("text", [text for text in INJECTIONS if text != "a b  c"])
def test_names_are_on_an_allow_list(text: str) -> None:
    assert_refused(UnsafeTextError, lambda: checked_name(text))
    assert_refused(UnsafeTextError, lambda: checked_path(f"/data/{text}"))
    assert_refused(UnsafeTextError, lambda: checked_component(f"dev.swiftformer.app/{text}"))
    assert_refused(UnsafeTextError, lambda: checked_component(f"{text}/.Main"))


def test_what_is_allowed() -> None:
    assert checked_name("model_int8-2.tflite") == "model_int8-2.tflite"
    assert checked_path("/data/local/tmp/a_b-c/0.tflite") == "/data/local/tmp/a_b-c/0.tflite"
    for component in ("dev.swiftformer.app/.BenchmarkInstrumentation", "a.b/c.d.E$F"):
        assert checked_component(component) == component
    for path in ("relative/path", "/a//b", "/a/", "/", ""):
        assert_refused(UnsafeTextError, lambda path=path: checked_path(path))


def test_on_a_phone(phone: Phone) -> None:
    adb = Adb(phone.serial)
    given = [
        text for text in INJECTIONS if "/" not in text
    ]  # the tests' phone moves paths into its own folder
    done = adb.shell(words("printf", "%s\\n", *given))
    assert done.text.split("\n")[:-1] == given
    assert phone.files() == [] and not any("reboot" in call for call in phone.calls)
