"""Drafts a contract from a sample: read, measure, decide, write, and load what was written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from lakehouse import contract as contracts
from lakehouse.connection import connect
from lakehouse.contract.columns import NAME
from lakehouse.contract.loading import SUFFIX
from lakehouse.drafting import columns, expectations
from lakehouse.drafting.cells import Cells, Guess, infer
from lakehouse.drafting.document import Text, described, questions, read_options
from lakehouse.drafting.files import find
from lakehouse.drafting.measures import Measure, measure
from lakehouse.drafting.outline import Outline, outline
from lakehouse.drafting.personal import find_in_others, find_personal, is_mild
from lakehouse.drafting.result import Drafted
from lakehouse.drafting.sample import Sample, load
from lakehouse.errors import ContractError, DraftRefused
from lakehouse.settings import Settings


@dataclass(frozen=True)
class _Seen:
    """All that was found out about a sample."""

    sample: Sample
    cells: Cells
    measures: Mapping[str, Measure]
    personal: Mapping[str, tuple[str, ...]]
    outline: Outline
    checks: Mapping[str, list[str]]
    quality: list[str]


def draft(settings: Settings, dataset: str, source: str) -> Drafted:
    """Writes a contract that the next run can work with, from a sample of the dataset's files.

    Args:
        settings: Say where the contract belongs and what clock is in force.
        dataset: Name of the new dataset.
        source: File or folder with the sample; it is only read.

    Raises:
        DraftRefused: The name cannot be used, the dataset is declared already, or the sample is
            empty, unreadable or not of one kind.
    """
    target = settings.project / "assets" / "contracts" / f"{dataset}{SUFFIX}"
    if not NAME.fullmatch(dataset):
        raise DraftRefused(source, f"{dataset!r} is not a name of letters, digits and _")
    if target.exists():
        raise DraftRefused(source, f"{target} is there already; remove it or take another name")
    files = find(Path(source).expanduser())
    (settings.home / "tmp").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="draft-", dir=settings.home / "tmp") as scratch:
        folder = Path(scratch)
        with connect(settings, str(folder / "sample.duckdb"), tables=False) as connection:
            seen = _look(connection, load(connection, files, folder), settings)
        text = _text(seen, dataset, settings)
        _check(folder / target.name, text)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise DraftRefused(source, f"{target} has just been written by another") from None
    return _drafted(seen, dataset, target, text)


def _check(file: Path, text: str) -> None:
    """Loads what is about to be written: a draft that cannot be loaded is never seen."""
    file.write_text(text, encoding="utf-8")
    contracts.load(file)


def _look(connection: duckdb.DuckDBPyConnection, sample: Sample, settings: Settings) -> _Seen:
    cells = infer(connection, sample)
    measures = measure(connection, cells.guesses)
    others = find_in_others(connection, cells.guesses)
    mild = {name for name, kinds in others.items() if is_mild(kinds)}
    cells = replace(cells, guesses=tuple(_asked(guess, mild) for guess in cells.guesses))
    personal = {name: kinds for name, kinds in others.items() if name not in mild}
    # a key that is hashed needs the lake's secret; without one such a column cannot be the key
    may_hash = settings.read_hash_key() is not None
    label, found = "0", find_personal(connection, cells.guesses)
    while found.keys() - personal.keys() or label == "0":
        personal |= found
        usable = [g for g in cells.guesses if g.name not in personal or _hashable(g, may_hash)]
        made = outline(connection, usable, measures, sample.rows, len(sample.files))
        label = made.label
        found = find_personal(connection, cells.guesses, label)
    group = expectations.grouping(connection, made, sample.rows)
    judged = [g for g in cells.guesses if g.name not in {*personal, *made.key.columns}]
    checks = expectations.column_checks(connection, judged, measures, group, sample.rows)
    quality = expectations.row_count(made, group, sample.whole)
    return _Seen(sample, cells, measures, personal, made, checks, quality)


def _asked(guess: Guess, mild: Collection[str]) -> Guess:
    """Returns the guess with a question where a number may be that of a person."""
    if guess.name not in mild:
        return guess
    ask = "does it tell who a person is? Then `classification: restricted`, `privacy: hash`"
    return replace(guess, doubts=(*guess.doubts, ask))


def _hashable(guess: Guess, may_hash: bool) -> bool:
    return may_hash and guess.type in ("VARCHAR", "INTEGER", "BIGINT")


def _text(seen: _Seen, dataset: str, settings: Settings) -> str:
    known = _keys(settings.project / "assets" / "contracts")
    lines = []
    for guess in seen.cells.guesses:
        lines += _property(seen, guess, known).lines()
    cut = seen.outline.cut
    if cut is not None and cut.sources:
        lines += columns.computed(cut.column, f"make_date({', '.join(cut.sources)})", cut.sources)
    now = settings.clock()
    text = Text(dataset, seen.sample, seen.cells, seen.outline, lines, seen.quality, now)
    return text.dumps()


def _property(seen: _Seen, guess: Guess, known: Mapping[str, str]) -> columns.Property:
    key, cut = seen.outline.key.columns, seen.outline.cut
    in_key = guess.name in key
    return columns.Property(
        guess,
        seen.measures[guess.name],
        seen.sample.rows,
        positional=seen.sample.positional,
        place=key.index(guess.name) + 1 if in_key else 0,
        alone=key == (guess.name,),
        partitioned=cut is not None and not cut.sources and cut.column == guess.name,
        kinds=seen.personal.get(guess.name, ()),
        treatment="hash" if in_key else "mask",
        reference=known.get(f"{guess.name}:{guess.type}", ""),
        quality=seen.checks.get(guess.name, ()),
    )


def _keys(folder: Path) -> dict[str, str]:
    """Returns the key column of each declared dataset, by its name and type."""
    found = {}
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            contract = contracts.load(file)
        except ContractError:
            continue  # `lakehouse contracts check` tells; it suggests nothing here
        if len(contract.key) == 1:
            column = contract.column(contract.key[0])
            found[f"{column.name}:{column.type}"] = f"{contract.dataset}.{column.name}"
    return found


def _drafted(seen: _Seen, dataset: str, target: Path, text: str) -> Drafted:
    cut = seen.outline.cut
    rows = seen.sample.rows
    return Drafted(
        dataset=dataset,
        file=str(target),
        files=len(seen.sample.files),
        rows=rows,
        whole=seen.sample.whole,
        read=described(read_options(seen.sample, seen.cells)),
        columns=len(seen.cells.guesses),
        required=sum(found.filled == rows for found in seen.measures.values()),
        key=seen.outline.key.columns,
        partition=f"{cut.granularity} of {cut.column}" if cut else "",
        delivery=seen.outline.delivery,
        personal={name: ", ".join(kinds) for name, kinds in seen.personal.items()},
        questions=questions(text),
    )
