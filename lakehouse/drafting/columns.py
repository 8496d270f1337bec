"""The properties of a drafted contract, one for each column, as lines of YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lakehouse.drafting.bounds import natural, signed, widened
from lakehouse.drafting.cells import Guess
from lakehouse.drafting.measures import Measure, is_number
from lakehouse.drafting.yaml import comment, flow, scalar, todo

_LOGICAL = {
    "VARCHAR": ("string", {}),
    "INTEGER": ("integer", {}),
    "BIGINT": ("integer", {"format": "i64"}),
    "DOUBLE": ("number", {}),
    "FLOAT": ("number", {"format": "f32"}),
    "BOOLEAN": ("boolean", {}),
    "DATE": ("date", {}),
    "TIMESTAMPTZ": ("timestamp", {}),
    "TIME": ("time", {}),
}
_INT32 = 2**31 - 1
_TREATED = {"hash": "equal values stay equal", "mask": "the value is not readable any more"}


@dataclass(frozen=True)
class Property:
    """All that is said of one column.

    Attributes:
        guess: The column.
        measure: Its measures.
        rows: Rows of the sample.
        positional: Whether the file calls it otherwise.
        place: Its place in the key, from 1; 0 if it is not in the key.
        alone: Whether it is the whole key.
        partitioned: Whether it cuts the table.
        kinds: What personal data it seems to hold.
        treatment: What becomes of them.
        reference: A column of another dataset of that name, or empty.
        quality: Lines of its quality checks.
    """

    guess: Guess
    measure: Measure
    rows: int
    positional: bool = False
    place: int = 0
    alone: bool = False
    partitioned: bool = False
    kinds: tuple[str, ...] = ()
    treatment: str = ""
    reference: str = ""
    quality: Sequence[str] = field(default_factory=tuple)

    @property
    def required(self) -> bool:
        """Whether each row of the sample has a value."""
        return self.measure.filled == self.rows

    def lines(self) -> list[str]:
        """Returns the property, a list item without indentation."""
        options, notes = dict(_logical(self.guess)[1]), list(_notes(self))
        if not self.kinds:
            more, told = _options(self)
            options |= more
            notes += told
        body = [f"- name: {scalar(self.guess.name)}", *notes]
        if self.positional and self.guess.label:
            body.append(f"  businessName: {scalar(self.guess.label)}")
        body.append(f"  logicalType: {_logical(self.guess)[0]}")
        if self.guess.type.startswith("DECIMAL"):
            body.append(f"  physicalType: {scalar(self.guess.type)}")
        if options:
            body.append(f"  logicalTypeOptions: {flow(options)}")
        body += _marks(self)
        if self.quality:
            body += ["  quality:", *(f"    {line}" for line in self.quality)]
        return body


def computed(name: str, expression: str, sources: Sequence[str]) -> list[str]:
    """Returns the property of a day that is computed from three columns and cuts the table."""
    return [
        f"- name: {scalar(name)}",
        f"  # Computed from {', '.join(sources)}: it decides a row's partition.",
        "  logicalType: date",
        "  required: true",
        "  partitioned: true",
        f"  transformLogic: {scalar(expression)}",
        f"  transformSourceObjects: {flow(list(sources))}",
    ]


def _logical(guess: Guess) -> tuple[str, Mapping[str, object]]:
    return _LOGICAL.get(guess.type, ("number", {}))


def _notes(said: Property) -> Iterator[str]:
    """Yields the comments about type, emptiness and personal data."""
    for doubt in said.guess.doubts:
        yield from todo(f"{doubt}.", 2)
    empty = said.rows - said.measure.filled
    if 0 < empty < said.rows:
        yield from comment(f"Empty in {empty:,} of {said.rows:,} rows.", 2)
    if said.kinds:
        kinds = ", ".join(said.kinds)
        why = f"looks like personal data ({kinds}): is it? {said.treatment}ed here, so that"
        yield from todo(f"{why} {_TREATED[said.treatment]}.", 2)
    if said.reference:
        entry = f"`relationships: [{{to: {said.reference}}}]`"
        yield from todo(f"is this {said.reference}? Then write {entry}.", 2)


def _options(said: Property) -> tuple[dict[str, object], list[str]]:
    """Returns options of the type that all rows keep to, and what was observed."""
    guess, measure = said.guess, said.measure
    if guess.pattern:
        return {"format": guess.pattern}, []
    if is_number(guess) and measure.filled:
        return _range(said)
    if guess.type != "VARCHAR" or not measure.filled or measure.values:
        return {}, []
    if measure.shape:
        return {"pattern": measure.shape}, []
    longest = widened(0, max(int(measure.high), 10), whole=True)[1]
    note = f"Texts of {measure.low} to {measure.high} characters."
    return {"maxLength": longest}, comment(note, 2)


def _range(said: Property) -> tuple[dict[str, object], list[str]]:
    """Returns a range with room; numbers that count on have no upper end."""
    low, high = _number(said, said.measure.low), _number(said, said.measure.high)
    note = comment(f"Observed: {scalar(low)} to {scalar(high)}.", 2)
    known = natural(said.guess.name, low, high)
    if known:
        return {"minimum": known[0], "maximum": known[1]}, note
    whole = said.guess.type in ("INTEGER", "BIGINT")
    counts_on = said.alone or said.guess.name.lower().endswith(("id", "_no", "number"))
    if whole and counts_on:
        return ({"minimum": 0} if low >= 0 else {}), note
    least, most = widened(low, high, whole=whole)
    if signed(said.guess.name):
        least = min(least, -most)
    if said.guess.type == "INTEGER":
        least, most = max(least, -_INT32), min(most, _INT32)
    if said.guess.type.startswith("DECIMAL"):
        return {"minimum": least}, note
    return {"minimum": least, "maximum": most}, note


def _number(said: Property, value: object) -> float:
    whole = said.guess.type in ("INTEGER", "BIGINT")
    return int(str(value)) if whole else float(str(value))


def _marks(said: Property) -> list[str]:
    """Returns key, requirement, partition, classification and enumeration."""
    body = []
    if said.place:
        body.append("  primaryKey: true")
        body += [] if said.alone else [f"  primaryKeyPosition: {said.place}"]
    elif said.required:
        body.append("  required: true")
    if said.partitioned:
        body.append("  partitioned: true")
    if said.kinds:
        custom = flow({"property": "privacy", "value": said.treatment})
        body += ["  classification: restricted", "  customProperties:", f"    - {custom}"]
    elif said.measure.values:
        body += _enumeration(said.measure.values)
    return body


def _enumeration(values: Mapping[str, int]) -> list[str]:
    body = [
        "  # TODO: are these all values? A row with another one goes to quarantine.",
        "  enum:",
    ]
    for value, count in values.items():
        seen = f"# {count:,} rows" if count != 1 else "# 1 row"
        body.append(f"    - {flow({'value': value})}  {seen}")
    return body
