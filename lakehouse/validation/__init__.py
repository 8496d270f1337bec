"""Great Expectations on an open DuckDB connection: one pass, a verdict for every partition.

Importing this package is light; Great Expectations is imported when a suite is built.
"""

from lakehouse.validation.report import Outcome, Report, Verdict
from lakehouse.validation.validating import validate

__all__ = ["Outcome", "Report", "Verdict", "validate"]
