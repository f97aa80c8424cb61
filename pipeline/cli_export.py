"""The commands `gleanery export`: a release in other tools' formats.

In: a release. Out: a folder in the other tool's format; what was written is said on standard error.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gleanery.pipeline.screen import err
from gleanery.records.local_paths import local_path
from gleanery.release.wording import number

if TYPE_CHECKING:
    from gleanery.shards.masking import Removed

_HELP = """Write a release in other tools' formats.

Example: gleanery export parquet runs/demo/release runs/demo-parquet
"""
Release = Annotated[Path, typer.Argument(parser=local_path, help="Folder of a release.")]
Folder = Annotated[Path, typer.Argument(parser=local_path, help="Folder to write.")]
Removals = Annotated[
    Path | None, typer.Option("--list", parser=local_path, help="Removal list: what it names is left out.")
]
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)


@app.command("datatrove")
def datatrove(release: Release, folder: Folder, removals: Removals = None) -> None:
    """Write the tokens as datatrove's tokenised folder.

    Example: gleanery export datatrove runs/demo/release runs/demo-datatrove
    """
    from gleanery.release.notice_files import notices_without
    from gleanery.shards.exports import to_datatrove

    removed = _removed(release, removals)
    to_datatrove(release, folder, removed, notices_without)
    _say(folder, removed)


@app.command("megatron")
def megatron(release: Release, folder: Folder, removals: Removals = None) -> None:
    """Write the tokens as Megatron's indexed data set; the data path is FOLDER/release_text_document.

    Example: gleanery export megatron runs/demo/release runs/demo-megatron
    """
    from gleanery.release.notice_files import notices_without
    from gleanery.shards.exports import to_megatron

    removed = _removed(release, removals)
    to_megatron(release, folder, removed, notices_without)
    _say(folder, removed)


@app.command("safetensors")
def safetensors(release: Release, folder: Folder, removals: Removals = None) -> None:
    """Write the tokens as safetensors files, which any framework opens by memory map.

    Example: gleanery export safetensors runs/demo/release runs/demo-safetensors
    """
    from gleanery.release.notice_files import notices_without
    from gleanery.shards.exports import to_safetensors

    removed = _removed(release, removals)
    to_safetensors(release, folder, removed, notices_without)
    _say(folder, removed)


@app.command("parquet")
def parquet(
    release: Release,
    folder: Folder,
    context: Annotated[int, typer.Option(help="Tokens in a row.")] = 2048,
    fim_rate: Annotated[float, typer.Option(help="Share of pieces with a fill-in-the-middle.")] = 0.5,
    spm_rate: Annotated[float, typer.Option(help="Share of those with the suffix first.")] = 0.5,
    repo_rate: Annotated[float, typer.Option(help="Share of repositories with any such piece.")] = 1.0,
    line_rate: Annotated[float, typer.Option(help="Share of such pieces cut at lines.")] = 0.0,
    syntax_rate: Annotated[float, typer.Option(help="Share of such pieces cut at syntax nodes.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of all choices.")] = 0,
    epoch: Annotated[int, typer.Option(min=0, help="Epoch: another one has another order and other cuts.")] = 0,
    unit: Annotated[str, typer.Option(help="What stands together: file or repository.")] = "file",
    removals: Removals = None,
    scratch: Annotated[
        Path | None,
        typer.Option(parser=local_path, help="Folder for the decoded tokens of a compressed release; else TMPDIR."),
    ] = None,
) -> None:
    """Write packed rows with fill-in-the-middle as Parquet, for trainers that read rows.

    Example: gleanery export parquet runs/demo/release runs/demo-rows --context 2048
    """
    from gleanery.release.notice_files import notices_without
    from gleanery.shards.exports import fim_parquet

    removed = _removed(release, removals)
    rates = {"fim_rate": fim_rate, "spm_rate": spm_rate, "repo_rate": repo_rate, "line_rate": line_rate}
    settings: dict[str, Any] = {"seed": seed, "unit": unit, "syntax_rate": syntax_rate, **rates}
    fim_parquet(release, folder, context, epoch, removed, notices_without, scratch, **settings)
    _say(folder, removed)


def _removed(release: Path, path: Path | None) -> "Removed":
    from gleanery.shards.masking import NOTHING_REMOVED
    from gleanery.shards.removals import removed_from

    return NOTHING_REMOVED if path is None else removed_from(release, path)


def _say(folder: Path, removed: "Removed") -> None:
    count = len(removed.ordinals)
    err.print(f"written to {folder}" + (f", without {number(count, 'removed document')}" if count else ""))
