"""The whole way in one call: a PyTorch checkpoint in, a signed APK out.

With calibration pictures the model is quantised to int8, without them exported in float16; each step checks its output
as it does alone, and nothing but the APK and its record remains.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from converters.android.build import (
    AppOptions,
    BuildReport,
    build_app,
    check_options,
    check_runtime,
    open_key,
)
from converters.android.jdk import find_jdk
from converters.android.signing import Prompt
from converters.android.toolchain import check_can_prepare
from swiftformer_keras.errors import LabelsError
from swiftformer_keras.shown import shown

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class DeployReport:
    """The account of each of the three steps, as their own commands give it."""

    converted: dict[str, Any]
    exported: dict[str, Any]
    app: BuildReport
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "converted": self.converted,
            "exported": self.exported,
            "app": self.app.to_dict(),
            "warnings": list(self.warnings),
        }


def deploy(
    source: str,
    out: Path,
    options: AppOptions,
    *,
    calibration: str | None = None,
    labels: Path | None = None,
    preprocessing: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
    prompt: Prompt | None = None,
) -> DeployReport:
    """Convert, export or quantise, and build.

    Args:
        source: a checkpoint, as `converters.load.convert` takes it.
        options: without models.
        calibration: pictures like those the model will see, as `quantize` takes them; without any, float16.
        labels, preprocessing: as `convert` takes them.

    Raises:
        LabelsError: the model has no labels, and the app shows names.
        Otherwise as the three steps.
    """
    out = Path(out)
    check_options(out, options, force=force)
    jdk = find_jdk()
    check_can_prepare()
    check_runtime(options)
    key = open_key(jdk, options, prompt)
    from converters.load import convert
    from converters.tflite.export import export
    from converters.tflite.quantize import quantize

    with tempfile.TemporaryDirectory(prefix="swiftformer-deploy-") as scratch:
        keras_file = Path(scratch) / "model.keras"
        converted = convert(source, keras_file, labels=labels, preprocessing=preprocessing, progress=progress)
        model: Any = converted.model
        if not model.labels:
            raise LabelsError(f"{shown(source)}: has no labels, and the app shows names. Give --labels")
        precision = "float16" if calibration is None else "int8"
        file = Path(scratch) / f"{_file_stem(model.name)}_{precision}.tflite"
        report: Any
        if calibration is None:
            report = export(model, file, precision="float16", source=keras_file, progress=progress)
        else:
            report = quantize(model, file, calibration=calibration, source=keras_file, progress=progress)
        app = build_app(
            out, dataclasses.replace(options, models=(file,)), force=force, progress=progress, key=key
        )
    warnings = (*converted.warnings, *getattr(report, "warnings", ()))
    return DeployReport(converted.to_dict(), report.to_dict(), app, warnings)


def _file_stem(name: str) -> str:
    """A model's name as a short file name."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return kept.strip("._-")[:60] or "model"
