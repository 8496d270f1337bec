"""Reading a declaration so that every complaint names a file, a line and a key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from lakehouse.errors import ModelSpecError, did_you_mean

Place = tuple[str | int, ...]
"""Keys and list positions from the root of the file to one of its parts."""


def read(path: Path) -> tuple[dict[str, Any], dict[Place, int]]:
    """Returns the file's content, and the line of each of its places.

    Raises:
        ModelSpecError: It is not a YAML mapping, or a key is given twice.
    """
    text = path.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content: dict[str, Any] = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ModelSpecError(str(path), line, "YAML", str(error.problem)) from error
    if not isinstance(root, yaml.MappingNode):
        raise ModelSpecError(str(path), 1, "YAML", "a mapping of keys to values is expected")
    return content, _places(path, root)


def _places(path: Path, node: yaml.Node, at: Place = ()) -> dict[Place, int]:
    """Returns the line of each key and list item, by its path from the root."""
    found = {at: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = (*at, key.value)
            if where in found:
                line = key.start_mark.line + 1
                raise ModelSpecError(str(path), line, _dotted(where), "is given twice")
            found |= _places(path, value, where) | {where: key.start_mark.line + 1}
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            found |= _places(path, item, (*at, index))
    return found


def explained(
    path: Path, places: Mapping[Place, int], error: ValidationError, root: type[BaseModel]
) -> ModelSpecError:
    """Returns the first complaint, with the line of the nearest key that exists in the file."""
    # A misspelt key is also a missing one; the misspelling is what helps.
    first = min(error.errors(), key=lambda complaint: complaint["type"] != "extra_forbidden")
    where = first["loc"]
    near = where
    while near not in places:
        near = near[:-1]
    line = places[near]
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(str(where[-1]), _keys(root, where[:-1]))
        return ModelSpecError(str(path), line, _dotted(where), "is not a key of this part", hint)
    if first["type"] == "missing":
        return ModelSpecError(str(path), line, _dotted(where), "is missing")
    return ModelSpecError(
        str(path), line, _dotted(near), first["msg"].removeprefix("Value error, ")
    )


def _keys(root: type[BaseModel], where: Place) -> tuple[str, ...]:
    """Returns the keys that the part at `where` knows."""
    part: Any = root
    for step in where:
        annotation = part.model_fields[step].annotation if isinstance(step, str) else part
        arguments = get_args(annotation)
        part = arguments[0] if arguments else annotation
    return tuple(part.model_fields)


def _dotted(where: Place) -> str:
    return ".".join(str(step) for step in where) or "model"
