"""What was asked or declared is wrong: exit code 2."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.errors.base import LakehouseError, did_you_mean


class UsageError(LakehouseError):
    """What was asked or declared is wrong; nothing was written."""


class SettingsError(UsageError):
    """A setting from the environment or lakehouse.toml cannot be used."""

    def __init__(self, name: str, value: str, why: str) -> None:
        super().__init__(name, value, why)
        self.name, self.value, self.why = name, value, why

    def message(self) -> str:
        """Names the setting, the value found and the reason."""
        return f"Setting {self.name}={self.value!r} cannot be used: {self.why}."


class ContractError(UsageError):
    """A contract that cannot be honoured in full is refused when it is loaded."""

    def __init__(self, file: str, line: int, key: str, why: str, hint: str = "") -> None:
        super().__init__(file, line, key, why, hint)
        self.file, self.line, self.key, self.why, self.hint = file, line, key, why, hint

    def message(self) -> str:
        """Points to file, line and key."""
        return f"{self.file}:{self.line}: {self.key}: {self.why}.{self.hint}"


class ModelSpecError(UsageError):
    """A model's YAML that cannot be honoured in full is refused when it is loaded."""

    def __init__(self, file: str, line: int, key: str, why: str, hint: str = "") -> None:
        super().__init__(file, line, key, why, hint)
        self.file, self.line, self.key, self.why, self.hint = file, line, key, why, hint

    def message(self) -> str:
        """Points to file, line and key."""
        return f"{self.file}:{self.line}: {self.key}: {self.why}.{self.hint}"


class UnknownName(UsageError):
    """A dataset, table, model or delivery that the lake does not know."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(kind, name, self.known)

    def message(self) -> str:
        """Names the nearest known one and lists the rest."""
        listed = ", ".join(self.known) or "none"
        hint = did_you_mean(self.name, self.known)
        return f"There is no {self.kind} '{self.name}'.{hint} Known: {listed}."


class ExpectationRefused(UsageError):
    """The arguments of an expectation cannot be used."""

    def __init__(self, expectation: str, why: str) -> None:
        super().__init__(expectation, why)
        self.expectation, self.why = expectation, why

    def message(self) -> str:
        """Names the expectation and the reason."""
        return f"Expectation '{self.expectation}' cannot be used: {self.why}"


class QueryRefused(UsageError):
    """A statement that would do more than read the lake."""

    def __init__(self, statement: str, why: str) -> None:
        super().__init__(statement, why)
        self.statement, self.why = statement, why

    def message(self) -> str:
        """Says what was refused and what is allowed."""
        return (
            f"Refused: {self.why}. `lakehouse sql` only reads the lake's own tables: "
            "SELECT, WITH, SHOW, DESCRIBE, EXPLAIN and SUMMARIZE. Nothing was changed."
        )


class DraftRefused(UsageError):
    """A sample from which no contract can be drafted, or a contract that is there already."""

    def __init__(self, sample: str, why: str) -> None:
        super().__init__(sample, why)
        self.sample, self.why = sample, why

    def message(self) -> str:
        """Names the file and the reason."""
        return f"No contract was drafted from {self.sample}: {self.why}. Nothing was written."


class BreakingChange(UsageError):
    """A contract breaks what the readers of a published table were promised."""

    def __init__(self, table: str, changes: Iterable[str], readers: str) -> None:
        self.table, self.changes, self.readers = table, tuple(changes), readers
        super().__init__(table, self.changes, readers)

    def message(self) -> str:
        """Names each change, what readers see and the ways out."""
        return (
            f"{self.table} was not touched, its contract breaks what readers were promised: "
            f"{'; '.join(self.changes)}. No row was read; {self.readers}. Take it back, or publish "
            f"under a new name beside it: `lakehouse contracts diff {self.table.split('.')[-1]}`."
        )


class DbtFailed(UsageError):
    """dbt could not run the project at all."""

    def __init__(self, verb: str, folder: str, output: str) -> None:
        super().__init__(verb, folder, output)
        self.verb, self.folder, self.output = verb, folder, output

    def message(self) -> str:
        """Shows what dbt said."""
        return (
            f"dbt {self.verb} failed in {self.folder}; nothing was published. Mend the project. "
            f"dbt said:\n{self.output}"
        )


class LakeFormatError(UsageError):
    """The lake on disk was written by another version of the lakehouse."""

    def __init__(self, home: str, found: int, known: int) -> None:
        super().__init__(home, found, known)
        self.home, self.found, self.known = home, found, known

    def message(self) -> str:
        """Names both versions."""
        if self.found < self.known:
            return (
                f"The lake in {self.home} has format {self.found}, this version works on "
                f"{self.known}. Nothing was changed. `lakehouse upgrade` brings all of it to "
                f"format {self.known} at once; versions that know no such format cannot open it "
                "then."
            )
        return (
            f"The lake in {self.home} has format {self.found}, this version knows up to "
            f"{self.known}. Nothing was changed. Upgrade the lakehouse package to open it."
        )


class RestoreRefused(UsageError):
    """A backup that is not whole, or a lake that holds something else."""

    def __init__(self, backup: str, why: str, hint: str = "") -> None:
        super().__init__(backup, why, hint)
        self.backup, self.why, self.hint = backup, why, hint

    def message(self) -> str:
        """Names the backup, the reason and the way out."""
        return f"Backup {self.backup} was not restored: {self.why}. Nothing was changed.{self.hint}"


class RollbackRefused(UsageError):
    """A table that cannot go back, or not to there; or that nothing holds."""

    def __init__(self, table: str, why: str, done: str = "rolled back") -> None:
        super().__init__(table, why, done)
        self.table, self.why, self.done = table, why, done

    def message(self) -> str:
        """Names the table and the reason."""
        return (
            f"{self.table} was not {self.done}: {self.why}. Readers see what they saw. "
            f"`lakehouse snapshots {self.table}` lists what there is."
        )


class TagRefused(UsageError):
    """A name that cannot be given to a publish, or not be taken from it."""

    def __init__(self, table: str, tag: str, why: str) -> None:
        super().__init__(table, tag, why)
        self.table, self.tag, self.why = table, tag, why

    def message(self) -> str:
        """Names table, tag and reason."""
        return (
            f"Tag '{self.tag}' of {self.table} was not changed: {self.why}. "
            f"`lakehouse snapshots {self.table}` lists its tags."
        )


class MigrationRefused(UsageError):
    """A lake that cannot be moved to where it should go."""

    ELSEWHERE = (
        "Name a place of its own in the file of --to: another warehouse, catalog_uri and "
        "tracking_uri, all empty."
    )

    def __init__(self, why: str, hint: str = ELSEWHERE) -> None:
        super().__init__(why, hint)
        self.why, self.hint = why, hint

    def message(self) -> str:
        """Names the reason and the way out."""
        return f"The lake was not migrated: {self.why}. Nothing was changed. {self.hint}"
