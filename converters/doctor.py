"""What this machine has, what is missing and what to install: the facts behind `swiftformer doctor`.

Comes in: nothing but the machine. Goes out: a tuple of `Finding`. Nothing is installed or changed, and a
missing or broken package is a finding, never an exception.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Literal

DISTRIBUTION = "swiftformer-keras"
PYTHON_VERSIONS = ((3, 11), (3, 13))
"""Lowest and highest Python that is tested."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

State = Literal["ok", "optional", "missing"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: what it is called.
        state: "ok"; "optional": not there, and only what `advice` names needs it; "missing": required, and
            absent, too old or not working.
        found: its version or what it did, or why it does not work.
        advice: what to install, by package name, and what for; empty where there is nothing to do.
    """

    name: str
    state: State
    found: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain JSON types."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Tool:
    """A program that some jobs need and the conversion does not.

    Attributes:
        name: as people call it.
        programs: names of the executable, the first that is found counts.
        version_option: makes it print its version; empty where there is none.
        package: the package to install (Debian and Ubuntu).
        purpose: the job that needs it.
    """

    name: str
    programs: tuple[str, ...]
    version_option: str
    package: str
    purpose: str


TOOLS = (
    Tool("JDK", ("javac",), "-version", "default-jdk-headless", "to build the Android app"),
    Tool("Maven", ("mvn",), "--version", "maven", "to build the Android app"),
    Tool("adb", ("adb",), "--version", "adb", "to reach a phone"),
    Tool("apksigner", ("apksigner",), "--version", "apksigner", "to verify an APK once more"),
    Tool("zipalign", ("zipalign",), "", "zipalign", "to check an APK's alignment in the tests"),
    Tool(
        "qemu",
        ("qemu-aarch64-static", "qemu-aarch64"),
        "--version",
        "qemu-user-static",
        "to run arm64 code here",
    ),
    Tool("Python 3.11", ("python3.11",), "--version", "python3.11-venv", "to read files with tflite-support"),
)

OPTIONAL_PACKAGES = (("mediapipe", "to classify with MediaPipe"), ("jax", "as a second Keras backend"))


def examine() -> tuple[Finding, ...]:
    """Look for everything that is required, then for what is optional. Takes some seconds (TensorFlow)."""
    findings = [
        _python(),
        *(_package(name, bound) for name, bound in _requirements()),
        _backend(),
        _litert(),
        *(_tool(tool) for tool in TOOLS),
    ]
    for name, purpose in OPTIONAL_PACKAGES:
        version = _version(name)
        findings.append(
            Finding(name, "ok", version)
            if version
            else Finding(name, "optional", "not installed", f"pip install {name}, {purpose}")
        )
    return tuple(findings)


def as_numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: `"2.21.0rc1"` to `(2, 21, 0)`."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def is_at_least(version: str, bound: str) -> bool:
    """Whether `version` satisfies `>=bound`; missing numbers count as zero."""
    ours, theirs = as_numbers(version), as_numbers(bound)
    length = max(len(ours), len(theirs))
    return ours + (0,) * (length - len(ours)) >= theirs + (0,) * (length - len(theirs))


def parse_requirements(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Name and lower bound of each unconditional requirement such as `numpy>=2.0`."""
    matches = (re.fullmatch(r"([A-Za-z0-9._-]+)\s*>=\s*([0-9][0-9A-Za-z.]*)", line) for line in lines)
    return [(match[1], match[2]) for match in matches if match]


def _requirements() -> list[tuple[str, str]]:
    try:
        return parse_requirements(importlib.metadata.requires(DISTRIBUTION) or [])
    except importlib.metadata.PackageNotFoundError:
        return [(DISTRIBUTION, "0")]


def _python() -> Finding:
    version, (lowest, highest) = platform.python_version(), PYTHON_VERSIONS
    if lowest <= sys.version_info[:2] <= highest:
        return Finding("Python", "ok", version)
    span = f"{lowest[0]}.{lowest[1]} to {highest[0]}.{highest[1]}"
    return Finding("Python", "missing", version, f"use Python {span}")


def _package(name: str, bound: str) -> Finding:
    version = _version(name)
    if version is None:
        return Finding(name, "missing", "not installed", f"pip install '{name}>={bound}'")
    if not is_at_least(version, bound):
        return Finding(name, "missing", f"{version}, too old", f"pip install --upgrade '{name}>={bound}'")
    return Finding(name, "ok", version)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _backend() -> Finding:
    """The Keras backend in use, after it has computed something."""
    try:
        keras = importlib.import_module("keras")
        name = str(keras.config.backend())
        total = float(keras.ops.convert_to_numpy(keras.ops.sum(keras.ops.ones((2, 2)))))
    except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is what is reported
        return Finding("Keras backend", "missing", _one_line(error), "pip install --upgrade tensorflow keras")
    if total != 4.0:
        return Finding("Keras backend", "missing", f"{name} adds up wrongly", f"reinstall {name}")
    variable = bool(os.environ.get("KERAS_BACKEND"))
    found = f"{name} ({'chosen by KERAS_BACKEND' if variable else 'from the Keras configuration'})"
    if name != "tensorflow":
        advice = "unset KERAS_BACKEND" if variable else "set KERAS_BACKEND=tensorflow"
        return Finding("Keras backend", "optional", found, f"{advice}, to export and to quantise")
    return Finding("Keras backend", "ok", found)


def _litert() -> Finding:
    """LiteRT, after it has run a model of one operator."""
    try:
        import numpy as np
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=tiny_model(), num_threads=1)
        interpreter.allocate_tensors()
        interpreter.set_tensor(
            interpreter.get_input_details()[0]["index"], np.array([-1, 0, 2, 5], np.float32)
        )
        interpreter.invoke()
        result = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    except Exception as error:  # noqa: BLE001 - as above
        return Finding("LiteRT", "missing", _one_line(error), "pip install --upgrade ai-edge-litert")
    if result.tolist() != [0, 0, 2, 5]:
        return Finding(
            "LiteRT", "missing", "computes wrongly", "pip install --force-reinstall ai-edge-litert"
        )
    return Finding("LiteRT", "ok", "runs a model")


def tiny_model() -> bytes:
    """A .tflite file of one operator: RELU on four float32 numbers."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name: str) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, [4], schema.TensorType.FLOAT32, 0
        return made

    relu = schema.OperatorT()
    relu.opcodeIndex, relu.inputs, relu.outputs = 0, [0], [1]
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs = [tensor("in"), tensor("out")], [0], [1]
    graph.operators = [relu]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU
    code.version = 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tool(tool: Tool) -> Finding:
    path = next((found for name in tool.programs if (found := shutil.which(name))), None)
    if path is None:
        return Finding(tool.name, "optional", "not found", f"install {tool.package}, {tool.purpose}")
    if not tool.version_option:
        return Finding(tool.name, "ok", path)
    try:
        ran = subprocess.run(
            [path, tool.version_option], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(tool.name, "optional", _one_line(error), f"reinstall {tool.package}, {tool.purpose}")
    lines = _COLOURS.sub("", ran.stdout.strip() or ran.stderr.strip()).splitlines()
    if ran.returncode:
        why = lines[0] if lines else f"exit code {ran.returncode}"
        return Finding(tool.name, "optional", why, f"reinstall {tool.package}, {tool.purpose}")
    return Finding(tool.name, "ok", lines[0] if lines else path)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
