"""The stock under a policy on observed biomass: a Markov chain, whose futures are computed and not sampled.

Where the quota depends on this year's survey alone, next year's biomass depends on this year's alone:

    P(x, x') = sum over o of O(x, o) sum over s of L(s | x, q(o)) K(s, x')

with the survey O, the escapement's chances L (`ecodecide.decision.harvest_chances`; implementation error is in them
exactly) and the growth K of the discrete problem. A cell that a limit runs through is below it for the share that
lies there (`ecodecide.decision.grid.Grid.share_below`): then the error falls with the square of the step, wherever
the limit is. What a year's management does, O and L, is the same for every
stock that lives on the grid: an ensemble needs it once. The environment does not change with time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.harvest_chances import HarvestChances
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.policy.protocol import Policy
from ecodecide.policy.rules import RulePolicy
from ecodecide.policy.table import NearestPointPolicy, TablePolicy
from ecodecide.stock.growth import Array


def is_memoryless(policy: Policy) -> bool:
    """Return whether a policy's quota depends on this year's survey alone.

    So do tables over observed biomass, and rules without a cap on the change of the quota and without delay.
    (Their memory matters in years without a survey alone.)

    Examples
    --------
    >>> from ecodecide.policy.rules import ConstantRate
    >>> is_memoryless(RulePolicy(ConstantRate(0.2), 1.0)), is_memoryless(RulePolicy(ConstantRate(0.2), 1.0, cap=0.2))
    (True, False)
    """
    if isinstance(policy, RulePolicy):
        options = [one.name for one in fields(policy) if one.name not in ("rule", "expected")]
        return all(getattr(policy, name) in (None, 0) for name in options)
    return isinstance(policy, TablePolicy | NearestPointPolicy)


@dataclass(frozen=True, eq=False)
class ManagedYear:
    """What a policy does in one year to each state of a grid, whatever stock grows there.

    Attributes
    ----------
    escapement
        Shape (n, n): P(escapement | biomass).
    catch, profit
        Shape (n,): expected, in each state.
    closed
        Shape (n,): the chance of a quota of zero.
    """

    escapement: Array
    catch: Array
    profit: Array
    closed: Array


def managed_years(
    policy: Policy,
    grid: Grid,
    observation: Array,
    economy: Economy,
    implementation_cv: float = 0.0,
    first_survey: bool = True,
) -> tuple[ManagedYear, ManagedYear]:
    """Return what a policy does in its first year, and in every later one.

    Parameters
    ----------
    policy
        See `is_memoryless`.
    grid
        The grid.
    observation
        Shape (n, n): P(observed state | state). A survey is heard as the point of its state.
    economy
        What a catch is worth. Effort costs are on the catch, not on the quota.
    implementation_cv
        The CV of the catch about the quota.
    first_survey
        Whether a survey precedes the first quota; without, the policy acts on what it takes for granted.

    Raises
    ------
    PolicyError
        When the policy is of another kind, or a quota is negative or not a number.
    """
    if not is_memoryless(policy):
        raise PolicyError(
            f"a {type(policy).__name__} with these settings decides on more than this year's survey, so that its "
            "futures are no Markov chain of the biomass: expected a table over observed biomass, or a rule without cap "
            "and delay; simulate it with evaluate, and rare collapse with rare_collapse"
        )
    later = _year(policy, grid, grid.points, observation, economy, implementation_cv)
    if first_survey:
        return later, later
    return _year(policy, grid, np.array([np.nan]), np.ones(1), economy, implementation_cv), later


def _year(
    policy: Policy, grid: Grid, heard: Array, chances: Array, economy: Economy, implementation_cv: float
) -> ManagedYear:
    """Return a year in which the policy hears some values with chances of shape (heard,) or (n, heard)."""
    points = grid.points
    quotas, _ = policy.decide(policy.start(len(heard)), heard, None)
    good = np.isfinite(quotas) & (quotas >= 0.0)
    if not good.all():
        raise PolicyError(f"the policy set the quota {quotas[~good][0]}: expected a number of at least 0")
    harvest = HarvestChances(grid, quotas, implementation_cv)
    closed = np.broadcast_to(chances, (len(points), len(quotas))) @ (quotas <= 0.0)
    catch = harvest.catch(chances)
    effort = np.divide(catch, points, out=np.zeros(len(points)), where=points > 0.0)
    fished = (1.0 - closed) * (points > 0.0)
    profit = economy.price * catch - economy.effort_cost * effort - economy.fixed_cost * fished
    return ManagedYear(harvest.escapement(chances), catch, profit, closed)


_SERIES = ("fallen", "below", "extinct", "biomass", "catch", "profit", "closed", "above_grid", "left_grid")


@dataclass(frozen=True, eq=False)
class Futures:
    """Exact expectations over all futures; the last axis is the year, 0 to `years`.

    Year t is the t-th from the first decision: biomass and what it is below are before its harvest, and year
    `years` is what the last growth leads to, in which nothing is caught (NaN).

    Attributes
    ----------
    fallen
        P(below the limit in any of the years 1 to t), of futures that start at or above it; NaN where none does.
    below
        P(below the limit in year t), of all futures.
    extinct
        P(biomass 0 in year t).
    biomass, catch, profit, closed
        Expected biomass before harvest, catch and profit, and the chance of a quota of zero, in year t.
    above_grid
        P(the growth of year t leads above the grid, where it is kept in the last state); NaN where it is not known.
    left_grid
        A bound of P(above the grid in any of the years 1 to t, before any fall below the limit), of the futures of
        `fallen`: their chances to leave it in each year, added up. `fallen` is no further from what it is without
        an upper end of the grid. NaN where it is not known.
    discount
        The factor of `npv`.
    """

    fallen: Array
    below: Array
    extinct: Array
    biomass: Array
    catch: Array
    profit: Array
    closed: Array
    above_grid: Array
    left_grid: Array
    discount: float

    @property
    def years(self) -> int:
        """The number of decisions."""
        return int(self.fallen.shape[-1]) - 1

    @property
    def collapse(self) -> Array:
        """P(ever below the limit), of futures that start at or above it."""
        return np.asarray(self.fallen[..., -1])

    @property
    def npv(self) -> Array:
        """Expected net present value: the sum of discount^t times profit over decisions t = 0, 1, ..."""
        return np.asarray((self.profit[..., :-1] * self.discount ** np.arange(self.years)).sum(axis=-1))

    @property
    def mean_catch(self) -> Array:
        """Expected catch per year."""
        return np.asarray(self.catch[..., :-1].mean(axis=-1))

    def of(self, *place: int) -> Futures:
        """Return those of one policy and stock of several."""
        return Futures(**{key: getattr(self, key)[place] for key in _SERIES}, discount=self.discount)

    @classmethod
    def joined(cls, blocks: Sequence[Futures]) -> Futures:
        """Return the futures of blocks of stocks, under the same policies, as one."""
        series = {key: np.concatenate([getattr(one, key) for one in blocks], axis=1) for key in _SERIES}
        return cls(**series, discount=blocks[0].discount)


def futures(
    plans: Sequence[tuple[ManagedYear, ManagedYear]],
    points: Array,
    kernels: Array,
    start: Array,
    intact: Array,
    below: Array,
    discount: float,
    years: int,
    above: Array | None = None,
) -> Futures:
    """Return the futures of several stocks under several policies, all on one grid.

    Parameters
    ----------
    plans
        Of each policy, what `managed_years` returns.
    points
        Shape (n,): the biomass of each state.
    kernels
        Shape (m, n, n): the growth of each stock, P(next state | escapement state).
    start
        Shape (m, n): the distribution of the biomass before the first harvest.
    intact
        Shape (m, n): the part of it that starts at or above the limit.
    below
        Shape (m, n): the share of a state that is below the stock's limit.
    discount
        A factor in (0, 1).
    years
        The number of decisions.
    above
        Shape (m, n): the chance that growth leads above the grid, from each escapement state.

    Returns
    -------
    Futures
        Of shape (policies, m, years + 1).

    Notes
    -----
    Two rows of probabilities per policy and stock go through the years, all futures and those that never fell. A
    year is one matrix product per policy, for all stocks, then one per stock, for all policies.
    """
    p, (m, n) = len(plans), start.shape
    out = {key: np.full((years + 1, p, m), np.nan) for key in _SERIES}
    # rows: policy, stock, (all futures, those that never fell)
    now = np.broadcast_to(np.stack([start, intact], axis=1), (p, m, 2, n))
    whole = intact.sum(axis=1)
    fallen, strayed = np.zeros((2, p, m))
    low = below[:, :, None]
    for year in range(years + 1):
        everyone = now[:, :, 0]
        if year > 0:
            lost = np.matmul(now[:, :, 1, None, :], low)[..., 0, 0]
            fallen = fallen + lost
            now = np.stack([everyone, now[:, :, 1] * (1.0 - below)], axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            # sums of shares of one whole are at most that, but for rounding
            out["fallen"][year] = np.where(whole > 0.0, np.minimum(fallen / whole, 1.0), np.nan)
            if above is not None:
                out["left_grid"][year] = np.where(whole > 0.0, strayed / whole, np.nan)
        out["below"][year] = np.minimum(np.matmul(everyone[:, :, None, :], low)[..., 0, 0], 1.0)
        out["extinct"][year] = np.minimum(everyone[:, :, 0], 1.0)
        out["biomass"][year] = everyone @ points
        if year == years:
            break
        plan = [one[min(year, 1)] for one in plans]
        for key in ("catch", "profit", "closed"):
            out[key][year] = np.matmul(everyone, np.stack([getattr(one, key) for one in plan])[..., None])[
                ..., 0
            ]
        left = np.stack(
            [rows.reshape(2 * m, n) @ one.escapement for rows, one in zip(now, plan, strict=True)]
        )
        left = left.reshape(p, m, 2, n)
        if above is not None:
            beyond = np.matmul(left, above[:, :, None])[..., 0]
            out["above_grid"][year] = beyond[..., 0]
            strayed = strayed + beyond[..., 1]
        grown = np.matmul(np.swapaxes(left, 0, 1).reshape(m, 2 * p, n), kernels)
        now = np.swapaxes(grown.reshape(m, p, 2, n), 0, 1)
    return Futures(**{key: np.moveaxis(values, 0, -1) for key, values in out.items()}, discount=discount)


@dataclass(frozen=True, eq=False)
class ManagedChain:
    """The Markov chain of a stock under a policy on observed biomass.

    Make it by `ManagedChain.of`.

    Attributes
    ----------
    grid
        Its states.
    kernel
        Shape (n, n): P(next state | escapement state).
    first, later
        What the policy does in the first year, and in every later one.
    discount
        The factor of the net present value.

    Examples
    --------
    >>> import ecodecide as eco
    >>> from ecodecide.policy.rules import ConstantRate
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.1))
    >>> problem = eco.HarvestProblem(stock=stock, survey=eco.NormalSurvey(sd=0.15))
    >>> tac = RulePolicy(ConstantRate(0.22), expected=1.0)
    >>> chain = ManagedChain.of(eco.discretize(problem), tac, problem.economy)
    >>> found = chain.futures(initial=0.5, years=50, limit=0.1)
    >>> float(found.collapse.round(4)), float(found.npv.round(3))
    (0.0162, 2.91)
    """

    grid: Grid
    kernel: Array
    first: ManagedYear
    later: ManagedYear
    discount: float

    @classmethod
    def of(
        cls,
        arrays: DiscreteProblem,
        policy: Policy,
        economy: Economy,
        first_survey: bool = True,
        implementation_cv: float | None = None,
    ) -> ManagedChain:
        """Return the chain of a discrete problem under a policy.

        Parameters
        ----------
        arrays
            The discrete problem.
        policy, economy, first_survey
            See `managed_years`.
        implementation_cv
            The CV of the catch about the quota; None for that of the problem.

        Raises
        ------
        PolicyError
            When the policy decides on more than this year's survey.
        """
        cv = arrays.implementation_cv if implementation_cv is None else implementation_cv
        years = managed_years(policy, arrays.grid, arrays.observation, economy, cv, first_survey)
        return cls(arrays.grid, arrays.kernel, *years, economy.discount)

    @property
    def transition(self) -> Array:
        """Shape (n, n): P(next year's state | state), in every year but one without a survey."""
        return np.asarray(self.later.escapement @ self.kernel, dtype=float)

    @property
    def profit(self) -> Array:
        """Shape (n,): the expected profit of a year in each state."""
        return self.later.profit

    def futures(self, initial: float | Array, years: int, limit: float) -> Futures:
        """Return exact probabilities and expectations of this chain.

        Parameters
        ----------
        initial
            The biomass before the first harvest, which counts as the state that holds it, or the probability
            of each state, shape (n,).
        years
            The number of decisions.
        limit
            The collapse limit, in units of biomass; a cell that it runs through is below it for its share.

        Raises
        ------
        EvaluationError
            When the start is no biomass and no distribution, or there are no years.
        """
        start = start_on(self.grid, initial)
        if years < 1:
            raise EvaluationError(f"years must be a whole number of at least 1, got {years!r}")
        below = self.grid.share_below(limit)
        intact = start * (float(initial) >= limit if np.ndim(initial) == 0 else 1.0 - below)
        return futures(
            [(self.first, self.later)],
            self.grid.points,
            self.kernel[None],
            start[None],
            intact[None],
            below[None],
            self.discount,
            years,
        ).of(0, 0)


def start_on(grid: Grid, initial: float | Array) -> Array:
    """Return a distribution over the states of a grid: that given, or all in the state of a biomass.

    Raises
    ------
    EvaluationError
        When it is neither.
    """
    value, n = np.asarray(initial, dtype=float), len(grid.points)
    if value.ndim == 0 and 0.0 <= value <= grid.upper:
        return np.asarray(np.eye(n)[grid.locate(value)], dtype=float)
    if value.shape == (n,) and np.all(value >= 0.0) and np.isclose(value.sum(), 1.0, atol=1e-9):
        return value
    raise EvaluationError(
        f"initial must be a biomass between 0 and the grid's upper end {grid.upper:g}, or one probability for each of "
        f"its {n} states; got {'the number ' + str(initial) if value.ndim == 0 else f'shape {value.shape}'}"
    )
