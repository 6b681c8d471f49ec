"""`swiftformer inspect`: what is in a .tflite file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.delegates import show_delegates
from swiftformer_keras.cli.options import DelegateChoice, JsonFlag, QuietFlag
from swiftformer_keras.cli.text import file_size

if TYPE_CHECKING:
    from converters.tflite.inspect import GraphInfo, Inspection, TensorInfo


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE.tflite", help="The file to look into.")],
    delegate: Annotated[
        DelegateChoice | None,
        typer.Option(
            help="Show instead which operators this delegate takes, by runtime, and why not the others."
        ),
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Show a .tflite file's tensors, operators, sizes, quantisation and metadata; nothing is run."""
    console = Console("inspect", as_json=json, quiet=quiet)
    from converters.tflite.inspect import inspect_tflite

    inspection = inspect_tflite(file)
    if delegate is not None:
        from converters.tflite.delegates.lint import lint

        reports = lint(file, delegate.value)
        show_delegates(console, reports)
        console.result({**inspection.to_dict(), "delegates": [report.to_dict() for report in reports]})
        return
    for number, graph in enumerate(inspection.graphs):
        name = f"Graph {number}" + (f" {graph.name!r}" if graph.name else "")
        columns = ["tensor", "name", "shape", "type", "bytes", "quantisation", "role"]
        console.table(f"{name}: tensors", columns, [_tensor_row(t, graph) for t in graph.tensors])
        operators = [(operator.name, operator.version, operator.count) for operator in graph.operators]
        console.table(f"{name}: operators", ["operator", "version", "count"], operators)
    console.table("File", ["what", "value"], list(_file_rows(inspection)))
    if inspection.card is not None:
        console.table("Model card", ["what", "value"], list(_flat(inspection.card.to_dict())))
    elif inspection.standard is not None:
        console.table("Metadata", ["what", "value"], list(_flat(inspection.standard.to_dict())))
    else:
        console.print("No metadata.")
    if inspection.card_problem:
        console.warn(inspection.card_problem)
    console.result(inspection.to_dict())


def _tensor_row(tensor: TensorInfo, graph: GraphInfo) -> tuple[object, ...]:
    if tensor.quantisation == "per-tensor":
        quantisation = f"scale {tensor.scale:g}, zero point {tensor.zero_point}"
    elif tensor.quantisation == "per-channel":
        quantisation = f"per channel, axis {tensor.axis}"
    else:
        quantisation = ""
    roles = (("input", graph.inputs), ("output", graph.outputs))
    role = ", ".join(name for name, indices in roles if tensor.index in indices)
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    return tensor.index, tensor.name, shape, tensor.dtype, tensor.constant_bytes, quantisation, role


def _file_rows(inspection: Inspection) -> Iterator[tuple[str, str]]:
    yield "path", inspection.path
    yield "size", file_size(inspection.file_bytes)
    yield "weights", file_size(inspection.weights_bytes)
    if inspection.outside_bytes:
        yield "weights behind the flatbuffer", file_size(inspection.outside_bytes)
    if inspection.description:
        yield "description", inspection.description
    if inspection.minimum_runtime:
        yield "oldest TFLite that runs it", inspection.minimum_runtime
    for signature in inspection.signatures:
        yield "signature", f"{signature.key}: {', '.join(signature.inputs)} to {', '.join(signature.outputs)}"
    for name, size in inspection.files.items():
        yield "associated file", f"{name}, {file_size(size)}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Rows of nested facts: `preprocessing.filter` and its value; long lists by their beginning."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
            for index, item in enumerate(value):
                yield from _flat(item, f"{name}.{index}.")
        elif isinstance(value, (list, tuple)):
            shown = ", ".join(map(str, value[:10]))
            yield name, f"{shown}, ... ({len(value)} in all)" if len(value) > 10 else shown
        elif value not in ("", None):
            yield name, str(value)
