"""Tables that are written piece by piece."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gleanery.records.parquet import describe, iter_rows, read_table, schema_of, table_of, write_in_order, write_table


def clusters(*blobs: str) -> pa.Table:
    return table_of("clusters", ({"blob_id": blob, "cluster_id": "a"} for blob in blobs))


def test_a_table_in_pieces_has_the_rows_of_the_whole_and_a_group_for_each_piece(tmp_path: Path) -> None:
    written = write_in_order(tmp_path / "pieces", "clusters", [clusters("a", "b"), clusters(), clusters("c")])
    write_table(tmp_path / "whole", "clusters", clusters("c", "a", "b"))
    assert read_table(tmp_path / "pieces").equals(read_table(tmp_path / "whole"))
    assert written.rows == 3 and pq.read_metadata(tmp_path / "pieces").num_row_groups == 3


@pytest.mark.parametrize("pieces", [["ba"], ["aa"], ["b", "a"], ["a", "a"], ["b", "", "a"]])
def test_rows_that_are_not_in_order_or_share_a_key_are_refused_and_leave_no_file(
    tmp_path: Path, pieces: list[str]
) -> None:
    with pytest.raises(ValueError, match="clusters are not in the order of blob_id"):
        write_in_order(tmp_path / "x", "clusters", (clusters(*piece) for piece in pieces))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("folder", ["run-2026-11-30T08:12", "file:x", "s3:", "/s3:x"])
def test_a_folder_may_have_a_colon_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(folder.replace("/", f"{tmp_path}/"), "a%b c", "x.parquet")
    written = write_table(path, "clusters", clusters("a", "b"))
    assert read_table(path, ["blob_id"]).column(0).to_pylist() == ["a", "b"]
    assert [row["blob_id"] for row in iter_rows(path)] == ["a", "b"]
    assert schema_of(path).equals(clusters().schema) and describe(path) == written


def test_only_this_module_gives_pyarrow_a_path() -> None:
    """By itself pyarrow takes a relative path with a colon for an address."""
    root = Path(__file__).parents[1]
    folders = [path.parent for path in root.glob("*/__init__.py")]
    modules = {
        path for folder in folders for path in folder.glob("*.py") if "pyarrow.parquet" in path.read_text("utf-8")
    }
    assert modules == {root / "records/parquet.py"}
