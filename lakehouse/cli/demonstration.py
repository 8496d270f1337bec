"""`demo`: the whole main job on the sample, and what came out."""

from __future__ import annotations

import resource
from pathlib import Path

import typer

from lakehouse.cli.console import AsJson, Stages, errors, output, print_json, show_refusals

_NOW = "2014-01-01T00:00:00Z"
_CONFIG = f"""\
# Written by `lakehouse demo`; what is changed here is kept.
# The sample ends with 2013, so this lake's clock stands at the end of that year.
now = "{_NOW}"
"""


def register(app: typer.Typer) -> None:
    """Adds this module's verbs."""
    app.command(epilog="Example: `LAKEHOUSE_HOME=/tmp/lake lakehouse demo`")(demo)


def demo(as_json: AsJson = False) -> None:
    """Runs the whole main job on a year of real flights and shows what came out.

    Delivers the sample into the landing folder, then brings everything up to date: bronze, silver,
    gold, the model, its predictions and their drift. A second time, nothing changes.
    """
    from lakehouse.cli import picture
    from lakehouse.cli.orchestration import orchestrator, sample
    from lakehouse.lake import Lake
    from lakehouse.settings import CONFIG_FILE, Settings

    settings = Settings.load()
    with Stages() as stages:
        if _prepare(settings.home / CONFIG_FILE):
            stages(f"clock of this lake set to {_NOW}, in {settings.home / CONFIG_FILE}")
            settings = Settings.load()
        before = picture.inventory(Lake(settings))
        files = sample()(settings.landing, settings)
        stages(f"sample: {len(files)} files in {settings.landing}")
        done = orchestrator().run(settings, stages)
        found = picture.read(Lake(settings), before, done)
        seconds = stages.seconds
    memory = _peak_megabytes()
    if as_json:
        print_json({**found.document(), "seconds": round(seconds, 1), "peak_mb": round(memory)})
    else:
        output().print(found.shown(str(settings.home)))
        output().print(f"Done in {seconds:.0f} s, peak memory {memory:,.0f} MB.", style="dim")
    show_refusals(done.refusals())
    if done.refusals():
        errors().print("`lakehouse status` lists what was refused.", markup=False)
        raise typer.Exit(1)


def _prepare(config: Path) -> bool:
    """Writes the demo's settings unless the lake has settings of its own."""
    if config.exists():
        return False
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(_CONFIG, encoding="utf-8")
    return True


def _peak_megabytes() -> float:
    """Returns the most memory that this process, or a child of it, ever held."""
    used = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in used) / 1024
