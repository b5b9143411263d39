"""Where the stock stands."""

from __future__ import annotations

from ecodecide.errors import FitError
from ecodecide.report.html.markup import join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.section import Drawing, Section, figure_box, items, table
from ecodecide.report.interactive import kobe_figure
from ecodecide.report.table import number, percent
from ecodecide.report.views import status_view


def status(material: Material) -> Section:
    """Return the Kobe plot with its probabilities."""
    try:
        view = status_view(material.managed)
    except FitError as problem:
        return Section("status", "Status", tag("p", str(problem)))
    year = int(view["kobe_year"])
    words = {
        str(color): (str(meaning), percent(float(share)))
        for color, meaning, share in zip(
            view["quadrant"].values, view["meaning"].values, view["kobe"].values, strict=True
        )
    }
    sees = (
        f"Kobe plot. In {year}: " + "; ".join(f"{meaning} {share}" for meaning, share in words.values()) + "."
    )
    caption = (
        "Each point is a year: to the left of 1 there is less than the biomass of maximum sustainable yield, above 1 "
        f"more is taken than it bears. The cloud is what the fit takes for possible in {year}, each draw measured by "
        "its own reference points; the numbers in the corners are the probabilities of the four cases."
    )
    rows = [
        tag("tr", tag("th", meaning, scope="row"), tag("td", share), tag("td", color, class_="words"))
        for color, (meaning, share) in words.items()
    ]
    ratios = []
    for name, title in (("b_bmsy", "B / B_MSY"), ("f_fmsy", "F / F_MSY")):
        low, high = (number(float(x)) for x in view[f"{name}_interval"].sel(year=year).values)
        ratios.append(
            f"{title} in {year}: {number(float(view[name].sel(year=year)))} (90 %: {low} to {high})"
        )
    body = join(
        tag("p", tag("strong", max(words.values(), key=lambda each: float(each[1].removesuffix(" %")))[0].capitalize()),
            f" is the likeliest status in {year}."),
        items(ratios),
        figure_box("kobe", 480, sees, caption),
        table(f"Probability of each status in {year}.", ("status", "probability", "color"), tag("tbody", *rows)),
    )  # fmt: skip
    return Section("status", "Status", body, {"kobe": Drawing(kobe_figure(view))})
