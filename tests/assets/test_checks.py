"""What a contract demands, as asset checks known before anything runs."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets import checks
from lakehouse.contract import Query, load
from lakehouse.results import Severity

KEY = dg.AssetKey(["silver", "airlines"])


@pytest.mark.parametrize(("severity", "blocks"), [("error", True), ("warning", False)])
def test_a_check_in_sql_is_declared_with_its_limit(
    project: Path, severity: Severity, blocks: bool
) -> None:
    contract = load(project / "assets" / "contracts" / "airlines.odcs.yaml")
    few = Query("few", "SELECT count(*) FROM ${table}", "mustBeLessThan", 50, severity, "Few fly.")
    (found,) = [
        spec for spec in checks.of_contract(replace(contract, queries=(few,)), KEY)
        if spec.name == "few"
    ]  # fmt: skip
    assert found.blocking is blocks
    assert found.description == "Few fly."
    assert found.metadata["expected"] == {"mustBeLessThan": 50}
