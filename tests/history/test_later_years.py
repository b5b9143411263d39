"""New years say what they do not understand."""

from pathlib import Path

import pytest

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.later_years import later_years

HISTORY = CatchHistory(year=[2001, 2002], catch=[20, 30], biomass=[100, 90], units={"catch": "t"}, id="cod")


def test_a_column_that_is_not_known_is_told(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("year,catch,bio\n2003,25,80\n")
    with pytest.warns(HistoryWarning, match=r"new.csv: unknown column ignored: bio"):
        later = later_years(HISTORY, tmp_path / "new.csv")
    assert later.observations == {} and later.catch.tolist() == [25.0]


@pytest.mark.parametrize("column", ["ssb", "index", "index_spring"])
def test_a_series_that_the_fit_does_not_rest_on_is_refused(column: str, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(f"year,catch,{column}\n2003,25,80\n")
    with pytest.raises(HistoryError, match=f"column {column}, which the fit of cod does not rest on"):
        later_years(HISTORY, tmp_path / "new.csv")


def test_a_biomass_for_an_index_is_refused() -> None:
    indexed = CatchHistory(year=[2001, 2002], catch=[20, 30], index=[1.0, 0.9], id="tuna")
    with pytest.raises(HistoryError, match="column biomass, which the fit of tuna does not rest on"):
        later_years(indexed, {"year": [2003], "catch": [25], "biomass": [80.0]})


def test_a_name_of_a_mapping_that_means_nothing_is_refused() -> None:
    with pytest.raises(HistoryError, match="found 'Biomass', expected some of year, catch, biomass"):
        later_years(HISTORY, {"year": [2003], "catch": [25], "Biomass": [80.0]})
