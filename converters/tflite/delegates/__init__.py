"""Which operators of a .tflite file a delegate takes, and why it leaves the others.

In comes a file, ours or not; out come a verdict for every operator and the pieces into which the graph falls.
Nothing is run: the rules (`rules.py`, conditions in `conditions.py`) are a table, and the tests hold it against what
the runtimes themselves do with a model of each operator. `operators.py` reads the file, `partition.py` counts the
pieces, `lint.py` puts them together.
"""
