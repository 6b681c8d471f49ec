"""Latency on a real phone that people can trust: `.tflite` files and a phone in, a run's JSON and reports out.

A plan (`plan.py`) is carried out (`execute.py`) on a session (`session.py`), which holds the phone (`facts.py`,
`state.py`) and leaves it as it was; `runners/` measure, `residency.py` says what a delegate really took,
`statistics.py` what the numbers mean, `result.py` how a run is kept, `report/` how it is shown.
"""
