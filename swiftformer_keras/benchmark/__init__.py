"""Latency on a real phone: a plan goes in, a run's JSON, a table and a page come out.

Start at `plan.py` (what is measured, in which order) and `execute.py` (how it is done on one phone); `fleet.py` does
it on several. `session.py` holds a phone awake and gives it back as it was, `runners/` know the two programs that
measure, `residency.py` says whose work was measured, `verify.py` and `evaluate.py` whether the answers are right.
What was found is `result.py` (RESULT_FORMAT.md), and `statistics.py`, `summary.py`, `report/` and `compare.py` say
what it means.
"""

OUTPUT_VERSION = 1
"""Of the objects that `benchmark`, `report` and `devices` print with `--json`, as RESULT_FORMAT.md documents them."""
