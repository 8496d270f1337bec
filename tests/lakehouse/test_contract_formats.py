"""The standard's formats of texts, against the RFCs and against Python's own judges."""

import base64
import ipaddress
import uuid
from collections.abc import Callable

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.connection import quote_text
from lakehouse.contract import Column
from lakehouse.contract.text_formats import FormatRefused, formatted


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def accepts(engine: duckdb.DuckDBPyConnection, name: str, value: str) -> bool | None:
    rule = formatted(Column("x", "VARCHAR"), name)
    found = engine.execute(f"SELECT {rule.sql} FROM (SELECT {quote_text(value)} AS x)").fetchone()
    assert found is not None
    kept: bool | None = found[0]
    return kept


GOOD = {
    "email": ["joe.bloggs@example.com", "te~st@example.com", "a+b@localhost", "x@1.2", "o'x@a-b.c"],
    "uuid": ["2EB8AA08-aa98-11ea-b4aa-73b441d16380", "00000000-0000-0000-0000-000000000000"],
    "uri": [
        "http://foo.bar/?baz=qux#quux",
        "http://foo.bar/?q=Test%20URL-encoded%20stuff",
        "ftp://ftp.is.co.za/rfc/rfc1808.txt",
        "ldap://[2001:db8::7]/c=GB?objectClass?one",
        "mailto:John.Doe@example.com",
        "news:comp.infosystems.www.servers.unix",
        "tel:+1-816-555-1212",
        "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
        "http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com",
        "file:///etc/hosts",
        "s3://bucket/key",
        "a:",
    ],
    "hostname": ["www.example.com", "xn--4gbwdl.xn--wgbh1c", "a-b", "1host", "h." * 126 + "h"],
    "ipv4": ["192.168.0.1", "0.0.0.0", "255.255.255.255"],
    "ipv6": ["::", "::1", "12::", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6::8"],
    "byte": ["", "TWFu", "TWE=", "TQ=="],
}
BAD = {
    "email": [
        "2962",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a@",
        "a b@example.com",
        "a@b_c.com",
        "a@example.com\n",
        "a" * 250 + "@b.cd",
    ],
    "uuid": ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa73b441d16380", "x", ""],
    "uri": [
        "//foo.bar/?baz=qux#quux",
        "/abc",
        "\\\\WINDOWS\\fileshare",
        "abc",
        "http:// shouldfail.com",
        ":// should fail",
        "bar,baz:qux",
        "https://[@example.org/test.txt",
        "https://example.org/foobar\\.txt",
        "https://example.org/foobar<>.txt",
        "https://example.org/%zz",
        "http://a.b/ü",
        "",
    ],
    "hostname": ["-a", "a-", "a_b", "a..b", "a.", ".", "", "x" * 64, "h." * 127 + "h", "a b"],
    "ipv4": ["127.0.0.0.1", "256.0.0.1", "127.0", "0x7f.0.0.1", "087.10.0.1", "1.2.3.٤"],
    "ipv6": ["12345::", ":::", "1::2::3", "1:2:3:4:5:6:7", "::1%eth0", "1:2:3:4:5:6:7::8"],
    "byte": ["T", "TW=", "T===", "TWE", "TW-_", "TWFu\n"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in GOOD.items() for v in values])
def test_good_values(engine: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    assert accepts(engine, name, value) is True


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_bad_values(engine: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    assert accepts(engine, name, value) is False


def judged(judge: Callable[[str], object], value: str) -> bool:
    try:
        judge(value)
    except ValueError:
        return False
    return True


groups = st.lists(st.sampled_from(["", "0", "1a", "ffff", "12345", "1.2.3.4"]), max_size=9)


@given(st.one_of(groups.map(":".join), st.ip_addresses(v=6).map(str)))
def test_ipv6_as_python_judges(engine: duckdb.DuckDBPyConnection, value: str) -> None:
    assert accepts(engine, "ipv6", value) == judged(ipaddress.IPv6Address, value)


@given(st.lists(st.sampled_from(["", "0", "01", "9", "99", "255", "256", "x"]), max_size=5))
def test_ipv4_as_python_judges(engine: duckdb.DuckDBPyConnection, parts: list[str]) -> None:
    value = ".".join(parts)
    assert accepts(engine, "ipv4", value) == judged(ipaddress.IPv4Address, value)


@given(st.binary(max_size=40))
def test_all_base64_is_accepted(engine: duckdb.DuckDBPyConnection, value: bytes) -> None:
    assert accepts(engine, "byte", base64.b64encode(value).decode()) is True


@given(st.uuids())
def test_every_uuid_is_accepted(engine: duckdb.DuckDBPyConnection, value: uuid.UUID) -> None:
    assert accepts(engine, "uuid", str(value)) is True


@given(st.emails())
def test_plain_addresses_are_accepted(engine: duckdb.DuckDBPyConnection, value: str) -> None:
    assert accepts(engine, "email", value) is True


def test_null_keeps_a_format(engine: duckdb.DuckDBPyConnection) -> None:
    sql = formatted(Column("x", "VARCHAR"), "email").sql
    assert engine.execute(f"SELECT {sql} FROM (SELECT NULL::VARCHAR AS x)").fetchone() == (None,)


def test_names_that_a_person_reads() -> None:
    column = Column("contact", "VARCHAR")
    assert formatted(column, "email").name == "contact is an email address"
    assert formatted(column, "ipv4").name == "contact is ipv4"


def test_a_type_is_no_format() -> None:
    with pytest.raises(FormatRefused, match="is a type of its own"):
        formatted(Column("x", "VARCHAR"), "date-time")
