"""What `inspect` shows, compared with what LiteRT's interpreter says of the same file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from converters.tflite.inspect import inspect_tflite
from converters.tflite.metadata import write_metadata
from swiftformer_keras.shown import shown
from tests.converters.tflite.models import card, tiny, written
from tests.harness import SHARED, needs_shared

PEERS = sorted((SHARED / "peers").glob("*.tflite")) if SHARED else []


def test_a_file_of_ours(tmp_path: Path) -> None:
    path = written(tmp_path, write_metadata(tiny(), card()))
    inspection = inspect_tflite(path)
    assert inspection.card == card()
    assert inspection.card_problem is None
    assert inspection.file_bytes == path.stat().st_size
    assert inspection.weights_bytes == 8 + 48 + 16  # axes, weights, bias
    assert list(inspection.files) == ["labels.txt", "swiftformer.json"]
    assert [tensor.shape for tensor in inspection.inputs + inspection.outputs] == [(1, 32, 24, 3), (1, 4)]
    assert [(op.name, op.version, op.count) for op in inspection.graphs[0].operators] == [
        ("FULLY_CONNECTED", 1, 1),
        ("MEAN", 1, 1),
    ]
    assert json.loads(json.dumps(inspection.to_dict()))["card"]["labels"] == list(card().labels or ())


def test_a_file_without_metadata(tmp_path: Path) -> None:
    inspection = inspect_tflite(written(tmp_path, tiny()))
    assert inspection.card is None
    assert inspection.standard is None
    assert inspection.files == {}
    assert inspection.minimum_runtime is None


def test_a_card_that_lies_is_shown_as_a_problem(tmp_path: Path) -> None:
    data = write_metadata(tiny(), card()).replace(b'"height": 32', b'"height": 64')
    inspection = inspect_tflite(written(tmp_path, data))
    assert inspection.card is None
    assert inspection.card_problem is not None
    assert inspection.standard is not None


def test_dynamic_sizes_show_as_minus_one(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[0].shapeSignature = np.array([-1, 32, 24, 3], np.int32)

    assert inspect_tflite(written(tmp_path, tiny(change))).inputs[0].shape == (-1, 32, 24, 3)


def test_names_cannot_steer_a_terminal(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        model.subgraphs[0].tensors[0].name = "\x1b[2Jimage\n"

    assert inspect_tflite(written(tmp_path, tiny(change))).inputs[0].name == "\\x1b[2Jimage\\n"


def test_custom_operators_have_their_own_name(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = "TFLite_Detection"

    names = [
        operator.name for operator in inspect_tflite(written(tmp_path, tiny(change))).graphs[0].operators
    ]
    assert "CUSTOM:TFLite_Detection" in names


@needs_shared
@pytest.mark.parametrize("path", PEERS, ids=lambda path: path.stem)
def test_peers_files_as_the_interpreter_sees_them(path: Path) -> None:
    """Tensors, types, quantisation and operators of files that other tools wrote."""
    inspection = inspect_tflite(path)
    interpreter = Interpreter(
        str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    ours = inspection.graphs[0].tensors
    assert len(ours) >= len(details) > 50
    for index, theirs in details.items():
        tensor = ours[index]
        assert tensor.name == shown(theirs["name"], 1000)
        assert tensor.dtype == np.dtype(theirs["dtype"]).name
        assert tensor.shape == tuple(theirs["shape_signature"]) or not len(theirs["shape_signature"])
        scales = theirs["quantization_parameters"]["scales"]
        assert tensor.quantisation == ["none", "per-tensor", "per-channel"][min(len(scales), 2)]
        if len(scales) == 1:
            assert (tensor.scale, tensor.zero_point) == theirs["quantization"]
        if len(scales) > 1:
            assert tensor.axis == theirs["quantization_parameters"]["quantized_dimension"]
    theirs_counted = Counter(operator["op_name"] for operator in interpreter._get_ops_details())
    assert {operator.name: operator.count for operator in inspection.graphs[0].operators} == theirs_counted
    assert [tensor.index for tensor in inspection.inputs] == [
        i["index"] for i in interpreter.get_input_details()
    ]
    assert [tensor.index for tensor in inspection.outputs] == [
        o["index"] for o in interpreter.get_output_details()
    ]
    assert list(interpreter.get_signature_list()) == [signature.key for signature in inspection.signatures]
    assert 0.8 * path.stat().st_size < inspection.weights_bytes < path.stat().st_size
    assert (inspection.outside_bytes > 0) == ("int8" in path.stem or "dyn8" in path.stem)


@needs_shared
def test_inspecting_needs_no_tensorflow() -> None:
    code = (
        "import sys; from converters.tflite.inspect import inspect_tflite; inspect_tflite(sys.argv[1]);"
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras', 'jax')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(PEERS[0])], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
