"""The main job through the command line: convert, export, inspect and classify, each as a user calls it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from swiftformer_keras import data
from tests.converters.tflite.models import tiny
from tests.converters.tflite.pictures import fashion
from tests.harness import FIXTURES
from tests.swiftformer_keras.cli.running import assert_one_line, call_cli, run_cli

SOURCE = data.demo_checkpoint()
FACTS = ("--labels", data.demo_labels(), "--preprocessing", data.demo_preprocessing())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("commands")


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    ran = run_cli("convert", SOURCE, "model.keras", *FACTS, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == f"Converting {SOURCE} ...\n"
    assert "token weights: l2norm (" in ran.stdout  # the choice, and after it the reason
    assert "layout: timm (" in ran.stdout
    assert "xs" in ran.stdout
    return folder / "model.keras"


@pytest.fixture(scope="module")
def tflite(folder: Path, model: Path) -> Path:
    ran = run_cli("export", model, "model.tflite", "--precision", "float16", "--json", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert all(line.endswith(" ...") for line in ran.stderr.splitlines()), ran.stderr
    report = json.loads(ran.stdout)
    assert report["command"] == "export"
    assert report["output"] == "model.tflite"
    return folder / "model.tflite"


@pytest.fixture(scope="module")
def int8(folder: Path, model: Path) -> Path:
    ran = run_cli("quantize", model, "int8.tflite", "--calibration", "demo", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    assert all(line.endswith(" ...") for line in ran.stderr.splitlines()), ran.stderr
    for text in (
        *(
            "int8.tflite is written, 3.5 MB: int8, sigmoid GELU, float32 in and out.",
            "calibrated on 96 pictures",
        ),
        *("32 others", "signal to noise 3", "bound 25 dB", "corrected biases kept: 3", "same answer"),
    ):
        assert text in ran.stdout, text
    return folder / "int8.tflite"


@pytest.mark.slow
def test_quantize_writes_a_file_that_says_what_it_is(int8: Path) -> None:
    told = json.loads(call_cli("inspect", int8, "--json").stdout)
    assert told["card"]["precision"] == "int8"


def test_quantize_says_in_one_object_what_it_left_out(folder: Path, model: Path) -> None:
    calibration = fashion(folder / "calibration", 40)
    (calibration / "broken.png").write_bytes(b"no picture")
    command = ("quantize", model, folder / "dynamic.tflite", "--calibration", calibration)
    ran = call_cli(*command, "--scheme", "dynamic", "--samples", "24", "--seed", "3", "--json", "--quiet")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    told = json.loads(ran.stdout)
    assert (told["command"], told["scheme"], told["seed"], told["held_out_pictures"]) == (
        *("quantize", "dynamic", 3),
        16,
    )
    assert told["sqnr_db"] >= 30
    (warning,) = told["warnings"]
    assert "broken.png" in warning


@pytest.mark.slow
def test_quantize_measures_top1_where_folders_are_named_after_classes(folder: Path, model: Path) -> None:
    labels = data.demo_labels().read_text().splitlines()
    with np.load(FIXTURES / "fashion_mnist_1000.npz") as stored:
        pictures, classes = stored["pictures"][:60], stored["labels"][:60]
    for number, (picture, label) in enumerate(zip(pictures, classes, strict=True)):
        where = folder / "classes" / data.file_name_of(labels[label])
        where.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(where / f"{number}.png")
    out = folder / "with_classes.tflite"
    command = ("quantize", model, out, "--calibration", folder / "classes", "--scheme", "dynamic")
    ran = call_cli(*command, "--held-out", "8", "--samples", "24", "--quiet")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(out.with_suffix(".tflite.json").read_text())
    assert told["top1"]["total"] == told["float_top1"]["total"] == 8
    assert told["top1"]["correct"] >= 6, "float top-1 is 0.91"
    (folder / "classes" / "bag").rename(folder / "classes" / "handbag")
    ran = call_cli(*command, "--held-out", "60", "--quiet", "--force")
    assert ran.returncode == 0, ran.stderr
    assert "'handbag': is none of the models'" in assert_one_line(ran.stderr)
    assert json.loads(out.with_suffix(".tflite.json").read_text())["top1"] is None


@pytest.mark.slow
def test_sensitivity_shows_and_draws_every_group(folder: Path, model: Path) -> None:
    plot = folder / "sensitivity.svg"
    command = ("sensitivity", model, "--calibration", "demo", "--samples", "24", "--input-size", "32")
    ran = call_cli(*command, "--plot", plot)
    assert ran.returncode == 0, ran.stderr
    groups = re.findall(r"^ *(stem|head|stage\d\S*) +(\S+) dB +\S+% +(\S+)%", ran.stdout, re.MULTILINE)
    assert len(groups) == 2 + 3 + (2 + 2 + 5 + 3) + 4 * 3, ran.stdout
    assert sum(float(share) for *_, share in groups) == pytest.approx(100, abs=1.5)
    assert "all groups together: " in ran.stdout
    drawn = [text.text or "" for text in ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}text")]
    assert all(name in drawn for name, *_ in groups)


@pytest.mark.slow
def test_quantize_takes_no_tflite_file(folder: Path, tflite: Path, int8: Path) -> None:
    for path, what in ((tflite, "is a .tflite file. "), (int8, "is a .tflite file, quantised already. ")):
        for command in (("quantize", path, folder / "x.tflite"), ("sensitivity", path)):
            ran = call_cli(*command, "--calibration", "demo", "--quiet")
            assert ran.returncode == 2
            assert what in assert_one_line(ran.stderr)


OTHERS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut short": (lambda data: data[: len(data) // 2], "is a .tflite file. "),
    "cut in the head": (lambda data: data[:10], "is a .tflite file. "),
    "from elsewhere": (lambda data: tiny(), "is a .tflite file. "),
    "no signature": (
        lambda data: tiny(lambda model: setattr(model, "signatureDefs", [])),
        "is a .tflite file. ",
    ),
    "no model": (lambda data: b"no model" + data[8:], "x.tflite"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_quantize_takes_no_tflite_file_of_any_other_kind(
    folder: Path, tflite: Path, tmp_path: Path, name: str
) -> None:
    change, mention = OTHERS[name]
    (tmp_path / "x.tflite").write_bytes(change(tflite.read_bytes()))
    ran = call_cli(
        "quantize", tmp_path / "x.tflite", tmp_path / "out.tflite", "--calibration", "demo", "--quiet"
    )
    assert ran.returncode == 2
    assert mention in assert_one_line(ran.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["x.tflite"]


@pytest.mark.slow
def test_quantize_below_its_bound_exits_with_3_and_leaves_nothing(folder: Path, model: Path) -> None:
    out, calibration = folder / "never.tflite", fashion(folder / "calibration", 40)
    options = ("--calibration", calibration, "--scheme", "dynamic", "--min-sqnr", "90", "--quiet")
    ran = call_cli("quantize", model, out, *options)
    assert ran.returncode == 3
    assert "less than 90 dB" in ran.stderr
    assert not out.exists()
    assert not list(folder.glob(".never*"))


def test_convert_gives_one_object(folder: Path) -> None:
    ran = call_cli("convert", SOURCE, folder / "object.keras", *FACTS, "--json", "--quiet")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    told = json.loads(ran.stdout)
    assert told["command"] == "convert"
    assert told["variant"] == "swiftformer_xs"
    assert told["warnings"] == []
    assert {"what", "value", "reason"} == set(told["decisions"][0])
    assert (folder / folder / "object.keras").is_file()


def test_convert_without_labels_warns(folder: Path) -> None:
    ran = call_cli("convert", SOURCE, folder / "numbers.keras", "--quiet")
    assert ran.returncode == 0
    assert ran.stdout == ""
    if ran.stderr:  # the demo checkpoint says nothing of labels but in its own metadata
        assert assert_one_line(ran.stderr).startswith("Warning: ")


def test_convert_takes_every_option(folder: Path) -> None:
    ran = call_cli(
        *(
            "convert",
            SOURCE,
            folder / "options.keras",
            "--input-size",
            "96x64",
            "--preprocessing",
            "transformers",
        ),
        *("--labels", data.demo_labels(), "--token-weights", "ones", "--weights", "model"),
        *("--allow-nonfinite", "--name", "Mine", "--json", "--quiet"),
    )
    assert ran.returncode == 0, ran.stderr
    decisions = {d["what"]: d for d in json.loads(ran.stdout)["decisions"]}
    assert decisions["token weights"]["value"] == "ones"
    assert "--token-weights" in decisions["token weights"]["reason"]
    assert decisions["input size"]["value"] == "96 x 64"
    assert "transformers" in decisions["preprocessing"]["value"]


def test_an_existing_model_is_kept_unless_forced(folder: Path, model: Path) -> None:
    before = model.read_bytes()
    ran = call_cli("convert", SOURCE, model, *FACTS, "--quiet")
    assert ran.returncode == 2
    assert "--force" in assert_one_line(ran.stderr)
    assert model.read_bytes() == before
    assert call_cli("convert", SOURCE, model, *FACTS, "--quiet", "--force").returncode == 0


def test_classify_names_what_is_in_the_pictures(folder: Path, tflite: Path, model: Path) -> None:
    pictures = data.demo_pictures()
    for path in (tflite, model):
        ran = call_cli("classify", path, pictures[0][0].parent, "--top", "2", "--json", "-q")
        assert ran.returncode == 0, ran.stderr
        assert ran.stderr == ""
        results = json.loads(ran.stdout)["results"]
        truth = {str(picture): label for picture, label in pictures}
        assert {result["picture"] for result in results} == set(truth)
        assert all(len(result["predictions"]) == 2 for result in results)
        right = sum(result["predictions"][0]["label"] == truth[result["picture"]] for result in results)
        assert right >= 17


def test_classify_prints_names_best_first(folder: Path, tflite: Path) -> None:
    picture = next(path for path, label in data.demo_pictures() if label == "Trouser")
    ran = call_cli("classify", tflite, picture, "--top", "3")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == str(picture)
    assert len(lines) == 4
    assert lines[1].endswith("%  Trouser")
    shares = [float(line.split("%")[0]) for line in lines[1:]]
    assert shares == sorted(shares, reverse=True)


def test_classify_goes_on_after_an_unreadable_picture(folder: Path, tflite: Path) -> None:
    (folder / "bad\n.png").write_bytes(b"no picture")
    good = data.demo_pictures()[0][0]
    ran = call_cli("classify", tflite, folder / "bad\n.png", good, "--quiet")
    assert ran.returncode == 2
    assert r"bad\n.png" in assert_one_line(ran.stderr)
    assert ran.stdout.startswith(f"{good}\n")


def test_inspect_shows_tensors_operators_and_metadata(folder: Path, tflite: Path) -> None:
    ran = call_cli("inspect", tflite)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    for text in ("CONV_2D", "1x64x64x3", "Ankle boot", "input", "output", "float16", "preprocessing.filter"):
        assert text in ran.stdout, text
    told = json.loads(call_cli("inspect", tflite, "--json").stdout)
    assert told["file_bytes"] == tflite.stat().st_size
    assert told["card"]["precision"] == "float16"


def test_inspect_of_a_file_without_metadata(folder: Path) -> None:
    from converters.doctor import tiny_model

    (folder / "tiny.tflite").write_bytes(tiny_model())
    ran = call_cli("inspect", folder / "tiny.tflite")
    assert ran.returncode == 0, ran.stderr
    assert "RELU" in ran.stdout
    assert "No metadata." in ran.stdout
