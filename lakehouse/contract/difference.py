"""What differs between two contracts of a dataset, and whether readers or producers break."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lakehouse.connection import quote_name
from lakehouse.contract import bounds

Described = Mapping[str, Any]
"""A contract as `describe` tells it."""

_WIDER = (("INTEGER", "BIGINT"), ("FLOAT", "DOUBLE"))
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_ANEW = "every partition is conformed anew"
_JUDGED = "every partition is judged anew"
_FEWER = f"{_ANEW}, rows may go to quarantine"
_MORE = f"{_ANEW}, rows may come back from quarantine"
_EITHER = f"{_ANEW}, rows may go to quarantine or come back"


@dataclass(frozen=True)
class Difference:
    """One thing that a contract says differently.

    Attributes:
        what: The change in words, e.g. `distance between 1 and 2 became distance between 1 and 3`.
        why: What follows from it.
        breaking: Whether what readers see, or what producers send, would no longer fit.
    """

    what: str
    why: str
    breaking: bool = False


def differences(old: Described, new: Described) -> tuple[Difference, ...]:
    """Returns all that the newer contract says differently, breaking things first."""
    names = _renamed(old["columns"], new["columns"])
    found = [
        *_columns(old, new, names),
        *_shape(old, new, names),
        *_rules(_respelled(old["rules"], names), new["rules"]),
        *_judgements(old, new),
        *_settings(old, new),
    ]
    return tuple(sorted(found, key=lambda difference: not difference.breaking))


def widens(old: str, new: str) -> bool:
    """Tells whether every value of one type is a value of another that Iceberg can change it to.

    >>> widens("INTEGER", "BIGINT"), widens("DECIMAL(9,2)", "DECIMAL(12,2)"), widens("DATE", "TIME")
    (True, True, False)
    """
    was, now = _DECIMAL.fullmatch(old), _DECIMAL.fullmatch(new)
    if was and now:
        return was[2] == now[2] and int(was[1]) <= int(now[1])
    return old == new or (old, new) in _WIDER


def _renamed(old: Sequence[Described], new: Sequence[Described]) -> Mapping[str, str]:
    """Returns the new name of every column that stays, found by its id or else by its name."""
    ids = {column["id"]: column["name"] for column in new if column["id"]}
    known = {column["id"] for column in old if column["id"]}
    named = {c["name"] for c in new if not c["id"] or c["id"] not in known}
    found = {}
    for column in old:
        if column["id"] in ids:
            found[column["name"]] = ids[column["id"]]
        elif column["name"] in named:
            found[column["name"]] = column["name"]
    return found


def _columns(old: Described, new: Described, names: Mapping[str, str]) -> Iterator[Difference]:
    """Yields what became of the columns."""
    was = {column["name"]: column for column in old["columns"]}
    now = {column["name"]: column for column in new["columns"]}
    for name, column in was.items():
        if name in names:
            yield from _column(column, now[names[name]], old["published"], new["published"])
        elif name in old["published"]:
            yield Difference(f"column {name} is gone", "queries that name it would fail", True)
        else:
            yield Difference(f"unpublished column {name} is gone", _ANEW)
    for name in [name for name in now if name not in names.values()]:
        yield _added(now[name], was)
    order = [names[name] for name in was if name in names]
    if order != sorted(order, key=list(now).index):
        yield Difference("the columns stand in another order", "the table keeps its own")


def _added(column: Described, was: Mapping[str, Described]) -> Difference:
    """Returns the difference of a new column."""
    what = f"column {column['name']} {column['type']} is new"
    if column["name"] in was:
        why = "the name was another column's, under which older files keep its values"
        return Difference(what, why, True)
    if column["transform"]:
        return Difference(what, f"{_ANEW}, it is computed")
    if column["required"]:
        why = "files so far lack it, so each of their rows would be broken"
        return Difference(f"required {what}", why, True)
    if column["absent"]:
        return Difference(what, f"{_ANEW}, it is empty where files lack it")
    return Difference(what, "files so far need mayBeAbsent: true")


def _column(
    old: Described, new: Described, was: Mapping[str, str], now: Mapping[str, str]
) -> Iterator[Difference]:
    """Yields what became of one column."""
    name, renamed = old["name"], new["name"]
    if name != renamed:
        why = "the table's column takes the new name, rows and earlier snapshots stay"
        if name not in new["aliases"]:
            why += f"; files so far need fileNames: [{name}]"
        yield Difference(f"column {name} became {renamed}", why)
    if name in was and renamed not in now:
        why = "queries that name it would fail; a text can be hashed or masked instead"
        yield Difference(f"column {renamed} is dropped before publishing", why, True)
    elif name not in was and renamed in now:
        yield Difference(f"column {renamed} is no longer dropped", _ANEW)
    elif (kind := was.get(name)) and kind != (wanted := now[renamed]):
        wider = widens(kind, wanted)
        why = "every value fits" if wider else "readers were promised the other type"
        yield Difference(f"column {renamed} {kind} became {wanted}", why, not wider)
    elif old["treatment"] != new["treatment"]:
        what = f"privacy of {renamed} {old['treatment'] or 'none'} became {new['treatment']}"
        yield Difference(what, f"{_ANEW}, earlier snapshots keep the former values")
    for key, word in (("formats", "formats"), ("zone", "zone"), ("transform", "computation")):
        if old.get(key) != new.get(key):
            yield Difference(f"{word} of {renamed} {_became(old.get(key), new.get(key))}", _ANEW)
    if any((old.get(key) or None) != (new[key] or None) for key in ("aliases", "absent")):
        yield Difference(f"how files have {renamed} changed", _ANEW)
    for key in ("classification", "waiver"):
        if old.get(key) != new.get(key):
            yield Difference(f"{key} of {renamed} changed", _JUDGED)
    if old["unit"] != new["unit"]:
        what = f"unit of {renamed} {_became(old['unit'], new['unit'])}"
        yield Difference(what, "documentation; other values belong into a column of another name")


def _became(old: object, new: object) -> str:
    """Returns two values in words."""
    return " became ".join(
        ", ".join(map(str, value)) if value and isinstance(value, list) else str(value or "none")
        for value in (old, new)
    )


def _shape(old: Described, new: Described, names: Mapping[str, str]) -> Iterator[Difference]:
    """Yields changes of what a row, a partition and a file mean."""
    key = [names.get(name, name) for name in old["key"]]
    if set(key) != set(new["key"]):
        why = "other rows would be one row's versions, joins would find other partners"
        yield Difference(f"the key {_became(old['key'], new['key'])}", why, True)
    elif key != new["key"]:
        yield Difference(f"the key {_became(old['key'], new['key'])}", _ANEW)
    was, now = (_cut(contract["partition"], {}) for contract in (old, new))
    if _cut(old["partition"], names) != now:
        yield Difference(f"the partition {was} became {now}", "the published files are cut", True)
    if old["delivery"] != new["delivery"]:
        why = "the files so far would mean other rows"
        yield Difference(f"delivery {_became(old['delivery'], new['delivery'])}", why, True)
    if bool(old["history"]) != bool(new["history"]):
        what = "keeps its earlier rows" if new["history"] else "no longer keeps its earlier rows"
        yield Difference(f"the dataset {what}", "a key would have another number of rows", True)


def _cut(partition: Described | None, names: Mapping[str, str]) -> str:
    """Returns how a table is cut, in words."""
    if partition is None:
        return "none"
    column = partition["column"]
    return f"{partition['granularity']} of {names.get(column, column)}"


def _respelled(rules: Sequence[Described], names: Mapping[str, str]) -> Sequence[Described]:
    """Returns rules as they read after their columns were renamed."""
    found = []
    for rule in rules:
        made = dict(rule)
        for old, new in names.items():
            made["sql"] = made["sql"].replace(quote_name(old), quote_name(new))
        if column := rule["column"]:
            made["column"] = names.get(column, column)
            made["name"] = made["column"] + rule["name"].removeprefix(column)
        found.append(made)
    return found


def _rules(old: Sequence[Described], new: Sequence[Described]) -> Iterator[Difference]:
    """Yields changed rules; one of a kind that gave way to one other is told as one change."""
    gone = {r["name"]: r for r in old if r not in new}
    come = {r["name"]: r for r in new if r not in old}
    for rule in list(gone.values()):
        like = [other for other in come.values() if _alike(rule, other)]
        if len(like) == 1 and sum(_alike(other, like[0]) for other in gone.values()) == 1:
            del gone[rule["name"]], come[like[0]["name"]]
            yield _changed(rule, like[0])
    yield from (Difference(f"rule '{name}' is gone", _MORE) for name in gone)
    yield from (Difference(f"rule '{name}' is new", _FEWER) for name in come)


def _alike(old: Described, new: Described) -> bool:
    """Tells whether one rule takes the place of another."""
    if old["column"] is None or new["column"] is None:
        return bool(old["name"] == new["name"])
    return old["column"] == new["column"] and bounds.kind(old) == bounds.kind(new)


def _changed(old: Described, new: Described) -> Difference:
    """Returns the difference of a rule that gave way to another of its kind."""
    if old["name"] == new["name"]:
        return Difference(f"rule '{old['name']}' is computed in another way", _EITHER)
    why = {"tighter": _FEWER, "looser": _MORE, "other": _EITHER}[bounds.change(old, new)]
    return Difference(f"{old['name']} became {new['name']}", why)


def _judgements(old: Described, new: Described) -> Iterator[Difference]:
    """Yields changed expectations, queries and references."""
    for section, word in (("expectations", "expectation"), ("queries", "query")):
        was, now = ({_name(one): one for one in contract[section]} for contract in (old, new))
        for name in [name for name in was if name not in now]:
            yield Difference(f"{word} {name} is gone", _JUDGED)
        for name in now:
            if name not in was:
                yield Difference(f"{word} {name} is new", f"{_JUDGED} and may be refused")
            elif was[name] != now[name]:
                what = ", ".join(_parts(was[name], now[name]))
                yield Difference(f"{word} {name}: {what}", f"{_JUDGED} and may be refused")
    if old["references"] != new["references"]:
        what = f"references {_became(*(_referred(c['references']) for c in (old, new)))}"
        yield Difference(what, _EITHER)


def _name(check: Described) -> str:
    """Returns what tells a check from the others of its contract."""
    if "name" in check:
        return str(check["name"])
    about = check["kwargs"].get("column") or check["kwargs"].get("column_list") or ""
    words = "_".join(map(str, about)) if isinstance(about, list) else str(about)
    return "__".join(str(part) for part in (check["type"], words, check["id"]) if part)


def _parts(old: Described, new: Described) -> Iterator[str]:
    """Yields the arguments that changed."""
    was, now = ({**check, **check.get("kwargs", {})} for check in (old, new))
    for key in dict.fromkeys((*was, *now)):
        if key != "kwargs" and was.get(key) != now.get(key):
            yield f"{key} {_became(was.get(key), now.get(key))}"


def _referred(references: Sequence[Described]) -> list[str]:
    """Returns references in words."""
    return [
        f"{', '.join(one['columns'])} in {one['dataset']} ({one['orphans']})" for one in references
    ]


def _settings(old: Described, new: Described) -> Iterator[Difference]:
    """Yields what remains: how files are read, tolerances, promises and prose."""
    for key in new["read"]:
        if old["read"].get(key) != new["read"][key]:
            yield Difference(f"read {key} {_became(old['read'].get(key), new['read'][key])}", _ANEW)
    for key, word, why in (
        ("limit", "the quarantine limit", "deliveries are judged anew"),
        ("totals", "the control totals", "deliveries are judged anew"),
        ("retention", "retention", "older partitions leave, or come back"),
        ("freshness", "freshness", "watched from now on"),
    ):
        if old.get(key) != new.get(key):
            yield Difference(f"{word} {_became(*(_short(c.get(key)) for c in (old, new)))}", why)
    if old["history"] and new["history"] and old["history"] != new["history"]:
        yield Difference("the time from which rows hold is told in another way", _ANEW)
    if old["prose"] != new["prose"]:
        yield Difference("descriptions, notes, owner or tags changed", "documentation")


def _short(value: object) -> object:
    """Returns a mapping's values alone."""
    if isinstance(value, dict):
        return [part for part in value.values() if part not in (None, {})]
    return value
