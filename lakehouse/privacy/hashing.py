"""The key of hashed columns, and HMAC-SHA256 in DuckDB's SQL.

The key is put into two variables of a connection, so that no query has it in its text: the text of
a query gets into error messages.
"""

from __future__ import annotations

import hashlib
import hmac

import duckdb

from lakehouse.contract import Contract
from lakehouse.errors import SettingsError
from lakehouse.settings import KEY_SETTING, Settings

_BLOCK = 64
"""Bytes that SHA-256 takes at once."""
_INNER, _OUTER = "__hash_inner", "__hash_outer"
_SHORTEST = 16


def require_key(contract: Contract, settings: Settings) -> bytes | None:
    """Returns the key, None if the contract hashes nothing; to be asked for before all reading.

    Raises:
        SettingsError: None is set, or it is too short to keep a secret.
    """
    hashed = ", ".join(c.name for c in contract.columns if c.treatment == "hash")
    if not hashed:
        return None
    key = settings.read_hash_key()
    why = f"{contract.dataset} has hashed columns ({hashed}) and "
    if key is None:
        why += (
            "no key is set. No row was conformed. Make one with "
            "`openssl rand -hex 32 > KEY_FILE`, keep it outside the lake, and set "
            "LAKEHOUSE_HASH_KEY_FILE to its path"
        )
        raise SettingsError(KEY_SETTING, "", why)
    if len(key) < _SHORTEST:
        why += (
            f"the key has less than {_SHORTEST} bytes. No row was conformed. Make a longer one "
            "with `openssl rand -hex 32 > KEY_FILE`"
        )
        raise SettingsError(KEY_SETTING, "…", why)
    return key


def key_id(contract: Contract, settings: Settings) -> str:
    """Returns a name of the key that does not give it away; empty without need or without key.

    Raises:
        SettingsError: The key's file cannot be read.
    """
    needed = any(column.treatment == "hash" for column in contract.columns)
    key = settings.read_hash_key() if needed else None
    return hmac.new(key, b"key id", hashlib.sha256).hexdigest()[:16] if key else ""


def prepare(connection: duckdb.DuckDBPyConnection, contract: Contract, settings: Settings) -> None:
    """Lets the connection hash, if the contract needs it; no user's SQL may run in it later.

    Raises:
        SettingsError: No usable key is set.
    """
    key = require_key(contract, settings)
    if key is None:
        return
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    for name, pad in ((_INNER, 0x36), (_OUTER, 0x5C)):
        padded = bytes(byte ^ pad for byte in block).hex()
        connection.execute(f"SET VARIABLE {name} = unhex('{padded}')")


def hmac_sql(text: str) -> str:
    """Returns SQL for the HMAC-SHA256 of a text, in hexadecimal digits; null for null."""
    inner = f"unhex(sha256(getvariable('{_INNER}')::BLOB || encode({text})))"
    return f"sha256(getvariable('{_OUTER}')::BLOB || {inner})"
