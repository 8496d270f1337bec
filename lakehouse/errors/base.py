"""What all errors share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns `` Did you mean 'x'?`` for the nearest of `known`, or an empty string."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{near[0]}'?" if near else ""


class LakehouseError(Exception):
    """Root of all errors raised on purpose; `exit_code` is what the command line returns."""

    exit_code = 2

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)
        self.parts = parts

    def message(self) -> str:
        """Returns the sentence shown to a person."""
        return " ".join(str(part) for part in self.parts)

    def __str__(self) -> str:
        return self.message()

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), self.parts)
