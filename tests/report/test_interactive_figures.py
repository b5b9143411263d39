"""Interactive figures: what a view holds is what they draw, in its units, and no name is taken for a format."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.report import interactive, views
from ecodecide.report.table import percent


@pytest.fixture(scope="module")
def futures(small_run: Any) -> xr.Dataset:
    return views.futures_view(small_run, worms=3)


def shown(figure: Any) -> list[Any]:
    return [trace for trace in figure.data if trace.visible is not False]


def test_the_first_world_is_shown_and_another_can_be_selected(futures: xr.Dataset) -> None:
    first, other = futures["world"].values
    for view, world in ((futures, first), (futures.sel(world=[other]), other)):
        for figure in (interactive.futures_figure(view), interactive.worm_figure(view, "tac")):
            assert {trace.meta["world"] for trace in shown(figure)} == {world}


def test_worms_are_the_futures_of_the_view(futures: xr.Dataset) -> None:
    figure = interactive.worm_figure(futures, "tac")
    worms = next(trace for trace in figure.data if trace.name == "single futures")
    found = np.asarray(worms.y).reshape(3, -1)
    assert np.isnan(found[:, -1]).all()
    whole = futures["worm_biomass"].sel(policy="tac").isel(world=0).values
    # one factor for all: thousand t
    np.testing.assert_allclose(found[:, :-1] * 1000.0, whole)
    assert figure.layout.yaxis.title.text == "biomass (thousand t)"


def test_worms_of_no_policy_are_refused(futures: xr.Dataset) -> None:
    with pytest.raises(EvaluationError, match="no policy 'nobody': there are pomdp, tac"):
        interactive.worm_figure(futures, "nobody")


def test_styles_are_those_of_the_run_in_a_part_of_it(futures: xr.Dataset) -> None:
    whole, part = (interactive.futures_figure(view) for view in (futures, futures.sel(policy=["tac"])))

    def color(figure: Any) -> str:
        return str(next(trace.line.color for trace in figure.data if trace.name == "tac"))

    assert color(whole) == color(part)


def test_quotas_and_escapements_add_up_to_the_biomass(small_run: Any) -> None:
    view = views.policy_view(small_run.managed)
    taken, left = (
        next(
            trace for trace in interactive.policy_figure(view, kind).data if trace.meta.get("policy") == "tac"
        )
        for kind in ("quota", "escapement")
    )
    np.testing.assert_allclose(np.asarray(taken.y) + np.asarray(left.y), np.asarray(taken.x), rtol=1e-9)


def test_names_are_not_formats(small_run: Any, odd_name: str) -> None:
    figure = interactive.trade_off_figure(views.trade_off_view(small_run))
    point = next(trace for trace in figure.data if trace.meta.get("policy") == odd_name)
    first, *others = point.name.split("<br>")
    assert first == '&lt;i&gt;own&lt;/i&gt; "50 %&#123;x}" of-the-'
    assert "".join(others) == "ministry-with-a-delay-of-a-year-and-a-cap"
    assert odd_name not in point.hovertemplate


def test_kobe_tells_the_probabilities(small_run: Any) -> None:
    view = views.status_view(small_run.managed)
    figure = interactive.kobe_figure(view)
    assert len(figure.layout.shapes) == 4
    assert [a.text for a in figure.layout.annotations] == [
        f"<b>{percent(float(x))}</b>" for x in view["kobe"]
    ]


def test_belief_figure_shows_the_last_year_alone(small_run: Any) -> None:
    view = views.belief_view(small_run.managed)
    figure = interactive.belief_figure(view, {"B_MSY": 380_000.0})
    years = {trace.meta["year"] for trace in shown(figure) if "year" in trace.meta}
    assert years == {int(view["year"][-1])}
    assert [tuple(trace.x) for trace in figure.data if trace.name == "B_MSY"] == [(380.0, 380.0)]
    # a density: with its unit it integrates to what is not extinct
    line = next(trace for trace in shown(figure) if trace.name == f"belief of {view['year'].values[-1]}")
    step = float(np.diff(line.x)[-1])
    alive = 1.0 - float(view["probability"].isel(year=-1, biomass=0))
    assert float(np.sum(line.y)) * step == pytest.approx(alive, abs=1e-6)


def test_the_belief_of_one_year_can_be_selected(small_run: Any) -> None:
    view = views.belief_view(small_run.managed).sel(year=[2001])
    assert {t.meta["year"] for t in shown(interactive.belief_figure(view)) if "year" in t.meta} == {2001}
