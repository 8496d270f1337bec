"""Fitted scikit-learn models on disk, without pickle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skops import io

from lakehouse.estimators.encoding import Encoding

ENCODING_FILE = "encoding.json"
MODEL_FILE = "model.skops"


def save_model(folder: Path, encoding: Encoding, model: Any) -> None:
    """Writes both files; `folder` is made where it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ENCODING_FILE).write_text(json.dumps(encoding.to_json()), encoding="utf-8")
    io.dump(model, folder / MODEL_FILE)


def load_model(folder: Path, *, trusted: Sequence[str]) -> tuple[Encoding, Any]:
    """Reads both files.

    Args:
        folder: Where `save_model` wrote.
        trusted: Types that may be built besides those that skops trusts by itself.

    Raises:
        skops.io.exceptions.UntrustedTypesFoundException: The file asks for any other type.
    """
    stored = json.loads((folder / ENCODING_FILE).read_text(encoding="utf-8"))
    return Encoding.from_json(stored), io.load(folder / MODEL_FILE, trusted=list(trusted))
