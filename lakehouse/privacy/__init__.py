"""Personal data: what becomes of a classified value, and what gives an unclassified one away."""

from lakehouse.contract.kinds import KINDS
from lakehouse.privacy.hashing import key_id, prepare, require_key
from lakehouse.privacy.hiding import HIDDEN, WITHHELD, has_personal, shown_record
from lakehouse.privacy.judging import likely_kinds
from lakehouse.privacy.scanning import Finding, scan, scanned
from lakehouse.privacy.treatment import hashed, selected, treated

__all__ = [
    "HIDDEN",
    "KINDS",
    "WITHHELD",
    "Finding",
    "has_personal",
    "hashed",
    "key_id",
    "likely_kinds",
    "prepare",
    "require_key",
    "scan",
    "scanned",
    "selected",
    "shown_record",
    "treated",
]
