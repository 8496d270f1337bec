"""Where the parts of a lake lie, and where they lie in another."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse import registry
from lakehouse.errors import MigrationRefused
from lakehouse.lake import Lake


@dataclass(frozen=True)
class Route:
    """The way from one lake to another.

    Attributes:
        source: The lake that is read.
        target: The lake that is written.
    """

    source: Lake
    target: Lake

    def __post_init__(self) -> None:
        """Refuses a way that ends where it begins."""
        for name in ("warehouse", "catalog_uri", "tracking_uri"):
            if getattr(self.source.settings, name) == getattr(self.target.settings, name):
                raise MigrationRefused(f"the target has the {name} of this lake")

    @property
    def folders(self) -> tuple[tuple[str, str], ...]:
        """Folders of the one and of the other, whose URLs stand in metadata and registry."""
        source, target = self.source.settings, self.target.settings
        return (
            (registry.artifacts(source), registry.artifacts(target)),
            (source.warehouse, target.warehouse),
        )

    def file(self, url: str) -> str:
        """Returns the URL in the target of a file of the source.

        Raises:
            MigrationRefused: It does not lie in the source's folders.
        """
        moved = self.text(url)
        if moved == url:
            raise MigrationRefused(
                f"{url} is not in the warehouse {self.source.settings.warehouse}"
            )
        return moved

    def text(self, value: str) -> str:
        """Returns a text in which a URL of the source at its beginning is that of the target."""
        for before, after in self.folders:
            if value == before or value.startswith(f"{before}/"):
                return after + value.removeprefix(before)
        return value
