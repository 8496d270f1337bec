"""Packed files: verified while they are unpacked, and stopped before they fill the disk."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

CONTENT = (
    b"id,word,whole,large,real,exact,flag,day,moment,local\n"
    b"@1,a,1,,,,,,,\n@2,b,2,,,,,,,\n@3,c,x,,,,,,,\n"
)
BOMB = bytes(70_000_000)
Pack = Callable[[bytes], bytes]


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


def zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def one(content: bytes) -> bytes:
    return zipped({"cities.csv": content})


def encrypted(content: bytes) -> bytes:
    """An archive of which the flag says that it is encrypted, in both of its headers."""
    packed = bytearray(one(content))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = packed.index(signature) + place
        packed[at : at + 2] = struct.pack("<H", 1)
    return bytes(packed)


def damaged(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


def wrong_sum(packed: bytes) -> bytes:
    return packed[:-8] + b"\0\0\0\0" + packed[-4:]


def halves(pack: Pack) -> Pack:
    """Two members, which count as one file."""
    return lambda content: pack(content[:20]) + pack(content[20:])


WHOLE: dict[str, Pack] = {
    "plain.csv": bytes,
    "one.csv.gz": gzipped,
    "upper.CSV.GZ": gzipped,
    "members.csv.gz": halves(gzipped),
    "one.csv.zst": zstd,
    "frames.csv.zst": halves(zstd),
    "one.csv.zip": one,
    "stored.csv.zip": lambda content: zipped({"a.csv": content}, zipfile.ZIP_STORED),
    "other_name.zip": lambda content: zipped({"no suffix": content}),
}

GZIP, ZSTD, ZIP = (f"the file is packed with {kind} and " for kind in ("gzip", "zstd", "zip"))
REFUSED: dict[str, tuple[Pack, str]] = {
    "cut.csv.gz": (lambda c: gzipped(c)[:-12], GZIP + "it is cut short"),
    "last_byte.csv.gz": (lambda c: gzipped(c)[:-1], GZIP + "it is cut short"),
    "second_cut.csv.gz": (lambda c: halves(gzipped)(c)[:-3], GZIP + "it is cut short"),
    "sum.csv.gz": (lambda c: wrong_sum(gzipped(c)), GZIP + "it is damaged"),
    "damaged.csv.gz": (lambda c: damaged(gzipped(c)), GZIP + "it is damaged"),
    "garbage.csv.gz": (lambda c: gzipped(c) + b"garbage", GZIP + "it is damaged"),
    "not.csv.gz": (bytes, "the file is not packed with gzip"),
    "empty.csv.gz": (lambda _: b"", "the file is empty"),
    "empty_inside.csv.gz": (lambda _: gzipped(b""), "line 1 is empty, a header is expected"),
    "cut.csv.zst": (lambda c: zstd(c)[:-3], ZSTD + "it is cut short"),
    "damaged.csv.zst": (lambda c: damaged(zstd(c * 50)), ZSTD + "it is damaged"),
    "garbage.csv.zst": (lambda c: zstd(c) + b"garbage", ZSTD + "it is damaged"),
    "zstd_named.csv.gz": (zstd, "the file is not packed with gzip"),
    "unsaid.csv": (
        zstd,
        "the file is packed with zstd; name it so, or give the contract's `read` the option "
        "`compression: zstd`",
    ),
    "cut.csv.zip": (lambda c: one(c)[:-10], "the zip archive is damaged or cut short"),
    "damaged.csv.zip": (
        lambda c: one(c).replace(one(c)[45:50], b"?????"),
        "the zip archive is damaged or cut short",
    ),
    "none.csv.zip": (
        lambda _: zipped({}),
        "the zip archive holds 0 files; exactly one is expected",
    ),
    "two.csv.zip": (
        lambda c: zipped({"a.csv": c, "b.csv": c}),
        "the zip archive holds 2 files; exactly one is expected",
    ),
    "path.csv.zip": (
        lambda c: zipped({"../a.csv": c}),
        "the zip archive holds '../a.csv'; one file without a path is expected",
    ),
    "secret.csv.zip": (encrypted, "the zip archive is encrypted"),
}
BOMBS: dict[str, Pack] = {
    "bomb.csv.gz": lambda _: gzipped(BOMB),
    "bomb.csv.zst": lambda _: zstd(BOMB),
    "bomb.csv.zip": lambda _: one(BOMB),
}


@pytest.fixture(scope="module")
def corpus(take_in: Callable[..., Any]) -> Any:
    """All files of this module, taken in together."""
    packs = {**WHOLE, **BOMBS, **{name: case[0] for name, case in REFUSED.items()}}
    made = {
        name: lambda number, pack=pack: pack(CONTENT.replace(b"@", number))
        for name, pack in packs.items()
    }
    return take_in(made)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_read(corpus: Any, name: str) -> None:
    assert corpus.rows(name) == {1: {"word": "a", "whole": 1}, 2: {"word": "b", "whole": 2}}
    assert corpus.told(name) == [(4, ["whole: 'x' is not an integer"])]


def test_a_place_in_a_packed_file_is_one_in_its_content(corpus: Any) -> None:
    unpacked = gzip.decompress(corpus.landed["one.csv.gz"])
    [(offset, raw)] = corpus.broken("one.csv.gz")
    assert unpacked[offset:].decode() == f"{raw}\n"


@pytest.mark.parametrize("name", REFUSED)
def test_a_damaged_file_is_refused(corpus: Any, name: str) -> None:
    assert corpus.refused(name).startswith(REFUSED[name][1])
    assert (corpus.rows(name), corpus.told(name)) == ({}, [])


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_fill_the_disk_is_refused(corpus: Any, name: str) -> None:
    assert "bytes unpack to more than 67,108,864; a file may" in corpus.refused(name)


@pytest.mark.parametrize("name", [*WHOLE, *REFUSED, *BOMBS])
def test_bronze_keeps_the_bytes(corpus: Any, name: str) -> None:
    assert corpus.bronze(name) == corpus.landed[name]
