"""What each partition of a silver table should hold, what it holds, and why the two differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from lakehouse.conforming import VERSION
from lakehouse.contract import Contract, Reasons
from lakehouse.ledger import Account, Books, Decision, Delivery
from lakehouse.planning.holding import Holding, holdings
from lakehouse.planning.meaning import Meaning
from lakehouse.planning.records import records
from lakehouse.planning.retention import is_past, told
from lakehouse.planning.rollbacks import digest, hold, kept
from lakehouse.planning.verdicts import standing
from lakehouse.results import UNASSIGNED

_KEY = "hash key"
"""Stands among the pinned datasets; with its space it can be none of them."""


class SilverState:
    """One dataset, as the books tell it; each answer is worked out when first asked for."""

    def __init__(self, books: Books, contract: Contract, now: datetime, key: str = "") -> None:
        """Prepares the answers.

        Args:
            books: The ledger, with the dataset's table and those it is pinned to.
            contract: The dataset.
            now: The lake's clock; nothing but retention asks for it.
            key: Name of the key of hashed columns; without it nobody can tell if it changed.
        """
        self._books, self._contract, self._now, self._key = books, contract, now, key
        self._reasons = Reasons(contract, books.refs.properties(contract.table))

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self._contract.dataset

    @cached_property
    def unread(self) -> tuple[Delivery, ...]:
        """Active deliveries that were never inspected under this contract."""
        inspected = {
            entry.sha256
            for entry in self._books.inspections
            if entry.dataset == self.dataset and entry.fingerprint == self._contract.fingerprint
        }
        return tuple(d for d in self.active if d.sha256 not in inspected)

    @cached_property
    def wanted(self) -> Mapping[str, frozenset[int]]:
        """Numbers of the deliveries that belong in each partition."""
        gone = self._books.removed(self.dataset)
        wanted = {name: numbers - gone for name, numbers in self._meaning.wanted.items()}
        return {n: wanted[n] for n in sorted(wanted) if wanted[n] and n not in self.expired}

    @cached_property
    def pending(self) -> tuple[Delivery, ...]:
        """Active deliveries that no reader has seen and no person has accepted."""
        seen = {number for holding in self.held.values() for number in holding.deliveries}
        return tuple(d for d in self.active if d.number not in seen | self.accepted)

    @cached_property
    def held(self) -> Mapping[str, Holding]:
        """What readers see in each partition."""
        return holdings(self._books, self._contract)

    @cached_property
    def expired(self) -> frozenset[str]:
        """Partitions past the contract's retention, whose rows are wanted no longer."""
        touched = {name for found in self.records.values() for name in found}
        known = {*touched, *self.held}
        return frozenset(name for name in known if is_past(self._contract, name, self._now))

    @cached_property
    def stale(self) -> Mapping[str, str]:
        """Why each stale partition is stale; empty while another dataset is waited for."""
        if self.waits:
            return {}
        return {name: why for name, why in self._due.items() if name not in self.kept}

    @cached_property
    def kept(self) -> Mapping[str, str]:
        """Why partitions would be stale that a rollback holds; age and erasure go before it."""
        due = {n: why for n, why in self._due.items() if n not in self.expired | self.erased.keys()}
        return kept(hold(self._books.rolled(self.dataset)), due, self.inputs, self.held)

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """Digest of what decides the rows of each partition that there is or ever was."""
        published = {one.partition for one in self._books.accounts if one.dataset == self.dataset}
        versions = self._contract.fingerprint, VERSION, self.pins
        numbered = {delivery.number: delivery for delivery in self._delivered}
        return {
            name: digest((numbered[n] for n in self.wanted.get(name, ())), *versions)
            for name in sorted({*published, *self.wanted, UNASSIGNED})
        }

    @cached_property
    def _due(self) -> Mapping[str, str]:
        reasons = {name: self._reason(name) for name in sorted({*self.wanted, *self.held})}
        return {name: reason for name, reason in reasons.items() if reason}

    @cached_property
    def refused(self) -> tuple[Decision, ...]:
        """Standing refusals."""
        return tuple(decision for decision in self._decisions if decision.kind == "refused")

    @cached_property
    def withdrawn(self) -> frozenset[int]:
        """Deliveries taken out by a person."""
        return self._decided("withdrawn")

    @cached_property
    def accepted(self) -> frozenset[int]:
        """Deliveries that a person admitted in spite of the audit."""
        return self._decided("accepted")

    @cached_property
    def rewritten(self) -> frozenset[int]:
        """Deliveries out of whose objects a person's records went."""
        now = {one.sha256 for one in self._books.replacements if one.dataset == self.dataset}
        return frozenset(d.number for d in self._delivered if d.sha256 in now)

    @cached_property
    def erased(self) -> Mapping[str, frozenset[int]]:
        """Deliveries by partition of which readers still see rows that were erased since."""
        objects = {d.number: d.sha256 for d in self._delivered if d.number in self.rewritten}

        def changed(account: Account, partition: str) -> bool:
            rows = self.records.get(objects.get(account.delivery, ""), {}).get(partition, 0)
            return account.delivery in objects and account.rows != rows

        found = {
            name: frozenset(a.delivery for a in holding.accounts if changed(a, name))
            for name, holding in self.held.items()
        }
        return {name: numbers for name, numbers in found.items() if numbers}

    @cached_property
    def admitted(self) -> frozenset[int]:
        """Deliveries that are in whatever their share of broken rows.

        A person accepted them; or readers see them, and good rows went out of them.
        """
        seen = {number for holding in self.held.values() for number in holding.deliveries}
        return self.accepted | (seen & self.rewritten)

    @cached_property
    def superseded(self) -> frozenset[int]:
        """Deliveries that a later one replaces as a whole."""
        return self._meaning.superseded

    def replaced(self, partition: str) -> Mapping[int, int]:
        """Returns the delivery by which each one is replaced in a partition, by their numbers."""
        return self._meaning.replaced(partition)

    def fresh(self, partition: str) -> frozenset[int]:
        """Returns the deliveries whose part in a partition readers do not see yet.

        One that no longer has the rows of the version before it has a part, too.
        """
        have = self.held.get(partition)
        present = have.deliveries if have else frozenset()
        want = self.wanted.get(partition, frozenset())
        replaced = self.replaced(partition) if present - want else {}
        return (want - present) | {replaced[gone] for gone in present - want if gone in replaced}

    @cached_property
    def pins(self) -> str:
        """JSON of what the datasets hold that rows refer to, and the key's name."""
        refs = self._books.refs
        pinned = self._contract.pinned
        pins = {ref.dataset: str(refs.content(f"silver.{ref.dataset}")) for ref in pinned}
        pins |= {_KEY: self._key} if self._key else {}
        return json.dumps(pins, sort_keys=True)

    @cached_property
    def waits(self) -> tuple[str, ...]:
        """Datasets that must be published first."""
        published = {account.dataset for account in self._books.accounts}
        found = (ref.dataset for ref in self._contract.pinned if ref.dataset not in published)
        return tuple(dict.fromkeys(found))

    @cached_property
    def _delivered(self) -> tuple[Delivery, ...]:
        return self._books.delivered(self.dataset)

    @cached_property
    def _decisions(self) -> tuple[Decision, ...]:
        return standing(self._books, self._contract, self._delivered, self.records)

    @cached_property
    def _meaning(self) -> Meaning:
        return Meaning(self._contract, self._delivered, self._decisions, self.records)

    def _decided(self, kind: str) -> frozenset[int]:
        return frozenset(d.delivery for d in self._decisions if d.kind == kind)

    @cached_property
    def _barred(self) -> frozenset[int]:
        """Deliveries refused as a whole."""
        return frozenset(d.delivery for d in self.refused if not d.partition)

    @cached_property
    def active(self) -> tuple[Delivery, ...]:
        """Deliveries whose rows count; what retention has deleted comes back under no contract."""
        gone = self._books.removed(self.dataset)
        return tuple(d for d in self._meaning.active if d.number not in gone)

    @cached_property
    def records(self) -> Mapping[str, Mapping[str, int]]:
        """Rows by partition of every object, by its sha256."""
        return records(self._books, self._contract)

    def _reason(self, partition: str) -> str:
        have = self.held.get(partition)
        want = self.wanted.get(partition, frozenset())
        present = have.deliveries if have else frozenset()
        if partition in self.expired and self._contract.retention:
            limit = told(self._contract.retention.limit)
            return f"past retention of {limit}" if present else ""
        if gone := sorted(self.erased.get(partition, ())):
            return f"rows of {self._label(gone[-1])} were erased"
        replaced = self.replaced(partition)
        if any(number not in replaced for number in present & self._barred):
            # what readers see was refused under a newer contract; it stays until someone decides
            return ""
        if fresh := sorted(want - present):
            more = f" and {len(fresh) - 1} more" if len(fresh) > 1 else ""
            return f"new {self._label(fresh[-1])}{more}"
        if have is None or self._given_up(partition):
            return ""
        gone = sorted(present - want)
        return self._departed(gone[-1]) if gone else self._outdated(have)

    def _given_up(self, partition: str) -> bool:
        """Whether what is left of a partition was refused, and nothing has come since."""
        refused = {decision.partition for decision in self.refused if decision.delivery == 0}
        return partition in refused and not self.fresh(partition)

    def _departed(self, number: int) -> str:
        how = "withdrawn" if number in self.withdrawn else "superseded"
        return f"{self._label(number)} {how}"

    def _outdated(self, have: Holding) -> str:
        """Why the same deliveries would give other rows now."""
        for account in have.accounts:
            if account.fingerprint != self._contract.fingerprint:
                return self._reasons.since(account.fingerprint, account.version)
            if account.conform != VERSION:
                return f"conform version {account.conform} became {VERSION}"
            was, now = json.loads(account.pins), json.loads(self.pins)
            moved = [name for name in now if was.get(name) != now[name]]
            if _KEY in moved:
                return "the key of hashed columns changed"
            if moved:
                return f"silver.{', silver.'.join(moved)} was published anew"
        return ""

    def _label(self, number: int) -> str:
        labels = {delivery.number: delivery.label for delivery in self._delivered}
        return labels.get(number, f"delivery {number}")
