"""`--runner benchmark_model`, by the real adb: a program that prints what real tools have printed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from converters.android.adb_client import Adb
from swiftformer_keras.benchmark import plan
from swiftformer_keras.benchmark.affinity import crowded
from swiftformer_keras.benchmark.execute import no_progress
from swiftformer_keras.benchmark.job import measure
from swiftformer_keras.benchmark.request import Request, prepare
from swiftformer_keras.benchmark.run_file import write_run
from swiftformer_keras.benchmark.runners.benchmark_model import abi_of
from swiftformer_keras.errors import BenchmarkPlanError, PushMismatchError
from swiftformer_keras.files import sha256_file
from tests.phone.tool import ABIS, Printed, RecordedTool, write_tool
from tests.swiftformer_keras.benchmark.bench import MODEL, Bench
from tests.swiftformer_keras.benchmark.test_tool_output import output


@pytest.fixture
def tool(bench: Bench, tmp_path: Path) -> tuple[str, ...]:
    """The options that use the tool."""
    bench.phone.change(abis=ABIS)
    bench.phone.packages.clear()  # no app is needed
    return ("--runner", "benchmark_model", "--binary", str(write_tool(tmp_path / "benchmark_model")))


def test_tflites_tool_is_measured_with(bench: Bench, tool: tuple[str, ...]) -> None:
    bench.phone.tool = RecordedTool(
        {"cpu": output("tflite_scientific.txt"), "gpu": output("synthetic_tflite_gpu_partial.txt"),
         "nnapi": output("tflite_nnapi.txt")}
    )  # fmt: skip
    ended = bench(*tool, "--delegate", "cpu,gpu,nnapi", "--threads", "2", code=0)
    cpu, gpu, nnapi = ended.run.configurations
    assert [each.residency.verdict for each in (cpu, gpu, nnapi)] == ["unknown", "partial", "full"]
    assert (gpu.residency.taken, gpu.residency.total, gpu.residency.partitions) == (30, 49, 5)
    assert gpu.memory_kib == 95476
    process = cpu.processes[0]
    assert process.samples_ms == () and process.aggregate.mean_ms == 2950.34 and process.aggregate.count == 50
    assert any("no single runs" in note for note in process.notes)
    runs = bench.phone.tool.runs
    assert len(runs) == 9 and all(run["num_threads"] == "2" for run in runs)
    assert all((run["num_runs"], run["min_secs"]) == ("4", "0.01") for run in runs[:6])
    assert all(run["report_peak_memory_footprint"] == "true" for run in runs[6:])
    assert [run.get("disable_nnapi_cpu") for run in runs if run.get("use_nnapi")] == ["true"] * 3
    bench.assert_as_found()


def test_litert_tells_by_its_output_who_it_is_and_what_it_does_not_know(
    bench: Bench, tool: tuple[str, ...]
) -> None:
    bench.phone.tool = RecordedTool(
        {"cpu": output("litert_xnnpack_counts.txt"), "gpu": output("synthetic_litert_gpu_missing.txt"),
         "nnapi": output("synthetic_litert_unknown_flag.txt")}
    )  # fmt: skip
    ended = bench(*tool, "--delegate", "cpu,gpu,nnapi", code=3)
    cpu, gpu, nnapi = ended.run.configurations
    assert (cpu.status, cpu.residency.verdict, cpu.residency.taken) == ("ok", "full", 1)
    assert cpu.processes[0].aggregate.median_ms == 0.462
    assert gpu.status == "failed" and "all of it ran on the CPU" in gpu.reason
    assert nnapi.status == "failed" and "LiteRT 2.x has no NNAPI" in nnapi.reason


def test_a_tool_that_cannot_keep_nnapis_cpu_driver_out_leaves_the_accelerator_unknown(
    bench: Bench, tool: tuple[str, ...]
) -> None:
    odd = "INFO: Unconsumed cmdline flags: --disable_nnapi_cpu=true\n"
    bench.phone.tool = RecordedTool({"nnapi": odd + output("tflite_nnapi.txt")})
    (nnapi,) = bench(*tool, "--delegate", "nnapi", code=0).run.configurations
    assert nnapi.residency.verdict == "unknown" and nnapi.residency.driver_unknown
    assert nnapi.processes[0].accelerator is None


def test_a_tool_that_measures_less_than_it_was_asked_for_says_so(
    bench: Bench, tool: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """520 runs of 1.886 ms are 0.98 s."""
    rapid = plan.PRESETS["rapid"]
    monkeypatch.setitem(plan.PRESETS, "rapid", replace(rapid, seconds=10.0))
    bench.phone.tool = RecordedTool({"nnapi": output("tflite_nnapi.txt")})
    options = (*tool, "--delegate", "nnapi")
    (short,) = bench(*options, code=0).run.configurations
    assert "its timed runs took 0.981 s together, and 5 s were asked for" in short.processes[0].notes
    monkeypatch.setitem(plan.PRESETS, "rapid", replace(rapid, runs=1042))
    (few,) = bench(*options, code=3).run.configurations
    assert few.status == "failed" and "measured 520 runs of 521" in few.reason


def test_a_resumed_run_goes_on_with_its_own_tool(bench: Bench, tool: tuple[str, ...]) -> None:
    bench.phone.tool = RecordedTool({"cpu": output("tflite_scientific.txt")})
    run = bench(*tool, code=0).run
    assert run.plan.binary_sha256 == sha256_file(Path(tool[-1])) and run.plan.package is None
    left = tuple(replace(each, status="not_run", processes=()) for each in run.configurations)
    write_run(bench.out, replace(run, configurations=left, finished_at=None))
    again = ("--resume", str(bench.out), "--binary", tool[-1])
    assert "give --binary" in bench(*again[:2], code=2).error
    assert bench(*again, code=0).run.configurations[0].status == "ok"
    write_run(bench.out, replace(run, configurations=left, finished_at=None))
    with open(tool[-1], "ab") as file:
        file.write(b"another")
    assert "is another tool than the run was begun with" in bench(*again, code=2).error


def test_a_tool_that_changed_since_it_was_recorded_is_not_run(bench: Bench, tool: tuple[str, ...]) -> None:
    binary = Path(tool[-1])
    job = prepare(Request((MODEL,), runner="benchmark_model", binary=binary), no_progress)
    with binary.open("ab") as file:
        file.write(b"another")
    with pytest.raises(PushMismatchError, match="benchmark_model: has changed since"):
        measure(job, Adb(bench.phone.serial), bench.out)
    bench.assert_as_found()


def test_threads_that_share_cores_are_said(bench: Bench, tool: tuple[str, ...]) -> None:
    """The biggest cluster of a phone with three of them is one core."""
    bench.phone.tool = RecordedTool({"cpu": output("tflite_scientific.txt")})
    one, four = bench(*tool, "--threads", "1,4", "--cpu-affinity", "big", code=0).run.configurations
    assert "4 threads share the 1 core of the mask 80: they take turns" in four.processes[0].notes
    assert not any("share" in note for note in one.processes[0].notes)
    assert crowded("f0", 4) is None and "4 cores" in (crowded("f0", 5) or "")


def test_affinity_by_the_phones_own_clusters(bench: Bench, tool: tuple[str, ...]) -> None:
    bench.phone.tool = RecordedTool({"cpu": output("tflite_scientific.txt")})
    for choice, mask in (("big", "80"), ("little", "f"), ("0xF0", "f0")):
        bench.phone.tool.runs.clear()
        ended = bench(*tool, "--cpu-affinity", choice, code=0)
        assert {run["affinity"].lower().removeprefix("0x") for run in bench.phone.tool.runs} == {mask}
        assert ended.run.configurations[0].configuration.affinity == ("f0" if mask == "f0" else choice)
    assert "has no core" in bench(*tool, "--cpu-affinity", "100", code=2).error


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (
            Printed("", "ERROR: Failed to load model.\nERROR: Benchmarking failed.\n", 1),
            "Failed to load model",
        ),
        (Printed(output("tflite_nnapi.txt")[:900]), "ends before its results"),
        (Printed(output("tflite_nnapi.txt"), "", 139), "signal 11"),
        (Printed("\x1b[31mgarbage $(touch pwned)\n"), "no output of benchmark_model"),
    ],
)
def test_a_tool_that_fails_keeps_what_it_said(
    bench: Bench, tool: tuple[str, ...], printed: Printed, said: str
) -> None:
    bench.phone.tool = RecordedTool({"cpu": output("tflite_scientific.txt"), "gpu": printed})
    ended = bench(*tool, "--delegate", "gpu,cpu", code=3)
    gpu, cpu = ended.run.configurations
    assert (gpu.status, cpu.status) == ("failed", "ok")
    assert said in gpu.reason and "\x1b" not in (gpu.processes[0].log_excerpt or "")
    bench.assert_as_found()


def test_a_file_for_another_processor_or_no_program_is_refused(bench: Bench, tmp_path: Path) -> None:
    binary = write_tool(tmp_path / "tool")
    assert abi_of(binary) == "x86_64"
    ended = bench("--runner", "benchmark_model", "--binary", str(binary), code=2)
    assert "is built for x86_64" in ended.error and "arm64-v8a" in ended.error
    (tmp_path / "script").write_text("#!/bin/sh\n")
    with pytest.raises(BenchmarkPlanError, match="no Android program"):
        abi_of(tmp_path / "script")
    with pytest.raises(BenchmarkPlanError, match="cannot be read"):
        abi_of(tmp_path / "none")
    bench.assert_as_found()
