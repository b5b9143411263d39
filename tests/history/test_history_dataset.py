"""A history as a Dataset, and back."""

import numpy as np
import pytest
import xarray as xr

import ecodecide as eco
from ecodecide.errors import HistoryError
from ecodecide.evaluation.provenance import fingerprint
from ecodecide.history.history_dataset import history_dataset, history_of
from ecodecide.history.library import shipped_histories


@pytest.mark.parametrize("name", [one.id for one in shipped_histories()])
@pytest.mark.filterwarnings("ignore::ecodecide.errors.HistoryWarning")
def test_shipped_histories_come_back(name: str) -> None:
    history = eco.load_history(name)
    back = history_of(history_dataset(history))
    assert fingerprint(back) == fingerprint(history)
    for word in ("species", "region", "source", "license", "observed", "note", "remarks", "notes", "units"):
        assert getattr(back, word) == getattr(history, word), word


def test_several_indices_with_errors_effort_and_odd_names_come_back(tmp_path) -> None:
    history = eco.CatchHistory(
        year=[2001, 2002, 2003],
        catch=[3.0, 4.0, np.nan],
        index={"spring": [1.0, np.nan, 2.0], "a/b": [5.0, 6.0, 7.0]},
        index_se={"a/b": [0.1, 0.2, 0.3]},
        effort=[1.0, 2.0, 3.0],
        units={"catch": "kt", "index": "per haul"},
        id="<cod>",
        remarks=("one", "two"),
    )
    history_dataset(history).to_netcdf(tmp_path / "history.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "history.nc", engine="h5netcdf") as file:
        found = file.load()
    assert found["index_spring"].attrs["units"] == "per haul" and found["catch"].attrs["units"] == "kt"
    assert found["index_se_a_over_b"].attrs["units"] == "1"
    back = history_of(found)
    assert fingerprint(back) == fingerprint(history)
    assert back.remarks == history.remarks and list(back.index) == ["spring", "a/b"]


def test_another_dataset_is_refused() -> None:
    with pytest.raises(HistoryError, match="holds no catch history"):
        history_of(xr.Dataset({"catch": ("year", [1.0, 2.0])}, coords={"year": [2001, 2002]}))
