"""What an audit found, as the ledger keeps it and as the dataset's page shows it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace

from lakehouse import quality
from lakehouse.admitting import View
from lakehouse.ingestion.auditing import Audit
from lakehouse.ledger import Judgement
from lakehouse.results import Check


def judgements(
    view: View, found: Audit, run: str, refused: Collection[str]
) -> tuple[Judgement, ...]:
    """Returns the verdicts of an audit with what became of their partitions.

    Args:
        view: The dataset as the audit found it.
        found: The audit.
        run: The run.
        refused: Partitions that are not published.
    """
    return tuple(_judgement(view, found, run, check, refused) for check in found.checks)


def _judgement(
    view: View, found: Audit, run: str, check: Check, refused: Collection[str]
) -> Judgement:
    facts, contract, partition = check.facts, view.contract, str(check.partition)
    unexpected = facts.get("unexpected")
    return Judgement(
        dataset=contract.dataset,
        partition=partition,
        run=run,
        snapshot=found.snapshot,
        sequence=found.sequence,
        published=partition not in refused,
        version=contract.version,
        fingerprint=contract.fingerprint,
        name=check.name,
        type=str(facts.get("type", "")),
        outcome=str(facts.get("outcome", "PASS" if check.passed else "FAIL")),
        severity=check.severity,
        observed=_json(facts.get("observed")),
        expected=_json(facts.get("expected", {})),
        unexpected=unexpected if isinstance(unexpected, int) else None,
        examples=_json(facts.get("examples", [])),
        notes=str(facts.get("notes", "")),
        message=str(facts.get("message", "")),
        judged_at=view.lake.settings.clock(),
    )


def shown(view: View, found: tuple[Judgement, ...], checks: Collection[Check]) -> tuple[Check, ...]:
    """Adds the verdicts to the dataset's page; returns the checks with the place of the page."""
    if not found:
        return tuple(checks)
    page = str(quality.add(view.lake.settings.home, view.contract, found))
    return tuple(replace(check, facts={**check.facts, quality.DOCS: page}) for check in checks)


def _json(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
