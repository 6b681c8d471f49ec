"""From other formats to this project's model, and from the model to TFLite.

In come checkpoint files (`checkpoints/`), whose tensor names `layouts.py` maps to ours and whose arrays
`load.py` puts into a Keras model; `hub/` fetches them. Out go `.tflite` files (`tflite/`).
"""
