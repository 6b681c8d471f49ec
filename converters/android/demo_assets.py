"""The models that the Gradle project bundles, so that Run in Android Studio shows something at once.

Made from the embedded demo checkpoint (`make app-assets`): quantised with the package's own pictures, checked and
described as `app build` does it for any model. Origin and licence stand in the file's card.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from converters.android.models import check_models, entries
from converters.demo import REASONS
from swiftformer_keras import data
from swiftformer_keras.files import write_atomically

FILE = "fashion_mnist_int8.tflite"


def write_demo_assets(assets: Path) -> list[Path]:
    """Write the model, the golden picture and the index under `assets`, over what was there.

    Raises:
        OutputError: they cannot be written.
    """
    from converters.load import convert
    from converters.tflite.quantize import quantize

    with tempfile.TemporaryDirectory() as scratch:
        keras_file = Path(scratch) / "fashion_mnist.keras"
        model: Any = convert(
            data.demo_checkpoint(),
            keras_file,
            labels=data.demo_labels(),
            preprocessing=data.demo_preprocessing(),
            facts=data.DEMO_FACTS,
            reasons=REASONS,
        ).model
        file = Path(scratch) / FILE
        quantize(model, file, calibration="demo")
        bundled = entries(check_models([file], newer_runtime=False))
    written = []
    for entry in bundled:
        path = assets / Path(entry.name).relative_to("assets")
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path, force=True) as temporary:
            temporary.write_bytes(entry.content)
        written.append(path)
    return written


if __name__ == "__main__":
    for made in write_demo_assets(Path(sys.argv[1])):
        print(made)
