"""Starting, looking at and stopping the two servers."""

from __future__ import annotations

from collections.abc import Mapping

from filelock import FileLock

from lakehouse.services import database, objects
from lakehouse.services.folder import Folder, private
from lakehouse.services.result import Services
from lakehouse.settings import Settings

_SERVERS = (objects, database)


def start(settings: Settings) -> Services:
    """Starts the server that does not run, under `<home>/services` and on 127.0.0.1 only.

    They outlive this process and the terminal it was called in.

    Args:
        settings: Its home says where.

    Returns:
        Both servers and the settings with which a lake uses them.

    Raises:
        UsageError: A server is not installed.
        ServiceFailed: A server does not come up.
    """
    folder = _folder(settings)
    folder.make()
    changed = []
    with FileLock(folder.path / "starting.lock"):
        for kind in _SERVERS:
            if not kind.server(folder).running:
                kind.start(folder)
                changed.append(kind.NAME)
        found = _found(settings, folder, tuple(changed))
        private(folder.environment, found.exports() + "\n")
    return found


def status(settings: Settings) -> Services:
    """Looks which server runs; changes nothing."""
    return _found(settings, _folder(settings), ())


def stop(settings: Settings) -> Services:
    """Stops both servers; what they keep stays on disk.

    Raises:
        ServiceFailed: A server does not end.
    """
    folder = _folder(settings)
    if not folder.path.exists():
        return _found(settings, folder, ())
    with FileLock(folder.path / "starting.lock"):
        running = [kind for kind in _SERVERS if kind.server(folder).running]
        for kind in running:
            kind.stop(folder)
    return _found(settings, folder, tuple(kind.NAME for kind in running))


def _folder(settings: Settings) -> Folder:
    return Folder(settings.home / "services")


def _found(settings: Settings, folder: Folder, changed: tuple[str, ...]) -> Services:
    servers = tuple(kind.server(folder) for kind in _SERVERS)
    running = all(server.running for server in servers)
    return Services(servers, _settings(settings, folder) if running else {}, changed)


def _settings(settings: Settings, folder: Folder) -> Mapping[str, str]:
    """Returns what a lake must be told; where the secrets are, but not the secrets."""
    where = f"postgresql://{database.USER}@127.0.0.1:{folder.port(database.NAME)}"
    catalog, dagster, mlflow = database.DATABASES
    return {
        "LAKEHOUSE_HOME": str(settings.home),
        "LAKEHOUSE_WAREHOUSE": f"s3://{objects.BUCKET}/warehouse",
        "LAKEHOUSE_LANDING": f"s3://{objects.BUCKET}/landing",
        "LAKEHOUSE_S3_ENDPOINT": f"http://127.0.0.1:{folder.port(objects.NAME)}",
        "LAKEHOUSE_CATALOG_URI": f"{where}/{catalog}",
        "LAKEHOUSE_DAGSTER_URI": f"{where}/{dagster}",
        "LAKEHOUSE_TRACKING_URI": f"{where}/{mlflow}",
        "AWS_SHARED_CREDENTIALS_FILE": str(folder.aws),
        "AWS_PROFILE": "default",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PGPASSFILE": str(folder.pgpass),
    }
