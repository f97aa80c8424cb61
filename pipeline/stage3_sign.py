"""Stage 3, first half: make a print of each content, and cut it into the keys by which like contents meet.

In: the parts of `blobs`. Out: `signatures`, and for the second half (`stage3_cluster`) arrays of keys. Step 1 of 9
(sign) reads contents; what an earlier run (`run.previous`) has signed by the same rules is taken from there, and its
content is not even unpacked. Step 2 of 9 (band) cuts prints into keys; step 3 of 9 (lookup) joins what later steps
look up. From here on a content is a number: its place in the order of all ids.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gleanery.dedup.bands import Banding, band_keys, signature_bits
from gleanery.dedup.containment import Sample
from gleanery.dedup.normal_form import style_of
from gleanery.dedup.prints import BLOCK_CHARACTERS, label, prints
from gleanery.dedup.signatures import Parameters
from gleanery.pipeline.arrays import map_array, write_array, write_joined
from gleanery.pipeline.exchange import id_range, part_name, read_range
from gleanery.pipeline.settings import DedupSettings, Settings
from gleanery.pipeline.stage2_annotate import blob_tasks
from gleanery.pipeline.steps import Marker, Shard, Step, Task
from gleanery.quality.filters import decode
from gleanery.records.errors import StopRun
from gleanery.records.parquet import read_table, write_table
from gleanery.records.tables import TABLES

MAX_CONTENTS = 1 << 32
# What later steps look up by the number of a content; the rest is read part by part.
INDEXED = ("ids", "bits", "shingles", "forms", "sizes", "old")


def dedup_parameters(dedup: DedupSettings) -> Parameters:
    """The signature's parameters."""
    return Parameters(permutations=dedup.permutations, shingle_tokens=dedup.shingle_tokens)


def banding(settings: Settings) -> Banding:
    """How signatures are cut."""
    return Banding(settings.dedup.bands, settings.dedup.rows)


def sign_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 1 of 9: a print of each content."""
    parameters = {"prints": label(dedup_parameters(settings.dedup))}
    work, owns = f"{__name__}:sign_part", ("tables/signatures/*",)
    tasks = blob_tasks(markers)
    return Step("cluster", "sign", "3 of 7  sign", work, tasks, parameters, ("gather",), owns=owns, unit="contents")


def band_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 2 of 9: cut each print into keys."""
    parameters = dataclasses.asdict(banding(settings))
    work = f"{__name__}:band_part"
    return Step("cluster", "band", "3 of 7  band", work, blob_tasks(markers), parameters, ("sign",), unit="contents")


def index_step(settings: Settings, markers: Mapping[str, Marker]) -> Step:
    """Step 3 of 9: one array for each kind of number, over all parts."""
    tasks = (Task("all", {"parts": len(blob_tasks(markers))}),)
    work, reads = f"{__name__}:make_index", ("sign", "band")
    return Step("cluster", "lookup", "3 of 7  lookup", work, tasks, {}, reads, unit="contents")


def sign_part(shard: Shard) -> None:
    """The prints of one part of `blobs`; also which of them an earlier run had."""
    parameters = dedup_parameters(shard.settings.dedup)
    blobs = read_table(shard.table("blobs"), ["blob_id", "names"])
    ids, styles = blobs.column("blob_id"), [style_of(names) for names in blobs.column("names").to_pylist()]
    known, place = _remembered(shard, ids, styles, label(parameters))
    tables = [known]
    for rows in wanted_texts(shard.table("blobs"), ~place):
        found = prints([text for _, text in rows], [styles[row] for row, _ in rows], parameters)
        tables.append(found.add_column(0, "blob_id", ids.take(pa.array([row for row, _ in rows]))))
    schema = TABLES["signatures"].schema
    table = pa.concat_tables([t.select(schema.names).cast(schema) for t in tables])
    path = shard.table("signatures")
    shard.wrote(path, write_table(path, "signatures", table))
    path = shard.data(f"{shard.task.name}.old.npy")
    shard.wrote(path, write_array(path, place))
    shard.counts |= {"in": blobs.num_rows, "kept": table.num_rows}
    shard.notes["signed"] = int(np.count_nonzero(~place))


def previous_range(shard: Shard, table: str, key: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of the earlier run whose key lies in the range of this task; none without such a run.

    Files of another form, such as an older version wrote, have nothing to say.
    """
    schema, previous = TABLES[table].schema, shard.settings.run.previous
    names = schema.names if columns is None else columns
    empty = pa.schema([schema.field(name) for name in names]).empty_table()
    if previous is None:
        return empty
    folder = shard.settings.path(previous) / "tables"
    if not folder.is_dir():
        raise StopRun(f"run.previous is {previous}, which is no run", "name the folder of a finished run")
    low, high = id_range(shard.task.payload["part"], shard.task.payload["parts"])
    files = [path for path in sorted((folder / table).glob("*.parquet")) if _may_hold(path, low, high)]
    if not files or not all(pq.read_schema(path).equals(schema) for path in files):
        return empty
    return read_range(files, key, low, high, schema, names)


def _may_hold(path: Path, low: str, high: str | None) -> bool:
    """Whether a part, by its name, may hold ids of a range."""
    words = path.stem.split("-")
    if len(words) != 4 or not (words[1].isdecimal() and words[3].isdecimal()):
        return True
    first, last = id_range(int(words[1]), int(words[3]))
    return (high is None or first < high) and (last is None or last > low)


def _remembered(
    shard: Shard, ids: pa.ChunkedArray, styles: Sequence[str], wanted: str
) -> tuple[pa.Table, NDArray[np.bool_]]:
    """The prints that an earlier run made by the same rules, and for each content whether it has one."""
    old = previous_range(shard, "signatures", "blob_id")
    old = old.filter(pc.equal(old.column("parameters"), wanted)).combine_chunks()
    index = pc.index_in(ids, old.column("blob_id"))
    same_style = pc.equal(old.column("style").take(index), pa.array(styles, pa.string()))
    place = pc.fill_null(same_style, False).to_numpy()
    return old.take(index.filter(pa.array(place))), place


def wanted_texts(path: Path, wanted: NDArray[np.bool_]) -> Iterator[list[tuple[int, str]]]:
    """Wanted rows with their texts, some MB at once; groups of rows without a wanted one are not unpacked."""
    rows: list[tuple[int, str]] = []
    held = 0
    for row, content in wanted_contents(path, wanted):
        rows.append((row, decode(content)[0] or ""))
        held += len(rows[-1][1])
        if held >= BLOCK_CHARACTERS:
            yield rows
            rows, held = [], 0
    if rows:
        yield rows


def wanted_contents(path: Path, wanted: NDArray[np.bool_]) -> Iterator[tuple[int, bytes]]:
    """The number and the content of each wanted row of a file of `blobs`."""
    with pq.ParquetFile(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            inside = np.flatnonzero(wanted[start:stop])
            if inside.size:
                column = file.read_row_group(group, columns=["content"], use_threads=False).column(0)
                for row in inside.tolist():
                    yield start + row, column[row].as_py()
            start = stop


def band_part(shard: Shard) -> None:
    """The keys of one part: those of the bands and of both forms, and the samples, as arrays."""
    parameters = dedup_parameters(shard.settings.dedup)
    table = read_table(shard.table("signatures"))
    name, count = shard.task.name, table.num_rows
    signed = np.flatnonzero(pc.greater(table.column("shingles"), 0).to_numpy())
    matrix = np.frombuffer(_joined(table, "signature"), "<u4").reshape(signed.size, parameters.permutations)
    forms = np.zeros((count, 32), np.uint8)
    for column, start in (("normal_form", 0), ("renamed_form", 16)):
        there = np.flatnonzero(pc.greater(pc.binary_length(table.column(column)), 0).to_numpy())
        forms[there, start : start + 16] = np.frombuffer(_joined(table, column), np.uint8).reshape(there.size, 16)
    form_keys = forms.view("<u8").reshape(count, 4)[signed][:, [0, 2]].T
    bits = np.zeros((count, parameters.permutations // 64), np.uint64)
    bits[signed] = signature_bits(matrix)
    sizes = pc.binary_length(table.column("sample")).to_numpy().astype(np.uint32) // 8
    samples = np.empty(int(sizes.sum()), Sample)
    samples["hash"] = np.frombuffer(_joined(table, "sample"), "<u8")
    samples["row"] = np.repeat(np.arange(count, dtype=np.uint32), sizes)
    arrays = {
        "ids": np.frombuffer(bytes.fromhex("".join(table.column("blob_id").to_pylist())), np.uint8).reshape(-1, 20),
        "rows": signed.astype(np.uint32),
        "keys": np.concatenate([band_keys(matrix, banding(shard.settings)), form_keys]),
        "bits": bits,
        "shingles": table.column("shingles").to_numpy(),
        "forms": forms,
        "sizes": sizes,
        "samples": samples[np.argsort(samples["hash"], kind="stable")],
    }
    for kind, array in arrays.items():
        path = shard.data(f"{name}.{kind}.npy")
        shard.wrote(path, write_array(path, array))
    shard.counts |= {"in": count, "kept": signed.size, "rejected": count - signed.size}


def _joined(table: pa.Table, column: str) -> bytes:
    """All values of a binary column, one after the other."""
    return b"".join(table.column(column).to_pylist())


def make_index(shard: Shard) -> None:
    """One array of all parts for each kind, so that any number is found in one file."""
    parts = shard.task.payload["parts"]
    names = [part_name(part, parts) for part in range(parts)]
    for kind in INDEXED:
        step = "sign" if kind == "old" else "band"
        arrays = [map_array(shard.root / "work" / step / "data" / f"{name}.{kind}.npy") for name in names]
        path = shard.data(f"{kind}.npy")
        shard.wrote(path, write_joined(path, arrays))
    bases = np.concatenate([[0], np.cumsum([len(array) for array in arrays])])
    if bases[-1] > MAX_CONTENTS:
        raise StopRun(f"the run has {bases[-1]} contents, over {MAX_CONTENTS}", "divide its sources")
    path = shard.data("bases.npy")
    shard.wrote(path, write_array(path, bases))
    shard.counts |= {"in": int(bases[-1]), "kept": int(bases[-1])}


class Contents:
    """All contents of a run by their numbers: number n is the n-th id in order. Arrays are mapped when needed.

    Part p has the numbers `bases[p]` to `bases[p + 1] - 1`.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / "work/lookup/data"
        self.bases = map_array(self.folder / "bases.npy")
        parts = len(self.bases) - 1
        self.names = [part_name(part, parts) for part in range(parts)]
        self._bands = root / "work/band/data"
        self._maps: dict[str, NDArray[Any]] = {}

    def part(self, part: int, kind: str) -> NDArray[Any]:
        """One part's array that `band_part` wrote: rows, keys or samples."""
        return map_array(self._bands / f"{self.names[part]}.{kind}.npy")

    def part_of(self, numbers: NDArray[Any]) -> NDArray[np.int64]:
        """The part in which each number lies."""
        return np.searchsorted(self.bases, numbers, side="right") - 1

    def gather(self, numbers: NDArray[Any], kind: str) -> NDArray[Any]:
        """The rows of an array of `INDEXED` for some numbers, which need not be sorted or distinct."""
        return self.indexed(kind)[numbers.astype(np.int64)]

    def indexed(self, kind: str) -> NDArray[Any]:
        """A whole array of `INDEXED`."""
        if kind not in self._maps:
            self._maps[kind] = map_array(self.folder / f"{kind}.npy")
        return self._maps[kind]

    def ids(self, numbers: NDArray[Any]) -> pa.Array:
        """The ids of some numbers, as strings."""
        text = self.gather(numbers, "ids").tobytes().hex().encode() if len(numbers) else b""
        offsets = np.arange(len(numbers) + 1, dtype=np.int64) * 40
        large = pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(text))
        return large.cast(pa.string())
