"""What was taken for the same: a file's cluster with its measures and a difference, and the page for a whole run.

In: the folder of a run. Out: plain rows and text for the command line, or HTML. Each answer is that of an audit
question; contents are read by their id. A second for a run of a hundred thousand files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gleanery.dedup.difference import Row, printable, side_by_side
from gleanery.pipeline.exchange import read_range
from gleanery.quality.decoding import decode
from gleanery.records.errors import StopRun
from gleanery.records.tables import TABLES
from gleanery.release.duplicate_report import duplicate_page
from gleanery.sql.named import places
from gleanery.sql.questions import Database, questions, tables_of

DOUBTFUL = 40


@dataclass(frozen=True)
class Shown:
    """A file's cluster: the file itself first, then the others; the file it is compared with, and the difference.

    `unlike`: files that it was measured against and that are in no class with it, the most alike first.
    """

    members: tuple[dict[str, Any], ...]
    unlike: tuple[dict[str, Any], ...]
    other: dict[str, Any] | None
    rows: tuple[Row, ...]


def cluster_of(folder: Path, target: str) -> Shown:
    """The cluster of OWNER/REPO:PATH. Raises StopRun if no file of that name was read."""
    tables = tables_of(folder)
    with Database(tables) as database:
        for name, path in places(target):
            given = {"repo": name, "path": path}
            members = database.ask(questions()["cluster_of"], given).to_pylist() if database.named(name) else []
            if members:
                measured = database.ask(questions()["measured_against"], given).to_pylist()
                unlike = tuple(row for row in measured if row["sameness"] == "none")
                other = _partner(members) or next(iter(unlike), None)
                texts = [_text(tables, row["blob_id"]) for row in (members[0], other)] if other else ["", ""]
                same = other is None or other["blob_id"] == members[0]["blob_id"]
                return Shown(tuple(members), unlike, other, () if same else tuple(side_by_side(*texts)))
    raise StopRun("no file of that name was read in this run", "give OWNER/REPO:PATH, as `gleanery explain` takes it")


def _partner(members: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The file that decided about the first one; without such a file, the one that is most like it but not equal."""
    asked, others = members[0], members[1:]
    deciding = [row for row in others if row["file_id"] == asked["twin_file_id"]]
    unlike = [row for row in others if row["blob_id"] != asked["blob_id"] and row["jaccard"] is not None]
    return next(iter(deciding + unlike + list(others)), None)


def _text(tables: dict[str, list[Path]], blob: str) -> str:
    if "blobs" not in tables:
        raise StopRun("a release holds no crawled contents", "name the run that made it")
    column = read_range(tables["blobs"], "blob_id", blob, f"{blob}\x00", TABLES["blobs"].schema, ["blob_id", "content"])
    return (decode(column.column("content")[0].as_py())[0] or "") if column.num_rows else ""


def duplicates_page(folder: Path) -> str:
    """The page of the largest and of the most doubtful clusters of a run."""
    tables = tables_of(folder)
    with Database(tables) as database:
        doubtful = database.ask(questions()["doubtful_duplicates"], {"most": str(DOUBTFUL)}).to_pylist()
    return duplicate_page(folder, list(_pairs(tables, doubtful)))


def _pairs(tables: dict[str, list[Path]], rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each pair with the difference of its texts, fit to be shown."""
    for row in rows:
        if row["kept_blob_id"] is not None:
            texts = _text(tables, row["blob_id"]), _text(tables, row["kept_blob_id"])
            yield {
                "similarity": row["similarity"],
                "reason": row["reason"],
                "dropped": f"{row['repo']}:{row['path']}",
                "kept": f"{row['kept_repo']}:{row['kept_path']}",
                "rows": [
                    replace(line, left=printable(line.left), right=printable(line.right))
                    for line in side_by_side(*texts)
                ],
            }
