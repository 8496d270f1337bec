"""Whether an input knows the label."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lakehouse.features.sample import LABEL, Sample
from lakehouse.model_spec import FeatureSpec

SUSPICIOUS_AUC = 0.95
"""A single input that ranks the training rows this well knows the outcome."""


def single_aucs(sample: Sample, features: Sequence[FeatureSpec]) -> dict[str, float]:
    """Returns for each input how well it alone ranks the rows: max(AUC, 1 - AUC), at least 0.5.

    The area under the ROC curve is the Mann-Whitney U of the positives' ranks divided by the
    number of pairs (Hanley and McNeil 1982). A categorical input is ranked by its values' share of
    positives. That a value is unknown counts as an input of its own.
    """
    labelled = sample.inputs(features).with_columns(sample.rows[LABEL].cast(pl.Float64))
    found: dict[str, float] = {}
    for feature in features:
        column = pl.col(feature.name)
        share = pl.col(LABEL).mean().over(feature.name)
        value = column if feature.kind == "numeric" else pl.when(column.is_not_null()).then(share)
        ranked = labelled.select(pl.col(LABEL), value=value)
        missing = ranked.select(pl.col(LABEL), value=pl.col("value").is_null().cast(pl.Float32))
        found[feature.name] = max(_auc(ranked), _auc(missing))
    return found


def _auc(ranked: pl.DataFrame) -> float:
    known = ranked.drop_nulls("value")
    positives = float(known[LABEL].sum())
    negatives = known.height - positives
    if not positives or not negatives:
        return 0.5
    ranks = known.select((pl.col("value").rank("average") * pl.col(LABEL)).sum()).item()
    auc = (float(ranks) - positives * (positives + 1) / 2) / (positives * negatives)
    return max(auc, 1 - auc)
