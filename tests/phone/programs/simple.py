"""Commands that only say something."""

from __future__ import annotations

import posixpath

from tests.phone.userland import Call


def getprop(call: Call) -> int:
    """`getprop [NAME [DEFAULT]]`."""
    properties = call.phone.description.all_properties()
    if not call.arguments:
        call.out("".join(f"[{name}]: [{value}]\n" for name, value in properties.items()))
    else:
        name, *default = call.arguments
        call.out(properties.get(name, default[0] if default else "") + "\n")
    return 0


def df(call: Call) -> int:
    """toybox's `df [-k] [PATH...]`, sizes in KiB."""
    paths = [word for word in call.arguments if not word.startswith("-")] or ["/data"]
    used = 60_000_000 + call.phone.used_kib()
    free = max(0, call.phone.description.free_kib - call.phone.used_kib())
    total = used + free
    call.out("Filesystem      1K-blocks     Used Available Use% Mounted on\n")
    status = 0
    for path in paths:
        if not call.phone.paths.real(posixpath.join(call.folder, path)).exists():
            call.err(f"df: {path}: No such file or directory\n")
            status = 1
            continue
        mount = "/storage/emulated" if path.startswith(("/sdcard", "/storage")) else "/data/user/0"
        device = "/dev/fuse" if mount == "/storage/emulated" else "/dev/block/dm-47"
        call.out(f"{device:<15} {total:>9} {used:>8} {free:>9} {100 * used // total:>3}% {mount}\n")
    return status


def logcat(call: Call) -> int:
    """`logcat -d [-t COUNT] [-b crash]...`: what there is; `-c` forgets it."""
    words = call.arguments
    if "-c" in words:
        call.phone.log.clear()
        return 0
    lines = list(call.phone.log)
    if "-t" in words:
        count = words[words.index("-t") + 1]
        if count.isdigit():
            lines = lines[-int(count) :]
    call.out("--------- beginning of main\n" + "".join(f"{line}\n" for line in lines))
    if "-d" not in words and "-t" not in words:
        while not call.wait(0.1):
            pass
    return 0


def id_(call: Call) -> int:
    """The shell's user."""
    if "-u" in call.arguments:
        call.out("2000\n")
    else:
        call.out(
            "uid=2000(shell) gid=2000(shell) groups=2000(shell),1004(input),1007(log) context=u:r:shell:s0\n"
        )
    return 0


def whoami(call: Call) -> int:
    """The shell's user."""
    call.out("shell\n")
    return 0


def uname(call: Call) -> int:
    """An arm64 Linux."""
    call.out(
        "Linux localhost 5.10.157-android13 #1 SMP PREEMPT aarch64 Toybox\n" if call.arguments else "Linux\n"
    )
    return 0


def kill(call: Call) -> int:
    """No process of this phone has a number that a test may kill."""
    call.err("".join(f"kill: bad pid '{word}'\n" for word in call.arguments if not word.startswith("-")))
    return 1


def pidof(call: Call) -> int:
    """Nothing runs but what the shell runs."""
    return 1
