"""Signatures for others: one Parquet file from which datasketch's own index can be made, with nothing pickled.

In: the files of the table `signatures`. Out: a Parquet file of ids and signatures, whose metadata says how they were
made; and, from such a file, a `MinHashLSH` that can be asked "what is like this file?". Writing goes batch by batch;
datasketch's index itself holds about 13 kB for each content (measured at 100,000 contents).

    index = load_index(Path("signatures.parquet"))
    index.like(open("mine.py").read())
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gleanery.dedup.bands import Banding
from gleanery.dedup.prints import label, parameters_of
from gleanery.dedup.signatures import Parameters, as_minhash, empty_index, sign_texts
from gleanery.records.errors import StopRun
from gleanery.records.parquet import iter_rows, open_parquet, schema_of, write_groups

_KEY = b"gleanery.signatures"
_BATCH = 8192


@dataclass(frozen=True)
class Index:
    """`lsh`: datasketch's MinHashLSH over contents, by their git blob ids; and how to sign a text that fits it."""

    lsh: Any
    parameters: Parameters

    def like(self, text: str) -> list[str]:
        """The ids of contents that share a band with this text, sorted: candidates, to be measured if it matters."""
        ((shingles, signature),) = sign_texts([text], self.parameters)
        return sorted(self.lsh.query(as_minhash(signature, self.parameters))) if shingles else []


def write_signatures(tables: Sequence[Path], target: Path) -> int:
    """Write all signatures of a run, without contents too short for one; returns their number.

    Raises StopRun if another version made them, or if there are none.
    """
    parameters = _parameters(tables)
    about = json.dumps({"parameters": asdict(parameters), "label": label(parameters)}, sort_keys=True).encode()
    schema = pa.schema([("blob_id", pa.string()), ("signature", pa.binary(4 * parameters.permutations))], {_KEY: about})
    written = write_groups(target, schema, _batches(tables, parameters, schema))
    if written.rows == 0:
        target.unlink()
        raise _nothing()
    return written.rows


def _nothing() -> StopRun:
    return StopRun("there are no signatures to write", "name a run whose stage cluster is finished; a release has none")


def _parameters(tables: Iterable[Path]) -> Parameters:
    """How a run made its signatures, as they say themselves."""
    said = next((row["parameters"] for path in tables for row in iter_rows(path, ["parameters"], 1)), None)
    if said is None:
        raise _nothing()
    if (found := parameters_of(said)) is None:
        raise StopRun("the signatures were made by another version", "run it again with this one")
    return found


def _batches(tables: Iterable[Path], parameters: Parameters, schema: pa.Schema) -> Iterator[pa.Table]:
    for path in tables:
        with open_parquet(path) as file:
            for batch in file.iter_batches(_BATCH, columns=["blob_id", "parameters", "signature"], use_threads=False):
                table = pa.Table.from_batches([batch])
                table = table.filter(pc.greater(pc.binary_length(table.column("signature")), 0))
                if not pc.all(pc.equal(table.column("parameters"), label(parameters)), min_count=0).as_py():
                    raise StopRun("the signatures were made in more than one way", "run it again")
                columns = [table.column("blob_id"), table.column("signature").cast(pa.binary())]
                yield pa.table([columns[0], columns[1].cast(schema.field(1).type)], schema=schema)


def load_index(path: Path, banding: Banding | None = None) -> Index:
    """The index of a file of `write_signatures`. Raises StopRun if it is another file.

    `banding`: how signatures are cut; Gleanery's own by default, with as many bands as the signatures have room for.
    """
    about = (schema_of(path).metadata or {}).get(_KEY)
    if about is None:
        raise StopRun(f"{path} holds no signatures of Gleanery", "write it with `gleanery duplicates --signatures`")
    parameters = Parameters(**json.loads(about)["parameters"])
    if json.loads(about)["label"] != label(parameters):
        raise StopRun(f"{path} was made by another version", "write it again with this one")
    own = Banding()
    banding = banding or Banding(max(1, min(own.bands, parameters.permutations // own.rows)), own.rows)
    lsh = empty_index(parameters, banding.bands, banding.rows)
    with open_parquet(path) as file:
        for batch in file.iter_batches(_BATCH):
            for ident, signature in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                lsh.insert(ident, as_minhash(signature, parameters))
    return Index(lsh, parameters)
