"""The command `gleanery duplicates`.

In: arguments. Out: a cluster, its measures and a difference on standard output, or a page as a file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gleanery.pipeline.screen import draw, err, out, say_of_release, wrong
from gleanery.records.local_paths import local_path

MOST_ROWS, MOST_UNLIKE = 40, 5


def duplicates(
    folder: Annotated[Path, typer.Option("--run", parser=local_path, help="Folder of a run.")],
    target: Annotated[str | None, typer.Argument(metavar="FILE", help="OWNER/REPO:PATH.")] = None,
    page: Annotated[
        Path | None, typer.Option("--page", parser=local_path, help="HTML file to write about the whole run.")
    ] = None,
    signatures: Annotated[
        Path | None,
        typer.Option(
            "--signatures", parser=local_path, help="Parquet file to write, for datasketch: see duplicates.md."
        ),
    ] = None,
) -> None:
    """Show what a file was taken to be the same as, how much, and where they differ; or write a page about the run.

    Example: gleanery duplicates pypi/requests:setup.py --run runs/demo
    """
    if target is None and page is None and signatures is None:
        raise wrong("which file?", "give OWNER/REPO:PATH, or --page FILE for the whole run")
    say_of_release(folder)
    if target is not None:
        _show(folder, target)
    if page is not None:
        from gleanery.pipeline.duplicates import duplicates_page
        from gleanery.records.files import write_bytes

        write_bytes(page, duplicates_page(folder).encode("utf-8"))
        err.print(f"written to {page}")
    if signatures is not None:
        from gleanery.dedup.export import write_signatures
        from gleanery.sql.questions import tables_of

        tables = tables_of(folder)
        tables.refuse_stale("signatures")
        count = write_signatures(tables.get("signatures", []), signatures)
        err.print(f"{count:,} signatures written to {signatures}")


def _show(folder: Path, target: str) -> None:
    from gleanery.dedup.difference import as_text, printable
    from gleanery.pipeline.duplicates import cluster_of

    shown = cluster_of(folder, target)
    _draw_files("", shown.members, MOST_ROWS)
    if len(shown.members) == 1:
        out.print("\nNothing in this run was taken for the same.")
    if shown.unlike:
        _draw_files("Measured, and not taken for the same", shown.unlike, MOST_UNLIKE)
    if shown.other is None:
        return
    out.print(f"\nCompared with {printable(shown.other['repo'])}:{printable(shown.other['path'])}", soft_wrap=True)
    if shown.other["blob_id"] == shown.members[0]["blob_id"]:
        out.print("The same bytes.")
    for line in as_text(shown.rows, out.width):
        out.print(line, soft_wrap=True)


def _draw_files(title: str, files: Sequence[Mapping[str, Any]], most: int) -> None:
    rows = tuple(
        (f"{f['repo']}:{f['path']}", f["reason"], f["sameness"], _rounded(f["jaccard"]), _rounded(f["containment"]))
        for f in files[:most]
    )
    draw(title, ("file", "decision", "sameness", "jaccard", "containment"), rows)
    if len(files) > most:
        out.print(f"and {len(files) - most:,} more")


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
