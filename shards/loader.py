"""The loader: endless batches from a release, the same on any number of ranks, at any batch size, after any restart.

In: the folder of a release and a few settings. Out: `Batch`, numpy arrays. Rates beside a bare gather from the same
memory map, and the time of a restart, are in docs/reference/shards.md. Beam and torch are not needed.

Everything is a pure function of (release, settings, epoch, place): which rows there are, their order, and how each
piece is cut. So the state is a place in one global list of rows, and a rank merely knows which of them are its own.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.assembly import Batch, Segments, Source, assemble
from gleanery.shards.fim import Cutter, Parts, split_segment
from gleanery.shards.packing import (
    FIM_GROWTH,
    PLAIN,
    Plan,
    Rules,
    plan_epoch,
)
from gleanery.shards.store import Store

if TYPE_CHECKING:
    from gleanery.shards.prefetch import TorchBatches

__all__ = ["Batch", "Loader", "Origin", "Segments", "torch_loader"]

# Part of every state: raise it when the same settings would give other batches.
ORDER_VERSION = "1"


@dataclass(frozen=True)
class Origin:
    """Where one token of a batch comes from.

    file_id, repo, path  the file
    document             its ordinal in the release
    begin, end           the token's bytes in the redacted text of the file; equal for a control token
    """

    file_id: str
    repo: str
    path: str
    document: int
    begin: int
    end: int


class Loader:
    """Batches of one rank.

    root      folder of a finished release
    context   tokens in a row
    batch     rows of this rank in a batch
    seed      another seed gives another order and other cuts
    fim_rate  share of pieces in a fill-in-the-middle form, 0 to 1
    spm_rate  share of those with the suffix first, 0 to 1
    rank      this process, 0 to world - 1
    world     processes that read together; step k takes the next world × batch rows of the global list
    epochs    passes over the documents; None for ever. Rows that do not fill a last step are left out
    only      ordinals of the documents to serve, or None for all

    Raises StopRun if a setting is not possible or nothing can be served.
    """

    def __init__(
        self,
        root: Path,
        context: int = 2048,
        batch: int = 8,
        seed: int = 0,
        fim_rate: float = 0.5,
        spm_rate: float = 0.5,
        rank: int = 0,
        world: int = 1,
        epochs: int | None = None,
        only: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> None:
        if batch < 1 or world < 1 or not 0 <= rank < world:
            raise StopRun(f"rank {rank} of {world} with {batch} rows is not possible", "ranks are 0 to world - 1")
        self.store = Store.open(Path(root))
        self.rank, self.world, self.batch, self.seed, self.epochs = rank, world, batch, seed, epochs
        self.control_ids = {role: i for role, (_, i) in self.store.description.sentinels.items()}
        exact = self.store.description.fim_cuts == "character"
        self.rules = Rules(context, fim_rate, spm_rate, FIM_GROWTH if exact else 0)
        self._served = _mask(len(self.store), only)
        self._settings = _settings_digest(self.rules, seed, self._served)
        self._cutter: Cutter | None = None
        self._plans: dict[int, Plan] = {}
        self._epoch = self._row = 0
        if self.plan(0).rows == 0:
            raise StopRun("there is nothing to serve: the release, or the choice from it, has no tokens")

    def __iter__(self) -> Iterator[Batch]:
        """Batches from the present place on; when one is handed out, the state already names the next."""
        step = self.batch * self.world
        while self.epochs is None or self._after(self._epoch, self._row, step - 1)[0] < self.epochs:
            mine = self._after(self._epoch, self._row, self.rank * self.batch)
            self._epoch, self._row = self._after(self._epoch, self._row, step)
            yield self.read(*mine, self.batch)

    def state_dict(self) -> dict[str, int | str]:
        """The place in the global list of rows, for any rank: under 200 bytes as JSON."""
        return {
            "epoch": self._epoch,
            "row": self._row,
            "release": self.store.release[:16],
            "settings": self._settings,
        }

    def load_state_dict(self, state: Mapping[str, int | str]) -> None:
        """Go on from a state of any rank, world and batch size.

        Raises StopRun if it comes from another release, or from other settings (context, seed, rates, `only`).
        """
        present = self.state_dict()
        for name, what in (("release", "release"), ("settings", "settings of context, seed, rates or documents")):
            if state.get(name) != present[name]:
                raise StopRun(f"the state belongs to another {what}", "open what it was saved with, or start anew")
        epoch, row = state.get("epoch"), state.get("row")
        if not isinstance(epoch, int) or not isinstance(row, int) or epoch < 0 or not 0 <= row < self.plan(epoch).rows:
            raise StopRun("the state names a row that does not exist", "use a state as state_dict returned it")
        self._epoch, self._row = epoch, row

    def rows(self, epoch: int) -> int:
        """Rows in one epoch. It differs a little between epochs, since other pieces are cut for fill-in-the-middle."""
        return self.plan(epoch).rows

    def read(self, epoch: int, index: int, rows: int) -> Batch:
        """Rows `index` to `index + rows` of an epoch's global list, going on into the next; moves nothing."""
        sources = [self._source(self.plan(e), row, count) for e, row, count in self._spans(epoch, index, rows)]
        return assemble(sources, self._parts(sources), self.rules.context, self.control_ids, (epoch, index))

    def trace(self, epoch: int, index: int, row: int, position: int) -> Origin | None:
        """Where the token at [row, position] of the batch with this `epoch` and `index` comes from; None for padding.

        Raises IndexError outside the batch.
        """
        if row < 0 or not 0 <= position < self.rules.context:
            raise IndexError(f"row {row}, position {position}")
        batch = self.read(*self._after(epoch, index, row), 1)
        segment = int(np.searchsorted(batch.cu_seqlens, position, side="right")) - 1
        document = int(batch.segments.document[segment])
        if document < 0:
            return None
        begin, end = (int(n) for n in batch.cu_seqlens[segment : segment + 2])
        inside, size = self._byte_of(batch.input_ids[0, begin:end], position - begin)
        before = self.store.tokens(document)[: int(batch.segments.offset[segment])]
        at = len(self.store.tokenizer.decode_bytes(before)) + inside
        row_of = self.store.document(document)
        return Origin(row_of["file_id"], row_of["repo"], row_of["path"], document, at, at + size)

    def plan(self, epoch: int) -> Plan:
        """The packing of one epoch; the last two are kept."""
        if epoch not in self._plans:
            kept = {e: p for e, p in self._plans.items() if abs(e - epoch) == 1}
            self._plans = {**kept, epoch: plan_epoch(self.store.docs, self.rules, self.seed, epoch, self._served)}
        return self._plans[epoch]

    def _after(self, epoch: int, row: int, count: int) -> tuple[int, int]:
        """The place `count` rows further, as (epoch, row)."""
        row += count
        while row >= self.plan(epoch).rows:
            row -= self.plan(epoch).rows
            epoch += 1
        return epoch, row

    def _spans(self, epoch: int, row: int, count: int) -> Iterator[tuple[int, int, int]]:
        """The same rows as (epoch, row, count), each within one epoch."""
        while count:
            here = min(count, self.plan(epoch).rows - row)
            yield epoch, row, here
            (epoch, row), count = self._after(epoch, row, here), count - here

    def _source(self, plan: Plan, place: int, rows: int) -> Source:
        """The pieces of some rows of one epoch."""
        index, pieces = self.store.docs, plan.pieces
        chosen, sizes = plan.pieces_at(place, rows)
        document, offset, length = pieces.document[chosen], pieces.offset[chosen], pieces.length[chosen]
        form, start = pieces.form[chosen], index.start[document] + offset
        cut = form != PLAIN
        spans = zip(index.shard[document].tolist(), start.tolist(), length.tolist(), strict=True)
        return Source(
            rows=sizes,
            document=document,
            offset=offset,
            length=length,
            form=form,
            ends=cut | (offset + length == index.length[document]),
            payload=[self.store.payload[shard][at : at + count] for shard, at, count in spans],
            draws=plan.cut_draws(index.key[document[cut]], pieces.number[chosen[cut]]),
        )

    def _parts(self, sources: Sequence[Source]) -> list[Parts]:
        """The parts of every fill-in-the-middle piece, row by row."""
        cut = [t for s in sources for f, t in zip(s.form.tolist(), s.payload, strict=True) if f != PLAIN]
        if not cut:
            return []
        if self._cutter is None:
            self._cutter = Cutter(self.store.tokenizer, self.rules.growth)
        return self._cutter.parts(cut, np.concatenate([s.draws for s in sources]))

    def _byte_of(self, segment: NDArray[Any], position: int) -> tuple[int, int]:
        """The byte in its piece, and the number of bytes, of one token of a segment."""
        tokenizer = self.store.tokenizer
        parts = split_segment(segment, self.control_ids)
        prefix, middle = len(tokenizer.decode_bytes(parts.prefix)), len(tokenizer.decode_bytes(parts.middle))
        control = np.flatnonzero(tokenizer.table.control[segment])
        behind = control[control <= position]
        part = segment[behind[-1] + 1 if len(behind) else 0 : position]
        inside = len(tokenizer.decode_bytes(part))
        opened = int(segment[behind[-1]]) if len(behind) else -1
        if opened == self.control_ids["<fim_suffix>"]:
            inside += prefix + middle
        elif opened == self.control_ids["<fim_middle>"]:
            inside += prefix
        elif opened == self.control_ids["<|endoftext|>"]:
            inside += prefix + middle + len(tokenizer.decode_bytes(parts.suffix))
        return inside, len(tokenizer.decode_bytes(segment[position : position + 1]))


def torch_loader(root: Path, *, prefetch: int = 2, **settings: Any) -> "TorchBatches":
    """The batches of `Loader(root, **settings)` as torch tensors, prepared `prefetch` ahead by a thread.

    Raises StopRun if torch is not installed.
    """
    from gleanery.shards.prefetch import TorchBatches

    return TorchBatches(Loader(root, **settings), prefetch)


def _mask(documents: int, only: Sequence[int] | NDArray[np.int64] | None) -> NDArray[np.bool_] | None:
    if only is None:
        return None
    chosen = np.asarray(only, dtype=np.int64)
    if chosen.size and (int(chosen.min()) < 0 or int(chosen.max()) >= documents):
        raise StopRun("`only` names a document that does not exist", f"ordinals are 0 to {documents - 1}")
    mask = np.zeros(documents, np.bool_)
    mask[chosen] = True
    return mask


def _settings_digest(rules: Rules, seed: int, served: NDArray[np.bool_] | None) -> str:
    """16 hexadecimal digits that differ whenever the global list of rows does."""
    chosen = "" if served is None else hashlib.sha256(np.packbits(served).tobytes()).hexdigest()
    numbers = [ORDER_VERSION, rules.context, float(rules.fim_rate), float(rules.spm_rate), rules.growth, seed, chosen]
    return hashlib.sha256(json.dumps(numbers).encode()).hexdigest()[:16]
