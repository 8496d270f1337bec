"""A file without a person's records: all others are byte for byte as they were delivered."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.erasing.finding import Cleaned, Finder
from lakehouse.erasing.person import Person

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "said", "logicalType": "string"},
    {"name": "score", "logicalType": "integer", "logicalTypeOptions": {"maximum": 100}},
]
HEAD = "id,said,score\n"
Clean = Callable[..., Cleaned | None]


@pytest.fixture(scope="module")
def clean(make_data_lake: Callable[..., Any], tmp_path_factory: Any) -> Clean:
    """Takes a person's records out of a file; the person is `id=Zyx-1` unless said otherwise."""
    lake = make_data_lake()
    folder = tmp_path_factory.mktemp("files")

    def cleaned(
        content: bytes, name: str = "a.csv", *keys: str, columns: Any = COLUMNS, **read: Any
    ) -> Cleaned | None:
        changes = {"read": read} if read else {}
        lake.declare("cells", delivery="full", columns=columns, limit=1, **changes)
        (folder / name).write_bytes(content)
        person = Person.parse(lake.lake.contract("cells"), keys or ("Zyx-1",))
        with lake.lake.connect(tables=False) as connection:
            finder = Finder(lake.lake, connection, person)
            if finder.has_versions:
                finder.note(f"file://{folder / name}", name)
            return finder.cleaned(f"file://{folder / name}", name)

    return cleaned


TEXTS = {
    "first": (f"{HEAD}Zyx-1,a,1\nM2,b,2\n", f"{HEAD}M2,b,2\n"),
    "last, without a line end": (f"{HEAD}M2,b,2\nZyx-1,a,1", f"{HEAD}M2,b,2\n"),
    "all": (f"{HEAD}Zyx-1,a,1\n", HEAD),
    "quoted over lines": (f'{HEAD}M2,"b\n2",2\n"Zyx-1","a\nb",1\nM3,c,3\n', None),
    "carriage returns": (f"{HEAD}M2,b,2\nZyx-1,a,1\nM3,c,3\n".replace("\n", "\r\n"), None),
    "byte-order mark": (f"\ufeff{HEAD}Zyx-1,a,1\nM2,b,2\n", None),
    "blank lines": (f"{HEAD}\nZyx-1,a,1\n\nM2,b,2\n\n", None),
    "other order of columns": ("score,id,said\n1,Zyx-1,a\n2,M2,Zyx-1\n", None),
    "a broken row of theirs": (f"{HEAD}Zyx-1,a,900\nM2,b,900\nZyx-1,a,no\n", None),
    "a row too short to be divided": (f"{HEAD}Zyx-1,a\nM2,b\nZyx-10,c\n", None),
    "a quote that never closes": (f'{HEAD}Zyx-1,"a,1\nM2,b,2\nM3,"b,3\n', None),
}


def without(text: str) -> str:
    """What is expected where every line of the person's starts so."""
    gone = ("Zyx-1,", '"Zyx-1"', "1,Zyx-1", 'b",1')
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(gone))


@pytest.mark.parametrize("name", TEXTS)
def test_other_records_stay_byte_for_byte(clean: Clean, name: str) -> None:
    before, after = TEXTS[name]
    found = clean(before.encode())
    assert found is not None
    assert found.content.decode() == (without(before) if after is None else after)


def test_a_file_without_the_person_is_left_alone(clean: Clean) -> None:
    assert clean(f"{HEAD}M2,Zyx-1,2\nZyx-10,b,3\n".encode()) is None


def zipped(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.csv", content)
    return sink.getvalue()


def unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["inner.csv"]
        return archive.read("inner.csv")


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


PACKED = {
    "a.csv.gz": (gzip.compress, gzip.decompress),
    "a.csv.zip": (zipped, unzipped),
    "a.csv.zst": (
        zstd,
        lambda content: pa.CompressedInputStream(pa.BufferReader(content), "zstd").read(),
    ),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_files_are_packed_again(clean: Clean, name: str) -> None:
    pack, unpack = PACKED[name]
    found = clean(pack(f"{HEAD}M2,b,2\nZyx-1,a,1\n".encode()), name)
    assert found is not None
    assert unpack(found.content) == f"{HEAD}M2,b,2\n".encode()


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-16", b"\xff\xfe"), ("utf-16", b"\xfe\xff"), ("latin-1", b""), ("windows-1252", b"")],
)
def test_encodings_stay(clean: Clean, encoding: str, mark: bytes) -> None:
    kind = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(mark, encoding)

    def written(text: str) -> bytes:
        return mark + text.encode(kind)

    found = clean(written(f"{HEAD}M2,ü,2\nZyx-1,ö,1\n"), encoding=encoding)
    assert found is not None
    assert found.content == written(f"{HEAD}M2,ü,2\n")


def test_lines_of_objects(clean: Clean) -> None:
    kept = '{"said": "Zyx-1", "id":  "M2"}\n'
    text = f'{{"id": "Zyx-1", "score": 1}}\n{kept}{{"id": "Zyx-1", "sc\n\n{{"id":"Zyx\\u002d1"}}\n'
    found = clean(text.encode(), "a.ndjson", format="ndjson")
    assert found == Cleaned(f"{kept}\n".encode(), 3)


def test_elements_of_an_array(clean: Clean) -> None:
    kept = '\n  {"id": "M2", "said": "[,]"}'
    text = f'[{{"id": "Zyx-1", "said": "],"}},{kept},\n{{"id": "Zyx-1"}}]\n'
    assert clean(text.encode(), "a.json", format="json") == Cleaned(f"[{kept}]\n".encode(), 2)
    assert clean(b'[{"id": "Zyx-1"}]', "a.json", format="json") == Cleaned(b"[]", 1)


@pytest.mark.parametrize(("format", "name"), [("ndjson", "a.ndjson"), ("csv", "b.csv")])
def test_a_file_of_nothing_else_can_still_be_read(clean: Clean, format: str, name: str) -> None:
    row = b'{"id": "Zyx-1"}\n' if format == "ndjson" else b"Zyx-1,a,1\n"
    more = {"header": False} if format == "csv" else {}
    found = clean(row, name, format=format, **more)
    assert found == Cleaned(b"\n", 1)
    assert clean(found.content, name, format=format, **more) is None


@pytest.mark.parametrize("codec", ["snappy", "zstd", "none", "gzip"])
def test_rows_of_parquet(clean: Clean, codec: str, tmp_path: Path) -> None:
    ids, scores = ["M2", "Zyx-1", "M3", "Zyx-1", "M4"], [2, 1, 3, None, 4]
    rows = pa.table(
        {"id": pa.array(ids).dictionary_encode(), "said": ["x"] * 5, "score": pa.array(scores)}
    )
    pq.write_table(rows, tmp_path / "a.parquet", compression=codec, row_group_size=2)
    content = (tmp_path / "a.parquet").read_bytes()
    found = clean(content, "a.parquet", format="parquet")
    assert found is not None
    file = pq.ParquetFile(pa.BufferReader(found.content))
    assert found.records == 2
    assert file.read().to_pylist() == [row for row in rows.to_pylist() if row["id"] != "Zyx-1"]
    assert file.schema_arrow.equals(rows.schema)
    assert file.metadata.row_group(0).column(0).compression.lower() in (codec, "uncompressed")
    assert b"Zyx" not in found.content


UNREADABLE = {
    "no header": ("a.csv", b"Zyx-1,a,1\nM2,b,2\n", b"M2,b,2\n"),
    "an unknown column": (
        "a.csv",
        b"id,said,points\nM2,b,2\nZyx-1,a,1\n",
        b"id,said,points\nM2,b,2\n",
    ),
    "a damaged archive": ("a.csv.gz", gzip.compress(b"Zyx-1,a,1\n" * 9)[:-8], b""),
    "packed, and not named so": ("a.csv", gzip.compress(b"Zyx-1,a,1\n"), b""),
}


@pytest.mark.parametrize("why", UNREADABLE)
def test_what_cannot_be_read_goes_by_line_or_as_a_whole(clean: Clean, why: str) -> None:
    name, before, after = UNREADABLE[why]
    found = clean(before, name)
    assert found is not None
    assert found.content == after


def test_a_damaged_file_of_others_stays(clean: Clean) -> None:
    assert clean(gzip.compress(b"M2,a,1\n" * 9)[:-8], "a.csv.gz") is None


def test_numbers_dates_and_parts_of_a_key(clean: Clean) -> None:
    columns = [
        {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
        {
            "name": "day",
            "logicalType": "date",
            "primaryKey": True,
            "primaryKeyPosition": 2,
            "logicalTypeOptions": {"format": "dd/MM/yyyy"},
        },
    ]
    content = b"id,day\n7,05/01/2013\n007,06/01/2013\n17,05/01/2013\n7\n7 7,x\n"
    found = clean(content, "a.csv", "id=7", columns=columns)
    assert found == Cleaned(b"id,day\n17,05/01/2013\n", 4)
    found = clean(content, "a.csv", "id=7", "day=2013-01-05", columns=columns)
    assert found == Cleaned(content.replace(b"7,05/01/2013\n", b"", 1), 1)


def test_all_versions_of_a_row_go(clean: Clean) -> None:
    found = clean(f"{HEAD}M1,old,1\nM2,b,2\nM1,Zyxwanda,1\n".encode(), "a.csv", "said=Zyxwanda")
    assert found == Cleaned(f"{HEAD}M2,b,2\n".encode(), 2)


def test_bytes_of_a_parquet_file_that_is_not_as_declared(clean: Clean, tmp_path: Path) -> None:
    columns = [*COLUMNS[:2], {**COLUMNS[2], "required": True}]
    rows = pa.table({"who": pa.array(["Zyxé-1".encode(), b"M2"], pa.binary())})
    pq.write_table(rows, tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    found = clean(content, "a.parquet", "Zyxé-1", columns=columns, format="parquet")
    assert found is not None
    assert pq.read_table(pa.BufferReader(found.content)).to_pylist() == [{"who": b"M2"}]
