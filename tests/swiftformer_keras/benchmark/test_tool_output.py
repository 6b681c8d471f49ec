"""What the two tools print, in outputs that others published and in ours of the same form."""

from pathlib import Path

import pytest

from swiftformer_keras.benchmark.result import MAX_REPLACING, Replacing
from swiftformer_keras.benchmark.runners.tool_output import format_of, parse_tool_output, why_it_failed
from swiftformer_keras.errors import BenchmarkOutputError

OUTPUTS = Path(__file__).parents[2] / "fixtures" / "benchmark_model"
WHOLE = sorted(path.name for path in OUTPUTS.glob("*.txt"))


def output(name: str) -> str:
    return (OUTPUTS / name).read_text()


def test_tflite_figures_are_microseconds_turned_into_milliseconds():
    found = parse_tool_output(output("tflite_nnapi.txt"))
    assert (found.format, found.runtime_version) == ("tflite", "2.15.0")
    assert (found.initialization_ms, found.first_inference_ms) == (66.002, 637.079)
    timed = found.timed
    assert (timed.count, timed.mean_ms, timed.minimum_ms, timed.maximum_ms) == (520, 1.88574, 1.171, 9.925)
    assert (timed.standard_deviation_ms, timed.median_ms) == (0.87, None)
    assert found.warm_up_runs == 1
    assert found.replacing == (Replacing("TfLiteNnapiDelegate", 31, 31, 1),)


def test_litert_figures_come_from_the_finer_line_and_the_block():
    found = parse_tool_output(output("litert_cpu.txt"))
    assert found.format == "litert"
    assert (found.initialization_ms, found.first_inference_ms, found.warm_up_runs) == (5.76, 2.12, 526)
    assert (found.timed.count, found.timed.median_ms, found.timed.mean_ms) == (1054, 0.942, 0.947132)
    assert found.peak_memory_kib is None and found.replacing is None


def test_the_block_alone_is_enough():
    text = "\n".join(line for line in output("litert_cpu.txt").splitlines() if "count=" not in line)
    timed = parse_tool_output(text).timed
    assert (timed.count, timed.mean_ms, timed.minimum_ms, timed.median_ms) == (1054, 0.95, 0.91, None)


def test_figures_of_a_profile_are_not_those_of_the_timed_runs():
    found = parse_tool_output(output("litert_xnnpack_counts.txt"))
    assert (found.timed.count, found.timed.median_ms) == (2112, 0.462)
    assert found.replacing == (Replacing("TfLiteXNNPackDelegate", 1, 1, 1),)


def test_powers_of_ten_and_outputs_without_a_prefix_are_read():
    found = parse_tool_output(output("tflite_scientific.txt"))
    assert (found.timed.mean_ms, found.timed.count) == (2950.34, 50)


def test_a_series_of_one_run_is_that_run():
    text = output("tflite_scientific.txt")
    text = text.replace("count=50 first=2990275 curr=2913402 min=2727568 max=3189954 avg=2.95034e+06 std=109798",
                        "count=1 curr=2950340")  # fmt: skip
    timed = parse_tool_output(text).timed
    assert (timed.count, timed.median_ms, timed.standard_deviation_ms) == (1, 2950.34, 0.0)


def test_peak_memory_is_read_from_both():
    assert parse_tool_output(output("synthetic_tflite_gpu_partial.txt")).peak_memory_kib == 95476
    assert parse_tool_output(output("synthetic_litert_gpu_missing.txt")).peak_memory_kib == 36045


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("tflite_gpu_no_counts.txt", None),
        ("tflite_two_delegates.txt", (Replacing("TfLiteGpuDelegateV2", 49, 49, 1),)),
        ("synthetic_tflite_gpu_partial.txt", (Replacing("TfLiteGpuDelegateV2", 30, 49, 5),)),
        ("synthetic_tflite_gpu_refused.txt", ()),
        ("synthetic_litert_gpu_missing.txt", ()),
    ],
)
def test_no_counts_is_not_the_same_as_nothing_taken(name, taken):
    assert parse_tool_output(output(name)).replacing == taken


def test_more_lines_on_who_took_what_than_a_file_has_room_for_tell_nothing():
    text = output("tflite_nnapi.txt")
    [line] = [line for line in text.splitlines() if "Replacing" in line]
    assert len(parse_tool_output(text.replace(line, "\n".join([line] * MAX_REPLACING))).replacing) == 64
    assert parse_tool_output(text.replace(line, "\n".join([line] * (MAX_REPLACING + 1)))).replacing is None


def test_what_the_tool_does_not_know_is_told():
    assert parse_tool_output(output("synthetic_litert_unknown_flag.txt")).unknown_flags == (
        "--use_nnapi=true",
    )
    assert (
        why_it_failed("INFO: STARTING!\nERROR: [a/b.cc:12] Failed to load model.\n")
        == "Failed to load model."
    )


@pytest.mark.parametrize("name", WHOLE)
def test_an_output_that_is_cut_anywhere_is_refused_or_complete(name):
    """Cut at each line and in the middle of each line: never other figures, only the same or an error."""
    text = output(name)
    whole = parse_tool_output(text)
    last = next(n for n in range(len(text), 0, -1) if format_of(text[:n]) is None)
    refused = 0
    for end in {*range(0, len(text), 7), *range(max(0, last - 80), last + 2)}:
        try:
            found = parse_tool_output(text[:end])
        except BenchmarkOutputError:
            refused += 1
            continue
        assert (found.timed, found.initialization_ms) == (whole.timed, whole.initialization_ms)
    assert refused > 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "printed nothing"),
        ("\x1b[31m\x00garbage $(reboot)\n", "no output of benchmark_model"),
        (
            "INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds\n",
            "ends before its results",
        ),
        (output("tflite_nnapi.txt") + output("litert_cpu.txt"), "ends before its results"),
    ],
)
def test_anything_else_is_refused(text, said):
    with pytest.raises(BenchmarkOutputError, match=said) as caught:
        parse_tool_output(text)
    assert caught.value.args[0].isprintable()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Inference (avg): 1885.74", "Inference (avg): 885.74"),
        ("max=9925", "max=1172"),
        ("min=1171", "min=3000"),
        ("Init: 66002", "Init: 9e99"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(old, new):
    text = output("tflite_nnapi.txt")
    assert old in text
    with pytest.raises(BenchmarkOutputError):
        parse_tool_output(text.replace(old, new))
