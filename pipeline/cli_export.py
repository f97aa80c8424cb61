"""The commands `gleanery export`: a release in other tools' formats.

In: a release. Out: a folder in the other tool's format; what was written is said on standard error.
"""

from pathlib import Path
from typing import Annotated

import typer

from gleanery.pipeline.screen import err

_HELP = """Write a release in other tools' formats.

Example: gleanery export parquet runs/demo/release runs/demo-parquet
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)


@app.command("datatrove")
def datatrove(
    release: Annotated[Path, typer.Argument(help="Folder of a release.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
) -> None:
    """Write the tokens as datatrove's tokenised folder.

    Example: gleanery export datatrove runs/demo/release runs/demo-datatrove
    """
    from gleanery.shards.exports import to_datatrove

    to_datatrove(release, folder)
    err.print(f"written to {folder}")


@app.command("megatron")
def megatron(
    release: Annotated[Path, typer.Argument(help="Folder of a release.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
) -> None:
    """Write the tokens as Megatron's indexed data set; the data path is FOLDER/release_text_document.

    Example: gleanery export megatron runs/demo/release runs/demo-megatron
    """
    from gleanery.shards.exports import to_megatron

    to_megatron(release, folder)
    err.print(f"written to {folder}")


@app.command("safetensors")
def safetensors(
    release: Annotated[Path, typer.Argument(help="Folder of a release.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
) -> None:
    """Write the tokens as safetensors files, which any framework opens by memory map.

    Example: gleanery export safetensors runs/demo/release runs/demo-safetensors
    """
    from gleanery.shards.exports import to_safetensors

    to_safetensors(release, folder)
    err.print(f"written to {folder}")


@app.command("parquet")
def parquet(
    release: Annotated[Path, typer.Argument(help="Folder of a release.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
    context: Annotated[int, typer.Option(help="Tokens in a row.")] = 2048,
    fim_rate: Annotated[float, typer.Option(help="Share of documents with a fill-in-the-middle.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Seed of all choices.")] = 0,
    unit: Annotated[str, typer.Option(help="What stands together: file or repository.")] = "file",
) -> None:
    """Write packed rows with fill-in-the-middle as Parquet, for trainers that read rows.

    Example: gleanery export parquet runs/demo/release runs/demo-rows --context 2048
    """
    from gleanery.shards.exports import fim_parquet

    fim_parquet(release, folder, context, fim_rate=fim_rate, seed=seed, unit=unit)
    err.print(f"written to {folder}")
