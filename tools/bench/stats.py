# SPDX-License-Identifier: GPL-2.0
"""Median and spread of a few runs, and whether two sets of runs differ by more than noise."""

from __future__ import annotations

import math
from itertools import combinations
from statistics import median
from typing import NamedTuple

_SMALL = 0.03  # a difference of the medians below this share is never called a change
_CHANCE = 0.02  # a difference this improbable without a cause is called one
_APART = 2.0  # or, where runs are too few for that: medians so many times the ranges apart
_EXACT = 200_000  # ways to split the runs up to which all of them are counted


class Summary(NamedTuple):
    median: float
    least: float
    most: float
    count: int

    @property
    def spread(self) -> float:
        """Half of the range, as a share of the median."""
        return (self.most - self.least) / 2 / self.median if self.median else 0.0


def summary(runs: list[float]) -> Summary:
    return Summary(median(runs), min(runs), max(runs), len(runs))


def number(value: float) -> str:
    """Three digits that say something."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    digits = 3
    text = f"{value:.{digits}g}"
    return f"{value:.6f}".rstrip("0") if "e" in text else text


def _over(left: list[float], right: list[float]) -> float:
    """The U of Mann and Whitney: pairs in which the left one is larger; a tie is half of one."""
    return sum((a > b) + (a == b) / 2 for a in left for b in right)


def chance(left: list[float], right: list[float]) -> float:
    """The probability that runs without a difference look at least as different (two-sided)."""
    n, m = len(left), len(right)
    middle = n * m / 2
    seen = abs(_over(left, right) - middle)
    if math.comb(n + m, n) > _EXACT:
        sigma = math.sqrt(n * m * (n + m + 1) / 12)
        return math.erfc(max(0.0, seen - 0.5) / sigma / math.sqrt(2))
    both = left + right
    as_far = 0
    for picked in combinations(range(n + m), n):
        chosen = set(picked)
        one = [both[i] for i in picked]
        other = [both[i] for i in range(n + m) if i not in chosen]
        as_far += abs(_over(one, other) - middle) >= seen
    return as_far / math.comb(n + m, n)


def _far_apart(left: list[float], right: list[float]) -> bool:
    ranges = max(left) - min(left) + max(right) - min(right)
    return abs(median(left) - median(right)) > _APART * ranges


class Verdict(NamedTuple):
    change: float  # of the median, as a share of the old one
    real: bool  # more than noise


def verdict(old: list[float], new: list[float]) -> Verdict:
    before, now = median(old), median(new)
    if not before:
        return Verdict(0.0 if not now else math.inf, bool(now) and min(new) > max(old))
    change = now / before - 1
    if abs(change) < _SMALL:
        return Verdict(change, False)
    alone = len(old) < 2 or len(new) < 2  # a single run has no range to be compared with
    real = chance(old, new) <= _CHANCE or (not alone and _far_apart(old, new))
    return Verdict(change, real)
