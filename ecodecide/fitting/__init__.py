"""From a history to a stock: the state-space fit and the Gaussian process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ecodecide.errors import FitError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.survey import Survey

if TYPE_CHECKING:
    from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
    from ecodecide.fitting.posterior import Posterior
    from ecodecide.fitting.priors import GrowthFamily, Prior


def fit(
    history: CatchHistory,
    growth: str | GrowthFamily = "logistic",
    *,
    survey: Survey | None = None,
    catch_cv: float = 0.05,
    cells: int = 200,
    draws: int = 400,
    seed: int = 1,
    priors: Mapping[str, Prior] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Posterior | GaussianProcessStock:
    """Learn a stock from a catch history.

    Parameters
    ----------
    history
        With a biomass or an index.
    growth
        ``logistic``, ``pella-tomlinson``, ``beverton-holt``, ``ricker``, ``allen``, ``myers`` or ``may``: the
        state-space fit of that law, or of one's own (`ecodecide.fitting.priors.GrowthFamily`); ``gp``: a Gaussian
        process, which assumes no law. It takes the biomass as it is: `survey`, `catch_cv`, `cells`, `draws`, `seed`,
        `priors` and `progress` have no effect on it.
    survey
        The observation error to assume for an assessment's output (lognormal; default CV 0.2). That of an
        index is estimated.
    catch_cv
        Error of the reported catches.
    cells
        Log-spaced cells of the filter.
    draws
        Draws of the posterior, from four Markov chains that run until their effective sample size is as large (at
        most 400) and R-hat below 1 + 4 / draws (at least 1.01); a warning tells where they do not get there.
    seed
        A whole number of at least 0; the same seed gives the same fit.
    priors
        By the names of `ecodecide.read_prior`: ``r``, ``K``, ``psi`` (biomass in the first year over K), ``q``,
        ``process_sigma``, ``observation_sigma``, ``m`` (Pella-Tomlinson's shape), ``C/K`` (Allen's threshold),
        ``excess`` and ``theta`` (Myers), ``a/K`` and ``b/K`` (May); ``allen.r`` is of one law alone.
    progress
        Called with words and the share of the work done.

    Returns
    -------
    Posterior or GaussianProcessStock
        A stock that `HarvestProblem` accepts.

    Raises
    ------
    FitError
        When the history has no abundance, or cannot be fitted.

    Examples
    --------
    >>> import ecodecide as eco
    >>> posterior = eco.fit(eco.load_history("hake-argentina-north"), growth="logistic", draws=20)
    >>> 0.1 < float(posterior.best.growth.r) < 2.0
    True
    """
    if growth == "gp":
        from ecodecide.fitting.gaussian_process import fit_gaussian_process
        from ecodecide.fitting.lesson import lesson

        learned = lesson(history)
        return fit_gaussian_process(
            learned.escapement, learned.next_biomass, scale=learned.scale, unit=learned.unit
        )
    from ecodecide.fitting.priors import check_priors, growth_family
    from ecodecide.fitting.state_space import fit_state_space

    family = growth_family(growth)
    check_priors(priors or {}, (family,), [*(history.index or {})])
    if draws < 1 or cells < 20:
        raise FitError(f"fit needs at least 1 draw and 20 cells, got draws={draws}, cells={cells}")
    return fit_state_space(
        history,
        family,
        survey=survey,
        catch_cv=catch_cv,
        cells=cells,
        draws=draws,
        seed=seed,
        priors=priors,
        progress=progress,
    )
