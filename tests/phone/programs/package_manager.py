"""`pm`, `cmd package` and `run-as`; what they print is `PackageManagerShellCommand`'s (AOSP, frameworks/base)."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile

from tests.phone.packages import Package
from tests.phone.userland import Call

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
_BUILD_ASSET = "assets/build.json"
_ENTRY = "dev.swiftformer.app.BenchmarkInstrumentation"


def pm(call: Call) -> int:
    """pm is `cmd package` under another name."""
    return _package(call, call.arguments)


def cmd(call: Call) -> int:
    """`cmd SERVICE ...`: the package manager is the only service."""
    if call.arguments[:1] == ["package"]:
        return _package(call, call.arguments[1:])
    call.err(f"cmd: Can't find service: {call.arguments[0] if call.arguments else ''}\n")
    return 20


def _package(call: Call, words: list[str]) -> int:
    verb, *rest = words or [""]
    verbs = {
        "list": _list,
        "path": _path,
        "install": _install,
        "install-create": _create,
        "install-write": _write,
        "install-commit": _commit,
        "install-abandon": _abandon,
        "uninstall": _uninstall,
    }
    if verb not in verbs:
        call.err(f"Unknown command: {verb}\n")
        return 255
    return verbs[verb](call, rest)


def _names(words: list[str]) -> list[str]:
    return [word for word in words if not word.startswith("-") or word == "-"]


def _list(call: Call, words: list[str]) -> int:
    kind, *wanted = [*_names(words), "", ""]
    packages = sorted(call.phone.packages.values(), key=lambda package: package.id)
    if kind in ("package", "packages"):
        for package in packages:
            if wanted[0] in package.id:
                version = f" versionCode:{package.version_code}" if "--show-versioncode" in words else ""
                call.out(f"package:{package.id}{version}\n")
        return 0
    if kind == "instrumentation":
        for package in packages:
            if wanted[0] in ("", package.id):
                for entry in package.instrumentations:
                    call.out(f"instrumentation:{package.id}/{entry} (target={package.id})\n")
        return 0
    call.err(f"Error: unknown list type '{kind}'\n")
    return 255


def _path(call: Call, words: list[str]) -> int:
    found = call.phone.packages.get(_names(words)[0]) if _names(words) else None
    if found is None:
        return 1
    call.out(f"package:{found.apk}\n")
    return 0


def _install(call: Call, words: list[str]) -> int:
    """From a file on the phone, or with -S from the input."""
    size = _option(words, "-S")
    if size is not None:
        data = _read(call, int(size))
    else:
        names = _names(words)
        file = call.phone.paths.real(names[-1]) if names else None
        if file is None or not file.is_file():
            call.err("Error: Unable to open file\nFailure [INSTALL_FAILED_INVALID_URI]\n")
            return 1
        data = file.read_bytes()
    return _finish(call, data)


def _create(call: Call, words: list[str]) -> int:
    call.phone.sessions.append(b"")
    call.out(f"Success: created install session [{len(call.phone.sessions)}]\n")
    return 0


def _write(call: Call, words: list[str]) -> int:
    size = int(_option(words, "-S") or 0)
    rest = [word for word in _names(words) if word != str(size)]
    data = _read(call, size)
    call.phone.sessions[int(rest[0]) - 1] += data
    call.out(f"Success: streamed {len(data)} bytes\n")
    return 0


def _commit(call: Call, words: list[str]) -> int:
    return _finish(call, call.phone.sessions[int(_names(words)[0]) - 1])


def _abandon(call: Call, words: list[str]) -> int:
    call.out("Success\n")
    return 0


def _finish(call: Call, data: bytes) -> int:
    if call.phone.install_failure is not None:
        call.out(f"Failure [{call.phone.install_failure}]\n")
        return 1
    package = _read_apk(data)
    if package is None:
        call.out("Failure [INSTALL_PARSE_FAILED_NOT_APK: Failed to parse base.apk]\n")
        return 1
    call.phone.packages[package.id] = package
    call.out("Success\n")
    return 0


def _read_apk(data: bytes) -> Package | None:
    """The package that an APK of this project's builder says it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            facts = json.loads(archive.read(_BUILD_ASSET))
            archive.getinfo("AndroidManifest.xml")
        identity = facts["application_id"]
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None
    if not _ID.fullmatch(identity):
        return None
    entries = (_ENTRY,) if facts.get("benchmark") else ()
    return Package(identity, str(facts.get("version_name", "1")), instrumentations=entries)


def _uninstall(call: Call, words: list[str]) -> int:
    if call.phone.packages.pop((_names(words) or [""])[0], None) is None:
        call.out("Failure [DELETE_FAILED_INTERNAL_ERROR]\n")
        return 1
    call.out("Success\n")
    return 0


def _read(call: Call, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (part := call.read()):
        data += part
    return bytes(data)


def _option(words: list[str], name: str) -> str | None:
    return words[words.index(name) + 1] if name in words[:-1] else None


def run_as(call: Call) -> int:
    """`run-as ID COMMAND...`: in the app's own folder, only for an app that may be debugged."""
    wanted, *command = [*call.arguments, ""]
    package = call.phone.packages.get(wanted)
    if package is None:
        call.err(f"run-as: unknown package: {wanted}\n")
        return 1
    if not package.debuggable:
        call.err(f"run-as: package not debuggable: {wanted}\n")
        return 1
    folder = call.phone.paths.real(f"/data/data/{wanted}")
    folder.mkdir(parents=True, exist_ok=True)
    words = [word for word in command if word] or ["sh"]
    process = subprocess.run(
        [call.phone.userland.shell, "-c", 'exec "$@"', "run-as", *map(call.phone.paths.line, words)],
        cwd=folder,
        env=call.phone.userland.environment(),
        **call.streams(),
        check=False,
    )
    return process.returncode if process.returncode >= 0 else 128 - process.returncode
