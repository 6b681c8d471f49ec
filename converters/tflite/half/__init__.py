"""What half-precision arithmetic makes of a .tflite file, worked out on the CPU, operator by operator.

In comes a float .tflite file and pictures, out go the loss of every operator and of the logits. `graph.py` reads the
file within bounds, `arithmetic.py` says how numbers are rounded and summed, `operators.py` has the operators in that
arithmetic, and `emulate.py` runs the graph beside its float64 evaluation. Nothing of the file is run.
"""
