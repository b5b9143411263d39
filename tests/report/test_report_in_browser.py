"""The report in a real browser: it draws, asks no network for anything, and what is chosen shows."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecodecide.report.html import save_report

try:
    from playwright.sync_api import expect, sync_playwright
except ImportError as missing:
    pytest.skip(f"the report is not tested in a browser: {missing}", allow_module_level=True)

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if BROWSER is None:
    pytest.skip(
        "the report is not tested in a browser: no chromium on the PATH (on Debian: apt install chromium)",
        allow_module_level=True,
    )

# root has no sandbox; and nothing of the browser's own goes to the network
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
PATIENCE = 300_000.0
"""Milliseconds after which what was waited for will not come; only a test that fails waits for so long."""
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


class Watched:
    """Pages of a browser, and what they complained of or asked for."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser, self.address = browser, address
        self.told: list[str] = []
        self.contexts: list[Any] = []

    def open(self, viewport: dict[str, int] = DESKTOP, at: str | None = None, **options: Any) -> Any:
        at = at or self.address
        # without motion a place on the page stays where it was measured
        context = self.browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.told.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.told.append(f"error: {error}"))
        page.on("request", lambda request: self.asked(request.url, at))
        page.on("dialog", lambda dialog: (self.told.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(at)
        page.wait_for_selector("html[data-drawn]")
        return page

    def asked(self, url: str, at: str) -> None:
        # what the page holds in memory is no file
        if url != at and not url.startswith(("data:", "blob:")):
            self.told.append(f"asked for {url}")

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=BROWSER, args=ARGUMENTS, timeout=PATIENCE)
        yield made
        made.close()


@pytest.fixture(scope="module")
def address(small_run: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    save_report(small_run, path)
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Open pages; when the test ends, nothing was complained of and nothing but the page was asked for."""
    watched = Watched(browser, address)
    yield watched.open
    watched.close()
    assert watched.told == []


@pytest.fixture(scope="module")
def one(browser: Any, address: str) -> Iterator[tuple[Any, list[str]]]:
    watched = Watched(browser, address)
    yield watched.open(), watched.told
    watched.close()


@pytest.fixture
def page(one: tuple[Any, list[str]]) -> Iterator[Any]:
    """Give the page that several tests share, with all policies and the first world chosen."""
    shared, told = one
    for box in shared.locator('input[name="policy"]').all():
        box.check()
    shared.locator('input[name="world"]').first.check()
    yield shared
    assert told == []


def traces(page: Any, name: str) -> list[dict[str, Any]]:
    """Return what each trace of a figure is of, and whether it is shown."""
    kept = "e => e.data.map(t => ({...t.meta, name: t.name, shown: t.visible}))"
    return list(page.locator(f"#figure-{name}").evaluate(kept))


def drawn(page: Any, name: str) -> list[str]:
    """Return the lines of a figure as they are drawn."""
    lines = page.locator(f"#figure-{name} .scatterlayer .js-line")
    return list(lines.evaluate_all("all => all.map(e => e.getAttribute('d'))"))


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def color(locator: Any, of: str) -> str:
    return str(locator.evaluate(f"e => getComputedStyle(e).{of}"))


PAPER_AND_INK = {
    "light": ("rgb(255, 255, 255)", "rgb(26, 29, 33)"),
    "dark": ("rgb(20, 23, 27)", "rgb(232, 235, 239)"),
}


def check_paper_and_ink(page: Any, theme: str) -> None:
    """Wait for the color of the page, and for that of the words of a figure, which its inked lines share."""
    paper, ink = PAPER_AND_INK[theme]
    expect(page.locator("body")).to_have_css("background-color", paper)
    expect(page.locator("#figure-quota .xtick text").first).to_have_css("fill", ink)
    expect(page.locator("#figure-belief-track .scatterlayer .js-line").last).to_have_css("stroke", ink)


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_figure_is_drawn_within_the_page(opened: Any, viewport: dict[str, int]) -> None:
    phone = viewport is PHONE
    page = opened(viewport, is_mobile=phone, has_touch=phone)
    boxes = page.locator(".plot")
    assert boxes.count() >= 11
    for box in boxes.all():
        expect(box.locator("svg.main-svg").first).to_be_visible()
        shown = box.evaluate("e => e.data.filter(t => t.visible).length")
        made = box.locator(".scatterlayer .trace, .barlayer .trace").count()
        assert shown == made > 0
        place = box.bounding_box()
        assert place["x"] + place["width"] <= viewport["width"]
    assert overflow(page) == 0


def test_hover_tells_the_numbers(page: Any) -> None:
    point = page.locator("#figure-trade-off-figure .scatterlayer .point").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    expect(page.locator("#figure-trade-off-figure .hovertext").first).to_contain_text("collapse")
    panel = page.locator("#figure-futures .nsewdrag").first
    panel.scroll_into_view_if_needed()
    place = panel.bounding_box()
    for share in (0.4, 0.5, 0.6):
        page.mouse.move(place["x"] + share * place["width"], place["y"] + 0.5 * place["height"])
    expect(page.locator("#figure-futures .hoverlayer").first).to_contain_text("tac")


def test_choosing_policies_shows_in_figures_and_tables(page: Any, odd_name: str) -> None:
    names = ("quota", "escapement", "futures", "trade-off-figure", "collapsed")
    before = {name: len(drawn(page, name)) for name in names}
    for dropped in ("pomdp", odd_name):
        page.locator(".choices label", has_text=dropped).locator("input").uncheck()
        for name in names:
            mine = [trace["shown"] for trace in traces(page, name) if trace.get("policy") == dropped]
            assert mine
            assert not any(mine)
    for name in ("quota", "escapement", "futures", "collapsed"):
        assert len(drawn(page, name)) < before[name]
    rows = page.locator("tr[data-policy]:visible")
    assert {row.get_attribute("data-policy") for row in rows.all()} == {"tac"}
    # a panel of its own goes with its policy, and comes back with it
    panel = page.locator("#figure-worms-0")
    expect(panel).to_be_hidden()
    page.locator(".choices label", has_text="pomdp").locator("input").check()
    expect(panel.locator("svg.main-svg").first).to_be_visible()
    assert any(trace["shown"] for trace in traces(page, "worms-0"))


def test_choosing_a_world_shows_in_figures_and_tables(page: Any, small_run: Any) -> None:
    first, other = small_run.robustness.worlds
    body = page.locator("tbody[data-world]:visible")
    assert body.get_attribute("data-world") == first
    before = drawn(page, "worms-1")
    page.locator(f'input[name="world"][value="{other}"]').check()
    assert body.get_attribute("data-world") == other
    assert set(page.locator("figcaption .world-shown").all_text_contents()) == {other}
    for name in ("futures", "worms-1", "trade-off-figure", "collapsed"):
        assert {t["world"] for t in traces(page, name) if t["shown"] and "world" in t} == {other}
    assert drawn(page, "worms-1") != before


def test_choosing_a_year_shows_its_belief(page: Any) -> None:
    slider, output = page.get_by_role("slider", name="Year"), page.locator('output[for="belief-year"]')
    last, count = int(output.text_content()), int(slider.get_attribute("max"))
    before = drawn(page, "belief")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(output).to_have_text(str(last - 1))
    assert slider.get_attribute("aria-valuetext") == str(last - 1)
    for name in ("belief", "belief-track"):
        assert {t["year"] for t in traces(page, name) if t["shown"] and "year" in t} == {last - 1}
    assert drawn(page, "belief") != before
    page.keyboard.press("Home")
    expect(output).to_have_text(str(last - count))


def test_a_figure_can_be_saved_as_a_picture(page: Any) -> None:
    page.locator("#figure-kobe").scroll_into_view_if_needed()
    with page.expect_download() as saved:
        page.locator("#figure-kobe .modebar-btn").first.click(force=True)
    assert Path(saved.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_keyboard_reaches_every_control(page: Any) -> None:
    reached = set()
    page.locator("h1").click()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.name || ''"))
        # what the keyboard is at is seen, plotly's own buttons too
        here = page.locator(":focus")
        assert "solid 3px" in color(here, "outline")
        if "modebar-btn" in (here.get_attribute("class") or ""):
            expect(here.locator("xpath=ancestor::*[contains(@class, 'modebar ')][1]")).to_have_css(
                "opacity", "1"
            )
        if reached >= {"policy", "world", "theme", "belief-year"}:
            return
    pytest.fail(f"the keyboard reaches {sorted(reached)} alone")


def test_theme_follows_the_system_until_it_is_chosen(opened: Any) -> None:
    page = opened(color_scheme="light")
    check_paper_and_ink(page, "light")
    page.emulate_media(color_scheme="dark")
    check_paper_and_ink(page, "dark")
    button = page.locator("#theme")
    for chosen in ("light", "dark"):
        button.click()
        expect(button).to_have_text(f"Theme: {chosen}")
        check_paper_and_ink(page, chosen)
    # a choice stands against the system, and is remembered
    page.emulate_media(color_scheme="light")
    page.reload()
    page.wait_for_selector("html[data-drawn]")
    expect(button).to_have_text("Theme: dark")
    check_paper_and_ink(page, "dark")


def test_print_is_light_whole_and_without_controls(opened: Any) -> None:
    page = opened({"width": 680, "height": 990}, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    figure = page.locator("#figure-quota svg.main-svg").first
    expect(figure).to_have_attribute("width", "320")
    check_paper_and_ink(page, "light")
    expect(page.locator(".choices")).to_be_hidden()
    expect(page.locator("#belief-year")).to_be_hidden()
    folded = page.locator("details[data-printed]")
    assert folded.count() == page.locator("details[data-printed][open]").count() > 0
    # a wider page the browser would shrink, words and all
    assert overflow(page) == 0
    page.emulate_media(media="screen", color_scheme="dark")
    expect(figure).not_to_have_attribute("width", "320")
    assert page.locator("details[open]").count() == 0
    # a browser prints after `beforeprint`, however wide its window is
    page.set_viewport_size(DESKTOP)
    width = "document.querySelector('#figure-kobe').layout.width"
    page.evaluate(f"window.seen = []; addEventListener('beforeprint', () => seen.push({width}))")
    assert page.pdf(format="A4")[:5] == b"%PDF-"
    assert page.evaluate("seen") == [660]


def test_paper_tells_what_was_not_chosen(opened: Any, small_run: Any) -> None:
    page = opened()
    page.locator(".choices label", has_text="tac").locator("input").uncheck()
    told = page.locator("#not-drawn")
    expect(told).to_be_hidden()
    assert page.locator('tr[data-policy="tac"]:visible').count() == 0
    page.emulate_media(media="print")
    expect(told).to_have_text("Not drawn in the figures, by choice of the reader: tac.")
    # tables are whole: every policy, in every world
    rows = page.locator('tbody[data-world] tr[data-policy="tac"]:visible')
    expect(rows).to_have_count(len(small_run.robustness.worlds))
    page.emulate_media(media="screen")
    expect(rows).to_have_count(0)
    page.locator(".choices label", has_text="tac").locator("input").check()
    page.emulate_media(media="print")
    expect(told).to_have_text("")


def test_long_names_leave_room_for_numbers_on_a_phone(opened: Any, odd_name: str) -> None:
    page = opened(PHONE, is_mobile=True, has_touch=True)
    name = page.locator("tr[data-policy] th", has_text=odd_name).first.bounding_box()
    assert name["width"] < 0.55 * PHONE["width"]
    # nor is one cut in a legend
    for row in page.locator(".legend li", has_text=odd_name).all():
        assert row.evaluate("e => e.scrollWidth <= e.clientWidth")
        place = row.bounding_box()
        assert place["x"] + place["width"] <= PHONE["width"]


def test_words_of_the_data_are_shown_as_they_are(
    opened: Any, small_run: Any, tmp_path: Path, odd_name: str
) -> None:
    bad = '<script>alert("1")</script> "hake" & \'<b>co</b>\''
    history = replace(small_run.history, species=bad, region=bad, source=bad, note=bad)
    path = tmp_path / "bad.html"
    save_report(replace(small_run, managed=replace(small_run.managed, history=history)), path)
    page = opened(at=path.as_uri())
    expect(page.locator("h1")).to_contain_text(bad)
    assert page.locator("h1 *").count() == 0
    expect(page.locator(".legend li", has_text=odd_name).first).to_be_visible()
    # plotly, too, shows the name of the policy as it is
    panel = page.locator("#figure-collapsed .nsewdrag")
    panel.scroll_into_view_if_needed()
    place = panel.bounding_box()
    for share in (0.4, 0.5):
        page.mouse.move(place["x"] + share * place["width"], place["y"] + 0.5 * place["height"])
    first = odd_name.partition("ministry")[0]
    expect(page.locator("#figure-collapsed .hoverlayer").first).to_contain_text(first)


def test_programs_of_others_do_not_run(one: tuple[Any, list[str]]) -> None:
    """The policy of the page stops what an escape would have let through, and says so."""
    page, told = one
    ran = page.evaluate(
        """() => {
            const program = document.createElement("script");
            program.textContent = "window.ran = true";
            document.body.append(program);
            return window.ran === true;
        }"""
    )
    assert not ran
    assert any("Content Security Policy" in words for words in told)
    told.clear()
