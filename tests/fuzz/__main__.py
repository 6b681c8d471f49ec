"""`python -m tests.fuzz [--runs N | --seconds N]`; two minutes unless told."""

import sys

from tests.fuzz.fuzz_checkpoints import main

if len(sys.argv) == 1:
    sys.argv += ["--seconds", "120"]
main()
