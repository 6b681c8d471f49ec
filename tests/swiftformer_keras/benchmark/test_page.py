"""The page as text: what it says, what it must never hold, and that its colours can be read."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import re

import pytest

from swiftformer_keras.benchmark.compare import check, compare_all
from swiftformer_keras.benchmark.report import charts, svg
from swiftformer_keras.benchmark.report.html import render_page
from swiftformer_keras.benchmark.summary import summarise_run
from tests.swiftformer_keras.benchmark.hostile_runs import ATTACKS, hostile_run
from tests.swiftformer_keras.benchmark.synthetic_runs import OTHER_DEVICE, synthetic_run

EMPTY = {"meta", "link", "br", "img", "hr", "input", "base"}


class Page(html.parser.HTMLParser):
    """Elements with their attributes, the visible text, and a check that every element is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def runs():
    return [
        summarise_run(run)
        for run in (
            synthetic_run(1),
            synthetic_run(2, slower=1.2, days=1),
            synthetic_run(3, device=OTHER_DEVICE),
        )
    ]


@pytest.fixture(scope="module")
def page(runs):
    return Page(render_page(runs[:1]))


@pytest.fixture(scope="module")
def hostile():
    text = render_page([summarise_run(hostile_run())])
    return text, Page(text)


def test_the_page_is_whole_and_alone(page):
    assert page.elements[0][0] == "html" and page.elements[0][1] == {"lang": "en"}
    for _, attributes in page.elements:
        assert not {"src", "style", "srcset", "action", "data", "background", "poster"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    allowed = (
        "html head meta title style body header main section footer nav div p h1 h2 h3 ul ol li a span pre dl dt dd "
        "table caption thead tbody tr th td details summary svg line rect circle polygon polyline path text"
    )
    assert {tag for tag, _ in page.elements} <= set(allowed.split())


def test_the_policy_allows_the_style_sheet_and_nothing_else(runs):
    text = render_page(runs[:1])
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(
        m["content"] for m in Page(text).all("meta") if m.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style and "@import" not in style


def test_every_figure_is_there(page, runs):
    for expected in (
        "62.39",
        "61.58–62.98",
        "84.39",
        "2.48x, 2.42–2.56",
        "122.8 MiB",
        "86.12 %, 85.44–86.80",
    ):
        assert expected in page.text, expected
    headings = (
        "Latency distributions",
        "Accuracy against latency",
        "Drift over time",
        "Residency",
        "Device sheet",
    )
    facts = (
        "Imaginary SM-1",
        "arm64-v8a",
        "schedutil",
        "0 (none) at first, 1 (light) at worst",
        "app, seed 1",
    )
    for expected in (*headings, *facts):
        assert expected in page.text, expected
    assert "covers the median with 96.1 %" in page.text and "covers it with at least 92.2 %" in page.text


def test_wrong_and_failed_are_red_and_partial_is_never_plain(page):
    rows = [attributes for attributes in page.all("tr") if attributes.get("class") == "bad"]
    assert len(rows) == 4, "three among the figures, and the one with wrong answers among the answers"
    assert "WRONG ANSWER" in page.text and page.text.count("not compared") >= 3
    assert "synthetic_xs_int8 gpu 1 thread - partial" in page.text
    assert "174 of 231 operators in 5 partitions" in page.text
    assert "synthetic_xs_float16 nnapi 1 thread - accelerator unknown" in page.text
    assert "another class than the host's for 12 of 16 golden inputs" in page.text
    assert "signal 11 (SIGSEGV), code 1" in page.text, "the log excerpt"


def test_only_what_nothing_is_unknown_of_is_plainly_measured(runs):
    text = render_page(runs[:1])
    states = re.findall(r'data-label="state"><span class="(\w+)">([^<]*)</span>', text)
    assert states.count(("fine", "measured")) == 6
    assert states.count(("caution", "accelerator unknown")) == 2 and states.count(("caution", "partial")) == 1
    assert [kind for kind, _ in states].count("flag") == 3 and len(states) == 12


def test_the_page_has_what_went_wrong_outside_of_the_rounds_and_elsewhere(runs):
    first, *others = runs[0].run.configurations
    logged = dataclasses.replace(first, log_excerpt="F DEBUG : synthetic <b>crash</b> for golden inputs")
    summary = summarise_run(dataclasses.replace(runs[0].run, configurations=(logged, *others)))
    page = Page(render_page([summary], failures=[("SERIAL<2>", "the phone\x1b is offline")]))
    assert "Log of synthetic_xs_float16 cpu 1 thread, outside of the rounds" in page.text
    assert "synthetic <b>crash</b> for golden inputs" in page.text
    assert "Phones without a run" in page.text and "SERIAL<2> : the phone\\x1b is offline" in page.text
    assert "Phones without a run" not in Page(render_page(runs[:1])).text


def test_the_answers_to_golden_inputs_are_a_table(page):
    assert "Answers to golden inputs" in page.text
    assert page.text.count("not the host's") == 1 and page.text.count("as the host's") >= 9
    for figure in ("0.0021", "0.02", "3.72", "0.05", "25.0 %", "100.0 %"):
        assert figure in page.text, figure


def test_a_partial_gpu_is_called_so_wherever_it_is_named(runs):
    """In the table of accuracy, of process medians, in charts' words and in comparisons."""
    comparisons = compare_all(runs[:2])
    text = render_page(runs[:2], comparisons, [check(comparisons[0], 0.05)])
    named = re.findall(r"synthetic_xs_int8 gpu 1 thread(.{10})", text)
    assert len(named) > 10 and set(named) == {" - partial"}


def test_charts_have_words_and_tables_beside_them(page):
    drawings = [each for each in page.all("svg") if each.get("role") == "img"]
    assert len(drawings) > 30 and all(each["aria-label"] for each in drawings)
    named = ("img", "true", "inner")
    for each in page.all("svg"):
        assert {each.get("role"), each.get("aria-hidden"), each.get("class")} & set(named)
    assert "The same as a table" in page.text and "Process medians as a table" in page.text
    assert all(each.get("scope") in ("col", "row") for each in page.all("th"))


def test_runs_are_compared_on_one_page(runs):
    comparisons = compare_all(runs[:2])
    page = Page(render_page(runs[:2], comparisons, [check(comparisons[0], 0.05)]))
    assert page.text.count("regressed") >= 9 and "bound 5.0 %: 9 regressed" in page.text
    devices = Page(render_page(runs, compare_all(runs)))
    targets = {each["href"].removeprefix("#") for each in devices.all("a")}
    assert targets <= {attributes.get("id") for _, attributes in devices.elements} and len(targets) == 5
    assert "different phones" in devices.text and "Synthetic Phone Two Ultra" in devices.text


def test_what_the_later_run_left_out_is_red_on_the_page(runs):
    fewer = dataclasses.replace(runs[1].run, configurations=runs[1].run.configurations[:3])
    pair = [runs[0], summarise_run(fewer)]
    comparisons = compare_all(pair)
    page = Page(render_page(pair, comparisons, [check(comparisons[0], 0.05)]))
    assert page.text.count("not planned in the later run") == 9 and page.text.count("lost") >= 6


def test_foreign_text_stays_text(hostile, page):
    text, parsed = hostile
    assert {tag for tag, _ in parsed.elements} <= {tag for tag, _ in page.elements}
    for _, attributes in parsed.elements:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("src", "style", "srcdoc")
        ]
        assert (attributes.get("href") or "#").startswith("#")
    assert len(parsed.all("script")) == 0 and len(parsed.all("style")) == 1 and len(parsed.all("meta")) == 5
    for attack in (ATTACKS[0], ATTACKS[1], ATTACKS[3], ATTACKS[6], ATTACKS[12]):
        assert attack in parsed.text, attack
    assert "1337" not in text
    invisible = [c for c in text if not c.isprintable() and c != "\n"]
    assert not invisible, invisible
    assert r"\x1b[31mred" in parsed.text and r"\u202egpj.exe" in parsed.text and r"\ud83d half" in parsed.text


def test_a_run_without_anything_is_a_page(runs):
    run = runs[0].run
    empty = dataclasses.replace(run, configurations=(), models=(), finished_at=None, notes=())
    assert "This run was not finished" in Page(render_page([summarise_run(empty)])).text
    bare = tuple(
        dataclasses.replace(
            r, processes=(), residency=None, accuracy=None, verification=None, status="not_run", reason="gone"
        )
        for r in run.configurations
    )
    assert "not run" in Page(render_page([summarise_run(dataclasses.replace(run, configurations=bare))])).text


def test_moments_that_are_none_leave_the_rest(runs):
    run = runs[0].run
    never = {"started_at": "never", "state_before": None, "state_after": None}
    odd = tuple(
        dataclasses.replace(r, processes=tuple(dataclasses.replace(p, **never) for p in r.processes))
        for r in run.configurations
    )
    page = Page(render_page([summarise_run(dataclasses.replace(run, configurations=odd))]))
    assert "Drift over time" not in page.text and "Latency distributions" in page.text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(runs, scheme):
    """WCAG 2.1, 1.4.3: 4.5 to 1 for text; 1.4.11: 3 to 1 for what a chart draws."""
    [style] = re.findall(r"<style>(.*?)</style>", render_page(runs[:1]), re.DOTALL)
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[0 if scheme == "light" else 1]))
    for ink in ("ink", "soft", "bad", "good", "warn", "cpu", "gpu", "nnapi"):
        for ground in ("page", "card"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for ink in ("ink", "soft", "bad"):
        assert contrast(colours[ink], colours["wrong"]) >= 4.5, ink
    for ink in ("cpu", "gpu", "nnapi", "bad", "good"):
        assert contrast(colours[ink], colours["hot"]) >= 3, ink


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours "#rrggbb"."""

    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    "values",
    [
        [5.0],
        [5.0, 5.0],
        [5.0, 7.0],
        [0.001, 9000.0],
        [8.0, 62.0],
        [1e-7, 1e-6],
        [1e9, 3e9],
        [99.99, 100.01],
        [4.9, 25.1],
        [5e-324],
        [5e-324, 5e-324],
        [5e-324, 1e15],
        [5.0, 5.000000000000001],
        [1e15, 1e15],
    ],
)
def test_axes_hold_their_values_between_few_round_ticks(values):
    axis = svg.value_axis(values)
    assert all(0 <= axis.position(value) <= 1 for value in values)
    assert 1 <= len(axis.ticks) <= 7 and list(axis.ticks) == sorted(set(axis.ticks))
    assert all(-1e-9 <= axis.position(tick) <= 1 + 1e-9 for tick in axis.ticks)
    assert len({svg.tick_text(tick) for tick in axis.ticks}) == len(axis.ticks)


@pytest.mark.parametrize(
    "samples",
    [
        (5e-324,) * 20,
        (5e-324, 1e15) * 20,
        (0.0,) * 20,
        (0.0, 5e-324, 1e-7, 1.0, 1e15),
        (1e15,) * 20,
        (5.0, 5.000000000000001) * 20,
    ],
)
def test_no_sample_of_a_device_keeps_the_page_from_being_made(runs, samples):
    run = runs[0].run
    odd = tuple(
        dataclasses.replace(
            r, processes=tuple(dataclasses.replace(p, samples_ms=samples) for p in r.processes)
        )
        for r in run.configurations[:1]
    )
    for configurations in (odd, (*odd, *run.configurations[1:])):
        found = summarise_run(dataclasses.replace(run, configurations=configurations))
        comparisons = compare_all([found, found])
        page = Page(render_page([found, found], comparisons, [check(comparisons[0], 0.05)]))
        assert "Figures" in page.text and "nan" not in page.text


def test_elements_escape_what_they_are_given():
    found = svg.element("text", "<b>&", class_='a"b', stroke_width=1.50)
    assert found == '<text class="a&#34;b" stroke-width="1.5">&lt;b&gt;&amp;</text>'


def test_a_distribution_is_highest_where_most_runs_are(runs):
    row = runs[0].rows[0]
    axis = charts.latency_axis(runs[0].rows)
    drawn = str(charts.distribution(row, axis))
    [outline] = re.findall(r'<polygon class="area cpu" points="([^"]*)"', drawn)
    x, _ = min(
        ((float(x), float(y)) for x, y in (pair.split(",") for pair in outline.split())), key=lambda p: p[1]
    )
    assert x / 1000 == pytest.approx(axis.position(row.median_ms), abs=0.01)
