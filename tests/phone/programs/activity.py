"""`am`: here `instrument`, in the format of `com.android.commands.am.Instrument` (AOSP, frameworks/base/cmds/am)."""

from __future__ import annotations

import dataclasses

from tests.phone.userland import Call


@dataclasses.dataclass(frozen=True)
class Instrument:
    """The arguments of `am instrument`.

    Attributes:
        raw: `-r`, results as they come.
        wait: `-w`, until it is done.
        extras: `-e NAME VALUE`.
        package, runner: of `PACKAGE/CLASS`, the class's name whole.
    """

    package: str
    runner: str
    extras: dict[str, str]
    raw: bool
    wait: bool

    @property
    def component(self) -> str:
        """As it was called."""
        return f"{self.package}/{self.runner}"


class UsageError(Exception):
    """`am` would print its usage."""


def parse(words: list[str]) -> Instrument:
    """Read `am instrument`'s arguments as `ActivityManagerShellCommand.runInstrument` does."""
    extras: dict[str, str] = {}
    raw = wait = False
    rest = list(words)
    component = None
    while rest:
        word = rest.pop(0)
        if word == "-r":
            raw = True
        elif word == "-w":
            wait = True
        elif word in ("-e", "--user", "-p", "--abi"):
            if word == "-e":
                if len(rest) < 2:
                    raise UsageError('Argument expected after "-e"')
                name = rest.pop(0)
                extras[name] = rest.pop(0)
            else:
                rest.pop(0)
        elif word in ("-m", "--no-hidden-api-checks", "--no-isolated-storage", "--no-window-animation"):
            pass
        elif word.startswith("-"):
            raise UsageError(f"Unknown option: {word}")
        else:
            component = word
            break
    if component is None or "/" not in component:
        raise UsageError("No instrumentation given")
    package, _, runner = component.partition("/")
    return Instrument(package, package + runner if runner.startswith(".") else runner, extras, raw, wait)


def am(call: Call) -> int:
    """`am instrument`, `am force-stop`, `am start`."""
    verb, *rest = call.arguments or [""]
    if verb == "force-stop":
        return 0
    if verb == "start":
        call.out("Starting: Intent { act=android.intent.action.MAIN }\nStatus: ok\nComplete\n")
        return 0
    if verb != "instrument":
        call.err(f"Error: Unknown command: {verb}\n")
        return 255
    try:
        wanted = parse(rest)
    except UsageError as error:
        call.err(f"Error: {error}\n")
        return 255
    package = call.phone.packages.get(wanted.package)
    if package is None or wanted.runner not in package.instrumentations:
        return _unknown(call, wanted)
    return call.phone.instrument(call, wanted)


def _unknown(call: Call, wanted: Instrument) -> int:
    component = f"ComponentInfo{{{wanted.component}}}"
    words = f"Unable to find instrumentation info for: {component}"
    if wanted.wait:
        call.out(status_lines({"Error": words, "id": "ActivityManagerService"}, -1))
    call.out(f"android.util.AndroidException: INSTRUMENTATION_FAILED: {wanted.component}\n")
    call.err("\tat com.android.commands.am.Instrument.run(Instrument.java:519)\n")
    return 1


def status_lines(values: dict[str, str], code: int) -> str:
    """One status without a text for the stream: `Instrument.onInstrumentationStatusLocked`, with and without `-r`."""
    lines = "".join(f"INSTRUMENTATION_STATUS: {name}={value}\n" for name, value in sorted(values.items()))
    return f"{lines}INSTRUMENTATION_STATUS_CODE: {code}\n"


def result_lines(values: dict[str, str], code: int) -> str:
    """The end, with and without `-r`: `Instrument.onInstrumentationFinishedLocked`."""
    lines = "".join(f"INSTRUMENTATION_RESULT: {name}={value}\n" for name, value in sorted(values.items()))
    return f"{lines}INSTRUMENTATION_CODE: {code}\n"
