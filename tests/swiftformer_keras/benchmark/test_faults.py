"""What goes wrong with a phone, by the real adb: each fault is one line, and the phone is left as it was found."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from tests.phone.adb import AdbServer
from tests.phone.app import Behaviour, SyntheticApp
from tests.phone.fixtures import PhoneMaker
from tests.phone.phone import Phone
from tests.phone.programs.activity import Instrument
from tests.swiftformer_keras.benchmark.bench import MODEL, Bench, Ended

HOSTILE = "\x1b[31m\x1b]0;owned\x07<script>alert(1)</script>[bold]$(touch /data/local/tmp/pwned)`reboot`\r\n; rm -rf /"
CRASH = """\
01-02 03:04:05.678  1234  1234 E AndroidRuntime: FATAL EXCEPTION: main
01-02 03:04:05.678  1234  1234 E AndroidRuntime: Process: dev.swiftformer.app, PID: 1234
01-02 03:04:05.678  1234  1234 E AndroidRuntime: java.lang.UnsatisfiedLinkError: \x1b[2Jdlopen failed
01-02 03:04:05.700   600   600 I unrelated: something else
"""


def back_soon(phone: Phone, server: AdbServer) -> Callable[[], None]:
    """Pulls the cable, and plugs it in again a moment later; as with USB, adb then sees it at once."""

    def pull() -> None:
        phone.unplug()
        threading.Timer(0.5, plug_in).start()

    def plug_in() -> None:
        phone.plug_in()
        server.run("disconnect", phone.serial)
        server.connect(phone)

    return pull


def assert_clean_line(ended: Ended) -> None:
    """One error line that a terminal can be shown, and no traceback."""
    assert "Traceback" not in ended.err and "bug in swiftformer" not in ended.err
    errors = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert errors and all(line.isprintable() for line in errors), ended.err
    assert "\x1b" not in ended.out + ended.err


# The phone goes away.


def test_the_cable_is_pulled_in_the_midst_of_a_push(bench: Bench, adb_server: AdbServer) -> None:
    bench.phone.faults.do_during_push(back_soon(bench.phone, adb_server), after_bytes=70_000)
    ended = bench(code=2)
    assert_clean_line(ended)
    assert ended.run is None  # nothing was measured
    bench.assert_as_found()


def test_the_cable_is_pulled_in_the_midst_of_a_run(bench: Bench, adb_server: AdbServer) -> None:
    bench.phone.faults.do_during("am instrument", back_soon(bench.phone, adb_server), skip=1)
    ended = bench(code=2)
    assert_clean_line(ended)
    assert "--resume" in ended.error and len(ended.run.configurations[0].processes) == 1
    bench.assert_as_found()


@pytest.mark.slow
def test_the_phone_restarts(bench: Bench) -> None:
    """In the network; adb itself finds it again, some ten seconds later."""
    bench.phone.faults.reboot_during("am instrument", skip=1)
    ended = bench(code=2)
    assert_clean_line(ended)
    assert len(ended.run.configurations[0].processes) == 1
    bench.assert_as_found()


def test_the_adb_server_is_killed(bench: Bench, adb_server: AdbServer) -> None:
    bench.phone.faults.do_during("am instrument", adb_server.kill, skip=1)
    ended = bench(code=2)
    assert_clean_line(ended)
    assert len(ended.run.configurations[0].processes) == 1
    bench.assert_as_found()


# The phone cannot be used.


@pytest.mark.parametrize(
    ("authorisation", "said"),
    [("never", "unlock it"), pytest.param("silent", "does not answer", marks=pytest.mark.slow)],
)
def test_a_phone_that_does_not_let_us_in(
    phones: PhoneMaker, tiny: None, tmp_path, capsys, authorisation: str, said: str
) -> None:
    phone = phones(authorisation=authorisation)
    ended = Bench(phone, tmp_path, capsys)(code=2)
    assert_clean_line(ended)
    assert said in ended.error


def test_two_phones_and_none_is_named(bench: Bench, phones: PhoneMaker) -> None:
    other = phones()
    ended = bench(code=2)
    assert_clean_line(ended)
    assert "--device" in ended.error and other.serial in ended.error
    assert bench("--device", bench.phone.serial, code=0).run is not None
    bench.assert_as_found()


# Files do not arrive.


def test_the_phone_is_nearly_full(bench: Bench) -> None:
    bench.phone.change(free_kib=1000)
    ended = bench(code=2)
    assert_clean_line(ended)
    assert "MiB" in ended.error
    bench.assert_as_found()


def test_the_phone_is_full_in_the_midst_of_a_push(bench: Bench) -> None:
    bench.phone.faults.do_during_push(bench.phone.faults.fill_storage, after_bytes=1)
    ended = bench(code=2)
    assert_clean_line(ended)
    bench.phone.faults.fill_storage(False)
    bench.assert_as_found()


def test_a_push_that_is_cut_short_is_never_measured(bench: Bench) -> None:
    bench.phone.faults.truncate_push(1000)
    ended = bench(code=2)
    assert_clean_line(ended)
    assert "is something else on the phone" in ended.error and not bench.phone.app.runs
    bench.assert_as_found()


# One configuration goes wrong, and the others go on.


def one_failed(bench: Bench, *options: str) -> str:
    """The reason of the GPU's failure, where the CPU was measured all the same."""
    ended = bench("--delegate", "gpu,cpu", "--seed", "5", *options, code=3)
    assert_clean_line(ended)
    gpu, cpu = ended.run.configurations
    assert (gpu.status, cpu.status) == ("failed", "ok"), (gpu, cpu)
    assert cpu.memory_kib is not None and len(cpu.processes) == 2
    assert gpu.reason.isprintable() and gpu.reason in ended.error
    bench.assert_as_found()
    return gpu.reason


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(refusal="TfLiteGpuDelegate cannot be had: no OpenCL"),
        Behaviour(error="model.tflite: is no file of TensorFlow Lite"),
    ],
)
def test_a_delegate_that_is_missing_or_a_model_that_is_unknown(bench: Bench, behaviour: Behaviour) -> None:
    bench.phone.app.behaviours["gpu"] = behaviour
    assert (behaviour.refusal or behaviour.error) in one_failed(bench)


def test_the_app_crashes_and_its_log_is_kept(bench: Bench) -> None:
    class Crashing(SyntheticApp):
        def __call__(self, call, wanted: Instrument) -> int:
            if wanted.extras["delegate"] == "gpu":
                call.phone.faults.crash_app(CRASH)
            return super().__call__(call, wanted)

    bench.phone.app = Crashing()
    assert "the app crashed: Process crashed." in one_failed(bench)
    from swiftformer_keras.benchmark.run_file import read_run

    (process,) = read_run(bench.out).configurations[0].processes
    assert "FATAL EXCEPTION: main" in process.log_excerpt and "UnsatisfiedLinkError" in process.log_excerpt
    assert "\x1b" not in process.log_excerpt and "unrelated" not in process.log_excerpt


def test_the_log_of_a_crash_is_kept_outside_of_the_rounds_too(bench: Bench) -> None:
    """Of the processes for golden inputs and for memory."""

    class Crashing(SyntheticApp):
        def __call__(self, call, wanted: Instrument) -> int:
            if wanted.extras["warm_up"] == "0":
                call.phone.faults.crash_app(CRASH)
            return super().__call__(call, wanted)

    bench.phone.app = Crashing()
    (each,) = bench(code=0).run.configurations
    assert each.memory_kib is None and "peak memory is not known: the app crashed" in each.notes[0]
    assert "FATAL EXCEPTION: main" in each.log_excerpt
    (each,) = bench("--verify", code=3).run.configurations
    assert each.status == "failed" and "FATAL EXCEPTION: main" in each.log_excerpt


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model__sha256": "0" * 64}, "measured another model"),
        ({"error": "out of memory"}, "out of memory"),
        ({"running__replacing": []}, "CPU"),
        ({"memory": {"peak_kib": 5}}, "the runner does not say it"),
    ],
)
def test_peak_memory_of_a_process_that_went_wrong_counts_for_nothing(
    bench: Bench, fields: dict[str, object], said: str
) -> None:
    change = edited(**fields)
    bench.phone.app = rewritten(lambda data: change(data) if b'"warm_up": 0' in data else data)
    (each,) = bench("--delegate", "gpu", code=0).run.configurations
    assert each.memory_kib is None and said in each.notes[0]


def test_more_runs_than_a_file_has_room_for(bench: Bench) -> None:
    bench.phone.app = rewritten(edited(samples_ms=[0.1234564999] * 10_001))
    (each,) = bench("--delegate", "gpu", code=0).run.configurations
    assert each.processes[0].samples_ms == (0.123456,) * 10_000
    assert "the first 10,000 of 10,001 runs are kept" in each.processes[0].notes


def test_more_of_anything_than_a_file_has_room_for_is_read_back(bench: Bench) -> None:
    """`Ended.run` is the file as `report` and `--resume` read it."""
    line = {"delegate": "TfLiteGpuDelegateV2", "taken": 1, "total": 1, "partitions": 1}
    bench.phone.app = rewritten(
        edited(
            running__replacing=[line] * 401,
            running__accelerator="[:{" * 60,
            running__runtime_version="[:{" * 60,
            warm_up_ms=[10.0] * 400_000,
        )
    )
    (each,) = bench("--delegate", "gpu", code=0).run.configurations
    assert each.processes[0].replacing is None and each.residency.verdict == "unknown"
    assert len(each.processes[0].warm_up_ms) == 10_000


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("skip", "when"), [(0, "before"), (1, "after")])
def test_a_state_that_is_cut_short_costs_no_process(bench: Bench, times: int, skip: int, when: str) -> None:
    """Asked once more; where that fails as well, the process says so and counts."""
    bench.phone.faults.cut_output("dumpsys battery", after_bytes=40, skip=skip, times=times)
    (each,) = bench(code=0).run.configurations
    assert len(each.processes) == 2
    states = [getattr(process, f"state_{when}") for process in each.processes]
    notes = [note for process in each.processes for note in process.notes]
    if times == 1:
        assert None not in states and not notes
    else:
        assert states[0] is None and f"the phone's state {when} is not known" in notes[0]
    bench.assert_as_found()


def test_a_phone_that_goes_after_a_process_leaves_what_that_measured(
    bench: Bench, adb_server: AdbServer
) -> None:
    bench.phone.faults.do_during("dumpsys battery", back_soon(bench.phone, adb_server), skip=1)
    ended = bench(code=2)
    assert "--resume" in ended.error and len(ended.run.configurations[0].processes) == 1
    bench.assert_as_found()


def test_a_run_that_hangs_is_ended(bench: Bench) -> None:
    bench.phone.faults.hang("am instrument.* delegate gpu")
    assert "did not end within 3 s" in one_failed(bench, "--time-limit", "3")
    assert any("am force-stop dev.swiftformer.app" in line for line in bench.phone.lines)


def rewritten(change: Callable[[bytes], bytes]) -> SyntheticApp:
    """An app whose result under the GPU is what `change` makes of it."""

    class Rewriting(SyntheticApp):
        def __call__(self, call, wanted: Instrument) -> int:
            status = super().__call__(call, wanted)
            if wanted.extras["delegate"] == "gpu":
                path = f"/sdcard/Android/data/{wanted.package}/files/{wanted.extras['result']}"
                file = call.phone.paths.real(path)
                file.write_bytes(change(file.read_bytes()))
            return status

    return Rewriting()


def edited(**fields: object) -> Callable[[bytes], bytes]:
    """Other values in the result's JSON; `running__x` is `x` of `running`."""

    def change(data: bytes) -> bytes:
        content = json.loads(data)
        for name, value in fields.items():
            outer, _, inner = name.rpartition("__")
            (content[outer] if outer else content)[inner] = value
        return json.dumps(content).encode()

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[: len(data) // 2], "no JSON"),
        (lambda data: b"", "empty"),
        (lambda data: b"\xff\xfe" + data, "no UTF-8"),
        (lambda data: b"garbage " * 999, "no JSON"),
        (edited(format="other"), "'format' is not"),
        (edited(version=99), "install the app of this package"),
        (edited(model__sha256="0" * 64), "measured another model"),
        (edited(running__delegate="cpu"), "measured cpu and not gpu"),
        (edited(samples_ms=[1.0]), "measured 1 runs of 4"),
        (edited(samples_ms=[1.0] * 8), "measured runs of 0.008 s together, and 0.01 s were asked for"),
        (edited(running__threads=1), "measured with 1 threads and not with 4"),
        (edited(warm_up_ms=[]), "without a warm-up"),
        (edited(warm_up_ms=[10.0] * 8), "ended its warm-up after 8 runs"),
        (edited(warm_up_ms=[30.0] * 8 + [20.0] * 8 + [10.0] * 8), "ended its warm-up after 24 runs"),
        (edited(samples_ms=[1.0, -5.0] * 4), "not within"),
        (edited(samples_ms="fast"), "is no list"),
        (edited(error=HOSTILE), "owned"),
    ],
)
def test_a_result_that_is_damaged_or_of_something_else(
    bench: Bench, change: Callable[[bytes], bytes], said: str
) -> None:
    bench.phone.app = rewritten(change)
    assert said in one_failed(bench)
    assert "pwned" not in bench.phone.files()


def test_an_answer_that_is_cut_in_the_midst_of_a_line(bench: Bench) -> None:
    bench.phone.faults.cut_output("cat /sdcard/.*json", after_bytes=300)
    ended = bench("--delegate", "gpu,cpu", code=3)
    assert_clean_line(ended)
    assert sorted(each.status for each in ended.run.configurations) == ["failed", "ok"]
    bench.assert_as_found()


@pytest.mark.parametrize(
    "answer",
    [b"garbage\n" * 100, b"\xff\xfe\x00\x80" * 50, HOSTILE.encode(), b""],
    ids=["garbage", "no-text", "hostile", "nothing"],
)
def test_garbage_instead_of_an_answer(bench: Bench, answer: bytes) -> None:
    bench.phone.faults.answer("am instrument", out=answer)
    ended = bench("--delegate", "gpu,cpu", code=3)
    assert_clean_line(ended)
    assert sorted(each.status for each in ended.run.configurations) == ["failed", "ok"]
    assert "pwned" not in bench.phone.files()
    bench.assert_as_found()


def test_a_phone_that_calls_itself_something_hostile(
    phones: PhoneMaker, tiny: None, tmp_path, capsys
) -> None:
    phone = phones(
        model=HOSTILE.replace("\r\n", " "), manufacturer="<img src=x onerror=alert(1)>", release="\x1b[2J"
    )
    bench = Bench(phone, tmp_path, capsys)
    page = tmp_path / "page.html"
    ended = bench("--report", str(page), code=0)
    assert "\x1b" not in ended.out + ended.err
    text = page.read_text()
    assert "<script>alert" not in text and "<img src=x" not in text and "\x1b" not in text
    assert "pwned" not in phone.files()
    bench.assert_as_found()


@pytest.mark.parametrize(
    "name",
    [
        "a; touch pwned;.tflite",
        "$(touch pwned).tflite",
        "new\nline.tflite",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in (
                "`touch pwned`.tflite",
                "a'b\"c.tflite",
                "-rf *.tflite",
                "\x1b[2J.tflite",
                "ü.tflite",
            )
        ),
    ],
)
def test_a_models_name_never_reaches_the_phones_shell(bench: Bench, tmp_path, name: str) -> None:
    odd = tmp_path / name
    odd.write_bytes(MODEL.read_bytes())
    ended = bench(model=odd, code=0)
    assert "\x1b" not in ended.out + ended.err
    stem = name.removesuffix(".tflite")
    assert not any(stem in line for line in bench.phone.lines if len(stem) > 1)
    assert "pwned" not in bench.phone.files("/")
    bench.assert_as_found()
