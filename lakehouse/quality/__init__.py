"""How a dataset stands against its expectations: the last verdicts, and pages that show them."""

from lakehouse.quality.pages import DOCS, add, page, write
from lakehouse.quality.standing import Audit, Expected, Standing, stand, told

__all__ = ["DOCS", "Audit", "Expected", "Standing", "add", "page", "stand", "told", "write"]
