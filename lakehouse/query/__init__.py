"""Ad-hoc SQL over the published tables, fenced to reading them.

All tables are resolved in one read of the catalog, so that a query over several never mixes two
publishes; branches that wait for their audit have no name here. The fence has three rails, since
each alone leaves a gap: only statements that read are admitted (`EXPLAIN ANALYZE COPY … TO` would
write), and only tables that the session has, for DuckDB takes any other name for a file; only table
functions that read no file and change no setting (`enable_logging` writes files, `read_parquet`
would show unpublished rows); and DuckDB itself opens no file outside the folders of the tables.
"""

from lakehouse.query.admission import TABLE_FUNCTIONS
from lakehouse.query.answer import Answer
from lakehouse.query.limits import Limits
from lakehouse.query.session import Session, query

__all__ = ["TABLE_FUNCTIONS", "Answer", "Limits", "Session", "query"]
