"""What the command line knows of Dagster: the entry point `lakehouse.orchestrator`."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

from assets.instance import home, instance
from assets.refreshing import Refreshed, refresh
from lakehouse.errors import Refused
from lakehouse.lake import Lake
from lakehouse.settings import Settings, machine_environment
from resources import Session


class Orchestrator:
    """Runs the lake through Dagster."""

    def run(self, settings: Settings, progress: Callable[[str], None]) -> Refreshed:
        """Materializes what is stale in this process, so that the web UI shows the runs.

        Args:
            settings: Which lake.
            progress: Gets one human line per stage.

        Returns:
            The engine's results in their order, with what was refused.

        Raises:
            LakehouseError: A service failed or a declaration is wrong; told after all that does
                not depend on it has been done.
        """
        with instance(settings) as kept:
            done = refresh(Session(Lake(settings), timedelta(0), progress), kept)
        for error in done.errors:
            if not isinstance(error, Refused):
                raise error
        return done

    def ui(self, settings: Settings, host: str, port: int) -> int:
        """Starts the web UI with its daemon, and returns its exit code when it is stopped.

        Sensors and schedules run as long as it does.
        """
        print(f"Web UI: http://{host}:{port}  (Ctrl+C stops it)", flush=True)
        command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml"]
        command += ["-h", host, "-p", str(port)]
        here = {"LAKEHOUSE_PROJECT": str(settings.project), "LAKEHOUSE_HOME": str(settings.home)}
        quiet = {
            "DAGSTER_HOME": str(home(settings)),
            "DAGSTER_DISABLE_TELEMETRY": "true",
            # the command that is to follow it needs a project layout of its own
            "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
        }
        environment = machine_environment({**here, **quiet})
        try:
            return subprocess.run(
                command, cwd=settings.project, env=environment, check=False
            ).returncode
        except KeyboardInterrupt:
            return 0
