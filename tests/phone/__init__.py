"""A phone for the tests: a device that speaks adb's wire protocol on loopback, with a shell and a userland underneath.

The real adb client and server connect to it (`adb connect 127.0.0.1:PORT`), on a server of the tests' own. Read
`phone.py` first (what a phone is), then `connection.py` (the protocol), `shell_service.py` and `sync_service.py` (what
adb asks for), `userland.py` (how commands run) and `programs/` (what Android's own commands answer). What kind of phone
it is says `description.py`; what goes wrong with it, `faults.py`. Tests take the fixtures of `fixtures.py`.
"""
