"""What was believed of the biomass, year by year."""

from __future__ import annotations

import numpy as np

from ecodecide.report.html.markup import join
from ecodecide.report.html.material import Material
from ecodecide.report.html.section import Drawing, Section, figure_box, slider
from ecodecide.report.interactive import belief_figure, belief_track_figure


def belief(material: Material) -> Section:
    """Return the belief through the years, and that of a year to be chosen."""
    view = material.belief
    years = [int(year) for year in view["year"].values]
    low, middle, high = (float(x) for x in view["biomass_quantile"].values[-1])
    now = f"{material.amount(middle)} (90 %: {material.between(low, high)})"
    limit = float(material.futures["collapse_limit"].values[0])
    limits = {
        f"limit of collapse ({material.found['settings']['collapse']})": limit,
        "B_MSY": float(material.history["b_msy"]),
    }
    limits = {name: x for name, x in limits.items() if np.isfinite(x)}
    sees = f"Belief about the biomass of a year, as a density. In {years[-1]} its median is {now}."
    track = (
        "What could be believed at the start of each year, given what had been seen by then and the fit of all years; "
        f"for {years[-1]}: {now}. The bar marks the year chosen below."
    )
    if material.comparison.history.free_catchability:
        low, middle, high = (float(x) for x in view["decision_quantile"].values)
        track += (
            " It takes the catchability of the index for known. The fit, which does not, believes of "
            f"{years[-1]}: {material.amount(middle)} (90 %: {material.between(low, high)})."
        )
    density = (
        "The belief of the year chosen: where the curve is high, the biomass is likely. Dotted: the survey of the "
        "year, which the belief has heard; a belief also remembers earlier surveys and catches, and is seldom centered "
        "on the last. Dashed: the limit of collapse and B_MSY, medians."
    )
    choices = {"year": years}
    body = join(
        figure_box(
            "belief-track", 320, f"Belief about the biomass from {years[0]} to {years[-1]}: {now}.", track
        ),
        figure_box(
            "belief",
            340,
            sees,
            density,
            slider("Year", "belief belief-track", "year", len(years), len(years) - 1),
        ),
    )
    drawings = {
        "belief-track": Drawing(belief_track_figure(view)),
        "belief": Drawing(belief_figure(view, limits), choices),
    }
    return Section("belief", "Belief through the years", body, drawings)
