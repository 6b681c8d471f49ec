"""Reading `.keras` files that may come from anyone.

Keras builds whatever classes a file's configuration names. Here the file is measured first: only this
project's two models are accepted, with plain facts inside, as many weights as the configuration promises,
and an HDF5 file that points nowhere else. Only then Keras reads it, with safe mode on.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from swiftformer_keras import strict_json
from swiftformer_keras.backend import import_keras
from swiftformer_keras.errors import ModelFileError, SwiftFormerError
from swiftformer_keras.labels import as_labels
from swiftformer_keras.shown import shown
from swiftformer_keras.weights import backbone_shapes, classifier_shapes

if TYPE_CHECKING:
    from swiftformer_keras.backbone import SwiftFormerBackbone
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

_CLASSIFIER = "swiftformer_keras>SwiftFormerImageClassifier"
_BACKBONE = "swiftformer_keras>SwiftFormerBackbone"
_LARGEST = {"metadata.json": 1 << 16, "config.json": 1 << 24, "model.weights.h5": 1 << 32}
_SMALLEST_WEIGHT_BYTES = 2  # float16
_SMALLEST_BLOCK_BYTES = 64  # of a block of one channel


def load_model(path: str | Path) -> SwiftFormerImageClassifier | SwiftFormerBackbone:
    """A model of this project from its `.keras` file, uncompiled.

    Raises:
        ModelFileError: the file cannot be read, is damaged, or is another kind of model.
        MissingToolError: Keras' backend is missing.
    """
    path = Path(path)
    _check(path)
    keras = import_keras()
    from swiftformer_keras import backbone  # noqa: F401  registers the classes
    from swiftformer_keras.tasks import image_classifier  # noqa: F401

    try:
        with warnings.catch_warnings(category=UserWarning, action="error"):  # of weights left at random
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except SwiftFormerError as error:
        _refuse(path, str(error))
    except Exception as error:  # noqa: BLE001
        # Keras raises ValueError, KeyError, TypeError or OSError for a damaged file; which one says nothing.
        _refuse(
            path,
            f"Keras cannot load it: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
        )


def load_classifier(path: str | Path) -> SwiftFormerImageClassifier:
    """`load_model` of a file that has to be a classifier.

    Raises:
        ModelFileError: as `load_model`, or the file is a backbone without a head.
    """
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

    model = load_model(path)
    if not isinstance(model, SwiftFormerImageClassifier):
        raise ModelFileError(
            f"{shown(path)}: is a backbone without a classification head. Convert a checkpoint that has one"
        )
    return model


def _check(path: Path) -> None:
    try:
        if path.is_dir():
            _refuse(path, "is a directory")
        if path.exists() and not path.is_file():
            _refuse(path, "is no regular file")  # reading a pipe would wait for ever
        with zipfile.ZipFile(path) as archive:
            _check_entries(path, archive)
            config = _read_json(path, archive)
            weights = archive.getinfo("model.weights.h5")
            _check_config(path, config, weights.file_size)
            _check_hdf5(path, archive.read(weights))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        _refuse(path, "is no .keras file (a zip archive), or is cut short")
    except OSError as error:
        _refuse(path, error.strerror or "cannot be read")
    except ValueError:
        _refuse(path, "is not the name of a file")


def _check_entries(path: Path, archive: zipfile.ZipFile) -> None:
    names = [entry.filename for entry in archive.infolist()]
    if sorted(names) != sorted(_LARGEST):
        _refuse(path, f"holds {shown(', '.join(names[:5]), 100)} instead of {', '.join(_LARGEST)}")
    for entry in archive.infolist():
        if entry.file_size > _LARGEST[entry.filename]:
            _refuse(path, f"{entry.filename} claims {entry.file_size:,} bytes, which no model of ours has")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            _refuse(path, f"{entry.filename} is compressed, which Keras does not do")


def _read_json(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        value = strict_json.parse(archive.read("config.json").decode("utf-8"))
    except ValueError:
        _refuse(path, "config.json is no JSON")
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        _refuse(path, "config.json describes no model")
    return value


def _check_config(path: Path, config: dict[str, Any], weight_bytes: int) -> None:
    """The configuration is one of ours, and the file is large enough for the weights it promises."""
    from swiftformer_keras.backbone import facts_from_config

    registered = config.get("registered_name")
    if registered not in (_CLASSIFIER, _BACKBONE):
        _refuse(path, f"is a {shown(registered, 80)}, no SwiftFormer of this project")
    if not str(config.get("module", "")).startswith("swiftformer_keras."):
        _refuse(path, "its class comes from elsewhere")
    try:
        facts = facts_from_config(config["config"])
        if sum(facts["config"].depths) > weight_bytes // _SMALLEST_BLOCK_BYTES:
            _refuse(path, f"promises {sum(facts['config'].depths):,} blocks but holds {weight_bytes:,} bytes")
        if registered == _CLASSIFIER and facts.get("labels") is not None:
            as_labels(facts["labels"], facts["config"].num_classes)
        shapes = classifier_shapes if registered == _CLASSIFIER else backbone_shapes
        expected = sum(math.prod(shape) for shape in shapes(facts["config"]).values())
    except SwiftFormerError as error:
        _refuse(path, str(error))
    except (KeyError, TypeError, ValueError, AttributeError):
        _refuse(path, "config.json is not as this project writes it")
    if expected * _SMALLEST_WEIGHT_BYTES > weight_bytes:
        _refuse(
            path, f"promises {expected:,} weights but holds {weight_bytes:,} bytes; it is cut short or forged"
        )


def _check_hdf5(path: Path, content: bytes) -> None:
    """No links, no data outside the file, no dataset larger than the file."""
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            _check_group(path, file, len(content), set())
    except SwiftFormerError:
        raise
    except Exception:  # noqa: BLE001
        # h5py raises OSError, KeyError, RuntimeError or ValueError as the damage falls.
        _refuse(path, "model.weights.h5 is damaged")


def _check_group(path: Path, group: Any, size: int, seen: set[Any]) -> None:
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            _refuse(path, f"model.weights.h5 has a link at {shown(name, 60)}, which could point anywhere")
        item = group[name]
        if isinstance(item, h5py.Group):
            if item.id in seen:
                _refuse(path, f"model.weights.h5 repeats its group {shown(name, 60)}")
            seen.add(item.id)
            _check_group(path, item, size, seen)
        elif not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
            _refuse(path, f"model.weights.h5 keeps {shown(name, 60)} in another file")
        elif item.nbytes > size:
            _refuse(path, f"model.weights.h5 claims {item.nbytes:,} bytes for {shown(name, 60)}")


def _refuse(path: Path, reason: str) -> NoReturn:
    raise ModelFileError(f"{shown(path)}: {shown(reason, 300)}. Convert the checkpoint again")
