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
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}

Opens = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def address(small_run: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    save_report(small_run, path)
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Opens]:
    """Open the page; when the test ends, nothing was complained of and nothing but the page was asked for."""
    told: list[str] = []
    contexts = []

    def open_page(viewport: dict[str, int] = DESKTOP, at: str = address, **options: Any) -> Any:
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("request", lambda request: request.url == at or told.append(f"asked for {request.url}"))
        page.on("dialog", lambda dialog: (told.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(at)
        page.wait_for_selector("html[data-drawn]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert told == []


def traces(page: Any, name: str) -> list[dict[str, Any]]:
    """Return what each trace of a figure is of, and whether it is shown."""
    return list(
        page.evaluate(
            "id => document.getElementById(id).data.map(t => ({...t.meta, name: t.name, shown: t.visible}))",
            f"figure-{name}",
        )
    )


def lines_drawn(page: Any, name: str) -> int:
    return int(page.locator(f"#figure-{name} .scatterlayer .trace").count())


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_every_figure_is_drawn_within_the_page(opened: Opens, viewport: dict[str, int]) -> None:
    page = opened(viewport, is_mobile=viewport is PHONE, has_touch=viewport is PHONE)
    boxes = page.locator(".plot")
    assert boxes.count() >= 11
    for box in boxes.all():
        expect(box.locator("svg.main-svg").first).to_be_visible()
        assert box.evaluate("e => e.data.filter(t => t.visible).length") == box.evaluate(
            "e => e._fullData.filter(t => t.visible === true).length"
        )
        assert box.bounding_box()["x"] + box.bounding_box()["width"] <= viewport["width"]
    assert overflow(page) == 0


def test_hover_tells_the_numbers(opened: Opens) -> None:
    page = opened()
    point = page.locator("#figure-trade-off-figure .scatterlayer .point").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    expect(page.locator("#figure-trade-off-figure .hovertext").first).to_contain_text("value")
    lines = page.locator("#figure-futures .nsewdrag").first
    lines.hover(force=True)
    expect(page.locator("#figure-futures .hoverlayer").first).to_contain_text("pomdp")


def test_choosing_policies_shows_in_figures_and_tables(opened: Opens, small_run: Any, odd_name: str) -> None:
    page = opened()
    before = {name: lines_drawn(page, name) for name in ("quota", "escapement", "futures", "collapsed")}
    for dropped in ("pomdp", odd_name):
        page.locator(".choices label", has_text=dropped).locator("input").uncheck()
        for name in ("quota", "escapement", "futures", "trade-off-figure", "collapsed"):
            mine = [trace["shown"] for trace in traces(page, name) if trace.get("policy") == dropped]
            assert mine
            assert not any(mine)
    for name, count in before.items():
        assert lines_drawn(page, name) < count
    rows = page.locator("tr[data-policy]:visible")
    assert {row.get_attribute("data-policy") for row in rows.all()} <= {"tac"}
    assert page.locator("tr[data-policy='tac']:visible").count() == 2
    # a panel of its own goes with its policy, and comes back with it
    panel = page.locator("#figure-worms-0")
    expect(panel).to_be_hidden()
    page.locator(".choices label", has_text="pomdp").locator("input").check()
    expect(panel.locator("svg.main-svg").first).to_be_visible()
    assert any(trace["shown"] for trace in traces(page, "worms-0"))


def test_choosing_a_world_shows_in_figures_and_tables(opened: Opens, small_run: Any) -> None:
    first, other = small_run.robustness.worlds
    page = opened()
    body = page.locator("tbody[data-world]:visible")
    assert body.get_attribute("data-world") == first
    median = "#figure-worms-1 .scatterlayer .trace .js-line"
    shape = page.locator(median).last.get_attribute("d")
    page.locator(f'input[name="world"][value="{other}"]').check()
    assert body.get_attribute("data-world") == other
    for name in ("futures", "worms-1", "trade-off-figure", "collapsed"):
        assert {t["world"] for t in traces(page, name) if t["shown"] and "world" in t} == {other}
    assert page.locator(median).last.get_attribute("d") != shape


def test_choosing_a_year_shows_its_belief(opened: Opens) -> None:
    page = opened()
    slider = page.get_by_label("Year")
    last = int(slider.get_attribute("max"))
    output = page.locator('output[for="belief-year"]')
    year = int(output.text_content())
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(output).to_have_text(str(year - 1))
    assert slider.get_attribute("aria-valuetext") == str(year - 1)
    for name in ("belief", "belief-track"):
        assert {t["year"] for t in traces(page, name) if t["shown"] and "year" in t} == {year - 1}
    page.keyboard.press("Home")
    expect(output).to_have_text(str(year - last))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_until_it_is_chosen(opened: Opens, scheme: str) -> None:
    page = opened(color_scheme=scheme)

    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    def label() -> str:
        axis = page.locator("#figure-quota .xtick text").first
        return str(axis.evaluate("e => getComputedStyle(e).fill"))

    colors = {
        "light": ("rgb(255, 255, 255)", "rgb(26, 29, 33)"),
        "dark": ("rgb(20, 23, 27)", "rgb(232, 235, 239)"),
    }
    assert (paper(), label()) == colors[scheme]
    button = page.locator("#theme")
    for chosen in ("light", "dark"):
        button.click()
        expect(button).to_have_text(f"Theme: {chosen}")
        assert (paper(), label()) == colors[chosen]
    # it is remembered
    page.reload()
    page.wait_for_selector("html[data-drawn]")
    expect(page.locator("#theme")).to_have_text("Theme: dark")


def test_print_is_light_whole_and_without_controls(opened: Opens) -> None:
    page = opened({"width": 680, "height": 990}, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function("document.querySelector('#figure-quota').layout.width === 320")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert (
        page.locator("#figure-quota .xtick text").first.evaluate("e => getComputedStyle(e).fill")
        == "rgb(26, 29, 33)"
    )
    expect(page.locator(".choices")).to_be_hidden()
    expect(page.locator("#belief-year")).to_be_hidden()
    assert all(one.get_attribute("open") is not None for one in page.locator("details[data-printed]").all())
    assert overflow(page) == 0
    page.emulate_media(media="screen")
    page.wait_for_function("document.querySelector('#figure-quota').layout.width !== 320")
    assert page.locator("details[open]").count() == 0


def test_the_printed_file_is_made_with_wide_figures(opened: Opens) -> None:
    """A browser prints after `beforeprint`, at whatever width its window has."""
    page = opened({"width": 1280, "height": 900})
    widths = "window.seen = []; addEventListener('beforeprint', () => seen.push(document.querySelector('#figure-kobe').layout.width))"
    page.evaluate(widths)
    assert page.pdf(format="A4")[:5] == b"%PDF-"
    assert page.evaluate("seen") == [660]


def test_words_of_the_data_are_shown_as_they_are(
    opened: Opens, small_run: Any, tmp_path: Path, odd_name: str
) -> None:
    bad = '<script>alert("1")</script> "hake" & \'<b>co</b>\''
    history = replace(small_run.history, species=bad, region=bad, source=bad, note=bad)
    path = tmp_path / "bad.html"
    save_report(replace(small_run, managed=replace(small_run.managed, history=history)), path)
    page = opened(at=path.as_uri())
    expect(page.locator("h1")).to_contain_text(bad)
    assert page.locator("h1 *").count() == 0
    # plotly, too, shows the name of the policy as it is
    expect(page.locator("#figure-quota .legendtext", has_text=odd_name)).to_be_visible()


def test_scripts_of_others_do_not_run(opened: Opens) -> None:
    """The page's policy stops what an escape would have let through."""
    page = opened()
    ran = page.evaluate(
        """() => new Promise(resolve => {
            addEventListener("securitypolicyviolation", () => resolve("stopped"));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            setTimeout(() => resolve(window.ran ? "ran" : "nothing"), 500);
        })"""
    )
    assert ran == "stopped"


def test_keyboard_reaches_every_control(opened: Opens, small_run: Any) -> None:
    page = opened()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.name || ''"))
    assert {"policy", "world", "theme", "belief-year"} <= reached
