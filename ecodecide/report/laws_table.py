"""Several fitted growth laws as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table

from ecodecide.report.table import Amounts

_ROWS = (
    ("MSY", "reference_points", "msy", True),
    ("B_MSY", "reference_points", "b_msy", True),
    ("F_MSY", "reference_points", "f_msy", False),
    ("biomass now", "status", "biomass", True),
    ("B / B_MSY", "status", "b_bmsy", False),
    ("F / F_MSY", "status", "f_fmsy", False),
)
"""Words, group, key, and whether it is an amount of biomass."""

_WEIGHTS = (("PSIS-LOO", "loo"), ("AIC", "aic"), ("BIC", "bic"), ("DIC", "dic"))


def laws_table(found: Mapping[str, Any], unit: str) -> RenderableType:
    """Return the table of fitted laws, a column each: medians over 90 % intervals; four laws fit 80 columns.

    Parameters
    ----------
    found
        What `ecodecide.report.fit_dict.fit_dict` returns.
    unit
        The unit of biomass.
    """
    laws = list(found["laws"].values())
    title = f"{found['stock']}: medians and 90 % intervals"
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("", no_wrap=True)
    for law in found["laws"]:
        table.add_column(law, justify="right", no_wrap=True)
    table.add_row("weight", *(_percent(one["weights"]["marginal_likelihood"]) for one in laws))
    if len(laws) > 1:
        for words, key in _WEIGHTS:
            table.add_row(f"  by {words}", *(_percent(one["weights"][key]) for one in laws), style="dim")
    for words, group, key, amount in _ROWS:
        estimates = [one[group][key] for one in laws]
        amounts = Amounts([estimate for estimate in estimates if estimate], unit)
        factor, below = (amounts.factor, f"\n  {amounts.head}") if amount else (1.0, "")
        table.add_row(words + below, *(_over_interval(estimate, factor) for estimate in estimates))
    for words, key in (("tipping point", "p_tipping_point"), ("below it now", "p_below_threshold")):
        table.add_row(words, *(f"{100.0 * one['status'][key]:.0f} %" for one in laws))
    for words, key in (("R-hat", "rhat_max"), ("ESS", "ess_min")):
        values = [one["diagnostics"][key] for one in laws]
        table.add_row(words, *("-" if value is None else f"{value:.4g}" for value in values))
    return table


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _over_interval(estimate: Mapping[str, float] | None, factor: float) -> str:
    if estimate is None:
        return "-"
    low, median, high = (f"{estimate[end] / factor:.3g}" for end in ("low", "median", "high"))
    return f"{median}\n{low}-{high}"


def findings(found: Mapping[str, Any]) -> list[str]:
    """Return what a fit found beyond its table, as sentences.

    Parameters
    ----------
    found
        What `ecodecide.report.fit_dict.fit_dict` returns.
    """
    average, laws = found["average"]["status"], found["laws"]
    lines = [
        f"Probability that a tipping point exists: {100.0 * found['p_tipping_point']:.0f} %; that it does and the "
        f"stock is below it: {100.0 * found['p_below_threshold']:.0f} %. Laws are weighed by their marginal "
        "likelihoods, all being as likely before."
    ]
    lines += [
        f"{law}: {one['tipping_point']['finding']}"
        for law, one in laws.items()
        if one["tipping_point"]["finding"]
    ]
    if found["selection"] is not None:
        chosen = found["selection"]
        each = ", ".join(
            f"{name} {100 * share['value']:.0f} % ({100 * share['low']:.0f} to {100 * share['high']:.0f})"
            for name, share in chosen["overlooked"].items()
        )
        lines.append(
            f"Were there a tipping point as {chosen['law']} has it, selection would overlook it in data like these in: "
            f"{each} of {chosen['simulations']} simulated stocks."
        )
    kobe = average["kobe"]
    lines.append(
        f"Status in {average['kobe_year']}, all laws: green {100 * kobe['green']:.0f} %, yellow (overfished) "
        f"{100 * kobe['yellow']:.0f} %, orange (overfishing) {100 * kobe['orange']:.0f} %, red (both) "
        f"{100 * kobe['red']:.0f} %."
    )
    for law, one in laws.items():
        for series, tests in one["residuals"].items():
            odd = [
                f"{words} (p = {tests[key]:.2g})"
                for key, words in (
                    ("p_runs", "runs of one sign"),
                    ("p_bias", "bias"),
                    ("p_normality", "not normal"),
                )
                if tests[key] is not None and tests[key] < 0.05
            ]
            if odd:
                lines.append(f"{law}: the residuals of {series} speak against the fit: {', '.join(odd)}")
        peeled = one["retrospective"]
        if peeled is not None:
            rho = ", ".join(f"{name} {value:+.2f}" for name, value in peeled["mohns_rho"].items())
            skill = ", ".join(
                f"{name} {'-' if value is None else format(value, '.2f')}"
                for name, value in peeled["mase"].items()
            )
            lines.append(
                f"{law}: Mohn's rho over {peeled['peels']} peels: {rho}; MASE of the hindcast: {skill}"
            )
    return lines
