"""Which backend Keras will run on, and a plain word where it cannot.

Keras reads this itself, on its first import, and dies of what it finds there with a traceback of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from swiftformer_keras.errors import MissingToolError
from swiftformer_keras.shown import shown

BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")
"""What Keras 3 knows; each is the name of the package that it needs."""


def check_keras() -> None:
    """Refuse a backend that Keras does not know or whose package is not installed; imports neither.

    Raises:
        MissingToolError: it is so.
    """
    if "keras" in sys.modules:
        return
    name, place = configured_backend()
    if name not in BACKENDS:
        _refuse(name, place, "Keras has no such backend")
    if importlib.util.find_spec(name) is None:
        _refuse(name, place, f"{name} is not installed")


def import_keras() -> Any:
    """The module `keras`, on a backend that works.

    Raises:
        MissingToolError: it cannot be imported.
    """
    check_keras()
    try:
        import keras
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises
        name, place = configured_backend()
        _refuse(name, place, f"importing it fails ({type(error).__name__}: {shown(error, 200)})")
    return keras


def configured_backend() -> tuple[str, str]:
    """The backend's name, and where it was set; read as `keras/src/backend/config.py` does."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name, "KERAS_BACKEND"
    home = os.path.expanduser("~")  # noqa: PTH111 - Path's raises where there is no home
    default = Path(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    file = Path(os.path.expanduser(Path(os.environ.get("KERAS_HOME", default), "keras.json")))  # noqa: PTH111
    try:
        name = json.loads(file.read_text("utf-8")).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):  # Keras goes on with its default, or says so itself
        return "tensorflow", "Keras' default"
    return str(name), shown(file)


def _refuse(name: str, place: str, why: str) -> NoReturn:
    raise MissingToolError(
        f"Keras cannot run on the backend {shown(name, 60)!r} ({place}): {why}. Set KERAS_BACKEND=tensorflow, "
        "or install what is missing; swiftformer doctor looks at the installation"
    )
