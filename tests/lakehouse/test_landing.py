"""Landing: each content once, byte for byte, and a delivery for each change of a source's file."""

import os
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse import landing
from lakehouse.errors import UnknownName, UsageError
from lakehouse.storage import Storage, StoredFile, local_path

CITIES = "name,people\nBonn,300000\n"
LARGER = "name,people\nBonn,300001\n"


def objects(lake: Any) -> list[Path]:
    return sorted((lake.folder / ".lake" / "warehouse" / "bronze").rglob("*.*"))


def numbers(lake: Any, dataset: str = "cities") -> list[tuple[int, str]]:
    return [
        (entry.number, entry.source_key) for entry in lake.lake.ledger.read().delivered(dataset)
    ]


def test_bronze_holds_the_bytes_that_landed(data_lake: Any) -> None:
    content = b"\xef\xbb\xbfname,people\r\nK\xf6ln,1\r\n\0,"
    delivery = data_lake.land("cities", content).deliveries[0]
    assert Path(local_path(data_lake.lake.object_url(delivery.object))).read_bytes() == content


def test_an_object_is_named_by_its_content(data_lake: Any) -> None:
    delivery = data_lake.land("cities", CITIES).deliveries[0]
    assert Path(local_path(data_lake.lake.object_url(delivery.object))).stem == delivery.sha256


def test_landing_twice_equals_once(data_lake: Any) -> None:
    data_lake.land("cities", CITIES)
    before = objects(data_lake), data_lake.snapshots()
    assert landing.land(data_lake.lake, "cities", run="again").deliveries == ()
    assert (objects(data_lake), data_lake.snapshots()) == before


def test_a_landing_folder_that_is_a_link_brings_no_file_of_the_machine(
    data_lake: Any, tmp_path: Path
) -> None:
    private = tmp_path / "private" / "a.csv"
    private.parent.mkdir()
    private.write_text(CITIES)
    root = data_lake.folder / ".lake" / "landing"
    root.mkdir(parents=True, exist_ok=True)
    (root / "cities").symlink_to(private.parent)
    assert landing.land(data_lake.lake, "cities", run="link").deliveries == ()
    assert objects(data_lake) == []
    (root / "cities").unlink()
    assert data_lake.land("cities", CITIES).summary().startswith("bronze/cities: 1 file landed")


def test_a_file_written_again_with_its_content_is_no_delivery(data_lake: Any) -> None:
    data_lake.land("cities", CITIES)
    file = data_lake.drop("cities", CITIES)
    os.utime(file, (1, 1))
    assert landing.land(data_lake.lake, "cities", run="again").deliveries == ()


def test_landing_a_named_file_twice_equals_once(data_lake: Any, tmp_path: Path) -> None:
    file = tmp_path / "cities.csv"
    file.write_text(CITIES, encoding="utf-8")
    for _ in range(2):
        receipt = landing.land(data_lake.lake, "cities", [str(file)], run="by hand")
    assert (receipt.deliveries, receipt.unchanged, len(objects(data_lake))) == ((), 1, 1)


def test_a_then_b_then_a_are_three_deliveries_of_two_objects(data_lake: Any) -> None:
    for content in (CITIES, LARGER, CITIES):
        data_lake.land("cities", content)
    assert numbers(data_lake) == [(1, "a.csv"), (2, "a.csv"), (3, "a.csv")]
    assert len(objects(data_lake)) == 2


def test_one_content_under_two_names_is_two_deliveries_of_one_object(data_lake: Any) -> None:
    data_lake.drop("cities", CITIES, "a.csv")
    receipt = data_lake.land("cities", CITIES, "b.csv")
    assert (len(receipt.deliveries), receipt.objects, len(objects(data_lake))) == (2, 1, 1)


def test_a_file_in_a_folder_is_delivered_under_its_path(data_lake: Any) -> None:
    data_lake.land("cities", CITIES, "2013/04/a.csv")
    assert numbers(data_lake) == [(1, "2013/04/a.csv")]


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.tmp", ".a.csv", "_a.csv", "a.crdownload"])
def test_a_half_written_file_is_left_alone(data_lake: Any, name: str) -> None:
    assert data_lake.land("cities", CITIES, name).deliveries == ()


def test_a_file_that_has_not_settled_is_left_for_later(data_lake: Any) -> None:
    data_lake.drop("cities", CITIES)
    receipt = landing.land(data_lake.lake, "cities", run="r", settle=timedelta(days=1))
    assert receipt.deliveries == ()


def test_deliveries_of_all_datasets_are_numbered_in_one_row(data_lake: Any) -> None:
    data_lake.land("cities", CITIES)
    data_lake.land("trips", "id,start,price,city\n")
    data_lake.land("cities", LARGER)
    assert numbers(data_lake) == [(1, "a.csv"), (3, "a.csv")]


def test_an_unreadable_file_is_told_and_kept(data_lake: Any) -> None:
    receipt = data_lake.land("cities", "name,inhabitants\nBonn,1\n")
    assert "column 'people' is missing" in receipt.refusals()[0]
    assert len(objects(data_lake)) == 1


def test_an_unknown_dataset_is_refused_with_the_nearest_name(data_lake: Any) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'cities'"):
        landing.land(data_lake.lake, "citys", run="r")


def test_a_path_that_is_no_file_is_refused(data_lake: Any) -> None:
    with pytest.raises(UsageError, match=r"is not a file\. Nothing was landed"):
        landing.land(data_lake.lake, "cities", ["/nowhere.csv"], run="r")


def test_a_decision_about_an_unknown_delivery_is_refused(data_lake: Any) -> None:
    data_lake.land("cities", CITIES)
    with pytest.raises(UnknownName, match=r"There is no delivery '7'\. Known: 1"):
        data_lake.decide("withdrawn", 7)


def test_a_decision_keeps_who_why_and_when(data_lake: Any) -> None:
    data_lake.land("cities", CITIES)
    data_lake.decide("withdrawn", 1)
    decision = data_lake.lake.ledger.read().decisions[0]
    assert (decision.by, decision.reason) == ("ada", "looked at it")
    assert decision.at == data_lake.lake.settings.clock()


def test_an_earlier_version_that_is_put_back_with_its_time_is_a_delivery(
    data_lake: Any, tmp_path: Path
) -> None:
    file = data_lake.drop("cities", "name,people\nBonn,1\n")
    os.utime(file, (1.6e9, 1.6e9))
    shutil.copy2(file, tmp_path / "kept.csv")
    data_lake.put("cities", "name,people\nBonn,1\n")
    data_lake.put("cities", "name,people\nBonn,2\n")
    shutil.move(tmp_path / "kept.csv", file)
    assert len(landing.land(data_lake.lake, "cities", run="third").deliveries) == 1
    data_lake.refresh("cities")
    assert data_lake.rows("silver.cities", "people") == [(1,)]


def test_a_file_that_a_correction_was_landed_for_by_its_path_stays_as_it_is(
    data_lake: Any, tmp_path: Path
) -> None:
    """The one in the landing folder is the older one, and is not delivered again."""
    data_lake.put("cities", "name,people\nBonn,1\n")
    (tmp_path / "a.csv").write_text("name,people\nBonn,2\n")
    landing.land(data_lake.lake, "cities", [str(tmp_path / "a.csv")], run="corrected")
    assert landing.land(data_lake.lake, "cities", run="again").deliveries == ()


def test_files_that_an_earlier_version_of_the_lakehouse_took_are_known(
    data_lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It noted no time of a change beside time and size."""
    local = StoredFile.local

    def earlier(file: Path) -> StoredFile:
        found = local(file)
        return replace(found, etag=found.etag.rpartition("-")[0])

    with monkeypatch.context() as patch:
        patch.setattr(StoredFile, "local", earlier)
        data_lake.put("cities", "name,people\nBonn,1\n")
    digested = []
    monkeypatch.setattr(Storage, "digest", lambda _, url: digested.append(url))
    assert landing.land(data_lake.lake, "cities", run="again").deliveries == ()
    assert digested == []
