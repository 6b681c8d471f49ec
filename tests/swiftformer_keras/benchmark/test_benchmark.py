"""`swiftformer benchmark` from one end to the other, by the real adb, on the tests' own phone."""

from __future__ import annotations

import dataclasses
import hashlib
import os

import pytest

from converters.android.adb_client import Adb
from swiftformer_keras.benchmark import leftover
from swiftformer_keras.benchmark.cooling import CoolLimit
from swiftformer_keras.benchmark.execute import no_progress
from swiftformer_keras.benchmark.job import measure
from swiftformer_keras.benchmark.request import Request, prepare
from swiftformer_keras.benchmark.run_file import read_run, write_run
from swiftformer_keras.cli.main import main
from swiftformer_keras.errors import BenchmarkPlanError, PushMismatchError
from tests.phone.adb import AdbServer
from tests.phone.app import Behaviour, Share, package
from tests.swiftformer_keras.benchmark.bench import MODEL, TINY, Bench, json_of


def test_a_plan_is_measured_and_the_phone_is_left_as_it_was(bench: Bench) -> None:
    ended = bench("--delegate", "cpu,gpu", "--threads", "1,4", "--seed", "7", code=0)
    run = ended.run
    assert run is not None and run.finished_at is not None
    assert (run.plan.seed, run.plan.runner, run.plan.preset) == (7, "app", "rapid")
    assert run.device.model == "Example Phone 1" and run.device.sdk == 34
    sha256 = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert [(each.sha256, each.precision) for each in run.models] == [(sha256, "int8")]
    names = [each.configuration.name for each in run.configurations]
    assert names == [
        f"fashion_mnist_int8 {delegate} {threads}"
        for delegate in ("cpu", "gpu")
        for threads in ("1 thread", "4 threads")
    ]
    for each in run.configurations:
        assert (each.status, each.reason) == ("ok", None)
        assert [process.round for process in each.processes] == [0, 1]
        assert each.memory_kib == 104_000
        for process in each.processes:
            assert len(process.samples_ms) >= TINY.runs_a_process
            assert process.state_before is not None and process.state_before.thermal_status == 0
            assert process.state_after is not None and process.state_after.clusters[0].governor == "schedutil"
            assert process.memory_kib is None  # of a process of its own
    assert run.configurations[2].residency.verdict == "full"
    assert all(name in ended.out for name in names)
    bench.assert_as_found()


def test_rounds_are_interleaved_and_every_process_is_asked_for_the_same(bench: Bench) -> None:
    bench("--delegate", "cpu,gpu,nnapi", "--threads", "1,2", "--seed", "1", code=0)
    asked = bench.phone.app.runs
    timed, memory = asked[:12], asked[12:]
    order = [(each["delegate"], each["threads"]) for each in timed]
    assert len(set(order[:6])) == len(set(order[6:])) == 6 and order[:6] != order[6:]
    for each in timed:
        assert (each["runs"], each["seconds"], each["warm_up"]) == ("4", "0.010", "auto")
        assert each["model"].endswith(f"/{hashlib.sha256(MODEL.read_bytes()).hexdigest()}.tflite")
    assert len({each["result"] for each in asked}) == len(asked) == 18
    assert [each["runs"] for each in memory] == ["8"] * 6
    assert bench.phone.pushes == [path for path in bench.phone.pushes if path.endswith("incoming")]
    assert len(bench.phone.pushes) == 1


def test_json_is_one_object_with_the_figures(bench: Bench) -> None:
    found = json_of(bench("--json", code=0))
    assert list(found) == ["command", "version", "format_version", "phones", "html", "complete"]
    assert found["complete"] is True
    (phone,) = found["phones"]
    assert phone["file"] == str(bench.out)
    (configuration,) = phone["run"]["configurations"]
    assert configuration["status"] == "ok" and configuration["median_ms"] > 0


def test_a_gpu_that_took_nothing_fails_and_the_others_go_on(bench: Bench) -> None:
    bench.phone.app.behaviours["gpu"] = Behaviour(5.0, shares=())
    ended = bench("--delegate", "gpu,cpu", code=3)
    gpu, cpu = ended.run.configurations
    assert (gpu.status, gpu.residency.verdict) == ("failed", "none")
    assert "all of it ran on the CPU" in gpu.reason and len(gpu.processes) == 1
    assert cpu.status == "ok"
    assert "all of it ran on the CPU" in ended.error
    found = json_of(bench("--delegate", "gpu,cpu", "--json"))["phones"][0]["run"]["configurations"]
    assert [each["compared"] for each in found] == [False, True]


def test_a_partial_delegate_is_called_partial(bench: Bench) -> None:
    bench.phone.app.behaviours["gpu"] = Behaviour(5.0, shares=(Share(150, 200, 7),))
    ended = bench("--delegate", "gpu", code=0)
    (gpu,) = ended.run.configurations
    assert (gpu.status, gpu.residency.verdict) == ("ok", "partial")
    assert "gpu (partial)" in ended.out and "50 of 200 operators ran on the CPU" in ended.out


def test_a_share_that_nothing_shows_is_unknown(bench: Bench) -> None:
    bench.phone.app.behaviours["gpu"] = Behaviour(5.0, shares=None)
    bench.phone.app.cpuset = "/foreground"
    ended = bench("--delegate", "gpu", code=0)
    assert ended.run.configurations[0].processes[0].cpuset == "/foreground"
    assert "the app ran in the cpuset /foreground, not in /top-app" in " ".join(ended.out.split())
    assert ended.run.configurations[0].residency.verdict == "unknown"
    assert "share unknown" in ended.out


@pytest.mark.parametrize(("sdk", "status"), [(26, "refused"), (28, "ok"), (35, "ok")])
def test_nnapi_by_the_phones_level(bench: Bench, sdk: int, status: str) -> None:
    bench.phone.change(sdk=sdk)
    ended = bench("--delegate", "nnapi", code=3 if status == "refused" else 0)
    (nnapi,) = ended.run.configurations
    assert nnapi.status == status
    if sdk == 26:
        assert "API 27" in nnapi.reason and not bench.phone.app.runs
    elif sdk == 28:
        assert nnapi.residency.verdict == "unknown" and "accelerator unknown" in ended.out
    else:
        assert "deprecated since Android 15" in ended.out


def test_a_hot_phone_is_waited_for_and_what_was_measured_hot_is_noted(bench: Bench) -> None:
    bench.phone.change(thermal_statuses=(0, 2, 2, 0))
    calm = bench("--cool-timeout", "30", code=0)
    assert not any(process.notes for each in calm.run.configurations for process in each.processes)
    bench.phone.change(thermal_statuses=(3,))
    waited = [process.waited_s for each in calm.run.configurations for process in each.processes]
    assert 1 <= max(waited) < 30, "a first pause of one second, of whichever configuration came first"
    hot = bench("--cool-timeout", "0", "--max-battery-temperature", "40", "--time-limit", "90", code=0)
    plan = hot.run.plan
    assert (plan.max_battery_c, plan.max_thermal_status, plan.cool_timeout_s, plan.time_limit_s) == (
        40,
        0,
        0,
        90,
    )
    (first, _) = hot.run.configurations[0].processes
    assert first.notes == ("measured hot: thermal status 3, above 0",)
    assert first.state_before.thermal_status == 3


def test_a_run_goes_on_where_it_stopped(
    bench: Bench, adb_server: AdbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cable is pulled in the second round; what was measured before is not measured again."""
    monkeypatch.setattr("swiftformer_keras.benchmark.job.COMEBACK_S", 0.5)
    options = ("--delegate", "cpu,gpu", "--seed", "3")
    bench.phone.faults.unplug_during("am instrument", skip=3)
    first = bench(*options, code=2)
    assert f"go on with --resume {bench.out}" in first.error
    assert sum(len(each.processes) for each in first.run.configurations) == 3
    assert first.run.finished_at is None
    left = leftover.find(bench.phone.description.serialno)
    assert left is not None and left.app is not None and left.app.package == "dev.swiftformer.app"
    before = {
        (each.configuration, process.round): process
        for each in first.run.configurations
        for process in each.processes
    }
    bench.phone.plug_in()
    adb_server.connect(bench.phone)
    asked = len(bench.phone.app.runs)
    second = bench("--resume", str(bench.out), code=0)
    run = read_run(bench.out)
    assert all(each.status == "ok" and len(each.processes) == 2 for each in run.configurations)
    for each in run.configurations:
        for process in each.processes:
            assert before.get((each.configuration, process.round), process) == process
    assert len(bench.phone.app.runs) - asked == 1 + 2  # the process that was missing, and the two for memory
    assert (run.plan.seed, run.started_at) == (3, first.run.started_at)
    assert second.run == run
    bench.assert_as_found()


def test_a_finished_run_has_nothing_left_and_what_the_cpu_computed_stays_failed(bench: Bench) -> None:
    bench.phone.app.behaviours["gpu"] = Behaviour(5.0, shares=())
    first = bench("--delegate", "gpu,cpu", code=3)
    asked = len(bench.phone.app.runs)
    again = bench("--resume", str(bench.out), code=2)
    assert "has nothing left to measure; what has failed (1 of 2 configurations) is not tried" in again.error
    assert len(bench.phone.app.runs) == asked and again.run == first.run


def test_what_failed_in_one_round_is_measured_again_in_that_round(bench: Bench) -> None:
    good = dict(bench.phone.app.behaviours)
    bench.phone.app.behaviours["gpu"] = Behaviour(refusal="the GPU cannot be had just now")
    first = bench("--delegate", "gpu,cpu", "--seed", "5", code=3)
    gpu, cpu = first.run.configurations
    assert (gpu.status, len(gpu.processes)) == ("failed", 1)
    asked = len(bench.phone.app.runs)
    bench.phone.app.behaviours = good
    gpu, again = bench("--resume", str(bench.out), code=0).run.configurations
    assert (gpu.status, gpu.reason, [each.round for each in gpu.processes]) == ("ok", None, [0, 1])
    assert not any(each.error for each in gpu.processes) and gpu.residency.verdict == "full"
    assert any("round 1" in note and "cannot be had just now" in note for note in gpu.notes)
    assert again == cpu and len(bench.phone.app.runs) - asked == 2 + 1  # and the one for memory
    bench.assert_as_found()


def test_a_file_that_changed_since_it_was_recorded_is_not_measured(bench: Bench, tmp_path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(MODEL.read_bytes())
    job = prepare(Request((model,)), no_progress)
    model.write_bytes(MODEL.read_bytes() + b"\0")
    with pytest.raises(PushMismatchError, match=r"model\.tflite: has changed since"):
        measure(job, Adb(bench.phone.serial), bench.out)
    assert not bench.phone.app.runs and not bench.out.exists()
    bench.assert_as_found()


def interrupted(bench: Bench, *options: str) -> None:
    """A run that lacks its last processes, as an interruption leaves it."""
    run = bench(*options, code=0).run
    left = tuple(
        dataclasses.replace(
            each, status="not_run", processes=each.processes[:1], memory_kib=None, accuracy=None
        )
        for each in run.configurations
    )
    write_run(bench.out, dataclasses.replace(run, configurations=left, finished_at=None))


def test_a_run_goes_on_with_its_limits_and_the_version_of_the_app_that_it_was_begun_with(
    bench: Bench,
) -> None:
    interrupted(bench)
    run = read_run(bench.out)
    limits = {"max_battery_c": 40.0, "cool_timeout_s": 60.0, "time_limit_s": 70.0}
    write_run(bench.out, dataclasses.replace(run, plan=dataclasses.replace(run.plan, **limits)))
    job = prepare(Request((MODEL,), resume=bench.out), no_progress)
    assert (job.cool, job.time_limit_s) == (CoolLimit(battery_c=40.0, timeout_s=60.0), 70.0)
    for option in ("--max-battery-temperature", "--cool-timeout", "--time-limit"):
        assert "goes on with it" in bench("--resume", str(bench.out), option, "55", code=2).error
    ended = bench("--resume", str(bench.out), "--time-limit", "70", code=0)
    assert ended.run.plan == dataclasses.replace(run.plan, **limits)
    assert [note.split(" at ")[0] for note in ended.run.notes] == ["resumed"]
    (each,) = ended.run.configurations
    assert [process.app_version for process in each.processes] == ["0.1.0", "0.1.0"]
    other = dataclasses.replace(each.processes[0], app_version="0.0.9")
    left = dataclasses.replace(each, status="not_run", processes=(other,))
    write_run(bench.out, dataclasses.replace(ended.run, configurations=(left,), finished_at=None))
    ended = bench("--resume", str(bench.out), code=2)
    assert "the app is version 0.1.0" in ended.error and "the run was begun with 0.0.9" in ended.error
    assert [(each.status, each.processes) for each in ended.run.configurations] == [("not_run", (other,))]
    bench.phone.packages["dev.swiftformer.app"] = package()
    bench.phone.app.runtime_version = "2.17.0"
    kept = dataclasses.replace(left, processes=each.processes[:1], memory_kib=None)
    write_run(bench.out, dataclasses.replace(ended.run, configurations=(kept,)))
    assert "0.1.0 (TFLite 2.17.0), and" in bench("--resume", str(bench.out), code=2).error


@pytest.mark.parametrize("option", ["--delegate=gpu", "--threads=1", "--preset=rapid", "--seed=1"])
def test_a_resumed_run_keeps_its_plan(bench: Bench, option: str) -> None:
    bench(code=0)
    assert "leave it out" in bench("--resume", str(bench.out), option, code=2).error


def test_going_on_under_another_name_replaces_nothing(bench: Bench, tmp_path) -> None:
    interrupted(bench)
    run = read_run(bench.out)
    write_run(
        bench.out, dataclasses.replace(run, device=dataclasses.replace(run.device, serial="by-wifi:5555"))
    )
    begun = bench.out.read_bytes()
    other = tmp_path / "other.json"
    other.write_text("someone's")
    refused = bench("--resume", str(bench.out), "--out", str(other), code=2)
    assert "exists already" in refused.error and other.read_text() == "someone's"
    bench("--resume", str(bench.out), "--out", str(other), "--force", code=0)
    assert read_run(other).finished_at is not None and bench.out.read_bytes() == begun
    same = bench.out.parent / "." / bench.out.name
    bench("--resume", str(bench.out), "--out", str(same), code=0)
    assert read_run(bench.out).finished_at is not None


def test_a_run_goes_on_only_with_its_own_models_and_phone(bench: Bench, tmp_path) -> None:
    interrupted(bench)
    other = tmp_path / "other.tflite"
    other.write_bytes(MODEL.read_bytes() + b"\0")
    assert "Give the same models" in bench("--resume", str(bench.out), model=other, code=2).error
    bench.phone.change(fingerprint="example/updated:15/user/release-keys")
    assert "go on with that phone and system" in bench("--resume", str(bench.out), code=2).error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--delegate", "tpu"), "delegate 'tpu': unknown"),
        (("--threads", "0"), "must be 1 to 64"),
        (("--threads", "1;reboot"), "is no number of threads"),
        (("--cpu-affinity", "big"), "the app cannot be kept on chosen cores"),
        (("--cpu-affinity", "f0;reboot"), "neither big nor little"),
        (("--runner", "benchmark_model"), "give --binary"),
        (("--binary", "/bin/true"), "--binary goes with"),
        (("--labels", "a.csv"), "goes with --evaluate"),
        (("--device", "none such"), "no phone has the serial number"),
        (("--all-devices", "--device", "a"), "does not go with"),
    ],
)
def test_what_makes_no_sense_is_one_line(bench: Bench, options: tuple[str, ...], said: str) -> None:
    ended = bench(*options, code=2)
    assert said in ended.error
    assert not bench.phone.app.runs
    bench.assert_as_found()


def test_limits_that_are_none_and_a_folder_that_takes_no_file_are_refused_at_once(
    capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for option in (
        "--time-limit=inf",
        "--cool-timeout=inf",
        "--cool-timeout=1e16",
        "--seed=10000000000000000",
    ):
        assert main(["benchmark", str(MODEL), option]) == 2
        said = "must be 0 to" if "seed" in option else "a limit is a number"
        assert said in capsys.readouterr().err
    monkeypatch.setattr("swiftformer_keras.files.os.access", lambda _, mode: mode != os.W_OK)
    assert main(["benchmark", str(MODEL)]) == 2
    assert "no permission to write there" in capsys.readouterr().err


def test_files_that_are_no_models_are_refused_before_any_phone_is_asked(tmp_path, capsys) -> None:
    """No adb is needed to be told."""
    (tmp_path / "a.keras").write_bytes(b"x")
    for name, said in (("a.keras", "is no .tflite file"), ("none.tflite", "is not a file")):
        assert main(["benchmark", str(tmp_path / name)]) == 2
        assert said in capsys.readouterr().err
    assert main(["benchmark", str(MODEL), str(MODEL)]) == 2
    assert "are the same file" in capsys.readouterr().err


def test_an_app_with_an_application_id_of_its_own(bench: Bench) -> None:
    """Its entry keeps the name of the class; `am`, the files and the record have the app's id."""
    bench.phone.packages = {"org.example.mine": package("org.example.mine")}
    job = prepare(Request((MODEL,), package="org.example.mine"), no_progress)
    run = measure(job, Adb(bench.phone.serial), bench.out)
    assert run.configurations[0].status == "ok" and run.plan.package == "org.example.mine"
    lines = [line for line in bench.phone.lines if "am instrument" in line]
    assert all("org.example.mine/dev.swiftformer.app.BenchmarkInstrumentation" in line for line in lines)
    for odd in ("a.b; reboot", "mine", "a..b", "a.b\n", "a." + "b" * 200):
        with pytest.raises(BenchmarkPlanError, match="application id"):
            prepare(Request((MODEL,), package=odd), no_progress)
    bench.assert_as_found()


def test_configurations_are_told_apart_by_content_and_not_by_name(bench: Bench, tmp_path) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / MODEL.name
    twin.write_bytes(MODEL.read_bytes() + b"\0")
    ended = bench(str(twin), code=0)
    assert len({each.configuration for each in ended.run.configurations}) == 2
    assert len(bench.phone.pushes) == 2


def test_the_app_that_is_missing_or_old_is_one_line(bench: Bench) -> None:
    app = bench.phone.packages.pop("dev.swiftformer.app")
    assert "is not on" in bench(code=2).error
    bench.phone.packages["dev.swiftformer.app"] = dataclasses.replace(app, instrumentations=())
    assert "built without its benchmark entry" in bench(code=2).error
    bench.assert_as_found()
