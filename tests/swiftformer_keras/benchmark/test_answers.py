"""Whether answers are right: golden inputs and a labelled folder, on the tests' own phone beside this computer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from swiftformer_keras.benchmark.host import HostAnswers, host_answers
from swiftformer_keras.benchmark.run_file import read_run, write_run
from swiftformer_keras.benchmark.runners.app_result import PictureScores
from swiftformer_keras.benchmark.verify import compare, golden_pictures, matched
from swiftformer_keras.data import demo_pictures, file_name_of
from swiftformer_keras.errors import BenchmarkOutputError
from tests.phone.adb import AdbServer
from tests.phone.app import SyntheticApp
from tests.phone.programs.activity import Instrument
from tests.swiftformer_keras.benchmark.bench import MODEL, Bench, json_of

Change = Callable[[np.ndarray], np.ndarray]


class ScoringApp(SyntheticApp):
    """Scores the pictures that it finds on the phone with this computer's LiteRT; a delegate may change them."""

    def __init__(self, **changes: Change) -> None:
        super().__init__()
        self.changes = changes
        self.answering: dict[str, object] = {}
        """Other values of `running` in the processes that answer."""
        self.input_sha256: str | None = None
        """In place of the true one."""
        self.seen: list[tuple[str, ...]] = []

    def result(self, phone, wanted: Instrument) -> dict:
        result = super().result(phone, wanted)
        if "evaluate" not in wanted.extras:
            return result
        result["running"].update(self.answering)
        files = sorted(phone.paths.real(wanted.extras["evaluate"]).iterdir())
        self.seen.append(tuple(file.name for file in files))
        found = host_answers(phone.paths.real(wanted.extras["model"]), files)
        scores = self.changes.get(wanted.extras["delegate"], lambda given: given)(found.scores)
        entries = zip(files, scores.tolist(), found.input_sha256, strict=True)
        result["evaluation"] = [
            {
                "file": file.name,
                "scores": [
                    number if np.isfinite(number) else str(number).replace("nan", "NaN") for number in row
                ],
                "input_sha256": self.input_sha256 or digest,
                "error": None,
            }
            for file, row, digest in entries
        ]
        return result


@pytest.fixture(scope="module")
def host() -> HostAnswers:
    return host_answers(MODEL, golden_pictures()[:4])


def phone_of(host: HostAnswers, **changes: object) -> list[PictureScores]:
    """The phone's answers as the host's are, but for these of the first picture."""
    rows = [
        PictureScores(f"{number}.png", row, digest, None)
        for number, (row, digest) in enumerate(zip(host.scores, host.input_sha256, strict=True))
    ]
    given = {"file": "0.png", "scores": rows[0].scores, "input_sha256": rows[0].input_sha256, "error": None}
    return [PictureScores(**{**given, **changes}), *rows[1:]]  # type: ignore[arg-type]


def test_equal_answers_pass(host: HostAnswers) -> None:
    found = compare(host, phone_of(host))
    assert (found.inputs, found.passed, found.reason) == (4, True, None)
    assert (found.largest_difference, found.top1_agreement, found.not_finite) == (0.0, 1.0, 0)
    assert found.bound == pytest.approx(0.05 * np.ptp(host.scores, axis=1).min(), rel=0.06)  # two digits


def test_a_difference_within_the_bound_passes_and_one_above_does_not(host: HostAnswers) -> None:
    spread = float(np.ptp(host.scores[0]))
    near, far = host.scores[0].copy(), host.scores[0].copy()
    near[3] += 0.02 * spread
    far[3] += 0.2 * spread
    assert compare(host, phone_of(host, scores=near)).passed
    found = compare(host, phone_of(host, scores=far))
    assert not found.passed and "by more than the bound (1 of 4 pictures)" in found.reason
    assert found.largest_difference == pytest.approx(0.2 * spread, rel=1e-3)


def test_the_difference_that_is_shown_is_the_one_that_its_own_bound_refuses() -> None:
    """A picture of large scores may differ by more than one of small scores, whose bound is smaller."""
    rows = np.array([[0.0, 100.0, 50.0], [0.0, 1.0, 0.5]], np.float32)
    host = HostAnswers(rows, ("a" * 64, "b" * 64), None, False)
    digests = host.input_sha256
    near = [rows[0] + np.float32([0, 0, 1.0]), rows[1].copy()]
    phone = [PictureScores(f"{n}.png", near[n], digests[n], None) for n in range(2)]
    found = compare(host, phone)
    assert found.passed and found.largest_difference == pytest.approx(1.0) and found.bound > 1.0
    near[1][2] += 0.5
    found = compare(host, phone)
    assert not found.passed and found.largest_difference == pytest.approx(0.5) and found.bound < 0.5
    none = [PictureScores(f"{n}.png", row * np.nan, digests[n], None) for n, row in enumerate(rows)]
    assert (compare(host, none).largest_difference, compare(host, none).bound) == (None, None)


def test_no_number_another_input_or_no_scores_never_pass(host: HostAnswers) -> None:
    nan = host.scores[0].copy()
    nan[0] = np.nan
    found = compare(host, phone_of(host, scores=nan))
    assert not found.passed and found.not_finite == 1 and found.top1_agreement == 0.75
    assert "input tensor differs" in compare(host, phone_of(host, input_sha256="0" * 64)).reason
    assert "no scores (\\x1b[2J" in compare(host, phone_of(host, scores=None, error="\x1b[2J")).reason
    assert "3 scores and the host 10" in compare(host, phone_of(host, scores=np.zeros(3, np.float32))).reason


def test_answers_belong_to_the_pictures_that_were_sent(host: HostAnswers) -> None:
    given = phone_of(host)
    assert matched(["2.png", "0.png", "1.png", "3.png"], given)[0] == given[2]
    for answers in (
        given[1:],
        [*given, given[0]],
        [*given[1:], PictureScores("x.png", None, None, None)],
        None,
    ):
        with pytest.raises(BenchmarkOutputError):
            matched([f"{n}.png" for n in range(4)], answers)


def test_a_fast_wrong_answer_is_flagged_and_takes_no_part_in_ratios(bench: Bench) -> None:
    bench.phone.app = ScoringApp(gpu=lambda scores: scores[:, ::-1])
    ended = bench("--delegate", "cpu,gpu", "--verify", "--json", code=3)
    cpu, gpu = ended.run.configurations
    assert (cpu.status, cpu.verification.passed, cpu.verification.inputs) == ("ok", True, 16)
    assert cpu.verification.largest_difference == 0.0
    assert gpu.status == "wrong_answer" and "wrong answers" in gpu.reason
    assert len(gpu.processes) == 2  # measured all the same
    shown = json_of(ended)["phones"][0]["run"]["configurations"]
    assert [each["compared"] for each in shown] == [True, False]
    assert shown[1]["median_ms"] < shown[0]["median_ms"]
    assert bench.phone.app.seen == [tuple(f"{number:06d}.png" for number in range(16))] * 2
    bench.assert_as_found()


def test_scores_that_are_no_numbers_are_a_wrong_answer(bench: Bench) -> None:
    bench.phone.app = ScoringApp(gpu=lambda scores: scores * np.nan)
    ended = bench("--delegate", "gpu", "--verify", code=3)
    (gpu,) = ended.run.configurations
    assert gpu.status == "wrong_answer" and gpu.verification.not_finite == 16
    assert "no numbers" in ended.error


def test_answers_that_the_cpu_computed_are_none_of_the_gpus(bench: Bench) -> None:
    bench.phone.app = ScoringApp()
    bench.phone.app.answering = {"replacing": []}
    (gpu,) = bench("--delegate", "gpu", "--verify", code=3).run.configurations
    assert (gpu.status, gpu.verification, gpu.residency.verdict) == ("failed", None, "none")
    assert "golden inputs" in gpu.reason and "all of it ran on the CPU" in gpu.reason
    assert "has nothing left" in bench("--resume", str(bench.out), code=2).error
    bench.phone.app.answering = {"threads": 1}
    (gpu,) = bench("--delegate", "gpu", "--verify", code=3).run.configurations
    assert "with 1 threads and not with 4" in gpu.reason
    bench.phone.app.answering = {}
    (gpu,) = bench("--resume", str(bench.out), code=0).run.configurations
    assert gpu.status == "ok" and gpu.verification.passed and "with 1 threads" in gpu.notes[0]


def test_answers_of_another_share_than_the_measured_one_are_noted(bench: Bench) -> None:
    bench.phone.app = ScoringApp()
    share = {"delegate": "TfLiteGpuDelegateV2", "taken": 150, "total": 200, "partitions": 7}
    bench.phone.app.answering = {"replacing": [share]}
    (gpu,) = bench("--delegate", "gpu", "--verify", code=0).run.configurations
    assert gpu.residency.verdict == "full" and gpu.verification.passed
    assert gpu.notes == (
        "golden inputs: the delegate's share was partial, and full where latency was measured",
    )


def labelled(folder: Path) -> Path:
    """The package's twenty pictures in folders named after their classes."""
    for picture, label in demo_pictures():
        (folder / file_name_of(label)).mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder / file_name_of(label))
    return folder


def test_a_labelled_folder_is_classified_under_each_delegate(bench: Bench, tmp_path: Path) -> None:
    """The demo model is right on 19 of the 20 (README); a GPU that names everything class 0 on two."""
    bench.phone.app = ScoringApp(gpu=lambda scores: np.eye(10, dtype=np.float32)[np.zeros(len(scores), int)])
    folder = labelled(tmp_path / "clothes")
    ended = bench("--delegate", "cpu,gpu", "--evaluate", str(folder), code=0)
    cpu, gpu = (each.accuracy for each in ended.run.configurations)
    assert cpu.dataset == "clothes" and cpu.device.total == cpu.host.total == 20
    assert cpu.device == cpu.host and cpu.same_answer == 20 and cpu.host.correct >= 18
    assert gpu.device.correct == 2 and gpu.host == cpu.host
    assert 0 < gpu.device.low < 0.1 < gpu.device.high < 0.35
    bench.assert_as_found()


def test_a_resumed_run_checks_the_answers_that_it_was_begun_to_check(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adb_server: AdbServer
) -> None:
    """The cable is pulled before the labelled pictures; without being told again, they are classified later."""
    monkeypatch.setattr("swiftformer_keras.benchmark.job.COMEBACK_S", 0.5)
    bench.phone.app = ScoringApp()
    folder = labelled(tmp_path / "clothes")
    bench.phone.faults.unplug_during("am instrument", skip=4)
    assert "--resume" in bench("--verify", "--evaluate", str(folder), code=2).error
    bench.phone.plug_in()
    adb_server.connect(bench.phone)
    left = read_run(bench.out)
    assert left.plan.verify and left.plan.dataset.path == str(folder)
    folder.rename(tmp_path / "moved")
    again = ("--resume", str(bench.out))
    assert "which is not there" in bench(*again, code=2).error
    labelled(tmp_path / "other")
    next((tmp_path / "other").rglob("*.png")).unlink()
    assert "other pictures or classes" in bench(*again, "--evaluate", str(tmp_path / "other"), code=2).error
    ended = bench(*again, "--evaluate", str(tmp_path / "moved"), code=0)
    (result,) = ended.run.configurations
    assert result.accuracy.device.total == 20 and result.verification.passed
    assert any(note.startswith("resumed at ") for note in ended.run.notes)
    bench.assert_as_found()


def test_labelled_pictures_that_fail_leave_the_latency_and_are_asked_for_again(
    bench: Bench, tmp_path: Path
) -> None:
    """Other pictures than this computer's are no accuracy, and neither are those for which there is no room."""
    bench.phone.app = ScoringApp()
    bench.phone.app.input_sha256 = "0" * 64
    folder = labelled(tmp_path / "clothes")
    ended = bench("--delegate", "gpu", "--evaluate", str(folder), "--json", code=3)
    (gpu,) = ended.run.configurations
    assert (gpu.status, gpu.accuracy, len(gpu.processes)) == ("ok", None, 2)
    assert "labelled pictures: " in gpu.notes[0] and "the app saw another picture" in gpu.notes[0]
    assert json_of(ended)["complete"] is False
    assert json_of(ended)["phones"][0]["run"]["configurations"][0]["compared"] is True
    bench.phone.app.input_sha256 = None
    packages = dict(bench.phone.packages)
    bench.phone.packages.clear()
    bench("--resume", str(bench.out), code=2)
    assert [each.status for each in read_run(bench.out).configurations] == ["ok"], "whatever ends it"
    bench.phone.packages.update(packages)
    asked = len(bench.phone.app.runs)
    bench.phone.change(free_kib=64 * 1024 + MODEL.stat().st_size // 1024 + 20)
    assert "Delete something" in bench("--resume", str(bench.out), code=3).error
    bench.phone.change(free_kib=10_000_000)
    (again,) = bench("--resume", str(bench.out), code=0).run.configurations
    assert again.accuracy.same_answer == 20 and again.processes == gpu.processes and not again.notes
    assert len(bench.phone.app.runs) == asked + 1
    bench.assert_as_found()


@pytest.mark.parametrize("option", [("--verify",), ("--evaluate", ".")])
def test_a_run_that_was_begun_without_checks_goes_on_without_them(
    bench: Bench, option: tuple[str, ...]
) -> None:
    run = bench(code=0).run
    left = tuple(replace(each, status="not_run", processes=()) for each in run.configurations)
    write_run(bench.out, replace(run, configurations=left, finished_at=None))
    assert "was begun without it" in bench("--resume", str(bench.out), *option, code=2).error


def test_many_pictures_are_sent_in_folders(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swiftformer_keras.benchmark.answers._MOST_PICTURES", 8)
    bench.phone.app = ScoringApp()
    ended = bench("--evaluate", str(labelled(tmp_path / "clothes")), code=0)
    assert [len(seen) for seen in bench.phone.app.seen] == [8, 8, 4]
    assert ended.run.configurations[0].accuracy.same_answer == 20
    bench.assert_as_found()


def test_a_folder_without_labels_and_a_class_that_is_none_are_refused(bench: Bench, tmp_path: Path) -> None:
    picture, _ = demo_pictures()[0]
    (tmp_path / "flat").mkdir()
    shutil.copy(picture, tmp_path / "flat")
    assert "nothing says what it shows" in bench("--evaluate", str(tmp_path / "flat"), code=2).error
    (tmp_path / "odd" / "no such class").mkdir(parents=True)
    shutil.copy(picture, tmp_path / "odd" / "no such class")
    assert "is none of the models'" in bench("--evaluate", str(tmp_path / "odd"), code=2).error
    tool = ("--runner", "benchmark_model", "--binary", "/bin/true")
    assert "need the app" in bench("--verify", *tool, code=2).error
    assert not bench.phone.lines
