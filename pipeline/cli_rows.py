"""The command `gleanery rows`: what a model sees.

In: a release and the settings of a loader. Out: rows on standard output, control tokens and all. Reads what it shows.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from gleanery.pipeline.screen import draw, out, wrong
from gleanery.records.local_paths import local_path

if TYPE_CHECKING:
    from gleanery.shards.loader import Batch, Loader

FORMS = ("plain", "prefix first", "suffix first")


def rows(
    release: Annotated[Path, typer.Argument(parser=local_path, help="Folder of a release.")],
    row: Annotated[int, typer.Option(min=0, help="First row to show, from 0 in the order of the epoch.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 1,
    epoch: Annotated[int, typer.Option(min=0, help="Pass over the release.")] = 0,
    context: Annotated[int, typer.Option(help="Tokens in a row.")] = 2048,
    seed: Annotated[int, typer.Option(help="Seed of all choices.")] = 0,
    fim_rate: Annotated[float, typer.Option(help="Share of pieces with a fill-in-the-middle.")] = 0.5,
    unit: Annotated[str, typer.Option(help="What stands together: file or repository.")] = "file",
) -> None:
    """Show rows of a release as a model sees them: which files stand in them, their forms, and every token as text.

    Example: gleanery rows runs/demo/release --row 3 --unit repository
    """
    from gleanery.shards.loader import Loader

    loader = Loader(release, context=context, batch=1, seed=seed, fim_rate=fim_rate, unit=unit)
    total = loader.rows(epoch)
    if row >= total:
        raise wrong(f"there is no row {row} in epoch {epoch}", f"rows are 0 to {max(0, total - 1)}")
    for number in range(row, min(row + count, total)):
        batch = loader.read(epoch, number, 1)
        draw(f"row {number:,} of {total:,}", ("begin", "tokens", "file", "from token", "form"), _pieces(loader, batch))
        out.print()
        out.print(_text(loader, batch), soft_wrap=True)


def _pieces(loader: "Loader", batch: "Batch") -> tuple[tuple[Any, ...], ...]:
    from gleanery.dedup.difference import printable

    found: list[tuple[Any, ...]] = []
    segments = batch.segments
    for number, size in enumerate(batch.segment_sizes.tolist()):
        document, begin = int(segments.document[number]), int(segments.begin[number])
        if document < 0:
            found.append((begin, size, "padding", 0, ""))
            continue
        about = loader.store.document(document)
        name = printable(f"{about['repo']}:{about['path']}")
        found.append((begin, size, name, int(segments.offset[number]), FORMS[int(segments.form[number])]))
    return tuple(found)


def _text(loader: "Loader", batch: "Batch") -> Text:
    """The row as text: control tokens by their role, in another colour; padding left out."""
    from gleanery.dedup.difference import printable

    store, text, held = loader.store, Text(), bytearray()
    names = {i: role for role, i in loader.control_ids.items()}
    content, start = store.spelling.content, store.spelling.start
    for token in [*batch.input_ids[0].tolist(), -1]:
        if token >= 0 and token not in names:
            held += content[start[token] : start[token + 1]].tobytes()
            continue
        text.append("\n".join(printable(line) for line in held.decode("utf-8", "replace").split("\n")))
        held.clear()
        if token >= 0 and names[token] != "<fim_pad>":
            text.append(names[token], style="reverse")
            text.append("\n" if names[token] == "<|endoftext|>" else "")
    return text
