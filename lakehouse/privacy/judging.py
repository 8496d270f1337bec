"""When what a few values show is enough to say that a column holds identifiers of people."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lakehouse.privacy.detectors import DETECTORS, Detector
from lakehouse.privacy.names import Hint, suggested

SHARE = 0.05
"""Share of the distinct values that must be hits, unless one hit is certain."""
LEAST = 3
"""Distinct values that must be hits, or all where there are fewer."""
_BORNE_OUT = 0.5
"""Share of the distinct values that must look as the column's name suggests."""
_SHOWN = 40


@dataclass(frozen=True)
class Tally:
    """What a detector found among the distinct values of a column.

    Attributes:
        distinct: All distinct values.
        candidates: Those that passed the detector's sieve.
        hits: Those that passed its test; where only a sample was tested, what it stands for.
    """

    distinct: int
    candidates: int
    hits: int

    def convinces(self, detector: Detector) -> bool:
        """Returns whether the hits are no chance."""
        if not self.hits or self.hits < detector.trust * self.candidates:
            return False
        clear = self.hits >= min(LEAST, self.distinct) and self.hits >= SHARE * self.distinct
        return detector.certain or clear


def likely_kinds(column: str, values: Iterable[object]) -> tuple[str, ...]:
    """Returns the kinds of identifiers that a column seems to hold, none twice.

    Args:
        column: The column's name.
        values: A sample of its values, of any type; nulls and empty texts do not count.

    >>> likely_kinds("contact", ["ada@example.org", None])
    ('email',)
    >>> likely_kinds("tailnum", ["N14228", "N24211"])
    ()
    """
    texts = sorted({text for value in values if value is not None and (text := str(value).strip())})
    found = [hint.kind for hint in suggested(column) if borne_out(hint, texts)]
    for detector in DETECTORS:
        candidates = [text for text in texts if detector.sifts(text)]
        hits = sum(detector.hits(text) for text in candidates)
        if Tally(len(texts), len(candidates), hits).convinces(detector):
            found.append(detector.kind)
    return settled(found)


def borne_out(hint: Hint, texts: Iterable[str]) -> bool:
    """Returns whether distinct values look as the column's name suggests."""
    looks = [re.fullmatch(hint.shape, text) is not None for text in texts]
    return bool(looks) and sum(looks) >= _BORNE_OUT * len(looks)


def settled(kinds: Iterable[str]) -> tuple[str, ...]:
    """Returns each kind once; a number in a column of fax numbers is not told as a telephone's."""
    once = tuple(dict.fromkeys(kinds))
    return tuple(kind for kind in once if not (kind == "phone" and "fax" in once))


def outline(text: str) -> str:
    """Returns the form of a value without the value.

    >>> outline("ada.l@example.org")
    'aaa.a@aaaaaaa.aaa'
    """
    form = re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "a", text))
    return form if len(form) <= _SHOWN else f"{form[:_SHOWN]}…"
