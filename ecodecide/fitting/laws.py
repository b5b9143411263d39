"""Several growth laws fitted to one history, and how much each is to be believed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from threadpoolctl import threadpool_limits

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.averaging import average
from ecodecide.fitting.criteria import Criteria, criteria, shares
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.priors import GrowthFamily, Prior, check_priors, growth_family
from ecodecide.fitting.side_by_side import side_by_side
from ecodecide.fitting.state_space import fit_state_space
from ecodecide.fitting.tipping_point import TippingPoint, tipping_point
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import LAWS
from ecodecide.stock.survey import Survey

DEFAULT_LAWS = ("logistic", "pella-tomlinson", "ricker", "allen")
"""Three without a threshold and one that has it, or not, as the data say."""


@dataclass(frozen=True, eq=False)
class FittedLaws:
    """The posterior of each growth law.

    Attributes
    ----------
    history
        What they were fitted to.
    posteriors
        By the law's name.
    seed
        Of the fits.
    failures
        Why a law could not be fitted, by its name.
    """

    history: CatchHistory
    posteriors: Mapping[str, Posterior]
    seed: int = 1
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def weights(self) -> dict[str, float]:
        """The posterior probability of each law, all being as likely before: its share of the marginal likelihoods."""
        return shares({law: posterior.log_evidence for law, posterior in self.posteriors.items()})

    @cached_property
    def criteria(self) -> dict[str, Criteria]:
        """The scores of each law, by every criterion in use."""
        return {law: criteria(posterior) for law, posterior in self.posteriors.items()}

    @cached_property
    def tipping_points(self) -> dict[str, TippingPoint]:
        """What each law says of a tipping point."""
        return {law: tipping_point(posterior) for law, posterior in self.posteriors.items()}

    @property
    def tipping_point(self) -> float:
        """The probability that there is a tipping point, over all laws."""
        return sum(self.weights[law] * found.exists for law, found in self.tipping_points.items())

    @property
    def below_threshold(self) -> float:
        """The probability that there is a tipping point and that the stock is below it, over all laws."""
        return sum(self.weights[law] * found.below for law, found in self.tipping_points.items())

    @cached_property
    def average(self) -> Posterior:
        """The stock of all laws, each with its weight: what decisions are taken on."""
        return average(self.posteriors, self.weights, self.seed)


def families_of(laws: Sequence[str | GrowthFamily]) -> tuple[GrowthFamily, ...]:
    """Return growth laws by their names, or refuse them.

    Raises
    ------
    FitError
        For an unknown law, one named twice, or none.
    """
    names = [law if isinstance(law, str) else law.name for law in laws]
    unknown = [law for law in laws if isinstance(law, str) and law not in LAWS]
    if unknown or not laws or len(set(names)) < len(names):
        raise FitError(f"laws must be some of {', '.join(LAWS)}, each once, got {', '.join(names) or 'none'}")
    return tuple(growth_family(law) for law in laws)


def fit_laws(
    history: CatchHistory,
    laws: Sequence[str | GrowthFamily] = DEFAULT_LAWS,
    *,
    survey: Survey | None = None,
    catch_cv: float = 0.05,
    cells: int = 200,
    draws: int = 400,
    seed: int = 1,
    priors: Mapping[str, Prior] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> FittedLaws:
    """Fit several growth laws to one history; see `ecodecide.fit` for the parameters.

    Parameters
    ----------
    history
        With a biomass or an index.
    laws
        Names of laws, each once, or families of one's own.
    survey, catch_cv, cells, draws, seed, priors, progress
        As in `ecodecide.fit`. A prior of ``r`` is that of the growth rate of logistic growth, which for Allen's law is
        four times as large for the same growth; ``allen.r`` is taken as it is.

    Returns
    -------
    FittedLaws
        With the `posteriors` and `weights` by law, their `average`, and the probability of a `tipping_point`.

    Raises
    ------
    FitError
        For an unknown law or one named twice, a prior of a number that none of them has, or when no law can be
        fitted.

    Warns
    -----
    ConvergenceWarning
        When a law cannot be fitted, and is left out; when one has not converged.

    Examples
    --------
    >>> import ecodecide as eco
    >>> fitted = eco.fit_laws(eco.load_history("plaice-north-sea"), ["logistic", "ricker"], draws=20, cells=80)
    >>> bool(abs(sum(fitted.weights.values()) - 1.0) < 1e-12), fitted.tipping_point
    (True, 0.0)
    """
    families = families_of(laws)
    check_priors(priors or {}, families, [*(history.index or {})])

    def task(family: GrowthFamily, tell: Callable[[float], None]) -> Posterior | FitError:
        try:
            return fit_state_space(
                history,
                family,
                survey=survey,
                catch_cv=catch_cv,
                cells=cells,
                draws=draws,
                seed=seed,
                priors=priors,
                progress=lambda words, share: tell(share),
            )
        except FitError as problem:
            return problem

    words = f"fit {', '.join(family.name for family in families)}" if len(families) < 3 else "fit growth laws"
    with threadpool_limits(limits=1):
        found = side_by_side(
            [partial(task, family) for family in families],
            lambda share: progress(words, share) if progress else None,
        )
    each = {family.name: one for family, one in zip(families, found, strict=True)}
    posteriors = {law: one for law, one in each.items() if isinstance(one, Posterior)}
    failures = {law: str(one) for law, one in each.items() if isinstance(one, FitError)}
    if not posteriors:
        raise FitError(next(iter(failures.values())))
    for why in failures.values():
        warnings.warn(f"{why}; left out", ConvergenceWarning, stacklevel=2)
    return FittedLaws(history, posteriors, seed, failures)
