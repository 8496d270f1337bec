"""Dagster resources: thin handles on the engine."""

from resources.lake import LakeResource, Session

__all__ = ["LakeResource", "Session"]
