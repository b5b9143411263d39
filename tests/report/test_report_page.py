"""The report as a file: whole in itself, the same for the same run, and with nothing of the data taken for HTML."""

import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from ecodecide.cli import main
from ecodecide.evaluation.robustness import robustness
from ecodecide.evaluation.scores import measure, summarize
from ecodecide.report.html import report, save_report
from ecodecide.report.html.assets import asset, source_hash
from ecodecide.report.html.markup import inline_json, tag
from ecodecide.report.html.plain_figure import plain_figure
from ecodecide.report.html.sections import SECTIONS
from ecodecide.report.html.sections.record import _linked
from ecodecide.report.robustness_table import precise_lines
from ecodecide.report.table import Amounts, conclusion, percent
from ecodecide.report.views import belief_view, futures_view, trade_off_view

LIMIT = 3_000_000
"""Bytes: issue 7."""

EMPTY = {"input", "meta", "br", "wbr", "link", "img"}


class Reader(HTMLParser):
    """Collects elements, attributes and texts, and checks that elements are nested as they should be."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))
        if name not in EMPTY:
            self.open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, words: str) -> None:
        self.words.append((self.open[-1] if self.open else "", words))

    def text(self, *without: str) -> str:
        return " ".join(words for name, words in self.words if name not in ("script", "style", *without))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]


@pytest.fixture(scope="module")
def page(small_run: Any) -> str:
    return report(small_run)


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    found = Reader(page)
    assert not found.open
    return found


def figures_of(page: str) -> Any:
    return json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', page)[1])


def test_nothing_is_fetched(page: str, reader: Reader) -> None:
    """No element names another file, and the policy of the page forbids all but its own programs."""
    for name, attributes in reader.elements:
        assert "src" not in attributes, name
        assert not any(key.startswith("on") or key in ("action", "poster", "srcset") for key in attributes)
        if "href" in attributes:
            address = attributes["href"] or ""
            assert name == "a"
            assert address.startswith("#") or address.startswith("https://doi.org/10."), address
    assert "@import" not in asset("report.css")
    assert "url(" not in asset("report.css")
    policy = (
        next(a["content"] for a in reader.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
        or ""
    )
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert not re.search(r"https?:|\*|unsafe-eval", policy)
    programs = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    assert [source_hash(program) for program in programs] == allowed["script-src"].split()


def test_size_and_license(page: str) -> None:
    assert len(page.encode()) < LIMIT
    # of all figures and tables of the largest default run no more than as much again as the program may be used up
    assert len(asset("plotly-basic.min.js").encode()) < 1_300_000
    assert "Permission is hereby granted, free of charge" in page


def test_the_same_run_gives_the_same_page(small_run: Any, page: str, tmp_path: Path) -> None:
    assert report(small_run) == page
    save_report(small_run, tmp_path / "a.html")
    assert (tmp_path / "a.html").read_bytes() == page.encode()


def test_command_writes_the_same_page_from_a_file(small_run: Any, page: str, tmp_path: Path) -> None:
    run = tmp_path / "run.nc"
    small_run.save(run)
    # the second name is that of the run
    for arguments, target in ((["-o", str(tmp_path / "b.html")], "b.html"), ([], "run.html")):
        found = CliRunner().invoke(main, ["report", str(run), *arguments])
        assert found.exit_code == 0, found.output
        assert (tmp_path / target).read_bytes() == page.encode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "a.txt"], "does not end in"),
        (["-o", "nowhere/a.html"], "does not exist"),
    ],
)
def test_command_refuses_an_output_it_cannot_write(tmp_path: Path, arguments: list[str], words: str) -> None:
    run = tmp_path / "run.nc"
    run.write_bytes(b"not a run")
    found = CliRunner().invoke(main, ["report", str(run), *arguments])
    assert found.exit_code == 2
    assert words in found.output


def test_command_never_overwrites_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run.html"
    run.write_bytes(b"a run with an odd name")
    found = CliRunner().invoke(main, ["report", str(run)])
    assert found.exit_code == 2
    assert "the run itself" in found.output
    assert run.read_bytes() == b"a run with an odd name"


def test_command_refuses_a_file_that_is_no_run(tmp_path: Path) -> None:
    run = tmp_path / "run.nc"
    run.write_bytes(b"not a run")
    found = CliRunner().invoke(main, ["report", str(run)])
    assert found.exit_code == 1
    assert found.output.startswith("error: ")
    assert not (tmp_path / "run.html").exists()


def test_every_section_stands_with_a_heading_and_is_in_the_contents(small_run: Any, reader: Reader) -> None:
    addresses = [a["href"] for a in reader.all("a") if (a["href"] or "").startswith("#")]
    headings = [a["id"] for a in reader.all("h2")]
    assert addresses == [f"#{name}" for name in headings]
    assert len(headings) == len(SECTIONS)
    ids = [a["id"] for _, a in reader.elements if "id" in a]
    assert len(ids) == len(set(ids))


def test_every_figure_has_a_place_and_words_for_those_who_do_not_see_it(page: str, reader: Reader) -> None:
    boxes = {a["id"]: a for a in reader.all("div") if a.get("class") == "plot"}
    assert set(boxes) == {f"figure-{name}" for name in figures_of(page)}
    assert len(boxes) >= 11
    for box in boxes.values():
        assert box["role"] == "group"
        assert len(box["aria-label"] or "") > 20


def test_headings_are_in_order_and_tables_have_heads(page: str, reader: Reader) -> None:
    assert reader.all("html") == [{"lang": "en"}]
    levels = [int(name[1]) for name, _ in reader.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in itertools.pairwise(levels))
    heads = re.findall(r"<thead>(.*?)</thead>", page)
    assert len(heads) == len(reader.all("table")) == len(reader.all("caption"))
    assert all(not re.search("<th[^>]*></th>|<td", head) for head in heads)
    assert {a.get("scope") for a in reader.all("th")} == {"col", "row", "rowgroup"}
    # a box that scrolls is reached by the keyboard, and says what it is
    boxes = [a for a in reader.all("div") if a.get("class") == "scroll"]
    assert all(a["tabindex"] == "0" and len(a["aria-label"] or "") > 15 for a in boxes)


def test_nothing_moves_for_those_who_want_no_motion() -> None:
    style = asset("report.css")
    wanted = re.search(r"@media \(prefers-reduced-motion: no-preference\) \{(.*?)\n\}", style, re.DOTALL)
    assert wanted and "scroll-behavior: smooth" in wanted[1]
    others = style.replace(wanted[0], "").replace("transition: none", "")
    assert not re.search("scroll-behavior|animation|transition", others)


def luminance(color: str) -> float:
    """Return the relative luminance of a color, as WCAG 2.2 defines it."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_words_stand_out_from_the_paper() -> None:
    """All inks have a contrast of 4.5:1 on all papers, WCAG 2.2 (AA), in both themes."""
    light, *dark = (
        dict(re.findall(r"--(\w+): (#\w{6})", block))
        for block in re.findall(r":root[^{]*\{(.*?)\}", asset("report.css"), flags=re.DOTALL)[:3]
    )
    assert dark[0] == dark[1]  # by the reader's system, and by choice
    for theme in (light, {**light, **dark[0]}):
        assert len(theme) == 9
        # the shades of the table of worlds, at their darkest
        tints = [
            "#" + "".join(
                f"{round(0.32 * int(theme[tone][i : i + 2], 16) + 0.68 * int(theme['paper'][i : i + 2], 16)):02x}"
                for i in (1, 3, 5)
            )
            for tone in ("good", "bad")
        ]  # fmt: skip
        inks = ("ink", "soft", "accent", "limit")
        pairs = [(theme[ink], theme[paper]) for ink in inks for paper in ("paper", "panel")]
        for pair in [*pairs, *((theme["ink"], tint) for tint in tints)]:
            dim, bright = sorted(map(luminance, pair))
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, pair


def test_numbers_are_those_of_the_comparison(small_run: Any, reader: Reader, odd_name: str) -> None:
    found, text = small_run.to_dict(), reader.text()
    for line in conclusion(found):
        assert line in text
    every = [
        small_run.estimate(p, "npv", w) for p in small_run.solutions for w in small_run.robustness.worlds
    ]
    show = Amounts(every, found["unit"])
    for estimate in every:
        assert show(estimate["value"]) in text
    for entry in found["policies"]:
        risk = entry["collapse_probability"]
        assert f"{percent(risk['low']).removesuffix(' %')} to {percent(risk['high'])}" in text
    for line in (*found["assumptions"], *found["warnings"]):
        assert line in text
    for name, version in small_run.versions.items():
        assert name in text
        assert version in text
    assert odd_name in text


def test_a_table_row_for_each_policy_in_each_world(small_run: Any, reader: Reader) -> None:
    worlds = [a["data-world"] for a in reader.all("tbody") if "data-world" in a]
    assert worlds == list(small_run.robustness.worlds)
    rows = [a["data-policy"] for a in reader.all("tr") if "data-policy" in a]
    assert set(rows) == set(small_run.solutions)
    # policies by world, robustness, quotas
    assert len(rows) == len(small_run.solutions) * (len(worlds) + 2)


def test_figures_hold_the_numbers_of_their_views(small_run: Any, page: str) -> None:
    figures = figures_of(page)
    view = futures_view(small_run, worms=0)
    shown = [
        trace
        for trace in figures["futures"]["data"]
        if trace["meta"] == {"policy": "tac", "world": "fitted"} and "hovertemplate" in trace
    ]
    catch = view["catch"].sel(policy="tac", world="fitted", quantile=0.5).values
    factor = Amounts([{"value": float(view["catch"].sel(quantile=0.75).max())}], "t").factor
    # five significant digits are kept
    np.testing.assert_allclose(np.array(shown[1]["y"]), catch / factor, rtol=5e-5)
    points = {
        (trace["meta"]["policy"], trace["meta"]["world"]): trace
        for trace in figures["trade-off-figure"]["data"]
        if "policy" in trace["meta"]
    }
    scores = trade_off_view(small_run)
    for (policy, world), trace in points.items():
        risk = float(scores["collapse_probability"].sel(policy=policy, world=world, estimate="value"))
        assert trace["x"] == [pytest.approx(100.0 * risk, rel=5e-5)]
    assert len(points) == scores.sizes["policy"] * scores.sizes["world"]


def test_a_belief_for_every_year_that_can_be_chosen(small_run: Any, page: str) -> None:
    figure = figures_of(page)["belief"]
    years = belief_view(small_run.managed)["year"].values.tolist()
    assert figure["choices"]["year"] == years
    assert [t["meta"]["year"] for t in figure["data"] if t.get("fill") == "toself"] == years


def test_words_of_the_data_are_never_markup(small_run: Any) -> None:
    bad = '</script><script>alert(1)</script><img src=x onerror="alert(2)"> & \u2028 "quoted" \'single\''
    history = replace(small_run.history, id=bad, species=bad, region=bad, source=bad, license=bad, note=bad)
    managed = replace(small_run.managed, history=history)
    page = report(replace(small_run, managed=managed, warnings=(bad,), cite=(bad,), assumptions=(bad,)))
    reader = Reader(page)
    assert not reader.open
    assert not reader.all("img")
    assert len(reader.all("script")) == 3
    assert reader.text().count(bad) >= 6
    drawn = [trace for figure in figures_of(page).values() for trace in figure["data"]]
    # but the ends of lines, which are ours
    words = [str(trace.get(key, "")).replace("<br>", "") for trace in drawn for key in ("name", "text")]
    assert not any("<" in each for each in words)


def test_inline_json_cannot_end_its_element() -> None:
    words = "</script><!-- \u2028 & \u2029"
    made = inline_json({"a": words})
    assert not re.search("[<>&\u2028\u2029]", made)
    assert json.loads(made) == {"a": words}
    with pytest.raises(ValueError, match="Out of range"):
        inline_json(float("nan"))


def test_attributes_are_escaped() -> None:
    assert tag("p", title="\"><script>'") == '<p title="&quot;&gt;&lt;script&gt;&#x27;"></p>'


def test_addresses_of_papers_are_links_and_end_where_they_end() -> None:
    found = _linked("Reed 1979 (doi:10.1016/0095-0696(79)90014-7), and doi:10.1086/702704.")
    assert re.findall('href="(.*?)"', found) == [
        "https://doi.org/10.1016/0095-0696(79)90014-7",
        "https://doi.org/10.1086/702704",
    ]
    assert (
        Reader(found).text().replace(" ", "")
        == "Reed1979(doi:10.1016/0095-0696(79)90014-7),anddoi:10.1086/702704."
    )


def test_plain_figures_have_no_more_digits_than_are_seen() -> None:
    from plotly.graph_objects import Figure, Scatter

    found = plain_figure(Figure(Scatter(x=np.array([1999, 2000]), y=np.array([1.0 / 3.0, np.nan]))))
    assert found["data"][0]["x"] == [1999, 2000]
    assert found["data"][0]["y"] == [0.33333, None]


def scored_again(run: Any, runs: Any, limit: str) -> Any:
    """Return a comparison of some of the futures, by another limit of collapse."""
    measured = measure(runs, limit)
    names = [str(name) for name in runs["policy"].values]
    managed = replace(run.managed, solutions={name: run.solutions[name] for name in names})
    settings = {**run.settings, "solvers": names, "collapse": limit}
    return replace(
        run, managed=managed, runs=runs, scores=summarize(measured), robustness=robustness(measured),
        settings=settings, exact=None,
    )  # fmt: skip


def test_one_world_and_one_policy_make_a_page(small_run: Any) -> None:
    """What there is nothing to choose from, and no rival of, is told without them."""
    one = scored_again(small_run, small_run.runs.sel(policy=["tac"], world=["fitted"]), "0.1K")
    found = Reader(report(one))
    assert "the only policy of this comparison" in found.text()
    assert not found.open


def test_a_collapsed_stock_risks_not_to_recover(small_run: Any) -> None:
    """Where every future starts below the limit, no collapse is told of, but who does not recover."""
    high = f"{2.0 * float(small_run.runs['biomass'].isel(year=0).max()):.0f}"
    run = scored_again(small_run, small_run.runs, high)
    page = report(run)
    text = Reader(page).text()
    assert "futures that do not recover" in text
    assert "Value against risk" in text
    assert "of the futures collapse" not in text
    figures = figures_of(page)
    assert "recovered" in figures
    assert "collapsed" not in figures
    few = scored_again(small_run, small_run.runs.isel(replicate=slice(0, 19)), high)
    assert "19 at the most start below the limit: too few for a figure" in Reader(report(few)).text()
    recovered = run.estimate("tac", "recovery_probability")
    lasting = {
        key: 1.0 - recovered[other] for key, other in (("value", "value"), ("low", "high"), ("high", "low"))
    }
    assert f"{percent(lasting['low']).removesuffix(' %')} to {percent(lasting['high'])}" in text
    point = next(
        t for t in figures["trade-off-figure"]["data"] if t["meta"] == {"policy": "tac", "world": "fitted"}
    )
    assert point["x"] == [pytest.approx(100.0 * lasting["value"], rel=5e-5)]


def test_an_exact_risk_that_is_not_defined_is_not_told(small_run: Any) -> None:
    entry = {"name": "tac", "rare": None}
    nothing = {"world": "fitted", "policies": [{**entry, "exact": {"collapse_probability": None}}]}
    assert precise_lines(nothing) == []
    known = {"world": "fitted", "policies": [{**entry, "exact": {"collapse_probability": 0.25}}]}
    assert len(precise_lines(known)) == 1
