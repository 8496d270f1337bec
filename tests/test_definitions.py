"""The whole of what Dagster shows, as one text that is compared with a golden file."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.graph import graph
from lakehouse.lake import Lake
from lakehouse.settings import Settings


@pytest.fixture(scope="module")
def found(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The definitions of a lake whose clock stands at the end of the sample."""
    home = tmp_path_factory.mktemp("lake")
    named = {"LAKEHOUSE_PROJECT": str(project), "LAKEHOUSE_HOME": str(home)}
    lake = Lake(Settings.load({**named, "LAKEHOUSE_NOW": "2014-01-01T00:00:00Z"}))
    return dg.Definitions(assets=graph(lake), resources={"session": None})


def lines(found: dg.Definitions) -> Iterator[str]:
    assets = found.resolve_asset_graph()
    for key in sorted(assets.get_all_asset_keys()):
        node = assets.get(key)
        yield key.to_user_string()
        yield f"  group {node.group_name}; kinds {', '.join(sorted(node.kinds))}"
        yield f"  owners {', '.join(node.owners)}; tags {', '.join(plain(node.tags))}"
        yield f"  from {', '.join(sorted(k.to_user_string() for k in node.parent_keys))}"
        if node.partitions_def:
            keys = node.partitions_def.get_partition_keys()
            yield f"  partitions {keys[0]} to {keys[-1]}; {node.backfill_policy.policy_type.name}"
        if node.freshness_policy:
            yield f"  fresh within {node.freshness_policy.fail_window.to_timedelta()}"
        mine = sorted(k for k in assets.asset_check_keys if k.asset_key == key)
        specs = [assets.get_check_spec(check) for check in mine]
        yield from (f"  {'must' if s.blocking else 'should'} {s.name}" for s in specs)
        yield ""


def plain(tags: dict[str, str]) -> list[str]:
    return sorted(tag for tag in tags if not tag.startswith("dagster/"))


def test_the_asset_graph_is_this(found: dg.Definitions, golden: Callable[[str, str], None]) -> None:
    golden("asset_graph.txt", "\n".join(line.rstrip() for line in lines(found)))


def test_every_asset_says_what_it_is_and_who_answers_for_it(found: dg.Definitions) -> None:
    assets = found.resolve_asset_graph()
    nodes = [assets.get(key) for key in assets.get_all_asset_keys()]
    assert [n.key for n in nodes if not (n.description and n.group_name)] == []
    # maintenance is everybody's
    owned = [n for n in nodes if n.group_name != "maintenance"]
    assert [n.key for n in owned if not n.owners] == []
    assert [n.key for n in nodes if not 1 <= len(n.kinds) <= 3] == []


def test_every_silver_column_is_described(found: dg.Definitions) -> None:
    silver = [spec for spec in found.resolve_all_asset_specs() if spec.key.path[0] == "silver"]
    schemas = [spec.metadata["dagster/column_schema"] for spec in silver]
    assert len(schemas) == 5
    assert [c.name for s in schemas for c in s.columns if not (c.description and c.type)] == []


def test_the_definitions_are_valid_and_load_without_warnings(project: Path) -> None:
    code = "import warnings; warnings.simplefilter('error', FutureWarning); import dagster as dg\n"
    code += "from dagster import BetaWarning, PreviewWarning\n"
    code += "for kind in (BetaWarning, PreviewWarning): warnings.simplefilter('error', kind)\n"
    code += "import definitions; dg.Definitions.validate_loadable(definitions.defs)\n"
    code += "names = sorted(s.name for s in definitions.defs.sensors)\n"
    code += "print(names, sorted(s.name for s in definitions.defs.schedules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    sensors, schedules = done.stdout.strip().split("] [")
    assert sensors == "['landed_files', 'retrain_late_arrival'"
    assert schedules == "'daily_refresh', 'hourly_freshness', 'nightly_maintenance']"
