"""The loader: endless batches from a release, the same on any number of ranks, at any batch size, after any restart.

In: the folder of a release and a few settings. Out: `Batch`, numpy arrays. Rates beside a bare gather from the same
memory map, and the time of a restart, are in docs/reference/shards.md. Beam and torch are not needed.

Everything is a pure function of (release, settings, epoch, place): which rows there are, their order, and how each
piece is cut. So the state is a place in one global list of rows, and a rank merely knows which of them are its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gleanery.records.errors import StopRun
from gleanery.shards.arguments import chosen_documents, whole_numbers
from gleanery.shards.assembly import Allocate, Arrays, Assembler, joined
from gleanery.shards.batch import Batch, Segments
from gleanery.shards.masking import NOTHING_REMOVED, Removed
from gleanery.shards.packing import Plan
from gleanery.shards.pieces import FILE, FIM_GROWTH, Rules
from gleanery.shards.plans import Plans
from gleanery.shards.sharing import shared_store
from gleanery.shards.states import checked, no_such_row, settings_digest, short_digest

if TYPE_CHECKING:
    from gleanery.shards.torch_data import TorchBatches, TorchSteps

__all__ = ["Batch", "Loader", "Segments", "torch_loader", "torch_steps"]

_NO_MASK = np.empty(0, np.bool_)


class Loader:
    """Batches of one rank.

    root         folder of a finished release
    context      tokens in a row
    batch        rows of this rank in a batch
    seed         another seed gives another order and other cuts
    fim_rate     share of pieces in a fill-in-the-middle form, 0 to 1
    spm_rate     share of those with the suffix first, 0 to 1
    rank         this process, 0 to world - 1
    world        processes that read together; step k takes the next world × batch rows of the global list
    epochs       passes over the documents; None for ever. Rows that do not fill a last step are left out
    only         ordinals of the documents to serve, or None for all
    repo_rate    share of repositories of which any piece has such a form, 0 to 1
    line_rate    share of such pieces that are cut at the beginnings of lines, 0 to 1
    syntax_rate  share of such pieces whose middle is a node of the syntax tree, 0 to 1; needs a release with spans
    removed      documents that must not be served any more, and how they go; see masking.py
    unit         what stands together in a segment: "file", or "repository" for the files of a repository, in the order
                 of the release, with its name and their paths
    targets      whether batches have labels and positions
    scratch      folder for the tokens of a compressed release; the system's temporary folder if not given
    withdrawn    open a release that was withdrawn too: to trace what a training saw, never to train

    Raises StopRun if a setting is not possible, `removed` is of another release, or not one step would be served.
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
        repo_rate: float = 1.0,
        line_rate: float = 0.0,
        syntax_rate: float = 0.0,
        removed: Removed = NOTHING_REMOVED,
        targets: bool = True,
        unit: str = FILE,
        scratch: Path | None = None,
        withdrawn: bool = False,
    ) -> None:
        context, batch, seed, rank, world = whole_numbers(
            context=context, batch=batch, seed=seed, rank=rank, world=world
        )
        if epochs is not None:
            (epochs,) = whole_numbers(epochs=epochs)
        if batch < 1 or world < 1 or not 0 <= rank < world:
            raise StopRun(f"rank {rank} of {world} with {batch} rows is not possible", "ranks are 0 to world - 1")
        self.store = shared_store(Path(root), scratch, withdrawn)
        self._opened = {"root": Path(root), "scratch": scratch, "withdrawn": withdrawn}
        self.rank, self.world, self.batch, self.seed, self.epochs = rank, world, batch, seed, epochs
        self.control_ids = {role: i for role, (_, i) in self.store.description.sentinels.items()}
        if syntax_rate and self.store.spans is None:
            raise StopRun("the release has no spans, so syntax_rate must be 0", "use line_rate, or pack it with spans")
        exact = self.store.description.fim_cuts == "character"
        growth = FIM_GROWTH if exact else 0
        self.rules = Rules(context, fim_rate, spm_rate, growth, repo_rate, line_rate, syntax_rate, unit)
        served = self._served = chosen_documents(len(self.store), only)
        self._settings = settings_digest(self.rules, seed, served)
        self.removed, self.targets = removed, targets
        removed.check_release(self.store.release)
        count = len(removed.ordinals)
        masked = removed.mask(self.store.release, len(self.store), count) if count else _NO_MASK
        self._assembler = Assembler(self.store, self.rules, self.control_ids, masked, targets)
        self._plans = Plans(self.store, self.rules, seed, served, removed)
        self._epoch = self._row = self._steps = 0
        if self.rows(0) == 0:
            raise StopRun(
                "there is nothing to serve: the documents have no tokens", "give others as `only`, or another release"
            )
        if not self._plans.hold(0, 0, batch * world, epochs):
            raise StopRun(
                f"there is nothing to serve: {epochs} epochs have fewer rows than one step, {batch * world}",
                "take fewer rows in a step, a shorter context or more epochs",
            )

    def __iter__(self) -> Iterator[Batch]:
        """Batches from the present place on; when one is handed out, the state already names the next.

        Raises StopRun if no step is left: a second loop would be silently empty.
        """
        if not self._plans.hold(self._epoch, self._row, self.batch * self.world, self.epochs):
            raise StopRun("all steps of the epochs were taken", "call restart() to begin anew, or give more epochs")
        while self.epochs is None or self._epoch < self.epochs:
            step, plan, epoch, row = self.batch * self.world, self.plan(self._epoch), self._epoch, self._row
            if row + step >= plan.rows:
                if (place := self._next(step)) is None:
                    return
                self._steps += 1
                yield self.read(*place, self.batch)
                continue
            self._row, mine = row + step, row + self.rank * self.batch
            self._steps += 1
            following = mine + step if mine + step + self.batch <= plan.rows else -1
            yield self._assembler.batch(plan, mine, self.batch, epoch, mine, following)

    def _next(self, step: int) -> tuple[int, int] | None:
        """Move on by one step; where this rank's rows of it begin, or None at the end."""
        if not self._plans.hold(self._epoch, self._row, step, self.epochs):
            return None
        mine = self.after(self._epoch, self._row, self.rank * self.batch)
        self._epoch, self._row = self.after(self._epoch, self._row, step)
        return mine

    def __bool__(self) -> bool:
        """True: a loader serves something, however many steps it has."""
        return True

    def __len__(self) -> int:
        """Steps in all epochs, wherever the present place is. Raises StopRun if there is no end."""
        if self.epochs is None:
            raise StopRun("a loader without a number of epochs has no length", "set epochs")
        return sum(map(self.rows, range(self.epochs))) // (self.batch * self.world)

    def __getitem__(self, step: int) -> Batch:
        """This rank's batch of a step, counted from 0 at the beginning of epoch 0; moves nothing.

        So a loader is a map-style data set of steps. Raises IndexError behind the last step.
        """
        if step < 0 or not self._plans.hold(0, 0, (step + 1) * self.world * self.batch, self.epochs):
            raise IndexError(f"step {step}")
        return self.read(*self.after(0, 0, (step * self.world + self.rank) * self.batch), self.batch)

    def steps_left(self) -> int:
        """Steps from the present place to the end. Raises StopRun if there is no end."""
        if self.epochs is None:
            raise StopRun("a loader without a number of epochs has no length", "set epochs")
        rows = sum(map(self.rows, range(self._epoch, self.epochs))) - self._row
        return max(0, rows) // (self.batch * self.world)

    def ahead(self, steps: int) -> Batch:
        """This rank's batch so many steps from the present place, 0 for the next one; moves nothing."""
        rows = (steps * self.world + self.rank) * self.batch
        return self.read(*self.after(self._epoch, self._row, rows), self.batch)

    def state_ahead(self, steps: int) -> dict[str, int | str]:
        """The state after so many steps from the present place; moves nothing."""
        epoch, row = self.after(self._epoch, self._row, steps * self.world * self.batch)
        packed, done = self.packed_of(epoch), self._steps + steps
        return {**self.state_dict(), "epoch": epoch, "row": row, "steps": done, "packed": packed}

    def allocate_with(self, allocate: Allocate) -> None:
        """From now on write batches into arrays that `allocate(shape, dtype)` gives, as one for a device does."""
        self._assembler.allocate = allocate

    def state_dict(self) -> dict[str, int | str]:
        """The place in the global list of rows, for any rank: under 200 bytes as JSON.

        `steps` counts the steps from the beginning of the training, whatever a step was. `removed` is the length of the
        removal list that was honoured, `packed` how much of it the packing of the epoch leaves out, and `list` names
        the list.
        """
        count = len(self.removed.ordinals)
        return {
            "epoch": self._epoch,
            "row": self._row,
            "steps": self._steps,
            "release": self.store.release[:16],
            "settings": self._settings,
            "removed": count,
            "packed": self.packed_of(self._epoch),
            "list": self.removed.digests[count],
        }

    def load_state_dict(self, state: Mapping[str, int | str]) -> None:
        """Go on from a state of any rank, world and batch size.

        Raises StopRun if it comes from another release, from other settings (context, seed, rates, `only`), or from a
        run that honoured a removal list which this one does not begin with.
        """
        epoch, row, steps, packed = checked(state, self.state_dict(), self.removed)
        if not self._plans.go_on_from(epoch, row, packed):
            raise no_such_row()
        self._epoch, self._row, self._steps = epoch, row, steps

    def restart(self) -> None:
        """Go back to the first step, as for the next look at held-out documents."""
        self._plans.pack()
        self._epoch = self._row = self._steps = 0

    def agreement(self) -> str:
        """16 hexadecimal digits that all ranks of a training have in common, and that differ where their rows would not
        fit together: for another release, other settings, rows in a step or epochs, another removal list or another
        way to honour it, and another place. Ranks do not see each other: compare it when a training begins.
        """
        return short_digest([self.batch, self.world, self.epochs, self.removed.mode, self.state_dict()])

    def unmasked(self) -> "Loader":
        """The same rows with all their tokens: what a removal list masks stands in them too. For lineage."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._assembler = Assembler(self.store, self.rules, self.control_ids, _NO_MASK, self.targets)
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are the arguments and the place, and open the release anew.

        Compiled code reads tables by address: those of another process, or of a loader that is gone, are not there.
        """
        names = ("batch", "seed", "rank", "world", "epochs", "removed", "targets")
        rates = ("context", "fim_rate", "spm_rate", "repo_rate", "line_rate", "syntax_rate", "unit")
        arguments = self._opened | {name: getattr(self, name) for name in names}
        arguments |= {name: getattr(self.rules, name) for name in rates}
        arguments["only"] = None if self._served is None else np.flatnonzero(self._served)
        return _opened_anew, (type(self), arguments, self.state_dict(), self._plans.packed)

    def packings(self) -> set[int]:
        """How many entries of the removal list the packings of all epochs leave out, as far as anybody said."""
        return self._plans.packings()

    def holds(self, rows: int) -> bool:
        """Whether so many rows from the beginning of epoch 0 on lie before the end of the epochs."""
        return self._plans.hold(0, 0, rows, self.epochs)

    def packed_of(self, epoch: int) -> int:
        """How many entries of the removal list the packing of an epoch leaves out."""
        return self._plans.packed_of(epoch)

    def rows(self, epoch: int) -> int:
        """Rows in one epoch. It differs a little between epochs, since other pieces are cut for fill-in-the-middle."""
        return self._plans.rows(epoch)

    def read(self, epoch: int, index: int, rows: int) -> Batch:
        """Rows `index` to `index + rows` of an epoch's global list, going on into the next; moves nothing."""
        parts = [(self.plan(e), row, count, e, row) for e, row, count in self._plans.spans(epoch, index, rows)]
        return joined([self._assembler.batch(*part) for part in parts])

    def room(self, rows: int, allocate: Allocate) -> Arrays:
        """Arrays for so many rows of a batch: ids, labels and positions."""
        return self._assembler.arrays(rows, allocate)

    def write(
        self, epoch: int, index: int, rows: NDArray[np.int64], into: Arrays
    ) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Write what `read` would give into these rows of arrays that several loaders fill; moves nothing.

        Returns, for each part, where something stands apart and the facts of the segments; see `Assembler.write`.
        """
        found, at = [], 0
        for e, row, count in self._plans.spans(epoch, index, len(rows)):
            found.append(self._assembler.write(self.plan(e), row, rows[at : at + count], into))
            at += count
        return found

    def plan(self, epoch: int) -> Plan:
        """The packing of one epoch; see plans.py for what is kept."""
        return self._plans.plan(epoch)

    def after(self, epoch: int, row: int, count: int) -> tuple[int, int]:
        """The place `count` rows further, as (epoch, row)."""
        return self._plans.after(epoch, row, count)


def _opened_anew(
    kind: type[Loader], arguments: Mapping[str, Any], state: Mapping[str, int | str], packed: Mapping[int, int]
) -> Loader:
    """A loader as another one was. Raises StopRun if another release stands there now."""
    loader = kind(**arguments)
    loader.load_state_dict(state)
    loader._plans.pack(packed)
    return loader


def torch_loader(root: Path, *, prefetch: int = 2, pin: bool | None = None, **settings: Any) -> "TorchBatches":
    """The batches of `Loader(root, **settings)` as torch tensors, prepared `prefetch` ahead by a thread.

    pin  whether they are written into page-locked memory; None: where there is a GPU
    Raises StopRun if torch is not installed.
    """
    batches: TorchBatches = _torch_data().TorchBatches(Loader(root, **settings), prefetch, pin)
    return batches


def torch_steps(root: Path, **settings: Any) -> "TorchSteps":
    """The batches of `Loader(root, **settings)` by number, for torch's DataLoader; `epochs` must be given.

    Raises StopRun if torch is not installed.
    """
    steps: TorchSteps = _torch_data().TorchSteps(partial(Loader, root, **settings))
    return steps


def _torch_data() -> Any:
    try:
        from gleanery.shards import torch_data
    except ImportError as error:
        raise StopRun("torch is not installed", "pip install 'gleanery[torch]'") from error
    return torch_data
