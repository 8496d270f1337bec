"""The whole declaration of a model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated

import sqlglot
from pydantic import Field, StringConstraints, ValidationError, ValidationInfo, field_validator
from sqlglot import expressions as sql

from lakehouse.model_spec.parts import (
    CandidateSpec,
    FeatureSpec,
    Monitoring,
    Name,
    Part,
    Predictions,
    Promotion,
    Splits,
    TableName,
)
from lakehouse.model_spec.reading import explained, read


class ModelSpec(Part):
    """A declared model.

    Attributes:
        name: Name in the registry and of the file.
        description: One paragraph for a reader.
        owner: Who answers for it.
        table: The table that holds key, time, label and features.
        key: Columns that identify a row.
        time: Date column that splits and partitions go by.
        features: Inputs, in the order in which estimators see them.
        label: SQL expression over the table's columns; true or 1 is the positive class, and rows
            for which it is null are neither trained nor tested on.
        slices: Categorical columns by whose values metrics are told as well.
        splits: Periods to train, validate (early stopping) and test on.
        seed: Seed of everything random in training.
        candidates: Algorithms to try; the best by the promotion metric may be promoted.
        promotion: When the best candidate becomes champion.
        predictions: Target and days of batch predictions.
        monitoring: Thresholds for drift and performance.
    """

    name: Name
    description: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    owner: Annotated[str, StringConstraints(min_length=1)]
    table: TableName
    key: tuple[Name, ...] = Field(min_length=1)
    time: Name
    features: tuple[FeatureSpec, ...] = Field(min_length=1)
    label: str
    slices: tuple[Name, ...] = ()
    splits: Splits
    seed: int = Field(ge=0)
    candidates: tuple[CandidateSpec, ...] = Field(min_length=1)
    promotion: Promotion
    predictions: Predictions
    monitoring: Monitoring

    @classmethod
    def load(cls, path: Path) -> ModelSpec:
        """Reads a declaration.

        Raises:
            ModelSpecError: It is not valid YAML, a key is unknown, missing or given twice, or a
                value cannot be honoured; names the file, the line and the key.
        """
        content, places = read(path)
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise explained(path, places, error, cls) from error

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the content; comments, layout and key order in the file do not count."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The inputs' columns in the order in which estimators see them."""
        return tuple(feature.name for feature in self.features)

    @property
    def label_columns(self) -> tuple[str, ...]:
        """Columns that the label is made of."""
        return _columns(self.label)

    @field_validator("features")
    @classmethod
    def _named_once(cls, features: tuple[FeatureSpec, ...]) -> tuple[FeatureSpec, ...]:
        names = [feature.name for feature in features]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"'{name}' is named twice")
        return features

    @field_validator("label")
    @classmethod
    def _no_leak(cls, label: str, info: ValidationInfo) -> str:
        columns = _columns(label)
        inputs = {feature.name for feature in info.data.get("features", ())}
        for column in columns:
            if column in inputs:
                raise ValueError(f"'{column}' is also a feature: the model would see its own label")
        return label

    @field_validator("candidates")
    @classmethod
    def _tried_once(cls, candidates: tuple[CandidateSpec, ...]) -> tuple[CandidateSpec, ...]:
        algorithms = [candidate.algorithm for candidate in candidates]
        for algorithm in algorithms:
            if algorithms.count(algorithm) > 1:
                raise ValueError(f"'{algorithm}' is named twice")
        return candidates


def _columns(label: str) -> tuple[str, ...]:
    """Returns the columns of a scalar expression; refuses whatever could read more than its row."""
    try:
        parsed = sqlglot.parse(label, dialect="duckdb")
    except sqlglot.ParseError as error:
        raise ValueError(f"'{label}' is not an SQL expression") from error
    tree = parsed[0] if len(parsed) == 1 else None
    if (
        tree is None
        or isinstance(tree, sql.Query | sql.Command)
        or tree.find(sql.Query, sql.AggFunc)
    ):
        raise ValueError(f"'{label}' must be one scalar expression over the table's columns")
    columns = tuple(dict.fromkeys(column.name for column in tree.find_all(sql.Column)))
    if not columns:
        raise ValueError(f"'{label}' uses no column")
    return columns
