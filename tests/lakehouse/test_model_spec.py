"""A model's declaration is read in full or refused with file, line and key."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from lakehouse.errors import ModelSpecError
from lakehouse.model_spec import ModelSpec, Promotion

DECLARED = Path(__file__).parents[2] / "assets" / "models" / "late_arrival.yaml"
SMALL = """\
name: small
description: A model for tests.
owner: tester
table: gold.rows
key: [id]
time: day
features:
  - {name: size, kind: numeric}
  - {name: colour, kind: categorical}
label: delay > 15
splits:
  train: {start: 2020-01-01, end: 2020-03-01}
  validation: {start: 2020-03-01, end: 2020-04-01}
  test: {start: 2020-04-01, end: 2020-05-01}
seed: 1
candidates:
  - algorithm: logistic
    params: {C: 0.5}
promotion: {metric: auc, limit: 0.6, min_improvement: 0.01}
predictions: {table: gold.predictions_small, period: {start: 2020-04-01, end: 2020-05-01}}
monitoring:
  reference: train
  partition: month
  psi: 0.25
  js_distance: 0.1
  base_rate_change: 0.05
  limit: 0.55
  cooldown_days: 7
"""


def _load(folder: Path, text: str) -> ModelSpec:
    file = folder / "small.yaml"
    file.write_text(text, encoding="utf-8")
    return ModelSpec.load(file)


def _refusal(folder: Path, old: str, new: str) -> str:
    assert old in SMALL
    with pytest.raises(ModelSpecError) as refused:
        _load(folder, SMALL.replace(old, new, 1))
    return str(refused.value).removeprefix(f"{folder}/")


def test_loads_what_is_written(tmp_path: Path) -> None:
    spec = _load(tmp_path, SMALL)

    assert spec.feature_names == ("size", "colour")
    assert spec.candidates[0].params == {"C": 0.5}
    assert spec.label_columns == ("delay",)


def test_is_immutable(tmp_path: Path) -> None:
    spec = _load(tmp_path, SMALL)

    with pytest.raises(ValidationError, match="frozen"):
        spec.seed = 2  # type: ignore[misc]


def test_fingerprint_ignores_layout_and_sees_content(tmp_path: Path) -> None:
    spec = _load(tmp_path, SMALL)
    commented = _load(tmp_path, "# a comment\n" + SMALL.replace("seed: 1\n", "") + "seed: 1\n")
    changed = _load(tmp_path, SMALL.replace("seed: 1", "seed: 2"))

    assert commented.fingerprint == spec.fingerprint
    assert changed.fingerprint != spec.fingerprint


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("owner: tester\n", "", "small.yaml:1: owner: is missing."),
        (
            "owner:",
            "onwer:",
            "small.yaml:3: onwer: is not a key of this part. Did you mean 'owner'?",
        ),
        (
            "psi: 0.25",
            "psi: 0.25\n  jsdistance: 1",
            "small.yaml:25: monitoring.jsdistance: is not a key of this part."
            " Did you mean 'js_distance'?",
        ),
        (
            "kind: numeric",
            "kind: numeric, knd: x",
            "small.yaml:8: features.0.knd: is not a key of this part. Did you mean 'kind'?",
        ),
        ("seed: 1", "seed: 1\nseed: 2", "small.yaml:16: seed: is given twice."),
        (
            "start: 2020-03-01",
            "start: 2020-02-01",
            "small.yaml:11: splits: train, validation and test must follow each other"
            " without overlap.",
        ),
        (
            "end: 2020-03-01",
            "end: 2019-03-01",
            "small.yaml:12: splits.train: start 2020-01-01 is not before end 2019-03-01.",
        ),
        ("name: colour", "name: size", "small.yaml:7: features: 'size' is named twice."),
        ("[id]", "[id; drop]", "small.yaml:5: key.0: String should match pattern"),
        ("name: small", "[", "small.yaml:3: YAML: expected"),
    ],
)
def test_refuses_by_file_line_and_key(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert _refusal(tmp_path, old, new).startswith(expected)


def test_refuses_a_feature_that_is_part_of_the_label(tmp_path: Path) -> None:
    assert _refusal(tmp_path, "delay > 15", "size > 15") == (
        "small.yaml:10: label: 'size' is also a feature: the model would see its own label."
    )


@pytest.mark.parametrize(
    "label",
    ["1", "delay >", "avg(delay) > 1", "(select 1)", "a > 1; drop table b", "delete from rows"],
)
def test_refuses_a_label_that_is_no_scalar_expression(tmp_path: Path, label: str) -> None:
    assert "small.yaml:10: label: " in _refusal(tmp_path, "delay > 15", f'"{label}"')


def test_a_higher_auc_improves_and_a_lower_loss_does() -> None:
    auc = Promotion(metric="auc", limit=0.7, min_improvement=0.01)
    loss = Promotion(metric="log_loss", limit=0.5, min_improvement=0.0)

    assert auc.admits(0.7)
    assert not auc.admits(0.69)
    assert auc.improves(0.75, champion=0.73)
    assert not auc.improves(0.735, champion=0.73)
    assert loss.improves(0.4, champion=0.45)
    assert not loss.improves(0.45, champion=0.45)


def test_no_declared_input_is_known_only_after_departure() -> None:
    spec = ModelSpec.load(DECLARED)

    later = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "late_arrival"}
    assert not later & set(spec.feature_names)
