"""How far apart two histograms on the same bins are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIGNIFICANCE = 0.001
"""A difference is believed below this p-value; how large it is, is another question."""


def psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """Returns the population stability index, in nats: 0 is equal, above 0.25 is a large shift.

    The sum over bins of (p - q) ln(p / q), which is the symmetric divergence of Jeffreys (Lewis,
    "An Introduction to Credit Scoring", 1994; Yurdakul and Naranjo, "Statistical properties of the
    population stability index", Journal of Risk Model Validation 2020). Half a row is added to each
    bin (Krichevsky and Trofimov 1981), so that an empty bin gives a finite value.

    Args:
        reference: Rows per bin.
        current: Rows per bin, the same bins.

    >>> psi([50, 50], [50, 50])
    0.0
    """
    p, q = _shares(current, 0.5), _shares(reference, 0.5)
    return float(np.sum((p - q) * np.log(p / q)))


def js_distance(reference: Sequence[int], current: Sequence[int]) -> float:
    """Returns the Jensen-Shannon distance: 0 is equal, 1 is nothing in common.

    The square root of the divergence in bits (Lin, "Divergence measures based on the Shannon
    entropy", IEEE Transactions on Information Theory 1991), which is a metric (Endres and
    Schindelin 2003).

    >>> js_distance([10, 0], [0, 10])
    1.0
    """
    p, q = _shares(current), _shares(reference)
    middle = (p + q) / 2
    divergence = (_entropy_against(p, middle) + _entropy_against(q, middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def p_value(reference: Sequence[int], current: Sequence[int]) -> float:
    """Returns how likely so large a difference is by chance alone (Pearson's chi-squared test).

    1 where there is nothing to compare: no rows on a side, or a single bin in use.
    """
    table = np.array([reference, current])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    from scipy.stats import chi2_contingency  # takes a second, and sensors import this package

    return float(chi2_contingency(table, correction=False).pvalue)


def _shares(counts: Sequence[int], added: float = 0.0) -> NDArray[np.float64]:
    """Returns each bin's share; without any rows all are equal."""
    filled = np.asarray(counts, dtype=np.float64) + added
    total = filled.sum()
    return filled / total if total else np.full(len(filled), 1 / len(filled))


def _entropy_against(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    used = p > 0
    return float(np.sum(p[used] * np.log2(p[used] / q[used])))
