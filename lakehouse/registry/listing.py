"""What MLflow keeps, also what a person deleted there but can have back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from lakehouse.lake import Lake
from lakehouse.registry.tracking import _answering, _client, artifacts

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.entities import PagedList

T = TypeVar("T")


def runs(lake: Lake) -> frozenset[str]:
    """Returns the ids of all MLflow runs.

    Raises:
        ServiceFailed: MLflow did not answer.
    """
    from mlflow.entities import ViewType

    client = _client(lake.settings.tracking_uri, lake.settings.home)
    with _answering("listing its runs"):
        kept = paged(client.search_experiments, view_type=ViewType.ALL)
        return frozenset(
            str(run.info.run_id) for one in kept for run in runs_of(client, one.experiment_id)
        )


def models(lake: Lake) -> tuple[str, ...]:
    """Returns the models of which there are runs, whether or not anything declares them.

    Raises:
        ServiceFailed: MLflow did not answer.
    """
    from mlflow.entities import ViewType

    client = _client(lake.settings.tracking_uri, lake.settings.home)
    root = f"{artifacts(lake.settings)}/"
    with _answering("listing the models"):
        kept = paged(client.search_experiments, view_type=ViewType.ALL)
    # others may keep experiments of their own in the same MLflow
    return tuple(sorted(one.name for one in kept if one.artifact_location == f"{root}{one.name}"))


def runs_of(client: MlflowClient, experiment: str) -> Iterator[Run]:
    """Yields all runs of an experiment."""
    from mlflow.entities import ViewType

    return paged(client.search_runs, experiment_ids=[experiment], run_view_type=ViewType.ALL)


def paged(search: Callable[..., PagedList[T]], **asked: Any) -> Iterator[T]:
    """Yields all that MLflow finds; it answers with so many at a time and a token for the rest.

    Args:
        search: A search of MLflow's client.
        **asked: Its arguments.
    """
    token: str | None = None
    while True:
        page = search(**asked, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
