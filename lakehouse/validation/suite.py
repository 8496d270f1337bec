"""Builds Great Expectations' objects from a contract's expectations, or refuses them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehouse.contract import Expectation
from lakehouse.errors import ExpectationRefused, UnknownName, did_you_mean

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation as GxExpectation


@dataclass(frozen=True)
class Item:
    """One expectation of a suite, as declared and as Great Expectations knows it."""

    name: str
    declared: Expectation
    built: GxExpectation

    @property
    def map_metric(self) -> str | None:
        """The metric of an expectation about single rows, or None."""
        found: str | None = getattr(self.built, "map_metric", None)
        return found

    @property
    def about_rows(self) -> bool:
        """Whether it judges single rows, so that unexpected ones can be counted and shown."""
        return self.map_metric is not None

    @property
    def mode(self) -> dict[str, Any]:
        """How much Great Expectations is to find out.

        For rows the verdict alone: the counts are read from the metrics, and its own examples
        would cost a query per partition.
        """
        return {"result_format": {"result_format": "BOOLEAN_ONLY" if self.about_rows else "BASIC"}}


def build(expectations: Iterable[Expectation]) -> tuple[Item, ...]:
    """Returns the suite; names of repeated expectations are told apart by a number.

    Raises:
        UnknownName: Great Expectations has no expectation of that type.
        ExpectationRefused: Its arguments cannot be used.
    """
    items: list[Item] = []
    seen: dict[str, int] = {}
    for declared in expectations:
        seen[declared.name] = count = seen.get(declared.name, 0) + 1
        name = declared.name if count == 1 else f"{declared.name}_{count}"
        items.append(Item(name, declared, _built(declared)))
    return tuple(items)


def _built(declared: Expectation) -> GxExpectation:
    """Returns Great Expectations' object for one declared expectation."""
    import_great_expectations()
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations import registry
    from great_expectations.expectations.expectation import _convert_string_to_condition

    known = registry.list_registered_expectation_implementations()
    if declared.type not in known:
        raise UnknownName("expectation", declared.type, sorted(known))
    implementation: type[GxExpectation] = registry.get_expectation_impl(declared.type)
    arguments = set(implementation.__fields__)
    for name in sorted(set(declared.kwargs) - arguments):
        why = f"it has no argument '{name}'.{did_you_mean(name, arguments)}"
        raise ExpectationRefused(declared.type, why)
    kwargs: dict[str, Any] = dict(declared.kwargs)
    try:
        if isinstance(condition := kwargs.get("row_condition"), str):
            # A contract is text, and Great Expectations will no longer read conditions as text.
            kwargs["row_condition"] = _convert_string_to_condition(condition)
        return implementation(**kwargs, notes=declared.notes)
    except (GreatExpectationsError, ValueError, TypeError) as error:
        raise ExpectationRefused(declared.type, " ".join(str(error).split())) from error


def import_great_expectations() -> None:
    """Imports the library without the deprecation warnings of what it imports in turn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"module 'sre_\w+' is deprecated")
        import great_expectations.expectations.core  # noqa: F401 - registers all expectations
