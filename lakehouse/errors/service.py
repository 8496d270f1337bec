"""Another run or an outside service came between: exit code 3."""

from __future__ import annotations

from collections.abc import Iterable

from lakehouse.errors.base import LakehouseError


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


class Unanswered(ServiceFailed):
    """A service was asked to commit, and did not say whether it did."""

    def message(self) -> str:
        """Names the service and its answer, and says that nobody knows yet."""
        return (
            f"{self.service} failed while {self.doing}: {self.why}. What this run committed may "
            "or may not be published. `lakehouse doctor` tests each service; then run again: "
            "nothing is done twice."
        )
