"""Tables that are written piece by piece."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gleanery.records.parquet import read_table, table_of, write_in_order, write_table


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
