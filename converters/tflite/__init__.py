"""From a trained Keras classifier to a checked .tflite file, and from such a file back to what it says of itself.

In comes a `SwiftFormerImageClassifier`; `export.py` folds it (`swiftformer_keras.folding`), traces and converts the
graph (`graph.py`), quantises weights (`dynamic.py`), writes the model card into it (`metadata.py`), runs it against
the Keras model (`check.py`) and puts it in place only if it is within the stated bounds. `quantize.py` does the same
for int8: it chooses pictures (`picture_sources.py`, `calibration_pictures.py`), collects ranges (`calibrate.py`),
quantises (`static.py`), corrects biases where that helps (`bias.py`, `int8.py`) and finds the parts that cost most
(`sensitivity.py`). `inspect.py` and `classify.py` take any .tflite file from there.
"""
