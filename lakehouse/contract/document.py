"""A contract's YAML with the line of each key, so that every message can point to it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lakehouse.errors import ContractError

Place = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""


@dataclass(frozen=True)
class Document:
    """One contract file.

    Attributes:
        file: The file's name as the caller gave it.
        data: What the YAML says, in plain Python values.
        lines: Line of each key and list item, from 1.
    """

    file: str
    data: Mapping[str, Any]
    lines: Mapping[Place, int] = field(repr=False)

    @classmethod
    def read(cls, file: Path) -> Document:
        """Returns the document in `file`.

        Raises:
            ContractError: No file, no UTF-8, no YAML, a key given twice, or an alias.
        """
        try:
            loader = _Loader(file.read_bytes())
            node = loader.get_single_node()
            data = loader.construct_document(node) if node else None
        except OSError as error:
            raise ContractError(
                str(file), 1, "file", f"cannot be read ({error.strerror})"
            ) from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            why = f"is not valid YAML ({error.problem})"
            raise ContractError(str(file), line, "file", why) from None
        except yaml.YAMLError as error:
            why = f"is not UTF-8 text ({str(error).splitlines()[0]})"
            raise ContractError(str(file), 1, "file", why) from None
        if node is None or not isinstance(data, dict):
            raise ContractError(str(file), 1, "file", "is not a mapping of keys to values")
        return cls(str(file), data, dict(_lines(node, ())))

    def refuse(self, place: Place, why: str, hint: str = "") -> ContractError:
        """Returns the error that points to `place`, or to the nearest thing above it."""
        near = place
        while near not in self.lines:
            near = near[:-1]
        return ContractError(self.file, self.lines[near], self.key(place), why, hint)

    def key(self, place: Place) -> str:
        """Returns a place as a person would say it, list items by their name where they have one.

        E.g. `properties[distance].logicalTypeOptions.minimum`.
        """
        shown: str = ""
        value: Any = self.data
        hidden = 2 if place[:2] == ("schema", 0) and len(place) > 2 else 0
        for position, part in enumerate(place):
            value = _step(value, part)
            if position < hidden:
                continue
            if isinstance(part, int):
                name = isinstance(value, dict) and (value.get("name") or value.get("property"))
                shown += f"[{name or part}]"
            else:
                shown += f".{part}" if shown else part
        return shown or "file"


def _step(value: Any, part: str | int) -> Any:
    """Returns what is under `part`, or None where the document has nothing there."""
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return None


class _Loader(yaml.SafeLoader):
    """Safe YAML in which only `true` and `false` are booleans and dates stay text.

    YAML 1.1 reads the airport code NO as false and 2013-01-01 as a date object; ODCS, through its
    JSON schema, means text by both.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuses aliases: a chain of them makes a small file a huge document."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuses a key given twice, of which YAML would keep only the last."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"key '{key.value}' is given twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_PLAIN = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, shape) for tag, shape in known if tag not in _PLAIN]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def _lines(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    """Yields the line of each key and list item below `node`."""
    if not place:
        yield (), node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key.start_mark.line + 1
            yield from _lines(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield (*place, position), item.start_mark.line + 1
            yield from _lines(item, (*place, position))
