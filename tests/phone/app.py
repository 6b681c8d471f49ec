"""What a benchmark in the app does on the phone, without the app: a result in its format, made up from a description.

`jvm_app.py` runs the app's own code instead. This one is for what no desktop has: a GPU's and an NPU's answers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from swiftformer_keras.benchmark.warm_up import MOST_RUNS, WINDOW, WarmUp, judge
from tests.phone.packages import Package
from tests.phone.programs.activity import Instrument, result_lines, status_lines

if TYPE_CHECKING:
    from tests.phone.phone import Phone
    from tests.phone.userland import Call

App = Callable[["Call", Instrument], int]
"""Runs `am instrument` of an app that is installed, and returns am's exit status."""

ID = "dev.swiftformer.app"
RUNNER = f"{ID}.BenchmarkInstrumentation"


def package(application_id: str = ID, **facts: object) -> Package:
    """The app, as it is when it was installed."""
    return Package(application_id, instrumentations=(RUNNER,), **facts)  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class Share:
    """One "Replacing N out of M node(s)" line of a runtime."""

    taken: int
    total: int
    partitions: int


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """How a delegate does on this phone.

    Attributes:
        latency_ms: the middle of its latencies with one thread; they scatter by a few per cent.
        shares: the lines about it in the runtime's log; empty where it took nothing, None where no log can be read.
        accelerator: NNAPI's device.
        refusal: it cannot be had, in these words.
        error: the run ends early, in these words.
    """

    latency_ms: float = 20.0
    initialization_ms: float = 80.0
    shares: tuple[Share, ...] | None = (Share(200, 200, 1),)
    accelerator: str | None = None
    refusal: str | None = None
    error: str | None = None


@dataclasses.dataclass
class SyntheticApp:
    """Answers `am instrument` as the app's benchmark entry does, with made-up times.

    Attributes:
        behaviours: by the name of the delegate in the arguments.
        runtime_version: of the library that it pretends to hold.
        cpuset: that its process runs in.
        seconds: how long a run seems to take.
    """

    behaviours: dict[str, Behaviour] = dataclasses.field(
        default_factory=lambda: {
            "cpu": Behaviour(40.0),
            "cpu_plain": Behaviour(90.0, shares=()),
            "gpu": Behaviour(12.0, 400.0),
            "nnapi": Behaviour(18.0, 900.0, accelerator="example-npu"),
        }
    )
    runtime_version: str = "2.16.1"
    cpuset: str = "/top-app"
    seconds: float = 0.0
    seed: int = 0
    runs: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def __call__(self, call: Call, wanted: Instrument) -> int:
        self.runs.append(dict(wanted.extras))
        model = wanted.extras.get("model", "")
        phone = call.phone
        log = phone.faults.crash()
        if wanted.wait:
            call.out(status_lines({"status": f"loading {model}"}, 1))
        if log is not None:
            phone.log += log.splitlines()
            call.out(result_lines({"shortMsg": "Process crashed."}, 0))
            return 0
        if self.seconds and call.wait(self.seconds):
            return 1
        result = self.result(phone, wanted)
        name = wanted.extras.get("result", "benchmark.json")
        path = f"/sdcard/Android/data/{wanted.package}/files/{name}"
        file = phone.paths.real(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        shown = {"result": path.replace("/sdcard/", "/storage/emulated/0/")}
        if result["error"]:
            shown["error"] = result["error"]
        call.out(result_lines(shown, 0 if result["error"] else -1))
        return 0

    def result(self, phone: Phone, wanted: Instrument) -> dict:
        """The JSON of a run (`android_app/core/BENCHMARK_FORMAT.md`)."""
        extras = wanted.extras
        delegate = extras.get("delegate", "cpu")
        behaviour = self.behaviours[delegate]
        model = extras.get("model", "")
        plan = {
            "model": model,
            "delegate": delegate,
            "threads": int(extras.get("threads", "4")),
            "runs": int(extras.get("runs", "50")),
            "seconds": float(extras.get("seconds", "0")),
            "warm_up": extras["warm_up"]
            if extras.get("warm_up") == "auto"
            else int(extras.get("warm_up", "10")),
            "golden": extras.get("golden", "true") == "true",
            "evaluate": extras.get("evaluate"),
            "precision_loss": extras.get("precision_loss", "true") == "true",
            "result": extras.get("result", "benchmark.json"),
        }
        file = phone.paths.real(model)
        data = file.read_bytes() if file.is_file() else None
        facts = phone.description
        result = {
            "format": "swiftformer-benchmark",
            "version": 1,
            "started_at": "2026-01-02T03:04:05Z",
            "error": None,
            "plan": plan,
            "app": {"id": wanted.package, "version": "0.1.0", "debuggable": False},
            "device": {
                "manufacturer": facts.manufacturer,
                "model": facts.model,
                "sdk": facts.sdk,
                "abi": facts.abis[0],
                "soc": f"{facts.soc_manufacturer} {facts.soc_model}",
                "cores": sum(len(cluster.cores) for cluster in facts.clusters),
            },
            "model": None,
            "running": None,
            "fallbacks": [],
            "golden": None,
            "initialization_ms": None,
            "first_inference_ms": None,
            "warm_up_ms": [],
            "warm_up_ended": None,
            "samples_ms": [],
            "native_ms": [],
            "summary": None,
            "memory": None,
            "thermal": None,
            "evaluation": None,
        }
        if data is None:
            return {**result, "error": f"{model}: cannot be read (no such file)"}
        result["model"] = {"file": model, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        if behaviour.refusal is not None:
            return {**result, "error": behaviour.refusal}
        return {**result, **self._measured(behaviour, plan, delegate)}

    def _measured(self, behaviour: Behaviour, plan: dict, delegate: str) -> dict:
        self.seed += 1
        chance = random.Random(self.seed)
        middle = behaviour.latency_ms / (plan["threads"] ** 0.7 if delegate.startswith("cpu") else 1)
        warm_up = [middle * chance.lognormvariate(0, 0.01) for _ in range(MOST_RUNS)]
        ended = WarmUp.MORE
        count = plan["warm_up"]
        if count == "auto":
            count = 0
            while ended is WarmUp.MORE:
                count += WINDOW
                ended = judge(warm_up[:count])
        runs = max(plan["runs"], math.ceil(1000 * plan["seconds"] / (0.8 * middle)))
        shares = behaviour.shares
        return {
            "error": behaviour.error,
            "running": {
                "delegate": delegate.removesuffix("_plain"),
                "threads": plan["threads"],
                "xnnpack": delegate == "cpu",
                "accelerator": behaviour.accelerator,
                "runtime_version": self.runtime_version,
                "replacing": None
                if shares is None
                else [{"delegate": _LOGGED[delegate], **dataclasses.asdict(share)} for share in shares],
                "cpuset": self.cpuset,
            },
            "initialization_ms": behaviour.initialization_ms,
            "first_inference_ms": 3 * middle,
            "warm_up_ms": warm_up[:count],
            "warm_up_ended": "count" if ended is WarmUp.MORE else ended.value,
            "samples_ms": [middle * chance.lognormvariate(0, 0.03) for _ in range(runs)],
            "memory": {
                "before_kib": 61_000,
                "loaded_kib": 98_000,
                "after_kib": 97_000,
                "resident_peak_kib": 104_000,
            },
            "thermal": {
                "status_before": 0,
                "status_after": 0,
                "headroom_before": 0.4,
                "headroom_after": 0.5,
            },
        }


_LOGGED = {
    "cpu": "TfLiteXNNPackDelegate",
    "cpu_plain": "",
    "gpu": "TfLiteGpuDelegateV2",
    "nnapi": "TfLiteNnapiDelegate",
}
