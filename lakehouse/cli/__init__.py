"""The command line. `--help` must answer at once, so verbs import what is heavy when they run."""

from lakehouse.cli.app import main

__all__ = ["main"]
