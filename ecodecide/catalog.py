"""The catalog of published stock models.

Each model is a file `models/<id>.toml`: the growth law and, where they were published, noise, survey, discount
and grid; what to cite; and checks, figures of the paper that the tests compute again by means of their own.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ecodecide.errors import CatalogError, EcodecideError
from ecodecide.shipped import shipped_files
from ecodecide.stock.growth import LAWS, GrowthLaw
from ecodecide.stock.noise import LognormalNoise, Noise, NormalNoise, UniformNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey, Survey

NOISES: dict[str, type[Any]] = {"lognormal": LognormalNoise, "normal": NormalNoise, "uniform": UniformNoise}
SURVEYS: dict[str, type[Any]] = {
    "lognormal": LognormalSurvey,
    "normal": NormalSurvey,
    "perfect": PerfectSurvey,
}
GROUPS = ("bird", "fish", "insect", "mammal")
ORDERS = ("harvest-first", "recruit-first")
STEPS = ("year", "generation")

NEEDED = ("id", "title", "citation", "source", "group", "unit", "growth", "checks")
ADDRESSES = ("doi", "url")
OPTIONAL = (
    "species",
    "read_in",
    "comment",
    "order",
    "step",
    "noise",
    "survey",
    "discount",
    "initial",
    "grid",
)


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
        The biomass or the year it is given for, or None.
    """

    quantity: str
    value: float
    tolerance: float
    at: float | None = None


@dataclass(frozen=True, eq=False)
class StockModel:
    """A published stock and, as far as they were published with it, its survey and decision.

    Attributes
    ----------
    id
        Its name for `load_model`.
    title, citation
        The publication, to be cited.
    doi, url
        Where the publication is found; one of them may be empty.
    source
        The place in the publication.
    read_in
        Where the figures were read, when that is not the publication itself.
    comment
        What to know before its numbers are used: what is contested, derived or left out.
    group
        ``"bird"``, ``"fish"``, ``"insect"`` or ``"mammal"``.
    species
        Which, or empty for a model of none in particular.
    unit
        The unit of biomass.
    growth
        The growth law, per step.
    noise
        The noise on recruitment, or None when none of ecodecide's kinds was published.
    order
        ``"harvest-first"``, as everywhere in ecodecide: x' = f(x - h); or ``"recruit-first"``: x' = f(x) - h,
        whose x is the biomass that ecodecide calls the escapement. Without noise both are the same stock;
        with noise the harvest is chosen at another moment.
    step
        What passes from one state to the next: ``"year"`` or ``"generation"``.
    survey
        How the biomass is observed, or None.
    discount
        Factor per step, in (0, 1), or None.
    initial
        Biomass before the first harvest, or None.
    grid_upper
        Upper end of the published grid, which starts at 0, or None.
    grid_cells
        Its number of states, or None.
    checks
        Published figures that the tests verify.
    """

    id: str
    title: str
    citation: str
    doi: str
    url: str
    source: str
    read_in: str
    comment: str
    group: str
    species: str
    unit: str
    growth: GrowthLaw
    noise: Noise | None
    order: str
    step: str
    survey: Survey | None
    discount: float | None
    initial: float | None
    grid_upper: float | None
    grid_cells: int | None
    checks: tuple[ModelCheck, ...]

    @cached_property
    def stock(self) -> ParametricStock:
        """Growth and noise as a stock, in ecodecide's order of events.

        Raises
        ------
        CatalogError
            When the model has no noise.
        """
        if self.noise is None:
            raise CatalogError(
                f"the model {self.id} was published without a noise that ecodecide has, and a stock needs one; "
                "choose it: ecodecide.ParametricStock(model.growth, noise)"
            )
        return ParametricStock(self.growth, self.noise, self.unit, self.initial)


def published_models() -> list[StockModel]:
    """Return all models of the catalog, in alphabetical order.

    Examples
    --------
    >>> [model.id for model in published_models() if model.group == "mammal"]
    ['zerbini2011-humpback']
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
    >>> model.doi
    '10.1086/702704'
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
    """Build a model from what its file says."""
    known = {*NEEDED, *ADDRESSES, *OPTIONAL}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise CatalogError(f"found the key {unknown[0]!r}, expected some of {', '.join(sorted(known))}")
    for key in NEEDED:
        if not entry[key]:
            raise CatalogError(f"found the key {key!r} empty; fill it in")
    if not any(entry.get(key) for key in ADDRESSES):
        raise CatalogError("found neither a doi nor a url; add the one by which the publication is found")
    discount, initial, grid = entry.get("discount"), entry.get("initial"), entry.get("grid")
    if discount is not None and not 0.0 < discount < 1.0:
        raise CatalogError(f"found the discount {discount}, expected a factor between 0 and 1, not a rate")
    end = grid["upper"] if grid else float("inf")
    if initial is not None and not 0.0 < initial < end:
        expected = f"one between 0 and {end}, the end of the grid" if grid else "one above 0"
        raise CatalogError(f"found an initial biomass of {initial}, expected {expected}")
    return StockModel(
        id=entry["id"],
        title=_words(entry, "title"),
        citation=_words(entry, "citation"),
        doi=entry.get("doi", ""),
        url=entry.get("url", ""),
        source=_words(entry, "source"),
        read_in=_words(entry, "read_in"),
        comment=_words(entry, "comment"),
        group=_one_of(entry["group"], "group", GROUPS),
        species=entry.get("species", ""),
        unit=entry["unit"],
        growth=_choose(entry["growth"], "growth", "law", LAWS),
        noise=_choose(entry["noise"], "noise", "kind", NOISES) if "noise" in entry else None,
        order=_one_of(entry.get("order", ORDERS[0]), "order", ORDERS),
        step=_one_of(entry.get("step", STEPS[0]), "step", STEPS),
        survey=_choose(entry["survey"], "survey", "kind", SURVEYS) if "survey" in entry else None,
        discount=None if discount is None else float(discount),
        initial=None if initial is None else float(initial),
        grid_upper=float(grid["upper"]) if grid else None,
        grid_cells=int(grid["cells"]) if grid else None,
        checks=tuple(ModelCheck(**check) for check in entry["checks"]),
    )


def _words(entry: Mapping[str, Any], key: str) -> str:
    """Return a text without the line breaks of its file, or nothing when there is none."""
    return " ".join(entry.get(key, "").split())


def _one_of(value: str, name: str, values: tuple[str, ...]) -> str:
    """Return the value when it is one of those there are."""
    if value not in values:
        raise CatalogError(f"found the {name} {value!r}, expected one of {', '.join(values)}")
    return value


def _choose(table: Mapping[str, Any], name: str, key: str, kinds: Mapping[str, type[Any]]) -> Any:
    """Make the law, noise or survey that a table names, of the table's other values."""
    kind = table[key]
    if kind not in kinds:
        raise CatalogError(f"{name}: found {key} {kind!r}, expected one of {', '.join(kinds)}")
    return kinds[kind](**{field: value for field, value in table.items() if field != key})
