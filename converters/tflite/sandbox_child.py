"""The child process of `sandbox.py`: one .tflite file, run as often as asked, and nothing else.

Started by its path and not as a module, so that it needs nothing of the project: the standard library,
numpy and LiteRT. Requests and answers are frames of a JSON line and raw bytes, on standard input and a
private copy of standard output; nothing that arrives is ever unpickled or run.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

_ADDRESS_SPACE = 3 << 30  # beyond what the process has after its imports, in bytes
_MAX_PRINTED_BYTES = 1 << 20  # messages on standard error, the only file that is open for writing


def main() -> int:
    """Answer requests until standard input ends. Arguments: file, threads, seconds of CPU time."""
    path, threads, cpu_seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    requests = sys.stdin.buffer

    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    content = Path(path).read_bytes()  # LiteRT takes no path that is not UTF-8
    _limit(cpu_seconds, len(content))
    try:
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, MemoryError) as error:
        _send(answers, {"error": str(error)[:2000]})
        return 0
    _send(
        answers,
        {
            "inputs": [_details(tensor) for tensor in interpreter.get_input_details()],
            "outputs": [_details(tensor) for tensor in interpreter.get_output_details()],
        },
    )
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    while line := requests.readline():
        request = json.loads(line)
        array = np.frombuffer(requests.read(request["size"]), request["dtype"]).reshape(request["shape"])
        try:
            interpreter.set_tensor(source["index"], array)
            start = time.perf_counter()
            interpreter.invoke()
            elapsed_ms = (time.perf_counter() - start) * 1e3
            result = np.ascontiguousarray(interpreter.get_tensor(target["index"]))
        except (ValueError, RuntimeError, MemoryError) as error:
            _send(answers, {"error": str(error)[:2000]})
            continue
        _send(
            answers,
            {"shape": result.shape, "dtype": result.dtype.name, "elapsed_ms": elapsed_ms},
            result.tobytes(),
        )
    return 0


def _details(tensor: dict[str, Any]) -> dict[str, Any]:
    scales = tensor["quantization_parameters"]["scales"]
    zero_points = tensor["quantization_parameters"]["zero_points"]
    return {
        "shape": [int(size) for size in tensor["shape"]],
        "dtype": str(getattr(tensor["dtype"], "__name__", tensor["dtype"])),
        "scales": [float(scale) for scale in scales[:1]],
        "zero_points": [int(zero) for zero in zero_points[:1]],
    }


def _send(stream: BinaryIO, header: dict[str, Any], content: bytes = b"") -> None:
    stream.write(json.dumps({**header, "size": len(content)}).encode() + b"\n" + content)
    stream.flush()


def _limit(cpu_seconds: int, file_bytes: int) -> None:
    """Little memory, little time, no files, no core dump; where the system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _MAX_PRINTED_BYTES),
        (resource.RLIMIT_CPU, cpu_seconds),
    ]
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        now = pages * resource.getpagesize()
        limits.append((resource.RLIMIT_AS, now + _ADDRESS_SPACE + 8 * file_bytes))
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        if hard == resource.RLIM_INFINITY or most <= hard:
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    sys.exit(main())
