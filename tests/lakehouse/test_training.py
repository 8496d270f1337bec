import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest

from lakehouse import features, publishing, registry, training
from lakehouse.errors import TamperedModel

DEPARTED = {"name": "dep_delay", "kind": "numeric"}
TREES = {"algorithm": "boosted_trees", "params": {"max_trees": 20}}


def versions(model_lake):
    from mlflow import MlflowClient

    uri = model_lake.lake.settings.tracking_uri
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    return len(client.search_model_versions("name='late'"))


def rule(**changes):
    return {"metric": "auc", "limit": 0.55, "min_improvement": 0.001, **changes}


def test_the_best_by_validation_becomes_the_first_champion(model_lake):
    model_lake.declare(candidates=[{"algorithm": "logistic"}, TREES])
    lines = []
    trained = training.train(model_lake.lake, "late", run="r", progress=lines.append)

    best = max(trained.candidates, key=lambda candidate: candidate.validation.auc)
    assert trained.verdict.promoted
    assert trained.verdict.challenger == best.algorithm == trained.challenger.algorithm
    assert trained.verdict.champion == trained.verdict.version == versions(model_lake) == 1
    assert "first champion" in trained.summary()
    assert trained.refusals() == ()
    assert any("logistic" in line and "validation AUC" in line for line in lines)


def test_metrics_are_those_of_real_delays(shared_lake):
    trained = training.train(shared_lake.lake, "late", run="again")

    for candidate in trained.candidates:
        assert candidate.train.base_rate > candidate.test.base_rate > candidate.validation.base_rate
        assert 0.55 < candidate.test.auc < 0.75
        assert candidate.train.n > candidate.test.n > candidate.validation.n


def test_nothing_is_trained_when_nothing_changed(trained_lake):
    before = trained_lake.lake.catalog.locations()

    again = training.train(trained_lake.lake, "late", run="again")

    assert not again.changed
    assert "nothing to train" in again.summary()
    assert trained_lake.lake.catalog.locations() == before
    assert versions(trained_lake) == 1


def test_the_history_tells_the_last_training(model_lake):
    trained = training.train(model_lake.lake, "late", run="r")

    told = training.train(model_lake.lake, "late", run="again")

    assert told.candidates == trained.candidates
    assert told.verdict == trained.verdict
    assert [c.name for c in told.checks()] == [c.name for c in trained.checks()[2:]]


def test_a_challenger_that_does_not_beat_the_champion_is_no_refusal(trained_lake):
    trained_lake.declare(seed=8, promotion=rule(min_improvement=0.3))

    trained = training.train(trained_lake.lake, "late", run="r")

    assert not trained.verdict.promoted
    assert (trained.verdict.version, trained.verdict.champion) == (2, 1)
    assert registry.champion(trained_lake.lake, "late").version == 1
    assert trained.refusals() == ()
    assert "does not beat the champion (version 1)" in trained.verdict.reason
    promoted = next(check for check in trained.checks() if check.name == "challenger_promoted")
    assert (promoted.passed, promoted.severity) == (False, "warning")


def test_a_better_challenger_is_promoted(trained_lake, flights):
    trained_lake.publish(flights.with_columns(dep_delay=pl.col("dep_delay") // 60))
    trained_lake.declare(features=[DEPARTED], candidates=[TREES])

    trained = training.train(trained_lake.lake, "late", run="r")

    assert trained.verdict.promoted
    assert trained.verdict.champion == 2
    assert "beats the champion (version 1)" in trained.verdict.reason
    assert registry.champion(trained_lake.lake, "late").manifest.features[0].name == "dep_delay"
    assert registry.standing(trained_lake.lake, "late").champion == 2


def test_the_champion_is_judged_on_the_challengers_rows(trained_lake, flights):
    later = flights.filter(pl.col("month") != 11)
    trained_lake.publish(later)
    trained_lake.declare(promotion=rule(min_improvement=0.3))

    trained = training.train(trained_lake.lake, "late", run="r")

    champion = registry.champion(trained_lake.lake, "late")
    test = features.assemble(trained_lake.lake, "late").test
    scores = champion.estimator.predict(test.inputs(champion.manifest.features))
    from sklearn.metrics import roc_auc_score

    assert f"{roc_auc_score(test.y, scores):.4f} on the same rows" in trained.verdict.reason


def test_a_champion_whose_inputs_are_gone_is_replaced(trained_lake, flights):
    trained_lake.publish(flights.drop("distance"))
    trained_lake.declare(features=[{"name": "sched_dep_time", "kind": "numeric"}])

    trained = training.train(trained_lake.lake, "late", run="r")

    assert trained.verdict.champion == 2
    assert "no longer has" in trained.verdict.reason


def test_without_an_admissible_candidate_there_is_no_champion(model_lake):
    model_lake.declare(promotion=rule(limit=0.9))

    trained = training.train(model_lake.lake, "late", run="r")
    predicted = training.predict(model_lake.lake, "late", run="r")

    assert registry.champion(model_lake.lake, "late") is None
    assert "does not meet the limit 0.9" in trained.refusals()[0]
    assert "has no champion" in predicted.refusals()[0]
    assert "gold.predictions_late" not in model_lake.lake.catalog.names()
    check = next(check for check in trained.checks() if check.name == "has_champion")
    assert (check.passed, check.severity) == (False, "error")


def test_slices_with_enough_rows_are_told(shared_lake):
    trained = training.train(shared_lake.lake, "late", run="again")

    told = {part.column for part in trained.challenger.slices}
    assert told == {"carrier", "month"}
    assert all(part.n >= 300 for part in trained.challenger.slices)


def test_a_weak_slice_is_a_warning(shared_lake):
    trained = training.train(shared_lake.lake, "late", run="again")
    weak = training.Slice("carrier", "ZZ", 400, 0.5)
    candidates = tuple(replace(c, slices=(weak,)) for c in trained.candidates)

    checks = replace(trained, candidates=candidates).checks()

    check = next(check for check in checks if check.name == "performance_by_carrier")
    assert (check.passed, check.severity, check.facts["below"]) == (False, "warning", ["ZZ"])


def test_every_row_of_the_period_is_predicted_once(trained_lake, flights):
    predicted = training.predict(trained_lake.lake, "late", run="r")

    rows = pl.from_arrow(trained_lake.lake.catalog.table("gold.predictions_late").scan().to_arrow())
    wanted = flights.filter(pl.col("month") >= 10)
    assert predicted.rows == rows.height == wanted.height
    assert rows.columns == [
        "year",
        "month",
        "day",
        "carrier",
        "flight",
        "origin",
        "score",
        "model_version",
    ]
    assert rows.join(wanted, on=rows.columns[:6]).height == wanted.height
    assert rows["score"].is_between(0, 1).all()
    assert rows["model_version"].unique().to_list() == [1]


def test_the_same_champion_predicts_the_same_rows_once(trained_lake):
    first = training.predict(trained_lake.lake, "late", run="r")
    before = trained_lake.lake.catalog.locations()

    again = training.predict(trained_lake.lake, "late", run="again")

    assert (first.changed, again.changed) == (True, False)
    assert trained_lake.lake.catalog.locations() == before
    assert replace(again, changed=True) == first


def test_a_tampered_champion_predicts_nothing(trained_lake):
    for file in (trained_lake.folder / ".lake" / "mlartifacts").rglob("model.json"):
        file.write_text("{}")

    with pytest.raises(TamperedModel):
        training.predict(trained_lake.lake, "late", run="r")


def test_asking_imports_neither_mlflow_nor_torch():
    heavy = ("mlflow", "torch", "sklearn", "scipy")
    code = (
        "import sys, lakehouse.training, lakehouse.monitoring, lakehouse.planning; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_an_older_prediction_does_not_replace_a_newer_one(trained_lake, flights, monkeypatch):
    older, publish = trained_lake.lake, publishing.replace

    def meanwhile(*args, **more):
        monkeypatch.setattr(publishing, "replace", publish)
        trained_lake.publish(flights.filter(pl.col("month") != 12))
        training.predict(trained_lake.lake, "late", run="newer")
        return publish(*args, **more)

    monkeypatch.setattr(publishing, "replace", meanwhile)
    told = training.predict(older, "late", run="older")
    table = trained_lake.lake.catalog.table("gold.predictions_late")
    summary = table.current_snapshot().summary
    assert summary["lakehouse.run"] == "newer"
    assert (told.changed, told.rows) == (False, int(summary["total-records"]))
