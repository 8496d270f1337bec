"""A real S3 server and a real PostgreSQL for one person on one machine, without containers."""

from lakehouse.services.result import Server, Services
from lakehouse.services.workflow import start, status, stop

__all__ = ["Server", "Services", "start", "status", "stop"]
