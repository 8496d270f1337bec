"""Data or a model was judged and not admitted: exit code 1."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.errors.base import LakehouseError


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


class QueryStopped(Refused):
    """A query took more time, memory or disk than it may."""

    def __init__(self, why: str, limit: str) -> None:
        super().__init__(why, limit)
        self.why, self.limit = why, limit

    def message(self) -> str:
        """Says which limit it met and how to raise it."""
        return (
            f"The query was stopped: {self.why}. It answered nothing, and nothing was changed. "
            f"Ask for less, or raise the limit: {self.limit}."
        )
