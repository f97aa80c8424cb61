"""Stage 3, first part: make a print of each content, and cut it into the keys by which like contents meet.

In: the parts of `blobs`. Out: `signatures`, and arrays that the other parts of the stage look at through
`contents.Contents`. Step 1 of 9 (sign) reads contents; what an earlier run (`run.previous`) has signed by the same
rules is taken from there, and its content is not even unpacked. Step 2 of 9 (lookup) joins what is looked up by the
number of a content.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gleanery.dedup.bands import Banding, band_keys, signature_bits
from gleanery.dedup.containment import in_slices
from gleanery.dedup.marks import BINS
from gleanery.dedup.normal_form import STYLE_NAMES, styles_of
from gleanery.dedup.prints import label, prints
from gleanery.dedup.signatures import Parameters
from gleanery.dedup.texts import texts_of
from gleanery.pipeline.arrays import Blocks
from gleanery.pipeline.contents import wanted_texts
from gleanery.pipeline.exchange import id_range, part_name, read_range
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.settings import DedupSettings, Settings
from gleanery.pipeline.shard import Shard, Task, arrays_of
from gleanery.pipeline.stage2_annotate import blob_tasks
from gleanery.pipeline.steps import Step
from gleanery.records.errors import StopRun
from gleanery.records.parquet import read_table, schema_of
from gleanery.records.tables import TABLES

MAX_CONTENTS = 1 << 32
PRINTS_AT_ONCE = 4096  # a row group of `signatures`, of some 6 MB: memory does not grow with the part
# What later steps look up by the number of a content; the rest is read part by part.
INDEXED = ("ids", "bits", "shingles", "code_shingles", "marks", "forms", "long_code", "sizes", "old")


def dedup_parameters(dedup: DedupSettings) -> Parameters:
    """The signature's parameters."""
    return Parameters(permutations=dedup.permutations, shingle_tokens=dedup.shingle_tokens)


def banding(settings: Settings) -> Banding:
    """How signatures are cut."""
    return Banding(settings.dedup.bands, settings.dedup.rows)


def sign_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 1 of 9: a print of each content, and its keys."""
    parameters = {"prints": label(dedup_parameters(settings.dedup))} | dataclasses.asdict(banding(settings))
    work, owns = f"{__name__}:sign_part", ("tables/signatures/*",)
    tasks = blob_tasks(markers)
    return Step("cluster", "sign", "3 of 7  sign", work, tasks, parameters, ("gather",), owns=owns, unit="contents")


def index_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 9: one array for each kind of number, over all parts."""
    tasks = (Task("all", {"parts": len(blob_tasks(markers))}),)
    work = f"{__name__}:make_index"
    return Step("cluster", "lookup", "3 of 7  lookup", work, tasks, {}, ("sign",), unit="contents")


@dataclass(frozen=True)
class _Part:
    """The contents of one part before any is read: what was signed already, and where in `known` it stands."""

    blobs: Path
    ids: pa.Array
    styles: NDArray[np.uint8]
    plain: NDArray[np.bool_]
    known: pa.Table
    index: NDArray[np.int64]
    old: NDArray[np.bool_]


def sign_part(shard: Shard) -> None:
    """The prints of one part of `blobs`, and the arrays that are cut from them, `PRINTS_AT_ONCE` contents at a time."""
    parameters, cut = dedup_parameters(shard.settings.dedup), list[dict[str, NDArray[Any]]]()
    part = _part(shard, label(parameters))

    def groups() -> Iterator[pa.Table]:
        for first in range(0, max(1, len(part.ids)), PRINTS_AT_ONCE):
            table = _prints(part, np.arange(first, min(len(part.ids), first + PRINTS_AT_ONCE)), parameters)
            cut.append(_arrays(table, first, parameters, banding(shard.settings)))
            yield table

    shard.write_in_order("signatures", groups())
    arrays = {name: np.concatenate([one[name] for one in cut], axis=int(name == "keys")) for name in cut[0]}
    arrays["samples"], arrays["sampled"] = in_slices(arrays["samples"], arrays["sampled"])
    arrays |= {"old": part.old, "plain": part.plain, "styles": part.styles}
    shard.write_arrays(arrays)
    shard.counts |= {"in": len(part.ids), "kept": len(part.ids)}
    shard.notes["sampled"] = len(arrays["samples"])
    shard.notes["signed"] = int(np.count_nonzero(~part.old))
    if shard.settings.run.previous is not None:
        shard.notes["known"] = int(np.count_nonzero(part.old))


def _prints(part: _Part, rows: NDArray[np.int64], parameters: Parameters) -> pa.Table:
    """The prints of some rows that follow each other: those that are known, and the others made from their texts."""
    old, places = part.old[rows], part.index[rows]
    first = int(places[old].min()) if old.any() else 0
    known = part.known.slice(first, int(places[old].max()) + 1 - first if old.any() else 0)
    wanted = np.zeros(len(part.ids), bool)
    wanted[rows] = ~old
    tables = [known]
    for new, texts in wanted_texts(part.blobs, wanted, part.plain):
        found = prints(texts, [STYLE_NAMES[style] for style in part.styles[new].tolist()], parameters)
        tables.append(found.add_column(0, "blob_id", part.ids.take(pa.array(new))).cast(known.schema))
    table = pa.concat_tables(tables).combine_chunks()
    order = np.where(old, places - first, known.num_rows + np.cumsum(~old) - 1)
    return table if np.array_equal(order, np.arange(table.num_rows)) else table.take(pa.array(order))


def previous_tables(settings: Settings) -> Path | None:
    """The tables of the earlier run, if one is named. Raises StopRun if that is no run."""
    previous = settings.run.previous
    if previous is None:
        return None
    folder = settings.path(previous) / "tables"
    if not folder.is_dir():
        raise StopRun(f"run.previous is {previous}, which is no run", "name the folder of a finished run")
    if not (folder / "signatures").is_dir():
        raise StopRun(f"run.previous is {previous}, which has no signatures", "name the run, not its release")
    return folder


PREVIOUS_READ = ("pairs", "signatures")  # the tables of an earlier run that tasks read


def previous_range(shard: Shard, table: str, key: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of the earlier run whose key lies in the range of this task; none without such a run.

    Files of another form, such as an older version wrote, have nothing to say.
    """
    schema, folder = TABLES[table].schema, previous_tables(shard.settings)
    names = schema.names if columns is None else columns
    empty = pa.schema([schema.field(name) for name in names]).empty_table()
    if folder is None:
        return empty
    low, high = shard.range
    files = [path for path in sorted((folder / table).glob("*.parquet")) if _may_hold(path, low, high)]
    try:
        if not files or not all(schema_of(path).equals(schema) for path in files):
            return empty
        return read_range(files, key, low, high, schema, names)
    except (pa.ArrowInvalid, OSError) as error:
        raise StopRun(
            f"the table {table} of run.previous cannot be read ({type(error).__name__})",
            "it is damaged: leave run.previous out, or name another run",
        ) from None


def _may_hold(path: Path, low: str, high: str | None) -> bool:
    """Whether a part, by its name, may hold ids of a range."""
    words = path.stem.split("-")
    if len(words) != 4 or not (words[1].isdecimal() and words[3].isdecimal()):
        return True
    first, last = id_range(int(words[1]), int(words[3]))
    return (high is None or first < high) and (last is None or last > low)


def _part(shard: Shard, wanted: str) -> _Part:
    """The contents of a part, and the prints that an earlier run made of them by the same rules."""
    blobs = read_table(shard.table("blobs"), ["blob_id", "names", "encoding"])
    ids = blobs.column("blob_id").combine_chunks()
    styles = styles_of(blobs.column("names").combine_chunks())
    plain = pc.equal(blobs.column("encoding"), "utf-8").to_numpy()
    known = previous_range(shard, "signatures", "blob_id")
    same_rules = pc.equal(known.column("parameters"), wanted)
    if not pc.all(same_rules).as_py():
        known = known.filter(same_rules)
    index = pc.index_in(ids, known.column("blob_id"))
    old_styles = pc.index_in(known.column("style"), pa.array(STYLE_NAMES)).take(index)  # null: no such content there
    # What another encoding is read as may be another text with the next version; UTF-8 is always the same.
    old = pc.fill_null(pc.equal(old_styles, pa.array(styles)), False).to_numpy() & plain
    places = pc.fill_null(index, 0).to_numpy().astype(np.int64)
    return _Part(shard.table("blobs"), ids, styles, plain, known, places, old)


def _arrays(table: pa.Table, first: int, parameters: Parameters, cut: Banding) -> dict[str, NDArray[Any]]:
    """What later steps need of some prints: the keys of the bands and of both forms, samples and others.

    `first`: the number in their part of the first of them.
    """
    count = table.num_rows
    shingles = table.column("shingles").to_numpy()
    signed = np.flatnonzero(shingles > 0)
    matrix = _values(table, "signature").view("<u4").reshape(signed.size, parameters.permutations)
    forms = np.zeros((count, 32), np.uint8)
    for column, start in (("normal_form", 0), ("renamed_form", 16)):
        there = np.flatnonzero(_lengths(table, column))
        forms[there, start : start + 16] = _values(table, column).reshape(there.size, 16)
    long_code = table.column("code_words").to_numpy() >= parameters.shingle_tokens
    form_keys = forms.view("<u8").reshape(count, 4)[signed][:, [0, 2]].T
    form_keys[0, ~long_code[signed]] = 0  # no key: a line of code is like many others by chance
    signed_bits = signature_bits(matrix)
    bits = np.zeros((count, signed_bits.shape[1]), np.uint64)
    bits[signed] = signed_bits
    sizes = _lengths(table, "sample").astype(np.uint32) // 8
    code = table.column("code_shingles").to_numpy()
    marks = np.zeros((count, BINS), np.uint8)
    marks[_lengths(table, "marks") > 0] = _values(table, "marks").reshape(-1, BINS)
    return {
        "ids": np.frombuffer(bytes.fromhex(_values(table, "blob_id").tobytes().decode()), np.uint8).reshape(-1, 20),
        "rows": (signed + first).astype(np.uint32),
        "keys": np.concatenate([band_keys(matrix, cut), form_keys]),
        "bits": bits,
        "shingles": shingles,
        "code_shingles": code,
        "marks": marks,
        "forms": forms,
        "long_code": long_code,
        "sizes": sizes,
        "samples": _values(table, "sample").view("<u8"),
        "sampled": np.repeat(np.arange(first, first + count, dtype=np.uint32), sizes),
    }


def _values(table: pa.Table, column: str) -> NDArray[np.uint8]:
    """All values of a column of bytes, one after the other."""
    return texts_of(table.column(column).combine_chunks()).data


def _lengths(table: pa.Table, column: str) -> NDArray[np.int64]:
    return np.diff(texts_of(table.column(column).combine_chunks()).offsets)


def make_index(shard: Shard) -> None:
    """One array of all parts for each kind, so that any number is found in one file."""
    parts = shard.task.payload["parts"]
    signed = [arrays_of(shard.root, "sign", part_name(part, parts)) for part in range(parts)]
    bases = np.concatenate([[0], np.cumsum([len(arrays["ids"]) for arrays in signed])])
    count = int(bases[-1])
    if count > MAX_CONTENTS:
        raise StopRun(f"the run has {count} contents, over {MAX_CONTENTS}", "divide its sources")
    joined: dict[str, Any] = {k: Blocks(count, signed[0][k], [arrays[k] for arrays in signed]) for k in INDEXED}
    shard.write_arrays(joined | {"bases": bases})
    shard.counts |= {"in": count, "kept": count}
