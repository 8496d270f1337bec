"""What Dagster keeps of a dataset's audits quotes nobody who was forgotten."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from lakehouse.erasing import Person
from lakehouse.erasing.traces import blot
from lakehouse.lake import Lake
from lakehouse.settings import Settings

EVIDENCE = "names: FAIL; observed Zyxwanda; 1 unexpected rows; for example id=7, name=Zyxwanda"
CANARIES = ["Zyxwanda", "N10156"]


@dg.asset(check_specs=[dg.AssetCheckSpec("names", asset="planes")])
def planes(context: dg.AssetExecutionContext) -> Iterator[Any]:
    record = dg.TableRecord({"id": 7, "name": "Zyxwanda"})
    columns = [dg.TableColumn("id", "int"), dg.TableColumn("name", "string")]
    examples = dg.MetadataValue.table([record], dg.TableSchema(columns))
    facts = {"examples": examples, "observed": {"2013-01": "Zyxwanda"}, "rows": 3}
    yield dg.AssetCheckResult(
        passed=False, check_name="names", description=EVIDENCE, metadata=facts
    )
    raise dg.Failure(f"silver.planes was not published: {EVIDENCE}. Delivery 3 (N10156.csv).")


def test_events_can_still_be_read_and_quote_nobody(
    project: Path, tmp_path: Path, traces: Callable[..., Any]
) -> None:
    home = tmp_path / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        dg.materialize([planes], instance=instance, raise_on_error=False)
    assert {word for _, word in traces(home, CANARIES)} == set(CANARIES)
    lake = Lake(Settings.load({"LAKEHOUSE_PROJECT": str(project), "LAKEHOUSE_HOME": str(tmp_path)}))
    person = Person.parse(lake.contract("planes"), ["N10156"])
    assert blot(lake, person) > 0
    assert traces(home, CANARIES) == []
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        (run,) = instance.get_runs()
        told = " ".join(str(event) for event in instance.all_logs(run.run_id))
    assert "[erased]" in told
    assert "1 unexpected rows" in told
    assert blot(lake, person) == 0
