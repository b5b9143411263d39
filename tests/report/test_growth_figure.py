"""The figure of growth: every series is drawn, every axis says what it shows and in which unit."""

import pickle
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.fitting.diagnostics import diagnose
from ecodecide.report.figure_file import save_figure
from ecodecide.report.growth_figure import growth_figure

OKABE_ITO = {"#0072b2", "#56b4e9", "#d55e00", "#009e73", "#cc79a7"}


def data(pairs: int = 12) -> tuple[Any, Any]:
    rng = np.random.default_rng(2)
    s = rng.uniform(15.0, 75.0, pairs)
    return s, s * np.exp(0.8 * (1.0 - s / 80.0) + 0.1 * rng.standard_normal(pairs))


@pytest.fixture(scope="module")
def found() -> Any:
    return diagnose(*data(), unit="t", year=np.arange(2001, 2013))


@pytest.fixture(scope="module")
def few() -> Any:
    return diagnose(*data(5))


def labels(panel: Any) -> list[str]:
    return [text.get_text() for text in panel.get_legend().get_texts()]


def line(panel: Any, label: str) -> Any:
    (one,) = (one for one in panel.lines if one.get_label() == label)
    return one


def test_axes_have_titles_and_units(found: Any) -> None:
    figure = growth_figure(found, title="hake")
    growth, surplus, ahead = figure.axes
    assert figure.get_suptitle() == "hake"
    assert [panel.get_title(loc="left")[:3] for panel in figure.axes] == ["(a)", "(b)", "(c)"]
    assert (growth.get_xlabel(), growth.get_ylabel()) == ("escapement (t)", "next biomass (t)")
    assert (surplus.get_xlabel(), surplus.get_ylabel()) == ("escapement (t)", "surplus per year (t)")
    assert (ahead.get_xlabel(), ahead.get_ylabel()) == ("year", "biomass (t)")


@pytest.mark.parametrize(
    ("unit", "scale", "shown", "factor"),
    [
        ("t", 5e5, " (thousand t)", 1e3), ("t", 5e6, " (million t)", 1e6), ("t", 90.0, " (t)", 1.0),
        ("unknown", 5e3, " (thousand)", 1e3), ("unknown", 5.0, "", 1.0), ("K = 1", 5e3, " (K = 1)", 1.0),
        ("thousand t", 5e3, " (thousand t)", 1.0),
    ],
)  # fmt: skip
def test_large_numbers_are_divided_and_say_so(
    found: Any, unit: str, scale: float, shown: str, factor: float
) -> None:
    panel = growth_figure(found.assign_attrs(unit=unit, scale=scale)).axes[0]
    assert panel.get_xlabel() == f"escapement{shown}"
    np.testing.assert_allclose(line(panel, "f learned, median").get_ydata(), found["growth"][2] / factor)
    np.testing.assert_allclose(line(panel, "data").get_xdata(), found["pair_escapement"][0] / factor)


def test_all_series_are_drawn(found: Any) -> None:
    growth, surplus, ahead = growth_figure(found.assign(allee_threshold=np.nan)).axes
    assert set(labels(growth)) == {
        "90 % with noise", "50 % with noise", "90 % of f", "50 % of f", "f learned, median",
        "ricker", "allen", "myers", "replacement", "data", "extrapolated",
    }  # fmt: skip
    s = found["escapement"].values
    np.testing.assert_allclose(line(growth, "replacement").get_ydata(), s)
    np.testing.assert_allclose(line(growth, "allen").get_ydata(), found["rival_growth"].sel(rival="allen"))
    np.testing.assert_allclose(line(growth, "90 % of f").get_ydata(), found["growth"][0])
    np.testing.assert_allclose(line(surplus, "median").get_ydata(), found["growth"][2] - s)
    np.testing.assert_allclose(line(surplus, "mean, E f - s").get_ydata(), found["mean_growth"] - s)
    for label, name in (("escapement of MSY", "escapement_msy"), ("carrying capacity", "carrying_capacity")):
        np.testing.assert_allclose(line(surplus, label).get_xdata(), found[name])
    assert "threshold" not in labels(surplus)
    assert {"90 % predicted", "50 % predicted", "what came"} <= set(labels(ahead))
    colors = {str(one.get_color()).lower() for one in growth.lines if "#" in str(one.get_color())}
    assert colors <= OKABE_ITO


def test_bands_have_their_heights(found: Any) -> None:
    panel = growth_figure(found).axes[0]
    bands = {one.get_label(): one for one in panel.collections}
    for label, low, high in (("90 % with noise", 0, 4), ("50 % with noise", 1, 3)):
        drawn = np.unique(bands[label].get_paths()[0].vertices[:, 1])
        expected = np.unique(found["next_biomass"].values[[low, high]])
        np.testing.assert_allclose(drawn, expected)
    # what is shaded is what is extrapolated: on both sides of the data
    s = found["escapement"].values[found["extrapolates"].values]
    shaded = np.concatenate([path.vertices[:, 0] for path in bands["extrapolated"].get_paths()])
    assert set(np.unique(shaded)) == set(s)


def test_a_threshold_is_marked_where_it_is(found: Any) -> None:
    panel = growth_figure(found.assign(allee_threshold=20.0)).axes[1]
    assert line(panel, "threshold").get_xdata() == [20.0]


def test_an_msy_beyond_the_data_is_in_the_picture(found: Any) -> None:
    hopeful = found.assign(msy=500.0)
    low, high = growth_figure(hopeful).axes[1].get_ylim()
    assert low < 0.0 and high > 500.0


def test_what_came_outside_of_its_interval_stands_out(found: Any) -> None:
    ranks = found["ahead_rank"].copy(data=np.array([[0.5, 0.97, 0.1, 0.02]]))
    panel = growth_figure(found.assign(ahead_rank=ranks)).axes[2]
    year, came = found["ahead_year"].values, found["ahead_observed"].values[0]
    outside = line(panel, "what came, outside 90 %")
    np.testing.assert_array_equal(outside.get_xdata(), year[[1, 3]])
    np.testing.assert_array_equal(outside.get_ydata(), came[[1, 3]])
    np.testing.assert_array_equal(line(panel, "what came").get_xdata(), year[[0, 2]])
    low, high = panel.get_ylim()
    assert low < found["ahead_quantiles"].min() and high > found["ahead_quantiles"].max()


def test_five_pairs_have_no_rivals_and_nothing_ahead(few: Any) -> None:
    growth, _, ahead = growth_figure(few).axes
    assert not {"ricker", "allen", "myers"} & set(labels(growth))
    assert [text.get_text() for text in ahead.texts] == ["too few pairs\nto predict ahead"]


def test_draws_of_a_fit_are_called_so(few: Any) -> None:
    twice = {name: xr.concat([few[name]] * 2, "draw") for name in ("pair_escapement", "pair_next_biomass")}
    dependent = few.drop_dims("draw").assign(twice).assign_attrs(independent=0)
    panel = growth_figure(dependent).axes[0]
    assert panel.get_title(loc="left") == "(a) growth, not independent of the fitted law"
    assert "data (2 draws)" in labels(panel)


def test_it_draws_on_the_axes_that_it_is_given(few: Any) -> None:
    from matplotlib.figure import Figure

    mine = Figure()
    axes = mine.subplots(1, 4)
    assert growth_figure(few, axes=axes[:3]) is mine
    assert len(mine.axes) == 4 and not axes[3].lines
    with pytest.raises(EvaluationError, match="three axes, got 4"):
        growth_figure(few, axes=axes)


@pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_file_is_written_whole_and_twice_the_same(
    few: Any, tmp_path: Path, kind: str, begin: bytes
) -> None:
    for name in ("one", "two"):
        save_figure(growth_figure(few), tmp_path / f"{name}.{kind}")
    one, two = (tmp_path / f"{name}.{kind}" for name in ("one", "two"))
    assert one.read_bytes().startswith(begin)
    assert one.read_bytes() == two.read_bytes()
    if kind == "svg":
        ElementTree.parse(one)
    assert sorted(tmp_path.iterdir()) == [one, two]


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    few: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EvaluationError, match=r"growth\.jpg does not end in one of \.png, \.svg, \.pdf"):
        save_figure(growth_figure(few), tmp_path / "growth.jpg")
    old = tmp_path / "growth.png"
    old.write_bytes(b"old")
    figure = growth_figure(few)

    def full(path: Path, **_: Any) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(EvaluationError, match=r"cannot write .*growth\.png: No space left on device"):
        save_figure(figure, old)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_no_window_is_opened_and_no_global_state_is_left(few: Any, tmp_path: Path) -> None:
    saved = tmp_path / "few.pickle"
    saved.write_bytes(pickle.dumps(few))
    code = (
        "import pickle, sys; import ecodecide.report.growth_figure as g; assert 'matplotlib' not in sys.modules\n"
        f"g.growth_figure(pickle.load(open({str(saved)!r}, 'rb')))\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
