"""Commands that change how the phone is: settings, screen, restart."""

from __future__ import annotations

import threading

from tests.phone.userland import Call

_WAKE = {"224", "KEYCODE_WAKEUP"}
_SLEEP = {"223", "KEYCODE_SLEEP"}
_POWER = {"26", "KEYCODE_POWER"}


def settings(call: Call) -> int:
    """`settings get|put|delete|list NAMESPACE [NAME [VALUE]]`."""
    verb, space, *rest = [*call.arguments, "", ""]
    if space not in ("global", "system", "secure") or verb not in ("get", "put", "delete", "list"):
        call.err(f"Invalid command: {verb} {space}\n")
        return 255
    name = rest[0] if rest else ""
    values = call.phone.settings
    if verb == "get":
        call.out(values.get((space, name), "null") + "\n")
    elif verb == "put":
        if len([word for word in rest if word]) < 2:
            call.err("Bad arguments\n")
            return 255
        values[(space, name)] = rest[1]
    elif verb == "delete":
        found = values.pop((space, name), None) is not None
        call.out(f"Deleted {int(found)} rows\n")
    else:
        call.out(
            "".join(f"{key}={value}\n" for (where, key), value in sorted(values.items()) if where == space)
        )
    return 0


def svc(call: Call) -> int:
    """`svc power stayon true|false|usb|ac|wireless`, which is a global setting."""
    masks = {"true": 15, "false": 0, "ac": 1, "usb": 2, "wireless": 4, "dock": 8}
    if call.arguments[:2] == ["power", "stayon"] and call.arguments[2:3] and call.arguments[2] in masks:
        call.phone.settings[("global", "stay_on_while_plugged_in")] = str(masks[call.arguments[2]])
        if call.arguments[2] != "false":
            call.phone.screen_on = True
        return 0
    call.err("Control the power manager\n\nusage: svc power stayon [true|false|usb|ac|wireless|dock]\n")
    return 1


def input_(call: Call) -> int:
    """`input keyevent KEY`: only the keys of the screen do something."""
    if call.arguments[:1] != ["keyevent"] or len(call.arguments) < 2:
        call.err("Error: Unknown command\n")
        return 255
    for key in call.arguments[1:]:
        if key in _WAKE:
            call.phone.screen_on = True
        elif key in _SLEEP:
            call.phone.screen_on = False
        elif key in _POWER:
            call.phone.screen_on = not call.phone.screen_on
    return 0


def reboot(call: Call) -> int:
    """Restart; the answer may not arrive any more."""
    threading.Thread(target=call.phone.reboot, daemon=True).start()
    call.wait(5)
    return 0
