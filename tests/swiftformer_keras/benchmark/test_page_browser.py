"""The page in headless Chromium: it asks for nothing, fits a telephone, follows the colour scheme, runs nothing."""

from __future__ import annotations

import pytest

from swiftformer_keras.benchmark.compare import check, compare_all
from swiftformer_keras.benchmark.report.html import write_page
from swiftformer_keras.benchmark.summary import summarise_run
from tests.browser import browser
from tests.swiftformer_keras.benchmark.hostile_runs import ATTACKS, hostile_run
from tests.swiftformer_keras.benchmark.synthetic_runs import synthetic_run

pytestmark = pytest.mark.slow

FITS = "document.documentElement.scrollWidth <= innerWidth"
SEEN = "[...document.querySelectorAll('body *:not(thead, thead *)')]"  # column titles are for readers aloud there
WIDEST = f"Math.max(...{SEEN}.map(e => e.getBoundingClientRect().right)) - innerWidth"
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "synthetic.html"
    summaries = [summarise_run(synthetic_run(1)), summarise_run(synthetic_run(2, slower=1.2, days=1))]
    comparisons = compare_all(summaries)
    write_page(path, summaries, comparisons, [check(comparisons[0], 0.05)])
    return path


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "hostile.html"
    write_page(path, [summarise_run(hostile_run())])
    return path


def test_the_browser_would_tell(tab, tmp_path):
    """The other tests of this file can fail: a page that does all of it is seen to."""
    path = tmp_path / "bad.html"
    path.write_text(
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; script-src 'unsafe-inline'\">"
        "<script>window.acted=1</script><img src='http://127.0.0.1:9/x.png'><div style='width:9000px'>wide</div>"
        "<p style='color:red'>blocked</p>"
    )
    tab.open(path, width=360)
    assert tab.evaluate("window.acted") == 1
    assert not tab.evaluate(FITS) or tab.complaints
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_asks_for_nothing_and_fits(tab, page, width, dark):
    tab.open(page, width=width, dark=dark)
    assert tab.requests == [page.as_uri()]
    assert tab.complaints == []
    assert tab.evaluate("innerWidth") == width
    assert tab.evaluate(FITS) and tab.evaluate(WIDEST) <= 0.5
    assert tab.evaluate(GROUND) == ("rgb(14, 18, 23)" if dark else "rgb(246, 247, 249)"), (
        "the style sheet applies"
    )
    bars = tab.evaluate(
        "[...document.querySelectorAll('svg.strip')].map(e => e.getBoundingClientRect().width)"
    )
    assert len(bars) > 30 and min(bars) > (250 if width == 360 else 600)
    texts = "[...document.querySelectorAll('svg text, td, dd, p')]"
    assert tab.evaluate(f"Math.min(...{texts}.map(e => parseFloat(getComputedStyle(e).fontSize)))") >= 12


def test_foreign_text_runs_nothing(tab, hostile):
    tab.open(hostile, width=360)
    assert tab.requests == [hostile.as_uri()]
    assert tab.complaints == []
    assert tab.evaluate("typeof window.acted") == "undefined"
    active = "script,img,iframe,object,embed,link,base,form,video,audio"
    assert tab.evaluate(f"document.querySelectorAll('{active}').length") == 0
    names = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
    assert tab.evaluate(f"{names}.filter(n => n.startsWith('on')).length") == 0
    seen = tab.evaluate("document.body.innerText")
    for attack in (ATTACKS[0], ATTACKS[1], ATTACKS[3], ATTACKS[6]):
        assert attack in seen, attack
    assert r"\u202egpj.exe" in seen and "1337" not in seen
    assert tab.evaluate(FITS) and tab.evaluate(WIDEST) <= 0.5, "400 letters without a space are broken"
