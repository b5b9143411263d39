"""Figures: every series is drawn, axes say what they show and in which unit, policies look the same everywhere."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.report import plots, views
from ecodecide.report.figure_file import save_figure
from ecodecide.report.palette import policy_styles
from ecodecide.report.plots.canvas import figure_of
from ecodecide.report.plots.figures import KINDS, draw, draw_hindcast
from ecodecide.report.table import amounts

POLICIES = ["pomdp", "tac", "no-fishing"]
WORLDS = ["fitted", "fitted,trend=-0.05"]


@pytest.fixture(scope="module")
def view(plain_run: Any) -> Callable[[str], Any]:
    made = {name: kind.view(plain_run) for name, kind in KINDS.items()}
    return lambda name: made[name]


def axes_of(drawn: Any) -> list[Any]:
    return list(drawn.flat) if isinstance(drawn, np.ndarray) else [drawn]


def lines(panel: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in panel.lines}


def texts(panel: Any) -> list[str]:
    return [text.get_text() for text in panel.texts]


# --- what all figures keep to ---


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_returns_axes_with_labels_and_units_that_no_window_knows(view: Any, kind: str) -> None:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    panels = axes_of(KINDS[kind].plot(view(kind)))
    assert all(isinstance(panel, Axes) for panel in panels)
    figure = figure_of(panels[0])
    words = [
        figure.get_supylabel(),
        *(text for panel in panels for text in (panel.get_xlabel(), panel.get_ylabel())),
    ]
    words += [panel.get_title(loc="left") for panel in panels]
    assert all(panel.get_xlabel() or panel.get_title(loc="left") for panel in panels)
    # amounts have units, shares are in percent, ratios and worlds have none
    if kind == "collapse":
        assert panels[0].yaxis.get_major_formatter()(0.5, 0).endswith(" %")
    elif kind != "kobe":
        assert any("(thousand t" in text or "(million t" in text for text in words), words
    assert plt.get_fignums() == []


@pytest.mark.parametrize("kind", ["history", "kobe", "belief", "trade-off", "collapse"])
def test_figures_are_drawn_on_given_axes(view: Any, kind: str) -> None:
    from matplotlib.figure import Figure

    mine = Figure().subplots()
    assert KINDS[kind].plot(view(kind), ax=mine) is mine
    assert mine.has_data()


@pytest.mark.parametrize("kind", ["policies", "belief-policies", "worms", "robustness"])
def test_figures_of_several_panels_are_drawn_on_given_axes(view: Any, kind: str) -> None:
    from matplotlib.figure import Figure

    count = len(axes_of(KINDS[kind].plot(view(kind))))
    mine = list(Figure().subplots(1, count))
    assert list(KINDS[kind].plot(view(kind), axes=mine)) == mine
    with pytest.raises(EvaluationError, match=f"this figure has {count} panels, got {count + 1} axes"):
        KINDS[kind].plot(view(kind), axes=[*mine, mine[0]])


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_view_gives_the_same_file(view: Any, ending: str, tmp_path: Any) -> None:
    files = [tmp_path / f"{n}.{ending}" for n in (1, 2)]
    for file in files:
        save_figure(figure_of(plots.plot_belief(view("belief"))), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_views_and_plots_do_not_wait_for_matplotlib() -> None:
    code = "import ecodecide.report.plots.figures, sys; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- policies look the same everywhere ---


def test_each_policy_has_one_look(view: Any) -> None:
    styles = policy_styles(POLICIES)
    for panel in plots.plot_policies(view("policies")):
        for name, style in styles.items():
            assert lines(panel)[name].get_color() == style.color
    for kind in ("trade-off", "collapse"):
        drawn = lines(KINDS[kind].plot(view(kind)))
        assert {name: drawn[name].get_color() for name in POLICIES} == {n: s.color for n, s in styles.items()}


def test_a_policy_keeps_its_look_among_fewer(view: Any) -> None:
    """Of policies that have no look of their own the first takes the first: of a part of a run it must not."""
    renamed = view("collapse").assign_coords(policy=["a", "b", "c"]).assign_attrs(policies=["a", "b", "c"])
    whole, part = (
        lines(plots.plot_collapse(renamed)),
        lines(plots.plot_collapse(renamed.sel(policy=["b", "c"]))),
    )
    for name in ("b", "c"):
        assert part[name].get_color() == whole[name].get_color()


def test_looks_differ_in_color_and_without_it() -> None:
    names = ["pomdp", "gpdp", "tac", "optimal-control", "no-fishing", "40-10", "gp-pomdp", *"abcdefg"]
    styles = policy_styles(names)
    assert len({(s.color, s.dash, s.symbol) for s in styles.values()}) == len(names)
    first = [styles[name] for name in names[:7]]
    assert len({s.color for s in first}) == len({s.symbol for s in first}) == 7
    # told apart in gray too: solid lines are the two belief policies, one dark and one light
    assert sorted(name for name in names[:7] if styles[name].dash == "solid") == ["gp-pomdp", "pomdp"]
    assert policy_styles(reversed(names[:7]))["tac"] == styles["tac"]


# --- what is drawn ---


@pytest.mark.parametrize(
    ("unit", "largest", "head", "factor"),
    [("t", 2.5e6, "million t", 1e6), ("t", 900.0, "t", 1.0), ("unknown", 5e3, "thousand", 1e3),
     ("unknown", 5.0, "", 1.0), ("thousand t", 2e3, "million t", 1e3)],
)  # fmt: skip
def test_amounts_are_written_in_thousands_and_millions(
    unit: str, largest: float, head: str, factor: float
) -> None:
    told = amounts(unit, np.array([np.nan, -1.0, largest]))
    assert (told.head, told.factor) == (head, factor)


def test_history_shows_catch_fit_and_what_was_seen(view: Any) -> None:
    panel = plots.plot_history(view("history"))
    drawn = lines(panel)
    np.testing.assert_allclose(drawn["assessment biomass"].get_ydata() * 1e3, view("history").observed)
    np.testing.assert_allclose(
        drawn["fitted biomass, median"].get_ydata() * 1e3, view("history").biomass.sel(quantile=0.5)
    )
    (bars,) = panel.containers
    np.testing.assert_allclose([bar.get_height() * 1e3 for bar in bars], view("history").catch)
    assert {"fit, 90 % interval", "fit, 50 % interval", "B$_{MSY}$, median"} <= {
        text.get_text() for text in panel.get_legend().get_texts()
    }


def test_kobe_quadrants_are_told_without_color(view: Any) -> None:
    panel = plots.plot_kobe(view("kobe"))
    written = " ".join(texts(panel)).replace("\n", " ")
    for color in view("kobe")["quadrant"].values:
        one = view("kobe").sel(quadrant=color)
        assert f"{one['meaning'].item()}" in written
        assert f"{100 * float(one.kobe):.0f} %" in written
    track = lines(panel)["medians, year by year"]
    np.testing.assert_array_equal(track.get_xdata(), view("kobe").b_bmsy)
    # no median leaves the figure
    assert track.get_xdata().max() <= panel.get_xlim()[1] and track.get_ydata().max() <= panel.get_ylim()[1]


def test_policies_are_drawn_as_quota_and_escapement(view: Any) -> None:
    harvest, escapement = plots.plot_policies(view("policies"))
    for panel, name in ((harvest, "quota"), (escapement, "escapement")):
        for policy in POLICIES:
            np.testing.assert_allclose(
                lines(panel)[policy].get_ydata() * 1e3, view("policies")[name].sel(policy=policy)
            )


def test_each_belief_has_a_line_and_certainty_one(view: Any) -> None:
    panels = plots.plot_belief_policies(view("belief-policies"))
    assert len(panels) == 2 and panels[0].get_title(loc="left") == "pomdp: harvest"
    labels = set(lines(panels[0]))
    assert labels == {"biomass known", *(f"belief with a CV of {cv} %" for cv in (5, 20, 40))}
    dashes = {str(line._unscaled_dash_pattern) for name, line in lines(panels[0]).items() if "CV" in name}
    assert len(dashes) == 3


def test_worms_have_a_panel_for_each_policy(view: Any) -> None:
    panels = plots.plot_worms(view("worms"), world=WORLDS[1])
    assert [panel.get_title(loc="left") for panel in panels] == POLICIES
    for panel, policy in zip(panels, POLICIES, strict=True):
        one = view("worms").sel(policy=policy, world=WORLDS[1])
        np.testing.assert_allclose(lines(panel)["median"].get_ydata() * 1e3, one.biomass.sel(quantile=0.5))
        assert (
            sum(line.get_label().startswith("_") for line in panel.lines) == 20 + 1
        )  # worms, and white below the median
        assert len(panel.collections) == 2
        assert lines(panel)["collapse, 0.1K"].get_ydata()[0] * 1e3 == pytest.approx(float(one.collapse_limit))
    assert "50 futures in the world fitted,trend=-0.05" in figure_of(panels[0]).get_supxlabel()
    with pytest.raises(
        EvaluationError, match="no world 'allen' among those of the run: expected one of fitted"
    ):
        plots.plot_worms(view("worms"), world="allen")
    with pytest.raises(
        EvaluationError, match="no series 'effort' to draw: expected one of biomass, catch, profit"
    ):
        plots.plot_worms(view("worms"), series="effort")


def test_a_wide_first_year_does_not_set_the_scale(view: Any) -> None:
    given = view("worms")
    wide = given.copy(deep=True)
    wide["catch"][{"year": 0, "quantile": -1}] *= 10.0
    before, after = (plots.plot_worms(one, series="catch")[0] for one in (given, wide))
    assert after.get_ylim()[1] < 2.0 * before.get_ylim()[1]
    told = "bands that leave a panel go on above it"
    assert told in " ".join(figure_of(after).get_supxlabel().split())
    assert told not in " ".join(figure_of(before).get_supxlabel().split())


def test_the_front_is_filled_and_intervals_are_drawn(view: Any) -> None:
    given = view("trade-off")
    panel = plots.plot_trade_off(given)
    for policy in POLICIES:
        line = lines(panel)[policy]
        one = given.sel(policy=policy, world="fitted", estimate="value")
        assert line.get_xdata()[0] == float(one.risk)
        assert line.get_ydata()[0] * 1e6 == pytest.approx(float(one.npv))
        assert (line.get_markerfacecolor() != "white") == bool(one.on_front)
    assert len(panel.containers) == len(POLICIES)  # intervals, one pair each
    assert panel.get_xlabel() == "probability of collapse below 0.1K in 10 years"


def test_where_nothing_is_known_a_figure_says_so(view: Any) -> None:
    unknown = view("trade-off").copy(deep=True)
    unknown["risk"][:] = np.nan
    assert texts(plots.plot_trade_off(unknown)) == ["the limit 0.1K is not known"]
    never = view("collapse").copy(deep=True)
    never["collapsed_by"][:] = np.nan
    assert texts(plots.plot_collapse(never)) == ["the limit 0.1K is not known"]
    never["recovered_by"][:] = 0.5
    panel = plots.plot_collapse(never)
    assert panel.get_ylabel() == "probability of having risen to 0.1K" and set(POLICIES) <= set(lines(panel))


def test_robustness_writes_every_number(view: Any) -> None:
    value, risk, regret = plots.plot_robustness(view("robustness"))
    assert len(value.texts) == len(risk.texts) == len(regret.texts) == len(POLICIES) * len(WORLDS)
    assert risk.get_title(loc="left") == "probability of\ncollapse"
    best = view("robustness").attrs["minimax_regret"]
    assert [t.get_text() for t in value.get_yticklabels() if t.get_fontweight() == "bold"] == [best]
    lost = view("robustness").copy(deep=True)
    lost["risk"][:] = np.nan
    assert set(texts(plots.plot_robustness(lost)[1])) == {"-"}


def test_the_belief_is_drawn_cell_by_cell(view: Any) -> None:
    panel = plots.plot_belief(view("belief"))
    (mesh,) = (one for one in panel.collections if hasattr(one, "get_coordinates"))
    years, cells = view("belief").sizes["year"], view("belief").sizes["biomass"] - 1
    assert mesh.get_coordinates().shape == (cells + 1, years + 1, 2)
    np.testing.assert_allclose(
        lines(panel)["median"].get_ydata() * 1e3, view("belief").biomass_quantile[:, 1]
    )


@pytest.fixture
def past() -> tuple[xr.Dataset, xr.Dataset]:
    """A hindcast of three years, and what would have come of it, as they are saved."""
    year, levels = [2001, 2002, 2003], [0.05, 0.25, 0.5, 0.75, 0.95]
    spread = np.outer([0.8, 0.9, 1.0, 1.1, 1.2], [100.0, 90.0, 80.0])
    view = xr.Dataset(
        {
            "advised": (("policy", "year"), [[np.nan, 10.0, 12.0], [0.0, 0.0, 0.0]]),
            "catch": ("year", [20.0, 18.0, 15.0]),
            "observed": ("year", [105.0, np.nan, 75.0]),
            "belief_quantile": (("quantile", "year"), spread),
            "hindsight": (("quantile", "year"), 0.95 * spread),
        },
        coords={"policy": ["tac", "no-fishing"], "year": year, "quantile": levels},
        attrs={"schema": "ecodecide-hindcast-1", "unit": "t", "causal": 0, "stock": "hake"},
    )
    followed = xr.Dataset(
        {"biomass": (("policy", "quantile", "year"), np.stack([spread, 1.1 * spread, 1.3 * spread]))},
        coords={"policy": ["as caught", "tac", "no-fishing"], "year": year, "quantile": levels},
    )
    return view, followed


def test_hindcasts_show_advice_belief_and_what_would_have_come_of_it(past: Any) -> None:
    view, followed = past
    advice, belief, what_if = plots.plot_hindcast(view, followed)
    np.testing.assert_array_equal(lines(advice)["tac"].get_ydata(), [np.nan, 10.0, 12.0])
    np.testing.assert_array_equal([bar.get_height() for bar in advice.containers[0]], view.catch)
    assert {"believed then, median", "in hindsight, median", "observed"} <= set(lines(belief))
    assert "parameters known from later years" in belief.get_title(loc="left")
    np.testing.assert_allclose(lines(what_if)["no-fishing"].get_ydata(), [130.0, 117.0, 104.0])
    np.testing.assert_allclose(lines(what_if)["as caught, median"].get_ydata(), [100.0, 90.0, 80.0])
    assert what_if.get_ylabel() == "biomass before harvest (t)"
    causal = plots.plot_hindcast(view.assign_attrs(causal=1))
    assert len(causal) == 2 and causal[1].get_title(loc="left") == "(b) belief"


def test_hindcasts_are_drawn_from_their_files(past: Any, tmp_path: Any) -> None:
    view, followed = past
    view.to_netcdf(tmp_path / "past.nc", engine="h5netcdf")
    assert len(draw_hindcast(tmp_path / "past.nc").axes) == 2
    followed.to_netcdf(tmp_path / "past.nc", engine="h5netcdf", group="counterfactual", mode="a")
    panels = draw_hindcast(tmp_path / "past.nc", ["no-fishing"]).axes
    assert len(panels) == 3 and "tac" not in lines(panels[0])
    with pytest.raises(
        EvaluationError, match="no policy 'mine' in this run: expected one of tac, no-fishing"
    ):
        draw_hindcast(tmp_path / "past.nc", ["mine"])
    view.assign_attrs(schema="x").to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(EvaluationError, match="found schema 'x', expected 'ecodecide-hindcast-1'"):
        draw_hindcast(tmp_path / "other.nc")
    (tmp_path / "text.nc").write_text("no")
    with pytest.raises(EvaluationError, match=r"text.nc cannot be read"):
        draw_hindcast(tmp_path / "text.nc")


# --- names of any length ---


@pytest.mark.parametrize("kind", ["policies", "worms", "trade-off", "collapse", "robustness"])
def test_long_names_stay_within_the_figure_and_off_one_another(view: Any, kind: str) -> None:
    long = ["pomdp", "forty-ten-with-a-cap-of-a-fifth-and-a-delay-of-a-year", "x" * 60]
    given = view(kind).assign_coords(policy=long).assign_attrs(policies=long)
    panels = axes_of(KINDS[kind].plot(given))
    figure = figure_of(panels[0])
    figure.draw_without_rendering()
    titles = [panel._left_title for panel in panels]
    legends = [*figure.legends, *(panel.get_legend() for panel in panels)]
    words = [*titles, *(text for legend in legends if legend for text in legend.get_texts())]
    words += [axis.label for panel in panels for axis in (panel.xaxis, panel.yaxis)]
    words += panels[0].get_yticklabels() if kind == "robustness" else []
    boxes = {text: text.get_window_extent() for text in words if text.get_text()}
    page = figure.bbox.padded(1.0)
    assert [
        t.get_text() for t, b in boxes.items() if not page.contains(*b.min) or not page.contains(*b.max)
    ] == []
    assert not any(boxes[a].overlaps(boxes[b]) for a, b in itertools.combinations(titles, 2))


# --- figures by name ---


def test_a_dollar_in_a_name_is_no_formula(view: Any) -> None:
    odd = (
        view("collapse").assign_coords(policy=["a$b", "c$d", "e"]).assign_attrs(policies=["a$b", "c$d", "e"])
    )
    panel = plots.plot_collapse(odd)
    assert [text.get_text() for text in panel.get_legend().get_texts()] == [r"a\$b", r"c\$d", "e"]


def test_worlds_stand_side_by_side(plain_run: Any) -> None:
    figure = draw("collapse", plain_run)
    assert [panel.get_title(loc="left") for panel in figure.axes] == [f"world: {world}" for world in WORLDS]
    assert len(figure.legends) == 1 and all(panel.get_legend() is None for panel in figure.axes)
    (alone,) = draw("collapse", plain_run, world=WORLDS[1], policies=["tac"]).axes
    assert alone.get_title(loc="left") == f"world: {WORLDS[1]}" and set(lines(alone)) == {"tac"}


@pytest.mark.parametrize(
    ("kind", "choice", "message"),
    [
        ("pie", {}, "no figure 'pie': expected one of history, kobe, belief, policies"),
        (
            "worms",
            {"policies": ["tac", "mine"]},
            "no policy 'mine' in this run: expected one of pomdp, tac, no-fishing",
        ),
        ("worms", {"world": "allen"}, "no world 'allen' in this run: expected one of fitted, "),
        ("belief-policies", {"policies": ["tac"]}, "none of the policies tac acts on a belief"),
    ],
)
def test_what_there_is_not_is_refused(plain_run: Any, kind: str, choice: Any, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        draw(kind, plain_run, **choice)


def test_views_have_a_figure_each() -> None:
    made = [name.removesuffix("_view") for name in views.__all__ if name.endswith("_view")]
    assert set(made) == {
        "belief", "belief_policy", "collapse", "futures", "history", "policy", "robustness", "status", "trade_off",
    }  # fmt: skip
    assert len(KINDS) == len(made) + 1  # futures have two
