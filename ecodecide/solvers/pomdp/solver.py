"""Point-based value iteration over beliefs, between a lower and an upper bound: see `Pomdp`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from threadpoolctl import threadpool_limits

from ecodecide._kernels.sawtooth import shift
from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.solvers.pomdp.bounds import LowerBound, UpperBound
from ecodecide.solvers.pomdp.sharpen import sharpen
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array

if TYPE_CHECKING:
    from ecodecide.solvers.pomdp.finite import FiniteSolution

_DEPTH = 200
"""The longest walk, in years: with g = 0.95 what lies beyond counts for 4e-5."""

_SHARPEN = 8
"""The upper bound is sharpened all at once after so many walks."""

_AGAIN = 3
"""It is sharpened again after so many times as many walks, and after the square of that where it did not pay."""

_REST = 0.2
"""A backup's vectors are taken until those that are left would add less than this share of what all add."""

_WORTHWHILE = 1e-4
"""A backup that adds less to the lower bound than this share of what the walk aims at adds nothing."""

_WITNESSES = 50
"""At most so many beliefs of the node above tell which vectors of a backup are kept."""

_FIRST_WITNESSES = 150
"""And at most so many after a survey before the first quota."""

_UNLIKELY = 1e-7
"""Observations less likely than this are bounded all at once, not one by one."""


@dataclass(frozen=True)
class Pomdp:
    """Plan with the belief about biomass, not with a point estimate; certified by two bounds.

    Of the problem as it is planned for, on its grid, without end, and from its initial belief before any
    further survey: the policy's expected net present value is at least `Solution.lower`, and no policy's exceeds
    `Solution.upper`. (What a catch short of its quota tells adds nothing: then the stock is gone, and a stock that
    is gone earns nothing.) A stock that is an ensemble is planned for as the mixture of its members, drawn anew
    each year; implementation error is not planned for.

    Parameters
    ----------
    gap
        Where to stop: (upper - lower) / upper.
    seconds
        A safety stop; a result that it ends is marked, because it depends on the machine's speed.
    iterations
        The most walks; None for no limit. The same number gives the same result everywhere.
    memory
        Megabytes for what is remembered of visited beliefs, the oldest of which are forgotten and made anew, and of
        what follows from them. Alpha vectors and points come on top; they are pruned, and far fewer.

    Raises
    ------
    SolverError
        When a setting means nothing.

    Notes
    -----
    ::

        V(b) = max over quotas a of  b.R_a + g W(shift_a b)
        W(e) = sum over o of  P(o | e) V(b after growth from e and observation o)

    b is the belief before harvest, e the belief over escapement, R the profit and g the discount. Growth depends on the
    escapement alone, so harvesting is a shift of the belief and one pair of bounds on W serves all quotas. The search
    walks from the initial belief to where the bounds lie furthest apart, taking the quota that the upper bound favors,
    and tightens both on the way back.

    References
    ----------
    Memarzadeh & Boettiger 2019, Am. Nat. 193:645, doi:10.1086/702704; the search: Smith & Simmons 2004 (HSVI),
    Kurniawati, Hsu & Lee 2008 (SARSOP).

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    >>> problem = eco.HarvestProblem(
    ...     stock=stock,
    ...     survey=eco.NormalSurvey(sd=0.1),
    ...     grid=eco.Grid(upper=2.0, cells=20),
    ...     initial="uniform",
    ... )
    >>> solution = eco.Pomdp(gap=0.02).solve(problem)
    >>> solution.converged, solution.lower <= solution.upper, solution.gap <= 0.02
    (True, True, True)
    """

    gap: float = 0.005
    seconds: float = 60.0
    iterations: int | None = None
    memory: float = 400.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.gap < 1.0:
            raise SolverError(f"Pomdp: gap must be a share in [0, 1), such as 0.01, got {self.gap}")
        if not self.seconds > 0.0:
            raise SolverError(f"Pomdp: seconds must be positive, got {self.seconds}")
        if self.iterations is not None and self.iterations < 0:
            raise SolverError(f"Pomdp: iterations must be at least 0 or None, got {self.iterations}")
        if not 0.0 < self.memory < float("inf"):
            raise SolverError(f"Pomdp: memory must be a positive number of megabytes, got {self.memory}")

    @overload
    def solve(self, problem: HarvestProblem) -> Solution: ...

    @overload
    def solve(self, problem: FinitePomdp) -> FiniteSolution: ...

    def solve(self, problem: HarvestProblem | FinitePomdp) -> Solution | FiniteSolution:
        """Return the policy over beliefs with its bounds.

        Parameters
        ----------
        problem
            A harvest problem; or any finite one, which is solved by `ecodecide.solvers.pomdp.finite`, without the
            structure that makes a harvest problem fast.
        """
        if isinstance(problem, FinitePomdp):
            from ecodecide.solvers.pomdp.finite import solve_finite

            return solve_finite(problem, self.gap, self.seconds, self.iterations, self.memory)
        begin = time.perf_counter()
        arrays = discretize(problem)
        # inside, the largest yearly profit is 1, so that units and prices change nothing but the scale
        scale = float(np.abs(arrays.reward).max()) or 1.0
        # threads inside one solve hurt at these sizes, and would change the last digits
        with threadpool_limits(limits=1):
            search = _Search(replace(arrays, reward=arrays.reward / scale), self.memory)
            status, converged = self._run(search, begin)
        trace = tuple((seconds, lower * scale, upper * scale) for seconds, lower, upper in search.trace)
        return Solution(
            _policy(arrays, search.lower.vectors * scale, search.lower.actions),
            status=status,
            lower=trace[-1][1],
            upper=trace[-1][2],
            converged=converged,
            iterations=search.walks,
            seconds=time.perf_counter() - begin,
            trace=trace,
            settings={"solver": "pomdp", **asdict(self)},
        )

    def _run(self, search: _Search, begin: float) -> tuple[str, bool]:
        while True:
            lower, upper = search.root_bounds()
            search.trace.append((time.perf_counter() - begin, lower, upper))
            # the largest profit is 1 here, and bounds within 1e-12 are one value (if nothing can be earned)
            distance = upper - lower
            gap = 0.0 if distance <= 1e-12 else distance / abs(upper) if upper != 0.0 else float("inf")
            if gap <= self.gap:
                return f"converged: the value is known to {gap:.2%}", True
            left = f"the value is known to {gap:.2%} only, {self.gap:.2%} was asked for"
            if self.iterations is not None and search.walks >= self.iterations:
                return f"stopped after {search.walks} iterations: {left}; allow more iterations", False
            if search.trace[-1][0] >= self.seconds:
                advice = "allow more seconds, a wider gap or a coarser grid"
                return f"stopped by time, not reproducible: {left}; {advice}", False
            if search.sharpening_due:
                search.sharpen(lambda: time.perf_counter() - begin >= self.seconds)
            else:
                search.walk(lower, upper, self.gap * abs(upper))


def _policy(
    arrays: DiscreteProblem, vectors: Array, actions: np.ndarray[Any, np.dtype[np.intp]]
) -> BeliefPolicy:
    """Return the policy of vectors, those of smaller quotas first.

    Of vectors that promise the same the first is followed: from a stock that is extinct, where all promise 0 but for
    rounding, nothing is asked for.
    """
    order = np.argsort(actions, kind="stable")
    rounding = 1e-12 * np.abs(vectors).max()
    return BeliefPolicy(arrays, np.where(np.abs(vectors) < rounding, 0.0, vectors)[order], actions[order])


def _thinned(beliefs: Array, most: int) -> Array:
    """Return some of many beliefs that are much like their neighbors."""
    return beliefs[:: -(-len(beliefs) // most)]


@dataclass(eq=False)
class _Node:
    """A belief over escapement that was visited, and what may be seen after a year of growth from it.

    Attributes
    ----------
    e
        Shape (n,): the belief over escapement.
    heard
        The observations followed one by one; `chance` their probabilities and `rest` that of the others.
    beliefs
        Shape (heard, n): the belief after each.
    worth
        Shape (heard, n): upper bound on each quota there.
    point
        The node's place in the upper bound.
    value
        Upper bound on the node.
    sharpened
        How often the upper bound had been sharpened when `worth` was made.
    """

    e: Array
    heard: Any
    chance: Array
    rest: float
    beliefs: Array
    worth: Array
    point: int | None = None
    value: float = field(default=np.inf)
    sharpened: int = -1


class _Search:
    """The two bounds, the visited beliefs, and the walks that tighten them."""

    def __init__(self, arrays: DiscreteProblem, memory: float) -> None:
        self.arrays = arrays
        self.lower = LowerBound(arrays)
        self.upper = UpperBound(arrays)
        self.walks = 0
        self.sharpened = 0
        self._due = _SHARPEN
        self.visited = np.zeros(len(arrays.initial))
        self.trace: list[tuple[float, float, float]] = []
        self._root = arrays.initial[None, :]
        self._root_worth = self._root @ self.upper.informed
        after = arrays.observation.T * arrays.initial
        self._surveyed = _thinned(after, _FIRST_WITNESSES)
        self._nodes: dict[bytes, _Node] = {}
        n = len(arrays.initial)
        # half for the nodes, n quotas and n states after each of n observations; half for the successors
        # of corners and of points, 24 bytes each
        self._most_nodes = int(memory / 2.0 * 1e6 / (16.0 * n * n))
        self._most_successors = int(memory / 4.0 * 1e6 / 24.0)

    def root_bounds(self) -> tuple[float, float]:
        """Return the bounds of the initial belief."""
        self._root_quota, value = self.upper.best_quotas(self._root, self._root_worth)
        lower, upper = float(self.lower.value(self._root)[0]), float(value[0])
        if lower > upper + 1e-9 * max(1.0, abs(upper)):
            raise SolverError(
                f"the bounds crossed, {lower!r} > {upper!r}: an error of ours, please report it"
            )
        # rounding of the last digit must not turn them around
        return min(lower, upper), upper

    def walk(self, lower: float, upper: float, goal: float) -> None:
        """Follow the widest gap down from the root, then tighten both bounds on the way back."""
        g = self.arrays.discount
        aim = max(0.5 * (upper - lower), 0.9 * goal)
        parent, chance, row = self._root, np.ones(1), 0
        quota = int(self._root_quota[0])
        path = []
        for depth in range(1, _DEPTH + 1):
            node = self._node(parent[row], quota)
            # of a node seen before, the bounds of then show the way; all are tightened on the way back
            quotas, values = self._tighten_upper(node) if node.value == np.inf else self._remembered(node)
            floor = self.lower.value(node.beliefs)
            # beliefs after neighboring observations are much alike: some of them will do, and the walk's own
            above = _thinned(parent * chance[:, None], _WITNESSES)
            witnesses = np.concatenate([above, parent[row, None] * chance[row]])
            path.append((node, witnesses))
            allowed = aim * g**-depth
            excess = node.chance * (values - floor - allowed / g)
            row = int(np.argmax(excess))
            if node.value - float(node.chance @ floor) <= allowed or excess[row] <= 0.0:
                break
            parent, chance, quota = node.beliefs, node.chance, int(quotas[row])
        for node, witnesses in reversed(path):
            self._tighten_lower(node, witnesses, _WORTHWHILE * aim)
            self._tighten_upper(node)
        for node, _ in path:
            np.maximum(self.visited, node.e, out=self.visited)
        self.walks += 1
        if self.walks % 5 == 0:
            self._tidy()

    @property
    def sharpening_due(self) -> bool:
        """Whether the upper bound is to be sharpened before the next walk."""
        return self.walks >= self._due

    def sharpen(self, expired: Callable[[], bool]) -> None:
        """Sharpen the upper bound, each time with points twice as near, and say after how many walks again."""
        before, nearness = self.root_bounds()[1], 1.0 - 0.5 ** (self.sharpened + 1)
        self.sharpened += 1
        self.lower.prune()
        sharpen(self.upper, self.lower, self.visited, nearness, self._most_successors, expired)
        self._root_worth = np.minimum(self._root_worth, self._root @ self.upper.informed)
        lower, after = self.root_bounds()
        paid = before - after > 0.01 * (before - lower)
        self._due *= _AGAIN if paid else _AGAIN**2

    def _node(self, belief: Array, quota: int) -> _Node:
        e = np.empty_like(belief)
        shift(belief, quota, e)
        key = e.tobytes()
        node = self._nodes.pop(key, None)
        if node is None:
            joint = self.arrays.observation.T * (e @ self.arrays.kernel)
            chance = joint.sum(axis=1)
            heard = np.flatnonzero(chance > _UNLIKELY)
            beliefs = joint[heard] / chance[heard, None]
            rest = max(1.0 - float(chance[heard].sum()), 0.0)
            node = _Node(e, heard, chance[heard], rest, beliefs, np.full((len(heard), len(e)), np.inf))
        self._renew(node)
        self._nodes[key] = node
        return node

    def _renew(self, node: _Node) -> None:
        """Bring the bounds on a node's quotas up to the sharpest corners."""
        if node.sharpened < self.sharpened:
            node.sharpened = self.sharpened
            worth = self.upper.worth(node.e, node.beliefs * node.chance[:, None], node.heard)
            node.worth = np.minimum(node.worth, worth / node.chance[:, None])

    def _remembered(self, node: _Node) -> tuple[Any, Array]:
        """Return the best quota after each observation, and its bound, as they were at the last visit."""
        quotas = node.worth.argmax(axis=1)
        values = node.worth[np.arange(len(quotas)), quotas]
        node.value = min(node.value, self._value(node, values))
        return quotas, values

    def _value(self, node: _Node, values: Array) -> float:
        """Return the bound of a node, given those after each observation."""
        backed = float(node.chance @ values) + node.rest * max(float(self.upper.informed.max()), 0.0)
        return min(backed, self.upper.value(node.e))

    def _tighten_upper(self, node: _Node) -> tuple[Any, Array]:
        """Back up the upper bound at a node; return the best quota and its bound after each observation."""
        quotas, values = self.upper.best_quotas(node.beliefs, node.worth)
        node.value = self._value(node, values)
        node.point = self.upper.deepen(node.e, node.value, node.point)
        return quotas, values

    def _tighten_lower(self, node: _Node, witnesses: Array, worthwhile: float) -> None:
        """Back up the lower bound at a node, and keep the vectors that raise it where the walk came from.

        One backup gives a vector for each quota. They are taken in the order of what they add to the bound of
        the witnesses, which hold the chances of their observations, until the rest adds little. Witnesses are,
        besides, the initial belief after each survey that may come before the first quota, as in practice it does.
        """
        arrays = self.arrays
        vectors = self.lower.vectors
        best = np.argmax(node.beliefs @ vectors.T, axis=1)
        after = np.einsum("ox,ox->x", arrays.observation.T[node.heard], vectors[best])
        unheard = 1.0 - arrays.observation[:, node.heard].sum(axis=1)
        after += np.maximum(unheard, 0.0) * vectors[0]
        worth = (arrays.reward + arrays.discount * (arrays.kernel @ after)[arrays.left]).T
        witnesses = np.concatenate([witnesses, self._surveyed])
        new = witnesses @ worth.T
        floor = self.lower.value(witnesses)
        total = float(np.maximum(new.max(axis=1) - floor, 0.0).sum())
        chosen: list[int] = []
        left = total
        while left > max(worthwhile, _REST * total):
            quota = int(np.argmax(np.maximum(new - floor[:, None], 0.0).sum(axis=0)))
            chosen.append(quota)
            floor = np.maximum(floor, new[:, quota])
            left = float(np.maximum(new.max(axis=1) - floor, 0.0).sum())
        if chosen:
            self.lower.add(worth[chosen], np.array(chosen))

    def _tidy(self) -> None:
        self.lower.prune()
        places = self.upper.prune()
        while len(self._nodes) > self._most_nodes:
            del self._nodes[next(iter(self._nodes))]
        for node in self._nodes.values():
            node.point = None if node.point is None else places.get(node.point)
