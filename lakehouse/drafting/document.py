"""A drafted contract as text: what stands above and around its columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lakehouse.drafting.cells import Cells
from lakehouse.drafting.outline import Outline
from lakehouse.drafting.sample import Sample
from lakehouse.drafting.yaml import comment, flow, indented, scalar, todo
from lakehouse.results import counted

_PATTERN = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
_ROOM = 1.5


@dataclass(frozen=True)
class Text:
    """What the document is made of.

    Attributes:
        dataset: Name of the dataset.
        sample: What was read.
        cells: How cells are read.
        outline: Key, cut and delivery.
        properties: Lines of the columns.
        quality: Lines of the table's checks.
        now: The lake's clock.
    """

    dataset: str
    sample: Sample
    cells: Cells
    outline: Outline
    properties: Sequence[str]
    quality: Sequence[str]
    now: datetime

    def dumps(self) -> str:
        """Returns the contract."""
        lines = [
            *_head(self.dataset, self.sample),
            "customProperties:",
            *indented(_delivery(self.outline), 2),
            *indented(_partition(self.outline, self.sample), 2),
            *indented(_read(self.sample, self.cells), 2),
            "",
            *_freshness(self.dataset, self.outline, self.now),
            "schema:",
            f"  - name: {self.dataset}",
            "    physicalType: table",
            *todo("what is one row, in a sentence? Write it as `description`.", 4),
            *indented(_key(self.outline), 4),
            "    properties:",
            *indented(self.properties, 6),
            "    quality:",
            *indented(self.quality, 6),
        ]
        return "\n".join(lines) + "\n"


def read_options(sample: Sample, cells: Cells) -> dict[str, object]:
    """Returns the custom property `read`, without what goes without saying."""
    made: dict[str, object] = {"format": sample.format}
    if any(not file.named for file in sample.files):
        made["compression"] = sample.files[0].compression
    if sample.encoding != "utf-8":
        made["encoding"] = sample.encoding
    if sample.dialect is not None:
        made |= _dialect(sample)
    if cells.decimal != ".":
        made["decimal"] = cells.decimal
    if cells.nulls:
        made["nulls"] = list(cells.nulls)
    return made


def _dialect(sample: Sample) -> dict[str, object]:
    dialect, made = sample.dialect, dict[str, object]()
    if dialect is None:
        return made
    if dialect.delimiter != ("\t" if sample.format == "tsv" else ","):
        made["delimiter"] = dialect.delimiter
    if dialect.quote != '"':
        made["quote"] = dialect.quote
    skip = dialect.skip + (1 if dialect.header and sample.positional else 0)
    if sample.positional:
        made["header"] = False
    if skip:
        made["skip"] = skip
    return made


def _head(dataset: str, sample: Sample) -> list[str]:
    first, last = sample.files[0].key, sample.files[-1].key
    files = first if first == last else f"{first} to {last}"
    read = f"{counted(len(sample.files), 'file')} ({files}), {counted(sample.rows, 'row')}"
    about = f"Drafted from a sample: {read}. What it says was observed there, ranges with some room"
    lines = comment(f"{about}. Lines with TODO are questions to whoever knows the data.")
    if not sample.whole:
        part = f"Not all of {counted(sample.listed, 'file')} were read, or not all their rows"
        lines += comment(f"{part}: keys, ranges and values may be wider in the rest.")
    if sample.broken:
        lines += todo(f"{counted(sample.broken, 'record')} could not be split into columns: why?")
    return [
        *lines,
        "apiVersion: v3.1.0",
        "kind: DataContract",
        f"id: {scalar(dataset)}",
        f"name: {scalar(dataset)}",
        "version: 0.1.0",
        "status: draft",
        "",
        *todo("what is it for, where does it come from, where does it end?"),
        "description:",
        f"  purpose: {scalar(f'Files of {dataset} as they were delivered.')}",
        "",
        *todo("who answers for the data?"),
        "team:",
        f"  name: {scalar(f'{dataset}-owners')}",
        "",
    ]


def _delivery(outline: Outline) -> list[str]:
    return [
        *comment(outline.reason),
        *todo("what does a new file mean: `full`, `replace` or `incremental`?"),
        "- property: delivery",
        f"  value: {outline.delivery}",
        "- property: quarantineLimit",
        "  value: 0.05",
    ]


def _partition(outline: Outline, sample: Sample) -> list[str]:
    cut = outline.cut
    if cut is None and outline.uncut is None:
        return []
    if cut is None:
        column = outline.uncut.column if outline.uncut else ""
        why = f"should {column} cut the table? Then it must be in the key as well"
        return todo(f"{why}, with `partitioned: true` and the property `partition`.")
    first = cut.first
    if not sample.whole:  # rows that were not read may be older
        first = first.replace(year=first.year - 1, month=1, day=1)
    start = first.strftime(_PATTERN[cut.granularity])
    plural = "s" if cut.partitions > 1 else ""
    rows = f"{cut.least:,} to {cut.most:,} rows" if cut.partitions > 1 else f"{cut.most:,} rows"
    return [
        *comment(f"{cut.partitions:,} {cut.granularity}{plural} of {rows} in the sample."),
        *todo("can earlier rows come? Those before `start` go to quarantine."),
        "- property: partition",
        f"  value: {flow({'granularity': cut.granularity, 'start': start})}",
    ]


def _read(sample: Sample, cells: Cells) -> list[str]:
    lines, dialect = list[str](), sample.dialect
    if dialect is not None and not dialect.header:
        lines += todo("no line names the columns: what are they called, from left to right?")
    elif sample.positional:
        why = "The header has names that columns cannot have: it is skipped, columns count by place"
        lines += comment(f"{why}; `businessName` keeps what the file says.")
    elif dialect is not None and not dialect.sure:
        lines += todo("the first line was taken for a header: does it name the columns?")
    if cells.nulls:
        lines += comment("`nulls`: what stands for a missing value, beside nothing at all.")
    return [*lines, "- property: read", f"  value: {flow(read_options(sample, cells))}"]


def _freshness(dataset: str, outline: Outline, now: datetime) -> list[str]:
    """Returns the service level, as a comment where the sample would break it already."""
    cut = outline.cut or outline.uncut
    if cut is None:
        return []
    if cut.gap is None:
        return [*todo("how old may the newest row be? Write `slaProperties` with freshness."), ""]
    hours = max(math.ceil(cut.gap / timedelta(hours=1) * _ROOM), 1)
    value, unit = (hours, "h") if hours < 48 else (math.ceil(hours / 24), "d")
    days = cut.gap / timedelta(days=1)
    every = f"{days:.0f} days" if days >= 2 else f"{cut.gap / timedelta(hours=1):.0f} hours"
    entry = [
        "slaProperties:",
        "  - property: freshness",
        f"    value: {value}",
        f"    unit: {unit}",
        f"    element: {dataset}.{cut.column}",
    ]
    asked = todo(f"the newest rows of two files are {every} apart: is this limit right?")
    if now - cut.newest.replace(tzinfo=UTC) > timedelta(hours=value if unit == "h" else value * 24):
        old = f"Its newest row is of {cut.newest:%Y-%m-%d}, so the limit is not in force yet."
        return [*asked, *comment(old), *(f"# {line}" for line in entry), ""]
    return [*asked, *entry, ""]


def _key(outline: Outline) -> list[str]:
    key = outline.key
    if not key.columns:
        return [*todo("no few columns tell rows apart: is there a key?")]
    listed = ", ".join(key.columns)
    where = "in each file" if key.scope == "file" else "in the sample"
    lines = todo(f"no two rows {where} have the same {listed}: is that the key?")
    if key.others:
        lines += comment(f"Also unique: {', '.join(key.others)}.")
    return lines


def questions(text: str) -> tuple[str, ...]:
    """Returns the questions of a drafted contract, in their order."""
    mark = "# TODO: "
    return tuple(line.split(mark, 1)[1] for line in text.splitlines() if mark in line)


def described(options: Mapping[str, object]) -> str:
    """Returns read options in a few words.

    >>> described({"format": "csv", "delimiter": ";", "nulls": ["NA"]})
    "csv, delimiter ';', nulls 'NA'"
    """
    words = [str(options["format"])]
    for key, value in options.items():
        if key != "format":
            listed = value if isinstance(value, list) else [value]
            words.append(f"{key} {' '.join(repr(item) for item in listed)}")
    return ", ".join(words)
