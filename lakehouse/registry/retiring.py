"""Takes versions out of the registry whose files have in them what must be forgotten."""

from __future__ import annotations

from collections.abc import Callable

from lakehouse.lake import Lake
from lakehouse.registry.listing import paged, runs_of
from lakehouse.registry.tracking import CHAMPION, TABLE, _answering, _client, alone


def retire(
    lake: Lake,
    model: str,
    tells: Callable[[bytes], bool],
    learned_from: Callable[[str], bool] = lambda _: True,
) -> tuple[int, ...]:
    """Deletes the runs of a model that have a telling file, their files, and their versions.

    A run that never became a version goes likewise, and so do the files of one that a person
    deleted. If the champion goes, there is none until the next training.

    Args:
        lake: The lake.
        model: Name of the model.
        tells: Whether the content of a file must not be kept.
        learned_from: Whether the runs that learned from a table are looked through; it is asked
            with an empty text where a run was killed before it could say from which.

    Returns:
        The versions that went.
    """
    with alone(lake, model):
        return _retired(lake, model, tells, learned_from)


def _retired(
    lake: Lake, model: str, tells: Callable[[bytes], bool], learned_from: Callable[[str], bool]
) -> tuple[int, ...]:
    client = _client(lake.settings.tracking_uri, lake.settings.home)
    with _answering(f"looking through the versions of {model}"):
        experiment = client.get_experiment_by_name(model)
        if experiment is None:
            return ()
        runs = list(runs_of(client, experiment.experiment_id))
        listed = paged(client.search_model_versions, filter_string=f"name='{model}'")
        versions = {one.run_id: int(one.version) for one in listed}
        registered = client.search_registered_models(f"name='{model}'")
        first = registered[0].aliases.get(CHAMPION) if registered else None
    gone = []
    for run in runs:
        if not learned_from(run.data.tags.get(TABLE, "")):
            continue
        files = lake.storage.list(str(run.info.artifact_uri), hidden=True)
        if not any(_tells(lake, file.url, tells) for file in files):
            continue
        version = versions.get(run.info.run_id)
        with _answering(f"retiring a run of {model}"):
            if version is not None:
                if str(first) == str(version):
                    client.delete_registered_model_alias(model, CHAMPION)
                client.delete_model_version(model, str(version))
                gone.append(version)
            # the files last: what they tell leads a later attempt here again
            for file in files:
                lake.storage.remove(file.url)
            client.delete_run(run.info.run_id)
    return tuple(sorted(gone))


def _tells(lake: Lake, url: str, tells: Callable[[bytes], bool]) -> bool:
    with lake.storage.open(url) as stream:
        return tells(stream.read())
