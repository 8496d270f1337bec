"""Contracts drafted from samples: they load, and the next run publishes every row with them."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from assets.sample import source
from lakehouse import contract, drafting, ingestion, landing
from lakehouse.contract import Contract
from lakehouse.drafting import Drafted
from lakehouse.errors import DraftRefused

SMALL = "id,name,price\n1,Ann,1.5\n2,Bo,2.5\n"


class Desk:
    """A lake without datasets, and a folder with samples to draft from."""

    def __init__(self, lake: Any, folder: Path) -> None:
        self.made, self.folder = lake, folder

    def put(self, name: str, content: str | bytes) -> Path:
        """Writes a file of a sample."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def draft(self, dataset: str, source: Path) -> tuple[Drafted, Contract]:
        """Drafts a contract and loads it."""
        drafted = drafting.draft(self.made.open().settings, dataset, str(source))
        return drafted, contract.load(Path(drafted.file))

    def publish(self, dataset: str, *files: Path) -> list[dict[str, Any]]:
        """Lands files and refreshes: nothing is refused, quarantined, or fails a check."""
        lake = self.made.open()
        paths = (
            [str(path) for file in files for path in sorted(file.iterdir())]
            if (files[0].is_dir())
            else [str(file) for file in files]
        )
        receipt = landing.land(lake, dataset, paths, run="test")
        assert receipt.refused == ()
        refreshed = ingestion.refresh(lake, dataset, None, run="test")
        assert refreshed.refusals() == ()
        assert [check for check in refreshed.checks() if not check.passed] == []
        assert self.made.rows(f"quarantine.{dataset}") == []
        table = self.made.reader().load_table(f"silver.{dataset}")
        return list(table.scan().to_arrow().to_pylist())

    def work(self, dataset: str, source: Path) -> tuple[Contract, list[dict[str, Any]]]:
        """Drafts from a sample and publishes it."""
        _, made = self.draft(dataset, source)
        return made, self.publish(dataset, source)


@pytest.fixture
def desk(make_data_lake: Callable[..., Any], tmp_path: Path) -> Desk:
    return Desk(make_data_lake(), tmp_path / "samples")


def weather(month: int) -> str:
    """The real weather of one month, line by line as the package has it."""
    header, *lines = source("weather.csv").read_text("utf-8").splitlines(keepends=True)
    return header + "".join(line for line in lines if line.split(",")[2] == str(month))


@pytest.fixture(scope="module")
def flights() -> dict[int, str]:
    """Real flights of January and February 2013, the ends of the months among them."""
    with zipfile.ZipFile(source("flights.csv.zip")) as archive:
        lines = io.TextIOWrapper(archive.open(archive.namelist()[0]), "utf-8")
        header, *rest = lines
    wanted = {
        month: {("2013", str(month), day) for day in ("1", "2", "28", "31")} for month in (1, 2)
    }
    return {
        month: header + "".join(line for line in rest if tuple(line.split(",", 3)[:3]) in days)
        for month, days in wanted.items()
    }


def zipped(content: bytes) -> bytes:
    """An archive with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.csv", content)
    return packed.getvalue()


def zstandard(content: bytes) -> bytes:
    """One frame of zstd."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


# --- the real data ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "key"), [("airlines", "carrier"), ("planes", "tailnum")])
def test_a_dimension_is_one_whole_with_its_code_as_key(desk: Desk, name: str, key: str) -> None:
    drafted, made = desk.draft(name, source(f"{name}.csv"))
    assert (made.key, made.partition, made.delivery) == ((key,), None, "full")
    assert len(desk.publish(name, source(f"{name}.csv"))) == drafted.rows


def test_missing_values_ranges_and_lists_of_values_are_found(desk: Desk) -> None:
    _, made = desk.draft("planes", source("planes.csv"))
    types = {column.name: column.type for column in made.columns}
    assert made.read.nulls == ("NA",)
    assert (types["year"], types["seats"], types["engine"]) == ("INTEGER", "INTEGER", "VARCHAR")
    assert {c.name for c in made.columns if not c.required} == {"year", "speed"}
    rules = {rule.name for rule in made.rules}
    assert "seats between 0 and 900" in rules
    assert any(rule.startswith("engine in 4 Cycle, Reciprocating, Turbo-fan") for rule in rules)


def test_flights_are_cut_by_the_day_that_their_three_columns_make(
    desk: Desk, flights: dict[int, str]
) -> None:
    for month, text in flights.items():
        desk.put(f"flights/flights_2013-{month:02}.csv", text)
    made, rows = desk.work("flights", desk.folder / "flights")
    assert made.partition is not None
    assert (made.partition.column, made.partition.granularity) == ("date", "month")
    assert made.partition.start == date(2013, 1, 1)
    assert made.key == ("year", "month", "day", "carrier", "flight")
    assert len(rows) == sum(text.count("\n") - 1 for text in flights.values())
    assert {row["date"].month for row in rows} == {1, 2}


def test_files_of_months_are_partitions_that_a_new_version_replaces(desk: Desk) -> None:
    for month in (1, 2, 3):
        desk.put(f"weather/weather_2013-{month:02}.csv", weather(month))
    drafted, made = desk.draft("weather", desk.folder / "weather")
    assert (drafted.files, made.delivery) == (3, "replace")
    assert made.partition is not None
    assert made.partition.granularity == "month"
    assert made.freshness is None, "the lake's clock is of 2014, the sample of March 2013"
    text = Path(drafted.file).read_text("utf-8")
    assert "#   - property: freshness" in text
    assert len(desk.publish("weather", desk.folder / "weather")) == drafted.rows


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "planes.csv.gz": gzip.compress,
    "planes.csv.zst": zstandard,
    "planes.csv.zip": zipped,
    "planes.zip": zipped,
    "planes.csv": lambda content: content,
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_files_are_read_as_plain_ones(desk: Desk, name: str) -> None:
    file = desk.put(name, PACKED[name](source("planes.csv").read_bytes()))
    made, rows = desk.work("planes", file)
    assert made.key == ("tailnum",)
    assert len(rows) == 3322


def test_a_packing_that_the_name_hides_is_written_down(desk: Desk) -> None:
    file = desk.put("planes.csv", gzip.compress(source("planes.csv").read_bytes()))
    made, rows = desk.work("planes", file)
    assert made.read.compression == "gzip"
    assert len(rows) == 3322


def frame() -> pl.DataFrame:
    """The real weather of January with types and nulls."""
    text = weather(1).encode()
    read = pl.read_csv(io.BytesIO(text), null_values="NA", infer_schema_length=None)
    return read.with_columns(pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"))


def parquet(rows: pl.DataFrame) -> bytes:
    made = io.BytesIO()
    rows.write_parquet(made)
    return made.getvalue()


FORMATS: dict[str, Callable[[pl.DataFrame], bytes]] = {
    "tsv": lambda rows: rows.write_csv(separator="\t").encode(),
    "json": lambda rows: rows.write_json().encode(),
    "ndjson": lambda rows: rows.write_ndjson().encode(),
    "parquet": parquet,
}


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_gives_the_same_types_and_rows(desk: Desk, format: str) -> None:
    rows = frame()
    made, found = desk.work("weather", desk.put(f"weather.{format}", FORMATS[format](rows)))
    types = {column.name: column.type for column in made.columns}
    assert made.read.format == format
    assert (types["temp"], types["origin"], types["time_hour"]) == (
        "DOUBLE",
        "VARCHAR",
        "TIMESTAMPTZ",
    )
    assert made.key == ("origin", "time_hour")
    assert len(found) == len(rows)
    assert sum(row["wind_gust"] or 0 for row in found) == pytest.approx(rows["wind_gust"].sum())


# --- quirks -------------------------------------------------------------------------------------


def test_semicolons_decimal_commas_and_days_first(desk: Desk) -> None:
    lines = [f"{n};{n % 28 + 1:02}.{n % 12 + 1:02}.2013;{n},25;Stra\u00dfe {n}" for n in range(300)]
    text = "nr;tag;betrag;ort\n" + "\n".join(lines) + "\n"
    made, rows = desk.work("umsatz", desk.put("umsatz.csv", text.encode("latin-1")))
    assert (made.read.delimiter, made.read.decimal, made.read.encoding) == (";", ",", "latin-1")
    assert made.column("tag").type == "DATE"
    assert sum(row["betrag"] for row in rows) == pytest.approx(sum(range(300)) + 75)
    assert rows[0]["ort"].startswith("Stra\u00dfe")
    assert {row["tag"].year for row in rows} == {2013}


def test_a_byte_order_mark_says_utf16(desk: Desk) -> None:
    made, rows = desk.work(
        "people", desk.put("people.csv", "id,word\n1,\u017c\u00f3\u0142w\n2,b\n".encode("utf-16"))
    )
    assert made.read.encoding == "utf-16"
    assert {row["word"] for row in rows} == {"\u017c\u00f3\u0142w", "b"}


def test_windows_quotes_are_not_latin(desk: Desk) -> None:
    text = "id,word\n1,\u201equoted\u201c\n2,na\u00efve\n"
    made, rows = desk.work("words", desk.put("words.csv", text.encode("windows-1252")))
    assert made.read.encoding == "windows-1252"
    assert {row["word"] for row in rows} == {"\u201equoted\u201c", "na\u00efve"}


def test_columns_without_names_get_some_and_a_question(desk: Desk) -> None:
    drafted, made = desk.draft(
        "plain", file := desk.put("plain.csv", "1,2013-01-01,x\n2,2013-01-02,y\n")
    )
    assert [column.name for column in made.columns] == ["column_1", "column_2", "column_3"]
    assert not made.read.header
    assert any("what are they called" in question for question in drafted.questions)
    assert len(desk.publish("plain", file)) == 2


def test_names_that_columns_cannot_have_are_kept_as_business_names(desk: Desk) -> None:
    text = "Order No.,Total amount (\u20ac),2nd\n1,2.5,a\n2,3.5,b\n"
    drafted, made = desk.draft("orders", file := desk.put("orders.csv", text))
    assert [column.name for column in made.columns] == ["Order_No", "Total_amount", "c_2nd"]
    assert (made.read.header, made.read.skip) == (False, 1)
    assert 'businessName: "Total amount (\u20ac)"' in Path(drafted.file).read_text("utf-8")
    assert [row["c_2nd"] for row in desk.publish("orders", file)] == ["a", "b"]


def test_lines_before_the_header_are_skipped(desk: Desk) -> None:
    text = "Report of the day\n\nid,price\n1,2.5\n2,3.5\n3,4.5\n"
    made, rows = desk.work("report", desk.put("report.csv", text))
    assert made.read.skip == 2
    assert len(rows) == 3


def test_codes_keep_their_zeros_and_long_numbers_their_digits(desk: Desk) -> None:
    lines = [f"00{n},{n}{'1' * 19},{n + 3_000_000_000}" for n in range(1, 30)]
    made, rows = desk.work("codes", desk.put("codes.csv", "code,long,big\n" + "\n".join(lines)))
    types = [column.type for column in made.columns]
    assert types == ["VARCHAR", "VARCHAR", "BIGINT"]
    assert "001" in {row["code"] for row in rows}


def test_quoted_newlines_and_delimiters_are_text(desk: Desk) -> None:
    text = 'id,note\n1,"a, b\nc"\n2,"say ""x"""\n3,plain\n'
    _, rows = desk.work("notes", desk.put("notes.csv", text))
    assert {row["note"] for row in rows} == {"a, b\nc", 'say "x"', "plain"}


def test_booleans_times_and_moments(desk: Desk) -> None:
    lines = [
        f"{n},{'yes' if n % 2 else 'no'},{n % 24:02}:30:00,2013-01-02 03:04:{n:02}"
        for n in range(60)
    ]
    made, rows = desk.work("mixed", desk.put("mixed.csv", "n,ok,at,seen\n" + "\n".join(lines)))
    assert [c.type for c in made.columns] == ["INTEGER", "BOOLEAN", "TIME", "TIMESTAMPTZ"]
    assert datetime(2013, 1, 2, 3, 4, 59, tzinfo=UTC) in {row["seen"] for row in rows}


def test_a_text_that_may_be_a_word_is_null_only_among_numbers(desk: Desk) -> None:
    rows = "".join(f"{n},{'unknown' if n % 3 else n},{'-' if n % 2 else 'x'}\n" for n in range(50))
    made, found = desk.work("tokens", desk.put("tokens.csv", "id,n,word\n" + rows))
    assert made.column("n").type == "INTEGER"
    assert set(made.read.nulls) == {"unknown"}
    assert {row["word"] for row in found} == {"-", "x"}


# --- what a new file means ----------------------------------------------------------------------


def test_files_that_repeat_their_keys_are_each_the_whole(desk: Desk) -> None:
    for day in (1, 2, 3):
        rows = "".join(f"{n},{n * day}\n" for n in range(100 + day))
        desk.put(f"stock/stock_{day}.csv", "item,amount\n" + rows)
    made, rows_found = desk.work("stock", desk.folder / "stock")
    assert (made.delivery, made.key) == ("full", ("item",))
    assert len(rows_found) == 103, "the newest file is the whole table"


def test_files_that_correct_a_few_keys_are_merged(desk: Desk) -> None:
    desk.put("orders/1.csv", "no,amount\n" + "".join(f"{n},1\n" for n in range(100)))
    desk.put("orders/2.csv", "no,amount\n" + "".join(f"{n},2\n" for n in range(95, 200)))
    made, rows = desk.work("orders", desk.folder / "orders")
    assert (made.delivery, made.key) == ("incremental", ("no",))
    assert sum(row["amount"] for row in rows) == 95 + 2 * 105


def test_line_numbers_that_start_again_with_each_month_are_no_key(desk: Desk) -> None:
    for month in (1, 2, 3):
        rows = "".join(f"{n},2013-{month:02}-{n % 28 + 1:02},{n * month}\n" for n in range(200))
        desk.put(f"lines/2013-{month:02}.csv", "line,day,value\n" + rows)
    made, found = desk.work("lines", desk.folder / "lines")
    assert made.partition is not None
    assert made.delivery == "replace"
    assert len(found) == 600


def test_a_number_that_happens_not_to_repeat_is_no_key(desk: Desk) -> None:
    rows = "".join(f"{'xyz'[n % 3]},{n // 3},{n * n + 5}\n" for n in range(90))
    made, found = desk.work("chance", desk.put("chance.csv", "place,at,amount\n" + rows))
    assert made.key == ("place", "at")
    assert len(found) == 90


def test_spaces_around_names_are_part_of_them(desk: Desk) -> None:
    made, rows = desk.work("spaced", desk.put("spaced.csv", "id, v, w\n1, 2, a\n2, 3, b\n"))
    assert (made.read.header, made.read.skip) == (False, 1)
    assert [(row["v"], row["w"].strip()) for row in rows] == [(2, "a"), (3, "b")]


def test_rows_without_a_key_are_all_published(desk: Desk) -> None:
    made, rows = desk.work("twice", desk.put("twice.csv", "a,b\nx,1\nx,1\nx,2\n"))
    assert made.key == ()
    assert len(rows) == 3


# --- personal data ------------------------------------------------------------------------------


def test_personal_columns_are_masked_and_no_value_of_them_is_told(desk: Desk) -> None:
    lines = [f"{n},ann{n % 2}@example.org,{2125550100 + n * 7},{n}" for n in range(60)]
    text = "\n".join(["id,email,phone,amount", *lines])
    drafted, made = desk.draft("contacts", file := desk.put("contacts.csv", text))
    assert drafted.personal == {"email": "email", "phone": "phone"}
    assert (made.column("email").treatment, made.key) == ("mask", ("id",))
    written = Path(drafted.file).read_text("utf-8")
    assert "example.org" not in written
    assert "21255" not in written
    assert all("@example.org" not in row["email"] for row in desk.publish("contacts", file))


def test_a_personal_key_is_hashed_where_the_lake_has_a_secret(desk: Desk) -> None:
    text = "email,amount\n" + "".join(f"ann{n}@example.org,{n % 7}\n" for n in range(40))
    file = desk.put("mails.csv", text)
    without, made = desk.draft("mails", file)
    assert (made.key, made.column("email").treatment) == ((), "mask")
    assert len(desk.publish("mails", file)) == 40
    Path(without.file).unlink()
    desk.made.environment["LAKEHOUSE_HASH_KEY"] = "a secret of this test"
    _, made = desk.draft("mails", file)
    assert (made.key, made.column("email").treatment) == (("email",), "hash")


def test_a_number_that_may_be_a_persons_is_asked_about(desk: Desk) -> None:
    drafted, made = desk.draft("sales", desk.put("sales.csv", "customer_id,x\n1,2\n2,2\n"))
    assert made.key == ("customer_id",)
    assert any("does it tell who a person is?" in question for question in drafted.questions)


# --- large samples ------------------------------------------------------------------------------


def test_of_a_long_file_only_a_part_is_read_and_said_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse.drafting.sample._ROWS", 1000)
    days = [date(2013, 1, 1) + timedelta(days=n // 20) for n in range(4000)]
    rows = "".join(f"{n},{day},{n % 9}\n" for n, day in enumerate(days))
    drafted, _ = desk.draft("long", file := desk.put("long.csv", "no,day,x\n" + rows))
    assert not drafted.whole
    assert 1000 <= drafted.rows < 1100
    text = Path(drafted.file).read_text("utf-8")
    assert "or not all their rows" in text
    assert "mustBeBetween" not in text, "nothing is known of the largest number of rows"
    assert len(desk.publish("long", file)) == 4000


def test_rows_that_were_not_read_may_be_older_than_those_that_were(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse.drafting.sample._ROWS", 1000)
    days = [date(2013, 6, 1) - timedelta(days=n // 20) for n in range(4000)]
    rows = "".join(f"{day},{n % 3}\n" for n, day in enumerate(days))
    made, found = desk.work("back", desk.put("back.csv", "day,x\n" + rows))
    assert made.partition is not None
    assert made.partition.start == date(2012, 1, 1)
    assert min(row["day"] for row in found) == days[-1]
    assert len(found) == 4000


def test_of_many_files_some_are_read_the_first_and_the_last_among_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse.drafting.sample._FILES", 3)
    for n in range(10):
        desk.put(f"parts/{n}.csv", f"no,x\n{n},1\n{n + 100},2\n")
    drafted, _ = desk.draft("parts", desk.folder / "parts")
    assert (drafted.files, drafted.rows, drafted.whole) == (3, 6, False)
    assert "(0.csv to 9.csv)" in Path(drafted.file).read_text("utf-8")
    assert len(desk.publish("parts", desk.folder / "parts")) == 20


def test_whole_files_are_preferred_to_parts_of_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse.drafting.sample._ROWS", 13_000)
    for n in range(40):
        rows = "".join(f"{n * 1000 + at},{at % 7}\n" for at in range(1000))
        desk.put(f"parts/{n:02}.csv", "no,x\n" + rows)
    drafted, made = desk.draft("parts", desk.folder / "parts")
    assert (drafted.files, drafted.rows) == (12, 12_000)
    assert (made.key, made.delivery) == (("no",), "incremental")


# --- what else is found -------------------------------------------------------------------------


def test_types_of_parquet_are_kept(desk: Desk) -> None:
    rows = pl.DataFrame(
        {
            "id": pl.Series(range(50), dtype=pl.UInt32),
            "small": pl.Series([n % 7 for n in range(50)], dtype=pl.Int8),
            "price": pl.Series([f"{n}.25" for n in range(50)]).cast(pl.Decimal(12, 2)),
            "code": [f"{n:03}" for n in range(50)],
            "at": [datetime(2013, 1, 1 + n % 28, 5) for n in range(50)],
        }
    )
    drafted, made = desk.draft("typed", file := desk.put("typed.parquet", parquet(rows)))
    assert [c.type for c in made.columns] == [
        "BIGINT",
        "INTEGER",
        "DECIMAL(12,2)",
        "VARCHAR",
        "TIMESTAMPTZ",
    ]
    assert any("which zone" in question for question in drafted.questions)
    assert sum(row["price"] for row in desk.publish("typed", file)) == sum(rows["price"])


def test_freshness_is_in_force_where_the_sample_is_fresh(desk: Desk) -> None:
    for day in (27, 28, 29, 30, 31):
        rows = "".join(f"2013-12-{day}T{n // 5:02}:{n % 5:02}:00Z,{n}\n" for n in range(100))
        desk.put(f"ticks/2013-12-{day}.csv", "at,value\n" + rows)
    _, made = desk.draft("ticks", desk.folder / "ticks")
    assert made.freshness is not None
    assert (made.freshness.column, made.freshness.limit) == ("at", timedelta(hours=36))


def test_a_column_named_as_the_key_of_another_dataset_is_asked_about(desk: Desk) -> None:
    desk.draft("airlines", source("airlines.csv"))
    text = "no,carrier\n1,AA\n2,UA\n3,UA\n"
    drafted, _ = desk.draft("trips", desk.put("trips.csv", text))
    assert any("is this airlines.carrier?" in question for question in drafted.questions)


def test_lines_that_cannot_be_split_are_counted_not_hidden(desk: Desk) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(100)) + "7,8,9,10\n"
    drafted, _ = desk.draft("torn", desk.put("torn.csv", "a,b\n" + rows))
    assert any("1 record could not be split" in question for question in drafted.questions)


# --- refusals -----------------------------------------------------------------------------------


def test_an_existing_contract_is_left_alone(desk: Desk) -> None:
    file = desk.put("small.csv", SMALL)
    drafted, _ = desk.draft("small", file)
    Path(drafted.file).write_text("mine", "utf-8")
    with pytest.raises(DraftRefused, match="is there already"):
        desk.draft("small", file)
    assert Path(drafted.file).read_text("utf-8") == "mine"


REFUSED: dict[str, tuple[dict[str, str | bytes], str]] = {
    "nothing there": ({}, "there is no such file or folder"),
    "zero bytes": ({"a.csv": ""}, "no file with content"),
    "blank lines": ({"a.csv": "\n\n"}, "it is empty"),
    "header only": ({"a.csv": "id,name\n"}, "a header and no rows"),
    "two headers": (
        {"a.csv": SMALL, "b.csv": "id,nom,price\n1,x,2\n"},
        "only one has 'name', 'nom'",
    ),
    "two widths": ({"a.csv": "1,2\n3,4\n", "b.csv": "1,2,3\n"}, "it has 3 columns"),
    "a name twice": ({"a.csv": "id,id\n1,2\n"}, "names 'id' twice"),
    "two formats": ({"a.csv": SMALL, "b.json": "[]"}, "several formats"),
    "two encodings": (
        {"a.csv": "a,b\n\u00e4,1\n".encode(), "b.csv": "a,b\n\u00e4,1\n".encode("latin-1")},
        "encoded differently",
    ),
    "cut gzip": ({"a.csv.gz": gzip.compress(SMALL.encode() * 900)[:60]}, "cannot be"),
    "no JSON": ({"a.json": "[{"}, "cannot be read"),
    "no objects in JSON": ({"a.ndjson": "1\n2\n"}, "no objects with keys"),
    "odd name in JSON": ({"a.ndjson": '{"a b": 1}\n'}, "cannot be the name of a column"),
    "no Parquet": ({"a.parquet": b"PAR1 and nothing"}, "cannot be read"),
    "nothing in a zip": ({"a.zip": b"PK\x05\x06" + b"\0" * 18}, "holds 0 files"),
    "no text": ({"a.csv": "\x00\x01\x02"}, "UTF-16 without a byte-order mark"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drafted_from_is_refused_and_nothing_written(desk: Desk, case: str) -> None:
    files, why = REFUSED[case]
    for name, content in files.items():
        desk.put(f"bad/{name}", content)
    with pytest.raises(DraftRefused, match=why):
        desk.draft("bad", desk.folder / "bad")
    assert list((desk.made.folder / "assets" / "contracts").iterdir()) == []


@pytest.mark.parametrize("name", ["../up", "with space", "1st", ""])
def test_a_name_that_cannot_be_a_table_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(DraftRefused, match="is not a name of letters"):
        desk.draft(name, desk.put("small.csv", SMALL))


# --- text ---------------------------------------------------------------------------------------


def test_the_text_of_a_draft(desk: Desk, golden: Callable[[str, str], None]) -> None:
    for month in (1, 2):
        desk.put(f"weather/weather_2013-{month:02}.csv", weather(month))
    drafted, _ = desk.draft("weather", desk.folder / "weather")
    golden("drafted_contract.yaml", Path(drafted.file).read_text("utf-8"))


def test_what_a_sample_says_cannot_end_a_comment_or_a_text(desk: Desk) -> None:
    odd = ["a: b", "# no", '"', "it's", "{x}", "\u2028new: line", "NO", "1.0", "", "-", "&a *b"]
    rows = "".join(json.dumps({"id": n, "v": odd[n % len(odd)]}) + "\n" for n in range(400))
    file = desk.put("odd\nname: x.ndjson", rows)
    made, found = desk.work("odd", file)
    assert {row["v"] for row in found if row["v"]} == {value for value in odd if value}
    assert made.dataset == "odd"
