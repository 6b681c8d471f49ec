"""Android's own commands: each takes a call, writes what the real one writes, and returns its exit status."""

from __future__ import annotations

from tests.phone.programs import activity, dumps, package_manager, simple, states
from tests.phone.tool import PROGRAM
from tests.phone.userland import Program

PROGRAMS: dict[str, Program] = {
    "am": activity.am,
    "cmd": package_manager.cmd,
    "df": simple.df,
    "dumpsys": dumps.dumpsys,
    "getprop": simple.getprop,
    "id": simple.id_,
    "input": states.input_,
    "kill": simple.kill,
    "logcat": simple.logcat,
    PROGRAM: lambda call: call.phone.tool(call),
    "pidof": simple.pidof,
    "pm": package_manager.pm,
    "reboot": states.reboot,
    "run-as": package_manager.run_as,
    "settings": states.settings,
    "svc": states.svc,
    "uname": simple.uname,
    "whoami": simple.whoami,
}
