"""`pm`, `cmd package` and `run-as`."""

from __future__ import annotations

from tests.phone.userland import Call


def pm(call: Call) -> int:
    """`pm list packages [FILTER]`, `pm path ID`, and what installs."""
    return _package(call, call.arguments)


def cmd(call: Call) -> int:
    """`cmd package ...` is pm under another name."""
    if call.arguments[:1] == ["package"]:
        return _package(call, call.arguments[1:])
    call.err(f"cmd: Can't find service: {call.arguments[0] if call.arguments else ''}\n")
    return 20


def _package(call: Call, words: list[str]) -> int:
    verb, *rest = words or [""]
    packages = call.phone.packages
    names = [word for word in rest if not word.startswith("-")]
    if verb == "list" and names[:1] == ["packages"]:
        wanted = names[1] if len(names) > 1 else ""
        for package in sorted(packages.values(), key=lambda entry: entry.id):
            if wanted in package.id:
                version = f" versionCode:{package.version_code}" if "--show-versioncode" in rest else ""
                call.out(f"package:{package.id}{version}\n")
        return 0
    if verb == "list" and names[:1] == ["instrumentation"]:
        for package in packages.values():
            for entry in package.instrumentations:
                call.out(f"instrumentation:{package.id}/{entry} (target={package.id})\n")
        return 0
    if verb == "path" and names:
        found = packages.get(names[0])
        if found is None:
            return 1
        call.out(f"package:{found.apk}\n")
        return 0
    call.err(f"Unknown command: {verb}\n")
    return 255


def run_as(call: Call) -> int:
    """`run-as ID COMMAND...`: only for an app that may be debugged."""
    wanted = call.arguments[0] if call.arguments else ""
    package = call.phone.packages.get(wanted)
    if package is None:
        call.err(f"run-as: unknown package: {wanted}\n")
        return 1
    if not package.debuggable:
        call.err(f"run-as: package not debuggable: {wanted}\n")
        return 1
    call.err("run-as: exec failed\n")
    return 1
