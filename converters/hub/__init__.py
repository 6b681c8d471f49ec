"""Pinned downloads from a model hub: a name goes in, a folder of checked files comes out, which `load.py` reads.

`names.py` tells what is a hub name; `pinned.py` fetches it at the recorded commit; `record.py` keeps what was
downloaded before, with the SHA-256 of every file; `transport.py` is the only place of the project that touches the
network.
"""
