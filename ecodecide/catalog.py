"""The catalog of published stock models.

Each model is a file `models/<id>.toml`: growth law, noise, survey, discount and grid as published, what to
cite, and checks, figures of the paper that the tests compute again by means of their own.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecodecide.errors import CatalogError, EcodecideError
from ecodecide.shipped import shipped_files
from ecodecide.stock.growth import LAWS
from ecodecide.stock.noise import LognormalNoise, NormalNoise, UniformNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey, Survey

NOISES: dict[str, type[Any]] = {"lognormal": LognormalNoise, "normal": NormalNoise, "uniform": UniformNoise}
SURVEYS: dict[str, type[Any]] = {
    "lognormal": LognormalSurvey,
    "normal": NormalSurvey,
    "perfect": PerfectSurvey,
}


@dataclass(frozen=True)
class ModelCheck:
    """A published figure that the model must reproduce.

    Attributes
    ----------
    quantity
        What it is of, in words.
    value
        As published, in the units of the model.
    tolerance
        The largest absolute difference that rounding and grid of the source allow.
    at
        The biomass it is given for, or None.
    """

    quantity: str
    value: float
    tolerance: float
    at: float | None = None


@dataclass(frozen=True, eq=False)
class StockModel:
    """A published stock with its survey and the decision it was published with.

    Attributes
    ----------
    id
        Its name for `load_model`.
    title, citation, doi
        The publication, to be cited.
    source
        The place in the publication.
    stock
        Growth and noise, with the unit of biomass.
    survey
        How the biomass is observed.
    discount
        Factor per year, in (0, 1).
    initial
        Biomass before the first harvest.
    grid_upper
        Upper end of the published grid, which starts at 0.
    grid_cells
        Its number of states.
    checks
        Published figures that the tests verify.
    """

    id: str
    title: str
    citation: str
    doi: str
    source: str
    stock: ParametricStock
    survey: Survey
    discount: float
    initial: float
    grid_upper: float
    grid_cells: int
    checks: tuple[ModelCheck, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of biomass."""
        return self.stock.unit


def published_models() -> list[StockModel]:
    """Return all models of the catalog, in alphabetical order.

    Examples
    --------
    >>> [model.id for model in published_models()]
    ['boettiger2015-allen', 'memarzadeh2019']
    """
    return [_read(path) for path in shipped_files("models", ".toml").values()]


def load_model(id: str) -> StockModel:
    """Load a published stock model.

    Parameters
    ----------
    id
        Its name, such as ``"memarzadeh2019"``.

    Returns
    -------
    StockModel

    Raises
    ------
    CatalogError
        When no model has this name, with the names that come close; or when its file is broken.

    Examples
    --------
    >>> model = load_model("memarzadeh2019")
    >>> model.stock.growth
    Logistic(r=0.75, K=1.0)
    """
    files = shipped_files("models", ".toml")
    if id in files:
        return _read(files[id])
    wanted = str(id).lower()
    close = [known for known in files if wanted and wanted in known]
    close += [known for known in difflib.get_close_matches(wanted, files, cutoff=0.4) if known not in close]
    hint = f"did you mean {' or '.join(close)}?" if close else f"expected one of {', '.join(files)}"
    raise CatalogError(f"no published model is named {id!r}; {hint}")


def _read(path: Path) -> StockModel:
    """Build a model from its file, refusing keys that are missing or mean nothing."""
    try:
        with path.open("rb") as file:
            entry = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise CatalogError(f"{path.name} cannot be read: {problem}") from problem
    try:
        model = _build(entry)
    except KeyError as missing:
        raise CatalogError(f"{path.name}: the key {missing} is missing; add it") from missing
    except (TypeError, ValueError, AttributeError, EcodecideError) as problem:
        raise CatalogError(f"{path.name}: {problem}") from problem
    if model.id != path.stem:
        raise CatalogError(
            f"{path.name}: found the id {model.id!r}, expected {path.stem!r}, as the file is named"
        )
    return model


def _build(entry: Mapping[str, Any]) -> StockModel:
    known = {"id", "title", "citation", "doi", "source", "unit", "discount", "initial"}
    known |= {"growth", "noise", "survey", "grid", "checks"}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise CatalogError(f"found the key {unknown[0]!r}, expected some of {', '.join(sorted(known))}")
    if not 0.0 < float(entry["discount"]) < 1.0:
        raise CatalogError(
            f"found the discount {entry['discount']}, expected a factor between 0 and 1, not a rate"
        )
    if not float(entry["grid"]["upper"]) > float(entry["initial"]) > 0.0:
        raise CatalogError(
            f"found an initial biomass of {entry['initial']}, "
            f"expected one between 0 and {entry['grid']['upper']}, the end of the grid"
        )
    return StockModel(
        id=entry["id"],
        title=entry["title"],
        citation=entry["citation"],
        doi=entry["doi"],
        source=entry["source"],
        stock=ParametricStock(
            growth=_choose(entry["growth"], "growth", "law", LAWS),
            noise=_choose(entry["noise"], "noise", "kind", NOISES),
            unit=entry["unit"],
            initial_biomass=float(entry["initial"]),
        ),
        survey=_choose(entry["survey"], "survey", "kind", SURVEYS),
        discount=float(entry["discount"]),
        initial=float(entry["initial"]),
        grid_upper=float(entry["grid"]["upper"]),
        grid_cells=int(entry["grid"]["cells"]),
        checks=tuple(ModelCheck(**check) for check in entry["checks"]),
    )


def _choose(table: Mapping[str, Any], name: str, key: str, kinds: Mapping[str, type[Any]]) -> Any:
    """Make the law, noise or survey that a table names, of the table's other values."""
    kind = table[key]
    if kind not in kinds:
        raise CatalogError(f"{name}: found {key} {kind!r}, expected one of {', '.join(kinds)}")
    return kinds[kind](**{field: value for field, value in table.items() if field != key})
