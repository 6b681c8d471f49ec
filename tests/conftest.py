"""Makes a test run the same wherever it was started."""

import signal

# A shell starts its background jobs with Ctrl-C ignored, and what a test starts would inherit that; a handler of
# ours is reset to the default there.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
