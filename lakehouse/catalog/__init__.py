"""The Iceberg catalog: tables by name, consistent reads, all-or-nothing commits.

The private PyIceberg methods that this needs are used in this package only.
"""

from lakehouse.catalog.appending import append
from lakehouse.catalog.catalog import (
    FORMAT_VERSION,
    MAIN,
    Catalog,
    Change,
    format_of,
    staged,
    still_at,
)
from lakehouse.catalog.cleaning import AUDIT, audits, referred, superfluous, without
from lakehouse.catalog.compacting import Bundle, batches, bundles, compacted
from lakehouse.catalog.evolving import evolve, is_new
from lakehouse.catalog.expiring import forgettable, history, kept, unseen
from lakehouse.catalog.formats import is_older, upgraded
from lakehouse.catalog.numbering import field_ids, number
from lakehouse.catalog.opening import NAME
from lakehouse.catalog.pointing import point
from lakehouse.catalog.proposal import Proposal, accept, discard, propose, proposed
from lakehouse.catalog.purging import known, renewed
from lakehouse.catalog.reaching import data_files, reached
from lakehouse.catalog.references import back, tag, untag
from lakehouse.catalog.refs import SAME_ROWS, Refs, content_of, rows_of, summary_of
from lakehouse.catalog.relocating import counts, relocated
from lakehouse.catalog.retrying import attempts, retried
from lakehouse.catalog.rewriting import refilled, reshaped, rewrite

__all__ = [
    "AUDIT",
    "FORMAT_VERSION",
    "MAIN",
    "NAME",
    "SAME_ROWS",
    "Bundle",
    "Catalog",
    "Change",
    "Proposal",
    "Refs",
    "accept",
    "append",
    "attempts",
    "audits",
    "back",
    "batches",
    "bundles",
    "compacted",
    "content_of",
    "counts",
    "data_files",
    "discard",
    "evolve",
    "field_ids",
    "forgettable",
    "format_of",
    "history",
    "is_new",
    "is_older",
    "kept",
    "known",
    "number",
    "point",
    "propose",
    "proposed",
    "reached",
    "referred",
    "refilled",
    "relocated",
    "renewed",
    "reshaped",
    "retried",
    "rewrite",
    "rows_of",
    "staged",
    "still_at",
    "summary_of",
    "superfluous",
    "tag",
    "unseen",
    "untag",
    "upgraded",
    "without",
]
