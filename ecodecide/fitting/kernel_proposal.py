"""A proposal in the shape of what is known of a density: kernels at points of it, and one wide kernel over all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lgamma

import numpy as np
from scipy.linalg import solve_triangular

from ecodecide.stock.growth import Array

_FREEDOM = 5.0
"""Of the Student t kernels, whose tails are heavier than a posterior's."""
_CENTERS, _WIDE = 1500, 1.2
"""The most kernels; by how much the spread of the wide one exceeds that of the points."""
_WIDE_SHARE, _MOST_WIDE = 0.05, 0.8
"""How much goes to the wide one for each number, and at most: where there are many, kernels blur what they show."""


@dataclass(frozen=True, eq=False)
class KernelProposal:
    """A mixture of Student t densities.

    Attributes
    ----------
    centers
        Shape (m, k): the last is of the wide one.
    root
        Shape (k, k): lower triangular root of the covariance of the points.
    width, share
        Shape (m,): of each kernel, in units of the root, and how often it is chosen.
    """

    centers: Array
    root: Array
    width: Array
    share: Array

    @classmethod
    def of(cls, points: Array) -> KernelProposal:
        """Return the proposal for points of equal weight, shape (count, k)."""
        count, k = points.shape
        covariance = np.atleast_2d(np.cov(points, rowvar=False))
        # a direction in which the points do not differ is given a sliver of width
        covariance += 1e-10 * np.diag(np.maximum(np.diag(covariance), 1e-6))
        centers = points[np.linspace(0, count - 1, min(count, _CENTERS)).round().astype(int)]
        m = len(centers)
        # the width that is best for a normal density (Silverman 1986, Density Estimation, section 4.3.2)
        width = (4.0 / ((k + 2.0) * m)) ** (1.0 / (k + 4.0))
        wide = min(_WIDE_SHARE * k, _MOST_WIDE)
        return cls(
            np.vstack([centers, points.mean(axis=0)]),
            np.asarray(np.linalg.cholesky(covariance), dtype=float),
            np.append(np.full(m, width), _WIDE),
            np.append(np.full(m, (1.0 - wide) / m), wide),
        )

    def draw(self, count: int, random: np.random.RandomState | np.random.Generator) -> Array:
        """Return points, shape (count, k)."""
        kernels = random.choice(len(self.share), size=count, p=self.share)
        normal = random.standard_normal((count, len(self.root)))
        stretch = self.width[kernels] / np.sqrt(random.chisquare(_FREEDOM, size=count) / _FREEDOM)
        return np.asarray(self.centers[kernels] + stretch[:, None] * (normal @ self.root.T), dtype=float)

    def log_density(self, points: Array) -> Array:
        """Return the log density of points, shape (count, k)."""
        k = len(self.root)
        apart = self._whitened(points)[:, None, :] - self._white_centers
        square = np.einsum("ijk,ijk->ij", apart, apart) / self.width**2
        each = self._log_constants - 0.5 * (_FREEDOM + k) * np.log1p(square / _FREEDOM)
        top = each.max(axis=1)
        return np.asarray(top + np.log(np.exp(each - top[:, None]).sum(axis=1)), dtype=float)

    def _whitened(self, points: Array) -> Array:
        return np.asarray(solve_triangular(self.root, points.T, lower=True).T, dtype=float)

    @cached_property
    def _white_centers(self) -> Array:
        return self._whitened(self.centers)

    @cached_property
    def _log_constants(self) -> Array:
        """Shape (m,): log of each kernel's share and of its density at its center."""
        k = len(self.root)
        constant = lgamma(0.5 * (_FREEDOM + k)) - lgamma(0.5 * _FREEDOM) - 0.5 * k * np.log(np.pi * _FREEDOM)
        constant -= float(np.log(np.diag(self.root)).sum())
        return np.asarray(constant - k * np.log(self.width) + np.log(self.share), dtype=float)
