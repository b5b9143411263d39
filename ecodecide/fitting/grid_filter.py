"""The likelihood of a history under a stock, exact up to the grid, for any growth law and noise.

Each year the belief about biomass is confronted with what was observed, the catch is taken out of it, and it
grows. The probability of all that was seen, year after year, is the likelihood; what is left of the belief
at the end is the present state of the stock. The belief's steps are those of a manager's belief
(`ecodecide.decision.belief`), here on log-spaced cells, because a history can span orders of magnitude, and compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecodecide._kernels.history_filter import backward, band, draw_backward, forward, lognormal_band
from ecodecide.stock.growth import Array
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.protocol import Stock

# Gauss-Hermite nodes and weights of a standard normal: exact for polynomials up to degree 5
_NODES = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)])
_WEIGHTS = np.array([1.0, 4.0, 1.0]) / 6.0


def log_cells(lowest: float, highest: float, cells: int) -> tuple[Array, Array]:
    """Return points and edges of log-spaced cells; the first state is extinction, the second starts at 0.

    Examples
    --------
    >>> points, edges = log_cells(1.0, 100.0, 3)
    >>> edges
    array([-inf,   0.,   1.,  10., 100.])
    """
    inner = np.geomspace(lowest, highest, cells)
    edges = np.concatenate([[-np.inf, 0.0], inner])
    points = np.concatenate([[0.0], 0.5 * (edges[1:-1] + edges[2:])])
    return points, edges


@dataclass(frozen=True, eq=False)
class FilteredHistory:
    """What a filter makes of a history.

    Attributes
    ----------
    log_likelihood
        Log probability (density) of all observations and catches.
    predicted
        Shape (years, n): belief about biomass before harvest, given all up to the year before.
    beliefs
        Shape (years, n): the same, given that year's observations too.
    terminal
        Shape (n,): belief about biomass at the end: after the last catch and growth, or in the last year
        itself where its catch is not known.
    kernel, points, edges
        The cells and P(next cell | escapement point).
    catch, catch_nodes, catch_weights, likelihood
        What the filter was given; the error of the catch as factors and their probabilities.
    """

    log_likelihood: float
    predicted: Array
    beliefs: Array
    terminal: Array
    kernel: Array
    points: Array
    edges: Array
    catch: Array
    catch_nodes: Array
    catch_weights: Array
    likelihood: Array

    @cached_property
    def later(self) -> Array:
        """Shape (years, n): how likely what was seen after each year makes its biomass, up to a factor a year.

        That of the year itself is not in it, its catch is.
        """
        return np.asarray(
            backward(
                self.kernel, *band(self.kernel), self.catch, self.catch_nodes, self.catch_weights,
                self.likelihood, self.points, self.edges,
            ),
            dtype=float,
        )  # fmt: skip

    @property
    def smoothed(self) -> Array:
        """Shape (years, n): belief about each year's biomass given the whole history."""
        rows = self.beliefs * self.later
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=float)

    def without(self, likelihood: Array, series: Array) -> Array:
        """Return the log probability (density) of each year's observation given all others, shape (years,).

        Parameters
        ----------
        likelihood
            Shape (years, n): of this observation at each point.
        series
            Shape (years, n): of the year's other observations; ones where there is none.

        Notes
        -----
        p(y_t | all but y_t) = E[p(y_t | x_t) | all but y_t], exact up to the grid: no year is refitted.
        """
        rows = self.predicted * self.later * series
        with np.errstate(divide="ignore"):
            return np.asarray(np.log((rows * likelihood).sum(axis=1) / rows.sum(axis=1)), dtype=float)

    def draw(self, uniforms: Array) -> tuple[Array, float]:
        """Draw one biomass trajectory given the whole history, backward from its end.

        Parameters
        ----------
        uniforms
            Shape (years + 1,): uniform random numbers on (0, 1).

        Returns
        -------
        biomass
            Shape (years,): biomass before harvest in each year.
        terminal
            Biomass at the end; that of the last year itself where its catch is not known.

        References
        ----------
        Forward filtering on a grid: Kitagawa 1987, Journal of the American Statistical Association 82:1032;
        backward sampling: Carter & Kohn 1994, Biometrika 81:541.
        """
        biomass, at_the_end = draw_backward(
            self.kernel, self.catch, self.catch_nodes, self.catch_weights, self.beliefs, self.terminal,
            self.points, self.edges, uniforms,
        )  # fmt: skip
        return biomass, float(at_the_end)


def filter_history(
    stock: Stock,
    catch: Array,
    likelihood: Array,
    initial: Array,
    points: Array,
    edges: Array,
    catch_cv: float = 0.0,
) -> FilteredHistory:
    """Run the filter over a history.

    Parameters
    ----------
    stock
        How the stock grows.
    catch
        Shape (years,): catches; the last may be NaN.
    likelihood
        Shape (years, n): probability (density) of each year's observations at each point; ones where none.
    initial
        Shape (n,): belief before the first observation.
    points, edges
        The cells, any cells.
    catch_cv
        Error of the reported catch, lognormal; a reported catch that the stock cannot bear is thereby unlikely,
        not impossible.

    Returns
    -------
    FilteredHistory
        The likelihood is minus infinity when the stock cannot have borne its catches.
    """
    kernel, first, last = _growth(stock, points, edges)
    nodes, weights = catch_nodes(catch_cv)
    total, predicted, beliefs, terminal = forward(
        kernel, first, last, catch, nodes, weights, likelihood, initial, points, edges
    )
    return FilteredHistory(
        float(total), predicted, beliefs, terminal, kernel, points, edges, catch, nodes, weights, likelihood
    )


def _growth(stock: Stock, points: Array, edges: Array) -> tuple[Array, Array, Array]:
    """Return P(next cell | escapement point), what exceeds the last cell counted to it, and the band of each row."""
    match stock:
        case ParametricStock(noise=LognormalNoise(sigma=sigma, center="median")) if edges[1] == 0.0:
            with np.errstate(divide="ignore"):
                return lognormal_band(np.log(stock.growth(points)), float(sigma), np.log(edges[1:]))  # type: ignore[no-any-return]
    kernel = np.ascontiguousarray(stock.kernel(points, edges))
    kernel[:, -1] += np.maximum(1.0 - kernel.sum(axis=1), 0.0)
    return kernel, *band(kernel)


def catch_nodes(catch_cv: float) -> tuple[Array, Array]:
    """Return factors of a reported catch, and their probabilities."""
    if catch_cv == 0.0:
        return np.ones(1), np.ones(1)
    return np.exp(np.sqrt(np.log1p(catch_cv**2)) * _NODES), _WEIGHTS
