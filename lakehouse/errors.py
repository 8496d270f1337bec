"""Every error the lakehouse raises on purpose.

```
LakehouseError
├── UsageError                exit code 2: what was asked or declared is wrong
│   ├── SettingsError         an environment variable or lakehouse.toml
│   ├── ContractError         a dataset's contract
│   ├── ModelSpecError        a model's YAML
│   ├── UnknownName           a dataset, table, model or delivery that is not there
│   ├── ExpectationRefused    the arguments of an expectation
│   ├── QueryRefused          SQL that does more than read
│   ├── DraftRefused          a sample from which no contract can be drafted
│   ├── BreakingChange        a contract breaks what readers were promised
│   ├── DbtFailed             the dbt project does not parse
│   └── LakeFormatError       a lake written by a newer version
├── Refused                   exit code 1: data or a model was judged and not admitted
│   ├── UnreadableObject      a file that cannot be read at all
│   ├── BuildRefused          the gold tables did not pass dbt
│   ├── FrameRefused          rows that a model must not learn from
│   └── TamperedModel         a model file that is not what was registered
├── PublishConflict           exit code 3: another run kept winning the same partitions
└── ServiceFailed             exit code 3: storage, catalog or another service did not answer
```

A message says what was refused, the evidence, the state the lake is in now, and what to do next.
Parts go into the exception, the sentence is formed in the class, and ``__reduce__`` keeps
exceptions picklable across processes.
"""

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


class LakeFormatError(UsageError):
    """The lake on disk was written by a newer version of the lakehouse."""

    def __init__(self, home: str, found: int, known: int) -> None:
        super().__init__(home, found, known)
        self.home, self.found, self.known = home, found, known

    def message(self) -> str:
        """Names both versions."""
        return (
            f"The lake in {self.home} has format {self.found}, this version knows up to "
            f"{self.known}. Nothing was changed. Upgrade the lakehouse package to open it."
        )


class Refused(LakehouseError):
    """Data or a model was judged and not admitted; readers keep the last good state."""

    exit_code = 1


class UnreadableObject(Refused):
    """A file that cannot be read at all, so that no row of it can be judged."""

    def __init__(self, dataset: str, source_key: str, why: str) -> None:
        super().__init__(dataset, source_key, why)
        self.dataset, self.source_key, self.why = dataset, source_key, why

    def message(self) -> str:
        """Names the file and the reason."""
        return f"{self.source_key} of {self.dataset} cannot be read: {self.why}"


class BuildRefused(Refused):
    """dbt did not build gold or its tests failed; nothing of the build was published."""

    def __init__(self, failures: Iterable[str], readers: str) -> None:
        self.failures, self.readers = tuple(failures), readers
        super().__init__(self.failures, readers)

    def message(self) -> str:
        """Lists the failed nodes and what readers still see."""
        return (
            f"gold was not published: {'; '.join(self.failures)}. {self.readers} "
            "Mend the model or the data, then `lakehouse run`."
        )


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


class DraftRefused(UsageError):
    """A sample from which no contract can be drafted, or a contract that is there already."""

    def __init__(self, sample: str, why: str) -> None:
        super().__init__(sample, why)
        self.sample, self.why = sample, why

    def message(self) -> str:
        """Names the file and the reason."""
        return f"No contract was drafted from {self.sample}: {self.why}. Nothing was written."


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


class PublishConflict(LakehouseError):
    """Another run published the same partitions while this one was at work."""

    exit_code = 3

    def __init__(self, tables: Iterable[str], why: str) -> None:
        self.tables, self.why = tuple(tables), why
        super().__init__(self.tables, why)

    def message(self) -> str:
        """Names the tables and says that nothing was lost."""
        were = "was" if len(self.tables) == 1 else "were"
        return (
            f"{', '.join(self.tables)} {were} not published: {self.why}. Readers see the other "
            "run's complete result, nothing was lost. Run `lakehouse run` again."
        )


class ServiceFailed(LakehouseError):
    """Storage, catalog, database or another outside service did not do its part."""

    exit_code = 3

    def __init__(self, service: str, doing: str, why: str) -> None:
        super().__init__(service, doing, why)
        self.service, self.doing, self.why = service, doing, why

    def message(self) -> str:
        """Names the service, the action and its answer."""
        return (
            f"{self.service} failed while {self.doing}: {self.why}. Published tables are "
            "unchanged. `lakehouse doctor` tests each service; then run again."
        )


class ModelSpecError(UsageError):
    """A model's YAML that cannot be honoured in full is refused when it is loaded."""

    def __init__(self, file: str, line: int, key: str, why: str, hint: str = "") -> None:
        super().__init__(file, line, key, why, hint)
        self.file, self.line, self.key, self.why, self.hint = file, line, key, why, hint

    def message(self) -> str:
        """Points to file, line and key."""
        return f"{self.file}:{self.line}: {self.key}: {self.why}.{self.hint}"


class ExpectationRefused(UsageError):
    """The arguments of an expectation cannot be used."""

    def __init__(self, expectation: str, why: str) -> None:
        super().__init__(expectation, why)
        self.expectation, self.why = expectation, why

    def message(self) -> str:
        """Names the expectation and the reason."""
        return f"Expectation '{self.expectation}' cannot be used: {self.why}"


class FrameRefused(Refused):
    """A training frame that lacks rows or columns, or that lets a model see its own label."""

    def __init__(self, model: str, table: str, why: str) -> None:
        super().__init__(model, table, why)
        self.model, self.table, self.why = model, table, why

    def message(self) -> str:
        """Names the model, the reason and where to correct it."""
        return (
            f"{self.model} was not trained on {self.table}: {self.why}. The champion, if there "
            f"is one, stays. Correct assets/models/{self.model}.yaml or the table, then "
            "`lakehouse run`."
        )


class TamperedModel(Refused):
    """A file of a registered model is not what was registered, so it is not loaded."""

    def __init__(self, model: str, version: int, file: str, why: str) -> None:
        super().__init__(model, version, file, why)
        self.model, self.version, self.file, self.why = model, version, file, why

    def message(self) -> str:
        """Names the file and the ways out."""
        return (
            f"{self.model} version {self.version} was not loaded: {self.file} {self.why}. Nothing "
            "was scored or replaced. Restore the file from a backup, or give the alias 'champion' "
            "to another version in MLflow."
        )
