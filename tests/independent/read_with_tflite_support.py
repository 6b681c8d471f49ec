"""What tflite-support 0.4.4 makes of .tflite files; runs in its own environment and process, prints one JSON object.

Arguments: an .npz file of pictures (uint8, height, width, 3, each of the model's input size), then .tflite files.
For each file: its metadata as tflite-support's displayer shows it, the same after tflite-support's own writer has
checked it and written it into the file anew, the files it carries, and the classes that the Task library names.
"""

import contextlib
import ctypes
import json
import sys
import tempfile
from pathlib import Path

import libusb_package
import numpy as np

ctypes.CDLL(str(libusb_package.get_library_path()))  # tflite-support's modules link to it

from tflite_support import metadata  # noqa: E402
from tflite_support.task import core, processor, vision  # noqa: E402


def read(path, pictures):
    displayer = metadata.MetadataDisplayer.with_model_file(path)
    files = {
        name: displayer.get_associated_file_buffer(name)
        for name in displayer.get_packed_associated_file_list()
    }
    return {
        "metadata": json.loads(displayer.get_metadata_json()),
        "rewritten": rewritten(path, displayer),
        "files": {name: content.decode() for name, content in files.items()},
        "classes": [classes(path, picture) for picture in pictures],
    }


def rewritten(path, displayer):
    """tflite-support's writer checks the metadata, works out the parser version it needs and writes the file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.tflite"
        copy.write_bytes(Path(path).read_bytes())
        populator = metadata.MetadataPopulator.with_model_file(str(copy))
        populator.load_metadata_buffer(bytearray(displayer.get_metadata_buffer()))
        populator.populate()
        return json.loads(metadata.MetadataDisplayer.with_model_file(str(copy)).get_metadata_json())


def classes(path, picture):
    """Name, index and score of every class that the Task library reports, in its order."""
    options = vision.ImageClassifierOptions(
        base_options=core.BaseOptions(file_name=path, num_threads=1),
        classification_options=processor.ClassificationOptions(max_results=-1),
    )
    classifier = vision.ImageClassifier.create_from_options(options)
    image = vision.TensorImage.create_from_array(np.ascontiguousarray(picture))  # it reads raw memory
    found = classifier.classify(image).classifications[0].categories
    return [[category.category_name, category.index, category.score] for category in found]


def main():
    with np.load(sys.argv[1]) as stored:
        pictures = [stored[name] for name in sorted(stored.files)]
    with contextlib.redirect_stdout(sys.stderr):
        results = [read(path, pictures) for path in sys.argv[2:]]
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
