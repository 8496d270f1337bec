"""Models that learned a person's value as a category; the carrier stands for the person."""

import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lakehouse import dbt_manifest, erasing, registry, training
from lakehouse.contract import Contract
from lakehouse.erasing import derived
from lakehouse.erasing.derived import Derived
from lakehouse.registry.listing import runs_of
from lakehouse.registry.tracking import _client
from lakehouse.settings import Secret

KEY, CARRIER = "a-key-of-the-lake-0123456789", "US-Airways"
Traces = Callable[..., list[tuple[str, str]]]


def hashed(value: str) -> str:
    return hmac.new(KEY.encode(), value.encode(), "sha256").hexdigest()


def found(lake: Any) -> Derived:
    return Derived(("gold.departures",), tuple(lake.lake.models.values()), ())


def person(value: str) -> erasing.Person:
    return erasing.Person(object.__new__(Contract), {"carrier": Secret(value)})


def files(lake: Any) -> Path:
    return Path(lake.folder, ".lake", "mlartifacts")


@pytest.fixture
def trained(model_lake: Any, flights: pl.DataFrame) -> Any:
    """A lake with a champion that learned a name that is told from others anywhere."""
    named = pl.col("carrier").replace("US", CARRIER)
    model_lake.publish(flights.with_columns(named))
    training.train(model_lake.lake, "late", run="first")
    return model_lake


def test_runs_that_were_deleted_in_mlflow(trained: Any, traces: Traces) -> None:
    lake = trained.lake
    client = _client(lake.settings.tracking_uri, lake.settings.home)
    experiment = client.get_experiment_by_name("late").experiment_id
    for run in client.search_runs([experiment]):
        client.delete_run(run.info.run_id)
    assert traces(files(trained), [CARRIER])
    assert derived.retire(lake, found(trained), person(CARRIER)) == {"late": (1,)}
    assert traces(files(trained), [CARRIER]) == []


def test_runs_are_read_page_by_page(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = trained.lake
    client = _client(lake.settings.tracking_uri, lake.settings.home)
    experiment = client.get_experiment_by_name("late").experiment_id
    for _ in range(4):
        client.create_run(experiment)
    search = client.search_runs
    monkeypatch.setattr(client, "search_runs", lambda *a, **k: search(*a, max_results=2, **k))
    assert len(list(runs_of(client, experiment))) == 5
    assert len(registry.runs(lake)) == 5


def test_a_model_that_nothing_declares_any_more(trained: Any, traces: Traces) -> None:
    lake = trained.lake
    (trained.folder / "assets" / "models" / "late.yaml").unlink()
    mark = dbt_manifest.fingerprint(lake.settings.project / "dbt_project")
    manifest = lake.settings.home / "dbt" / f"manifest-{mark}.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"nodes": {}, "sources": {}}))
    gone = derived.derived(trained.lake, "flights")
    assert set(gone.strays) == {"gold.departures", "models.late"}
    assert derived.retire(trained.lake, gone, person("Somebody-else")) == {}
    assert derived.retire(trained.lake, gone, person(CARRIER)) == {"late": (1,)}
    assert traces(files(trained), [CARRIER]) == []


def test_a_model_of_other_rows_stays(trained: Any, traces: Traces) -> None:
    """What learned from a table that has nothing to do with the dataset may keep the value."""
    assert derived.retire(trained.lake, Derived((), (), ()), person(CARRIER)) == {}
    assert registry.champion(trained.lake, "late") is not None
    assert traces(files(trained), [CARRIER])


def test_a_category_that_is_the_hash_of_a_value(
    model_lake: Any, flights: pl.DataFrame, make_data_lake: Callable[..., Any], traces: Traces
) -> None:
    published = pl.col("carrier").map_elements(hashed, return_dtype=pl.String)
    model_lake.publish(flights.with_columns(published))
    training.train(model_lake.lake, "late", run="first")
    carrier = {
        "name": "carrier",
        "logicalType": "string",
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "classification": "confidential",
        "customProperties": [{"property": "privacy", "value": "hash"}],
    }
    told = make_data_lake()
    told.environment = {"LAKEHOUSE_HASH_KEY": KEY}
    told.declare("flights", delivery="full", columns=[carrier])
    who = erasing.Person.parse(told.lake.contract("flights"), ["US"])
    assert traces(files(model_lake), [hashed("US")])
    who = who.published(told.lake.settings)
    assert who.words == (hashed("US"),)
    assert derived.retire(model_lake.lake, found(model_lake), who) == {"late": (1,)}
    assert traces(files(model_lake), [hashed("US")]) == []


def test_a_hash_is_found_where_the_value_is_not(make_data_lake: Callable[..., Any]) -> None:
    told = make_data_lake()
    told.environment = {"LAKEHOUSE_HASH_KEY": KEY}
    hidden = {
        "classification": "confidential",
        "customProperties": [{"property": "privacy", "value": "hash"}],
    }
    key = {"primaryKey": True, "primaryKeyPosition": 1}
    tag = {"name": "tag", "logicalType": "string", **key, **hidden}
    told.declare("patients", delivery="incremental", columns=[tag], limit=1)
    told.put("patients", "tag\nM2\nUS\n")
    page = told.folder / ".lake" / "docs" / "page.txt"
    page.parent.mkdir(exist_ok=True)
    page.write_text(f"the row of {hashed('US')} is bad\n")
    who = erasing.Person.parse(told.lake.contract("patients"), ["US"])
    done = erasing.forget(told.lake, who, by="dpo", note="12", run="forget")
    assert (done.records, done.refusals()) == (1, ())
    assert page.read_text() == "the row of [erased] is bad\n"
