"""A sweep is the same to the last bit whoever works on it, and whatever kills them."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import h5py
import numpy as np
import pytest
import xarray as xr
from xarray.backends.locks import get_write_lock

import ecodecide as eco
from ecodecide.errors import EvaluationError, HistoryError
from ecodecide.evaluation import managed_stock
from ecodecide.evaluation.sweep import SweepPlan, read_plan, run_sweep, store, sweep_status, task, workers
from ecodecide.evaluation.sweep import cell as sweep_cell
from ecodecide.evaluation.sweep.cell import compute_cell
from ecodecide.evaluation.sweep.cell_file import load_cell
from ecodecide.evaluation.sweep.folder import SweepFolder, write_failure
from ecodecide.evaluation.sweep.gathered import Gathered
from ecodecide.evaluation.sweep.run import Progress
from ecodecide.evaluation.sweep.stocks import stock_sources
from ecodecide.evaluation.sweep.summary import read_summary
from ecodecide.evaluation.sweep.workers import local_cluster
from ecodecide.fitting.laws import fit_laws
from ecodecide.history.write_csv import write_history_csv
from ecodecide.solvers.pomdp import solver as pomdp_solver

SOLVERS = ("tac", "no-fishing", "pomdp")
WORLDS = ("fitted", "allen,autocorrelation=0.5")
STOCKS = ("hake", "plaice", "catches")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> SweepPlan:
    """Two stocks that can be fitted, and one that cannot: it has catches alone."""
    folder = tmp_path_factory.mktemp("stocks")
    hake, plaice = eco.load_history("hake-argentina-north"), eco.load_history("plaice-north-sea")
    write_history_csv(hake, folder / "hake.csv")
    write_history_csv(plaice, folder / "plaice.csv")
    write_history_csv(eco.CatchHistory([2001, 2002], [3.0, 4.0], id="catches"), folder / "catches.csv")
    names = tuple(f"{name}.csv" for name in STOCKS)
    return SweepPlan(
        names,
        SOLVERS,
        WORLDS,
        draws=20,
        fit_cells=40,
        replicates=20,
        years=10,
        cells=40,
        gap=0.1,
        root=folder,
    )


@pytest.fixture(scope="module")
def whole(plan: SweepPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that nothing interrupted, in this process alone."""
    folder = tmp_path_factory.mktemp("whole")
    run_sweep(plan, folder, workers_here=0)
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A scheduler with two worker processes."""
    with local_cluster(2) as cluster:
        yield cluster


def content(folder: Path) -> dict[str, Any]:
    """Return what is in every file of a sweep but its log, and what a killed process left behind.

    Of a NetCDF file it is every number, to the bit, and every attribute: where in the file they lie may differ.
    """
    return {
        str(file.relative_to(folder)): in_netcdf(file) if file.suffix == ".nc" else file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "log.jsonl" and ".ecodecide-" not in str(file)
    }


def in_netcdf(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        values = item[()] if isinstance(item, h5py.Dataset) else None
        plain = (
            values.tolist()
            if getattr(values, "dtype", None) == np.dtype(object)
            else getattr(values, "tobytes", str)()
        )
        attributes = {
            key: str(value)
            for key, value in item.attrs.items()
            if "REFERENCE" not in key and "DIMENSION" not in key
        }
        found[name] = (plain, attributes)

    with h5py.File(file) as opened:
        opened.visititems(visit)
        found["/"] = {key: str(value) for key, value in opened.attrs.items()}
    return found


def finished(folder: Path) -> list[tuple[str, str | None]]:
    """Return the pieces of work that were finished, in that order."""
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [(line["stock"], line["solver"]) for line in map(json.loads, lines)]


def copy(whole: Path, target: Path) -> Path:
    for name in content(whole):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes((whole / name).read_bytes())
    return target


# Killed and gone on with

PATIENCE = 600.0
"""Seconds after which what was waited for will not come; only a test that fails waits for so long."""

KILLS_ITSELF = """
import os, signal, sys
from pathlib import Path
from ecodecide.evaluation.sweep import read_plan, run_sweep

def kill(progress):
    # a fit is finished, and none of its cells
    if any(Path(sys.argv[2]).glob("stocks/*/fit.nc")):
        os.kill(os.getpid(), signal.SIGKILL)

# with a worker of its own, which must not outlive it
run_sweep(read_plan(sys.argv[1]), sys.argv[2], workers_here=1, progress=kill)
"""


def test_killed_client_and_killed_worker_cost_nothing(
    plan: SweepPlan, whole: Path, cluster: Any, tmp_path: Path
) -> None:
    folder, file = tmp_path / "results", tmp_path / "plan.toml"
    names = ("draws", "fit_cells", "replicates", "years", "cells", "gap")
    settings: dict[str, Any] = {"solvers": list(SOLVERS), "worlds": list(WORLDS)}
    settings["stocks"] = [f"{plan.root}/{name}" for name in plan.stocks]
    settings |= {name: getattr(plan, name) for name in names}
    file.write_text("[sweep]\n" + "\n".join(f"{key} = {value!r}" for key, value in settings.items()))
    client = subprocess.run([sys.executable, "-c", KILLS_ITSELF, file, folder], timeout=PATIENCE)
    assert client.returncode == -signal.SIGKILL
    assert not sweep_status(folder).finished
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("stocks/*/*.nc")}
    assert kept
    killed: list[str] = []

    def kill(progress: Progress) -> None:
        # with something finished, and more to do, both workers are at work
        if progress.words != "begin" and not killed:
            worker = next(iter(cluster.workers.values()))
            killed.append(worker.worker_address)
            os.kill(worker.pid, signal.SIGKILL)
            # the sweep goes on when the scheduler has noticed
            end = time.monotonic() + PATIENCE
            while killed[0] in cluster.scheduler.workers:
                assert time.monotonic() < end
                time.sleep(0.01)

    again = run_sweep(read_plan(file), folder, scheduler=cluster.scheduler_address, progress=kill)
    assert killed
    assert again.finished
    assert content(folder) == content(whole)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def dies(piece: task.Task, root: Path, plan: SweepPlan) -> task.Outcome:
    """Take the process with it, as a cell does that needs more memory than there is; others take their time."""
    if piece.solver == "tac":
        os._exit(1)
    time.sleep(0.2)
    return task.work(piece, root, plan)


def test_a_cell_that_kills_its_workers_fails_alone(
    plan: SweepPlan, whole: Path, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(whole, tmp_path)
    for solver in ("no-fishing", "tac"):
        SweepFolder(folder).cell("hake", solver).unlink()
    # a third cell: more of them than workers, so that some wait where the killer is
    SweepFolder(folder).cell("plaice", "no-fishing").unlink()
    monkeypatch.setattr(workers, "work", dies)
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    status = run_sweep(plan, folder, scheduler=cluster.scheduler_address)
    assert "the worker process died" in status.failures["hake", "tac"]
    assert (status.count("done"), status.count("failed"), status.count("open")) == (5, 4, 0)


def test_a_result_that_dies_with_its_worker_is_waited_for_again() -> None:
    """It was finished when it was queued, and lost before it was read: dask computes it again on its own."""

    class Queue(list[SimpleNamespace]):
        def __next__(self) -> SimpleNamespace:
            return self.pop()

        def add(self, future: SimpleNamespace) -> None:
            future.status = "finished"
            self.append(future)

    outcome = task.Outcome(None)
    crew: Any = object.__new__(workers.OnScheduler)
    crew._tasks = {"tac-1": task.Task("hake", "tac")}
    crew._queue = Queue([SimpleNamespace(key="tac-1", status="lost", result=lambda: outcome)])
    assert crew.finished() == (task.Task("hake", "tac"), outcome)
    # whatever else is not finished was canceled, as when the scheduler is gone
    crew._tasks = {"tac-2": task.Task("hake", "tac")}
    crew._queue = Queue([SimpleNamespace(key="tac-2", status="cancelled")])
    with pytest.raises(EvaluationError, match="the scheduler was lost"):
        crew.finished()


# Workers that are no use


@pytest.fixture
def crew(plan: SweepPlan, cluster: Any, tmp_path: Path) -> Iterator[Any]:
    with workers.workers(SweepFolder(tmp_path / "unseen"), plan, None, cluster.scheduler_address) as crew:
        # one that a test has killed may still be on its way back
        crew._client.wait_for_workers(2, timeout=PATIENCE)
        yield crew


def test_tasks_whose_names_run_together_are_two(crew: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "work", nothing)
    tasks = [task.Task("a-b", "c"), task.Task("b", "c-a"), task.Task("b-a", "c"), task.Task("a", "c-b")]
    for one in tasks:
        crew.submit(one)
    assert {crew.finished()[0] for _ in tasks} == {*tasks}


def nothing(piece: task.Task, root: Path, plan: SweepPlan) -> task.Outcome:
    return task.Outcome(None)


def test_a_worker_that_can_do_nothing_is_told_with_what_it_needs(crew: Any) -> None:
    # it does not see the folder
    crew.submit(task.Task("hake"))
    with pytest.raises(
        EvaluationError, match=r"a worker can do nothing: .* environment .*unseen under this path"
    ):
        crew.finished()


def lacks(piece: task.Task, root: Path, plan: SweepPlan) -> task.Outcome:
    raise ModuleNotFoundError("No module named 'ecodecide'")


def test_a_worker_of_another_environment_is_told(crew: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "work", lacks)
    crew.submit(task.Task("hake"))
    with pytest.raises(
        EvaluationError, match="ModuleNotFoundError: No module named 'ecodecide'; expected every"
    ):
        crew.finished()


def test_files_are_not_guarded_by_the_scheduler(
    crew: Any, plan: SweepPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or an interrupt, which ends it, would be recorded as a failure of the cells at work."""
    SweepFolder(tmp_path).stock("hake").mkdir(parents=True)

    def computed(*_: Any) -> Any:
        kind = type(get_write_lock("any.nc")).__module__
        return lambda file: file.write_text(kind)

    monkeypatch.setattr(task, "_computed", computed)
    with crew._client.as_current(), dask.config.set(scheduler=crew._client):
        assert type(get_write_lock("any.nc")).__module__.startswith("distributed")
        task.work(task.Task("hake", "tac"), tmp_path, plan)
    assert not SweepFolder(tmp_path).cell("hake", "tac").read_text().startswith("distributed")


def test_workers_of_several_threads_are_refused(crew: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert crew.width == 2
    monkeypatch.setattr(crew._client, "nthreads", lambda: {"tcp://a:1": 1, "tcp://b:2": 4})
    with pytest.raises(EvaluationError, match="tcp://b:2 has 4 threads, expected 1"):
        _ = crew.width


def test_workers_are_not_paused_but_ended(crew: Any) -> None:
    def fractions(dask_worker: Any) -> list[Any]:
        memory = dask_worker.memory_manager
        return [
            memory.memory_target_fraction,
            memory.memory_spill_fraction,
            memory.memory_pause_fraction,
        ]

    assert list(crew._client.run(fractions).values()) == [[False] * 3] * 2


def test_a_scheduler_without_workers_is_told(
    plan: SweepPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_PATIENCE", 0.2)
    with (
        local_cluster(0) as empty,
        pytest.raises(EvaluationError, match=r"has no workers after .* one thread each"),
    ):
        run_sweep(plan, tmp_path, scheduler=empty.scheduler_address)


# What a cell is


def test_a_cell_has_the_figures_of_compare(
    plan: SweepPlan, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managed_stock, "fit_laws", partial(fit_laws, draws=plan.draws, cells=plan.fit_cells))
    compared = eco.compare(
        plan.root / "hake.csv",
        SOLVERS,
        growth="logistic",
        worlds=WORLDS,
        replicates=20,
        years=10,
        cells=plan.cells,
        gap=plan.gap,
    )
    found = xr.open_zarr(whole / "results.zarr").sel(stock="hake").load()
    theirs = compared.scores.rename(policy="solver")
    for name in ("scores", "collapse_risk"):
        # a cell knows no other policy to differ from
        ours, expected = (
            one[name].drop_sel(metric="npv_difference") if name == "scores" else one[name]
            for one in (found, theirs)
        )
        np.testing.assert_array_equal(ours.transpose(*expected.dims).values, expected.values)
    profit = compared.runs["profit"].transpose("policy", "world", "replicate", "year").values
    npv = (profit * 0.95 ** np.arange(10)).sum(axis=-1)
    np.testing.assert_allclose(found["npv"].values, npv, rtol=1e-14)


def test_outcomes_of_replicates_give_the_scores(whole: Path) -> None:
    found = xr.open_zarr(whole / "results.zarr").load()
    done = found["state"].values == store.STATES.index("done")
    mean = found["scores"].sel(metric="npv", estimate="value").values
    np.testing.assert_allclose(found["npv"].mean("replicate").values[done], mean[done], rtol=1e-12)
    assert np.isnan(found["npv"].values[~done]).all()
    assert np.isnan(found["collapsed"].values[~done]).all()
    share = found["scores"].sel(metric="collapse_probability", estimate="value").values
    np.testing.assert_allclose(found["collapsed"].mean("replicate").values[done], share[done], rtol=1e-6)


def test_futures_simulated_in_parts_are_those_of_the_whole(
    plan: SweepPlan, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = SweepFolder(whole)
    history, stocks = eco.load_history(place.history("hake")), task.load_fits(place, "hake", plan)
    assert set(stocks) == {"fitted", "allen"}
    more = replace(plan, replicates=50)
    at_once = compute_cell(history, stocks, "tac", more)
    monkeypatch.setattr(sweep_cell, "_PART", 1)
    # two whole rounds of the 20 draws, and half of one
    parts = compute_cell(history, stocks, "tac", more)
    xr.testing.assert_identical(parts, at_once)
    few = xr.open_zarr(whole / "results.zarr")["npv"].sel(stock="hake", solver="tac").values
    np.testing.assert_array_equal(parts["npv"].values[:, :20], few)


def test_measures_are_gathered_in_little_room_and_come_back_whole() -> None:
    luck = np.random.default_rng(1)
    flags = luck.choice([0.0, 1.0, np.nan], (1, 2, 5, 50)).astype(np.float32)
    dims = ("policy", "world", "replicate")
    whole = xr.Dataset(
        {
            "outcome": ((*dims, "metric"), luck.random((1, 2, 5, 27))),
            "collapsed": ((*dims, "limit", "when"), luck.random((1, 2, 5, 6, 3)).astype(np.float32)),
            "risk3_by_year": ((*dims, "year"), flags),
        },
        coords={"policy": ["p"], "world": ["v", "w"], "metric": np.arange(27), "replicate": np.arange(5)},
        attrs={"collapse": "0.1K"},
    )
    gathered = Gathered(5)
    for first, last in ((0, 2), (2, 5)):
        gathered.add(whole.isel(replicate=slice(first, last)), first)
    for number in (0, 1):
        xr.testing.assert_identical(gathered.world(number), whole.isel(world=[number]))
    # as it is told
    assert sum(room.nbytes for _, room in gathered._arrays.values()) == 338 * 5 * 2


def test_a_world_that_cannot_be_fitted_is_missing(plan: SweepPlan, whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    place = SweepFolder(folder)
    place.fit_of_law("hake", "allen").unlink()
    place.cell("hake", "tac").unlink()
    run_sweep(plan, folder, workers_here=0)
    found, before = (xr.open_zarr(f / "results.zarr").load() for f in (folder, whole))
    there = {"stock": "hake", "solver": "tac"}
    assert np.isnan(found["npv"].sel(**there, world=WORLDS[1]).values).all()
    xr.testing.assert_identical(found.sel(world="fitted"), before.sel(world="fitted"))
    assert np.isfinite(found["npv"].sel(stock="hake", solver="no-fishing").values).all()


def test_the_store_is_the_same_in_small_chunks(
    plan: SweepPlan, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(whole, tmp_path)
    monkeypatch.setattr(store, "_CHUNK", 64)
    store.assemble(SweepFolder(folder), plan, sweep_status(folder))
    small, large = (xr.open_zarr(f / "results.zarr").load() for f in (folder, whole))
    assert len(list((folder / "results.zarr" / "npv").iterdir())) > 3 * len(
        list((whole / "results.zarr" / "npv").iterdir())
    )
    xr.testing.assert_identical(small, large)


def test_the_summary_is_of_the_store(whole: Path) -> None:
    found = xr.open_zarr(whole / "results.zarr").load()
    npv = found["scores"].sel(metric="npv", estimate="value").dropna("stock", how="all")
    relative = (npv / npv.max("solver")).median("stock")
    best = (npv == npv.max("solver")).mean("stock")
    rows = read_summary(SweepFolder(whole))
    assert [(row["solver"], row["world"]) for row in rows] == [(s, w) for s in SOLVERS for w in WORLDS]
    for row in rows:
        assert (row["done"], row["failed"]) == ("2", "1")
        assert row["compared"] == "2"
        place = {"solver": row["solver"], "world": row["world"]}
        assert float(row["relative_value"]) == pytest.approx(float(relative.sel(place)))
        assert float(row["best"]) == pytest.approx(float(best.sel(place)))


# What fails


def test_a_stock_that_fails_is_told_and_the_rest_goes_on(whole: Path) -> None:
    status = sweep_status(whole)
    assert {key[0] for key in status.failures} == {"catches"}
    assert "neither a biomass nor an index" in status.failures["catches", "tac"]
    assert (status.count("done"), status.count("failed"), status.count("open")) == (6, 3, 0)
    assert status.to_dict()["by_solver"]["tac"] == {"done": 2, "failed": 1, "open": 0}


def test_what_failed_is_tried_again_when_asked(plan: SweepPlan, whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    cell = SweepFolder(folder).cell("hake", "tac")
    cell.unlink()
    write_failure(cell, MemoryError("too large"))
    before = run_sweep(plan, folder, workers_here=0)
    assert before.failures["hake", "tac"] == "MemoryError: too large"
    assert not cell.exists()
    after = run_sweep(plan, folder, workers_here=0, retry_failed=True)
    assert ("hake", "tac") not in after.failures
    # what failed, and nothing else
    assert sorted(finished(folder), key=str) == [("catches", None), ("hake", "tac")]
    assert content(folder) == content(whole)


def test_a_failure_that_nobody_foresaw_is_recorded(
    plan: SweepPlan, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(whole, tmp_path)
    for solver in SOLVERS:
        SweepFolder(folder).cell("hake", solver).unlink()

    def breaks(history: Any, posterior: Any, solver: str, plan: Any) -> xr.Dataset:
        if solver == "tac":
            raise ZeroDivisionError("a bug\nof two lines")
        return compute_cell(history, posterior, solver, plan)

    monkeypatch.setattr(task, "compute_cell", breaks)
    status = run_sweep(plan, folder, workers_here=0)
    assert status.failures["hake", "tac"] == "ZeroDivisionError: a bug of two lines"
    assert status.cells["hake", "no-fishing"] == "done"


def test_a_history_that_is_mended_is_used(plan: SweepPlan, whole: Path, tmp_path: Path) -> None:
    folder, stocks = copy(whole, tmp_path / "results"), tmp_path / "stocks"
    shutil.copytree(plan.root, stocks)
    moved, place = replace(plan, root=stocks), SweepFolder(folder)
    good = (stocks / "hake.csv").read_text()
    place.history("catches").unlink()
    place.fit("hake").unlink()
    place.cell("hake", "tac").unlink()
    for name in ("hake", "catches"):
        (stocks / f"{name}.csv").write_text("year,catch\n2001,x\n")
    broken = run_sweep(moved, folder, workers_here=0)
    assert "expected a number" in broken.failures["hake", "tac"]
    (stocks / "hake.csv").write_text(good)
    (stocks / "catches.csv").write_text((plan.root / "catches.csv").read_text())
    # the history of hake is there, and is what it was: its failure goes with what was wrong
    again = run_sweep(moved, folder, workers_here=0)
    assert ("hake", "tac") not in again.failures
    # catches never had one: it is tried again when asked for
    assert "expected a number" in again.failures["catches", "tac"]
    run_sweep(moved, folder, workers_here=0, retry_failed=True)
    assert content(folder) == content(whole)


def test_another_history_is_refused_even_after_one_that_could_not_be_read(
    plan: SweepPlan, whole: Path, tmp_path: Path
) -> None:
    folder = copy(whole, tmp_path)
    write_failure(SweepFolder(folder).history("hake"), "cannot be read")
    SweepFolder(folder).history("hake").write_text("year,catch\n2001,1\n")
    with pytest.raises(EvaluationError, match="the history of hake is another"):
        run_sweep(plan, folder, workers_here=0)


def test_what_a_power_cut_left_empty_is_computed_again(plan: SweepPlan, whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    place = SweepFolder(folder)
    for file in (place.cell("hake", "tac"), place.cell("hake", "no-fishing"), place.fit("hake")):
        file.write_bytes(b"")
    data = place.cell("plaice", "tac").read_bytes()
    place.cell("plaice", "tac").write_bytes(data[: len(data) // 2])
    assert run_sweep(plan, folder, workers_here=0).count("failed") == 3
    assert sorted(finished(folder), key=str) == [
        ("hake", "no-fishing"), ("hake", "tac"), ("hake", None), ("plaice", "tac"),
    ]  # fmt: skip
    assert content(folder) == content(whole)


def test_a_result_that_cannot_be_made_a_file_fails_its_cell(
    plan: SweepPlan, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(whole, tmp_path)
    SweepFolder(folder).cell("hake", "tac").unlink()

    def breaks(problem: Exception) -> None:
        def save(cell: Any, file: Path) -> None:
            raise problem

        monkeypatch.setattr(task, "save_cell", save)

    # as of a full disk: that is no cell's fault
    breaks(EvaluationError("cannot write"))
    with pytest.raises(EvaluationError, match="cannot write"):
        run_sweep(plan, folder, workers_here=0)
    assert sweep_status(folder).cells["hake", "tac"] == "open"
    breaks(TypeError("no such type"))
    status = run_sweep(plan, folder, workers_here=0)
    assert status.failures["hake", "tac"] == "TypeError: no such type"


def test_a_full_disk_is_one_line(
    plan: SweepPlan, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_write", full)
    with pytest.raises(EvaluationError, match=r"cannot write .*results.zarr: No space left on device"):
        run_sweep(plan, copy(whole, tmp_path), workers_here=0)


def test_a_world_of_another_plan_is_refused(plan: SweepPlan, whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    other = replace(plan, worlds=("fitted", "ricker"))
    with pytest.raises(
        EvaluationError,
        match=r"hake.cell.tac.nc: found worlds fitted, allen,.* expected some of fitted, ricker",
    ):
        store.assemble(SweepFolder(folder), other, sweep_status(folder))


def test_long_units_stay_whole(
    plan: SweepPlan, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = "thousands of tonnes of the wet weight of all that is older than two"

    def load(path: Path) -> Any:
        cell = load_cell(path)
        return replace(cell, attributes={**cell.attributes, "unit": unit})

    monkeypatch.setattr(store, "load_cell", load)
    folder = copy(whole, tmp_path)
    store.assemble(SweepFolder(folder), plan, sweep_status(folder))
    assert list(xr.open_zarr(folder / "results.zarr")["unit"].values) == [unit, unit, ""]


def test_no_cell_looks_at_the_clock(
    plan: SweepPlan, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # every look at the clock is a day later
    days = itertools.count(0.0, 86400.0)
    monkeypatch.setattr(pomdp_solver, "time", SimpleNamespace(perf_counter=lambda: next(days)))
    folder = copy(whole, tmp_path)
    SweepFolder(folder).cell("hake", "pomdp").unlink()
    run_sweep(plan, folder, workers_here=0)
    assert content(folder) == content(whole)


# What goes with a folder


def test_solvers_and_stocks_may_be_added(plan: SweepPlan, whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path)
    fewer = replace(plan, stocks=("hake.csv",), solvers=("tac",))
    run_sweep(fewer, folder, workers_here=0)
    assert dict(xr.open_zarr(folder / "results.zarr").sizes)["solver"] == 1
    run_sweep(replace(plan, solvers=(*SOLVERS, "msy")), folder, workers_here=0)
    assert set(finished(folder)) == {(stock, "msy") for stock in ("hake", "plaice")}
    run_sweep(plan, folder, workers_here=0)
    for stock in STOCKS:
        SweepFolder(folder).cell(stock, "msy").unlink(missing_ok=True)
    assert content(folder) == content(whole)


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"years": 11}, {"survey": "lognormal:0.3"}, {"growth": ("ricker",)}]
)
def test_other_settings_are_refused(
    change: dict[str, Any], plan: SweepPlan, whole: Path, tmp_path: Path
) -> None:
    folder = copy(whole, tmp_path)
    with pytest.raises(
        EvaluationError, match=f"was begun with {next(iter(change))} .* begin in another folder"
    ):
        run_sweep(replace(plan, **change), folder, workers_here=0)
    assert content(folder) == content(whole)


def test_another_history_is_refused(plan: SweepPlan, whole: Path, tmp_path: Path) -> None:
    stocks = tmp_path / "stocks"
    for name in STOCKS:
        text = (plan.root / f"{name}.csv").read_text()
        stocks.mkdir(exist_ok=True)
        (stocks / f"{name}.csv").write_text(text)
    lines = (stocks / "hake.csv").read_text().splitlines()
    lines[-1] = lines[-1].replace(lines[-1].split(",")[1], "1.0")
    (stocks / "hake.csv").write_text("\n".join(lines))
    folder = copy(whole, tmp_path / "results")
    with pytest.raises(EvaluationError, match="the history of hake is another"):
        run_sweep(replace(plan, root=stocks), folder, workers_here=0)


def test_a_folder_of_something_else_is_refused(plan: SweepPlan, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(EvaluationError, match="is not empty and has no sweep in it"):
        run_sweep(plan, tmp_path, workers_here=0)
    with pytest.raises(EvaluationError, match="has no sweep in it"):
        sweep_status(tmp_path)


def test_no_scheduler_is_told(plan: SweepPlan, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no dask scheduler at nonsense://x"):
        run_sweep(plan, tmp_path, scheduler="nonsense://x")


# The plan


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sovlers = []", "unknown key 'sovlers'; did you mean solvers?"),
        ("schema = 2", "schema is 2, expected 1"),
        ('solvers = ["tca"]', "solvers: found 'tca', expected some of pomdp"),
        ('solvers = ["tac", "tac"]', "each once"),
        ("years = 2.5", "years: found 2.5, expected a whole number"),
        ("years = true", "years: found True, expected a whole number"),
        ("replicates = 0", "replicates must be a whole number of at least 1"),
        ("discount = 1.5", "discount: discount must be a factor"),
        ('survey = "wide"', "survey: cannot read the survey 'wide'"),
        ('collapse = "0.1Q"', "collapse: cannot read the collapse limit"),
        ('growth = ["linear"]', "growth: laws must be some of"),
        ('worlds = ["mars"]', "worlds: cannot read the world 'mars'"),
        ('units = { weight = "t" }', "units: found 'weight'"),
        ("draws = 0", "draws: found 0, expected a whole number from 1"),
        ("gap = 1", "gap: found 1.0"),
        ("stocks = []", "stocks: found none"),
        ("stocks = [1]", "stocks: found [1], expected a list of names"),
        ("seed = ", "is not TOML"),
    ],
)
def test_a_plan_that_means_nothing_is_refused(line: str, words: str, tmp_path: Path) -> None:
    given = {"stocks": 'stocks = ["hake-namibia"]', "solvers": 'solvers = ["tac"]'}
    given[line.split(" ")[0]] = line
    (tmp_path / "plan.toml").write_text("[sweep]\n" + "\n".join(given.values()))
    with pytest.raises(EvaluationError) as met:
        read_plan(tmp_path / "plan.toml")
    assert words in str(met.value)
    assert "plan.toml" in str(met.value)


def test_a_plan_is_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        '[sweep]\nschema = 1\nstocks = "table.csv.gz"\nsolvers = ["tac"]\ngrowth = "ricker"\ncollapse = 20\n'
        'gap = 0\nunits = { catch = "t" }'
    )
    expected = SweepPlan(
        "table.csv.gz",
        ("tac",),
        units={"catch": "t"},
        growth=("ricker",),
        collapse="20",
        gap=0.0,
        root=tmp_path,
    )
    assert read_plan(tmp_path / "plan.toml") == expected
    (tmp_path / "none.toml").write_text("stocks = []")
    with pytest.raises(EvaluationError, match=r"expected one table \[sweep\]"):
        read_plan(tmp_path / "none.toml")


def test_stocks_come_from_a_list_a_folder_or_a_table(plan: SweepPlan, tmp_path: Path) -> None:
    rows = [f"{stock},{year},5,90,TB" for stock in ("COD", "EEL") for year in (2001, 2002)]
    (plan.root / "table.tab").write_text("\n".join(["stockid,year,catch,biomass,biomass_type", *rows]))
    units = {"catch": "t", "biomass": "t"}

    def sources(stocks: Any) -> dict[str, Any]:
        return stock_sources(replace(plan, stocks=stocks, units=units))

    assert sorted(sources(".")) == sorted(STOCKS)
    assert list(sources("table.tab")) == ["COD", "EEL"]
    mixed = sources(("hake-namibia", "hake.csv", "table.tab:EEL"))
    assert list(mixed) == ["hake-namibia", "hake", "EEL"]
    assert [source().id for source in mixed.values()] == ["hake-namibia", "hake-argentina-north", "EEL"]
    for stocks, words in {
        ("hake.csv", "./hake.csv"): "found 'hake' twice",
        ("hake-namibai",): "did you mean hake-namibia",
        ("table.tab:CODD",): "has no 'CODD', expected one of its 2 stocks, such as COD",
        "nowhere": "which is no folder or file",
    }.items():
        with pytest.raises(EvaluationError, match=words):
            sources(stocks)
    (tmp_path / "bad.csv").write_text("year,catch\n2001,x\n")
    # broken, but there: told when it is read
    bad = stock_sources(replace(plan, stocks=("bad.csv",), root=tmp_path))["bad"]
    with pytest.raises(HistoryError, match="expected a number"):
        bad()
