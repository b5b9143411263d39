"""The data, and what the fit makes of them."""

from __future__ import annotations

import numpy as np

from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.section import Drawing, Section, figure_box, items, numbers_table, table
from ecodecide.report.interactive import history_figure
from ecodecide.report.table import Amounts, number

_POINTS = {
    "carrying_capacity": "carrying capacity",
    "msy": "MSY, maximum sustainable yield per year",
    "b_msy": "B_MSY, biomass before harvest at MSY",
    "escapement_msy": "biomass after harvest at MSY",
    "f_msy": "F_MSY, MSY / B_MSY",
    "biomass_now": "biomass at the first decision",
    "b_bmsy": "the same / B_MSY",
    "process_sigma": "process error, sigma",
    "observation_sigma": "observation error, sigma",
}
_AMOUNTS = ("carrying_capacity", "msy", "b_msy", "escapement_msy", "biomass_now", "K")


def data_and_fit(material: Material) -> Section:
    """Return the data with the fitted biomass, and what the fit estimates."""
    history, posterior = material.comparison.history, material.comparison.posterior
    first, last = history.years
    view = material.history
    sees = (
        f"Biomass of {history.id} from {first} to {last}, observed and fitted, above the catches. "
        f"In {last} the fitted median is {material.amount(float(view['biomass'].sel(quantile=0.5)[-1]))}."
    )
    caption = (
        f"Above: what was observed ({view.attrs['observed']}) and the biomass at the start of the year that the fit "
        "takes for likely, given all years. Below: the catches. Dashed: the biomass, dotted: the catch of maximum "
        "sustainable yield (medians of the fit)."
    )
    laws = posterior.settings.get("weights")
    weights = None if not laws else "Growth laws by their weight: " + ", ".join(
        f"{law} {100.0 * weight:.2g} %" for law, weight in sorted(laws.items(), key=lambda each: -each[1])
    ) + "."  # fmt: skip
    status = tag(
        "details", tag("summary", "How the fit ended"), tag("p", posterior.status), data_printed=True
    )
    notes = [words for words in (history.note, *history.notes) if words]
    body = join(
        figure_box("history", 520, sees, caption),
        _numbers(material),
        tag("h3", "What the fit estimates"),
        tag("p", f"Growth law: {posterior.law}. ", weights),
        _estimates(material),
        status,
        items(notes),
    )
    return Section("data", "Data and fit", body, {"history": Drawing(history_figure(view))})


def _estimates(material: Material) -> Markup:
    """Return medians and intervals of reference points and parameters."""
    fit = {name: each for name, each in material.found["fit"].items() if isinstance(each, dict)}
    rows = []
    for name in (*(n for n in _POINTS if n in fit), *(n for n in fit if n not in _POINTS)):
        each, unit = fit[name], material.unit if name in _AMOUNTS else ""
        size = Amounts([each], unit)
        # a ratio has no thousands of units
        show = size if unit else number
        cells = [show(each[end]) for end in ("median", "low", "high")]
        unit_words = size.head if unit else ""
        title = tag("th", _POINTS.get(name, name), scope="row")
        rows.append(tag("tr", title, *(tag("td", c) for c in cells), tag("td", unit_words, class_="words")))
    caption = "Medians and 90 % intervals of the posterior."
    return table(caption, ("quantity", "median", "5 %", "95 %", "unit"), tag("tbody", *rows))


def _numbers(material: Material) -> Markup:
    view = material.history
    names = ("catch", "observed")
    # observed and fitted are compared, so they have one unit
    largest = {
        "catch": float(np.nanmax(view["catch"])),
        "biomass": float(np.nanmax([view["biomass"].max(), view["observed"].max()])),
    }
    catch, fitted = (Amounts([{"value": one}], material.unit) for one in largest.values())
    sizes = (catch, fitted)
    rows = []
    for row, year in enumerate(view["year"].values):
        seen = (float(view[name][row]) for name in names)
        cells = [size(x if np.isfinite(x) else None) for size, x in zip(sizes, seen, strict=True)]
        quantiles = view["biomass"][row].sel(quantile=[0.05, 0.5, 0.95]).values
        low, middle, high = (fitted(float(x)) for x in quantiles)
        rows.append((str(year), *cells, middle, f"{low} to {high}"))
    heads = [f"{name} ({size.head})" if size.head else name for name, size in zip(names, sizes, strict=True)]
    unit = f" ({fitted.head})" if fitted.head else ""
    head = ("year", *heads, f"fitted{unit}", "90 %")
    return numbers_table("The figure as a table", "Data and fitted biomass by year.", head, rows)
