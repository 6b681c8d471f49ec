"""Coverage-guided fuzzing of the checkpoint readers: `python -m tests.fuzz --seconds 120`.

`fuzz_checkpoints.py` holds the inputs, the mutator and one execution; `coverage.py` measures what the corpus and the
tests reach of the readers' branches.
"""
