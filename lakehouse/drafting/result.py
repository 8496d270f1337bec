"""What came out of drafting a contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakehouse.results import Result, counted


@dataclass(frozen=True)
class Drafted(Result):
    """A contract that has been written.

    Attributes:
        dataset: The dataset.
        file: The contract.
        files: Files of the sample that were read.
        rows: Rows of the sample that were read.
        whole: Whether that was all of the sample.
        read: How the files are written, in a few words.
        columns: Columns of the files.
        required: Those that always have a value.
        key: Columns of the key.
        partition: How the table is cut, in words; empty if it is not.
        delivery: What a new file means.
        personal: Columns that seem to hold personal data, with what.
        questions: Questions for the owner, the text of the TODO lines.
    """

    dataset: str
    file: str
    files: int
    rows: int
    whole: bool
    read: str
    columns: int
    required: int
    key: tuple[str, ...]
    partition: str
    delivery: str
    personal: Mapping[str, str]
    questions: tuple[str, ...]

    def summary(self) -> str:
        """Lists what was found and what comes next."""
        part = "" if self.whole else ", a part of the sample"
        kept = "; ".join(f"{name} ({kind})" for name, kind in self.personal.items())
        lines = (
            f"Drafted {self.file} from {counted(self.files, 'file')}, "
            f"{counted(self.rows, 'row')}{part}.",
            f"  files      {self.read}",
            f"  columns    {self.columns}, {self.required} of them always filled",
            f"  key        {', '.join(self.key) or 'none found'}",
            f"  partition  {self.partition or 'none'}",
            f"  delivery   {self.delivery}",
            f"  personal   {kept or 'nothing found'}",
            f"  questions  {counted(len(self.questions), 'TODO line')} for the owner",
            f"Next: read the file, then `lakehouse land {self.dataset} FILES` and `lakehouse run`.",
        )
        return "\n".join(lines)

    def facts(self) -> Mapping[str, object]:
        """Returns what was found."""
        return {
            "dataset": self.dataset,
            "contract": self.file,
            "files": self.files,
            "rows": self.rows,
            "whole": self.whole,
            "read": self.read,
            "columns": self.columns,
            "required": self.required,
            "key": list(self.key),
            "partition": self.partition,
            "delivery": self.delivery,
            "personal": dict(self.personal),
            "questions": list(self.questions),
        }
