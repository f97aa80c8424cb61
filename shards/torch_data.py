"""Data sets for torch: batches as tensors, from a thread of the trainer's process or by the number of their step.

In: a `Loader` or a `Mixture`. Out: dictionaries of tensors. `TorchBatches` needs no worker processes: passing int64
tensors between processes costs ten times what it takes to make them (measured for several loaders), and the compiled
parts let the trainer run. `TorchSteps` is for those who want its DataLoader with samplers and workers.

torch is imported here and nowhere else in the product.
"""

import operator
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from gleanery.records.errors import StopRun
from gleanery.shards.batch import Batch
from gleanery.shards.loader import Loader
from gleanery.shards.mixing import MixedBatch, Mixture

_END = object()
# What of a state moves while the settings stay.
_PLACE = ("epoch", "row", "steps", "packed")
ARRAYS = ("input_ids", "labels", "position_ids")


def tensors_of(batch: Batch, pin: bool = False) -> dict[str, Any]:
    """A batch as a dictionary: input_ids, labels, position_ids, cu_seqlens (tensors), max_seqlen (int: the longest
    segment), segments (numpy, see `Segments`), epoch and index, and sources (numpy) for a mixture. Nothing is copied
    but cu_seqlens, if it is pinned.
    """
    tensors: dict[str, Any] = {name: torch.from_numpy(getattr(batch, name)) for name in ARRAYS}
    bounds = torch.from_numpy(batch.cu_seqlens)
    longest = int(np.diff(batch.cu_seqlens).max())
    tensors |= {"cu_seqlens": bounds.pin_memory() if pin else bounds, "max_seqlen": longest}
    tensors |= {"segments": batch.segments, "epoch": batch.epoch, "index": batch.index}
    return tensors | ({"sources": batch.sources} if isinstance(batch, MixedBatch) else {})


def pinned(shape: tuple[int, int], dtype: "np.dtype[Any]") -> NDArray[Any]:
    """An array in page-locked memory, which a GPU reads by itself while the trainer goes on."""
    kind = {4: torch.int32, 8: torch.int64}[dtype.itemsize]
    found: NDArray[Any] = torch.empty(shape, dtype=kind, pin_memory=True).numpy()
    return found


class TorchBatches(IterableDataset):  # type: ignore[misc]
    """Iterates over the batches of a loader, or of a mixture of several, as tensors, see `tensors_of`.

    prefetch  batches that a thread prepares ahead
    pin       whether they are written into page-locked memory; None: where there is a GPU

    `state_dict` is that of the last batch handed out, not of the last one prepared. Leaving the loop early ends the
    thread. It may be given to torch's DataLoader with batch_size=None and no workers.

    There is one place, and so one loop: where another one begins, or the place is changed by `load_state_dict` or
    `restart`, the loop before raises StopRun when it is asked for its next batch.
    """

    def __init__(self, loader: Loader | Mixture, prefetch: int = 2, pin: bool | None = None) -> None:
        if prefetch < 1:
            raise StopRun(f"prefetch is {prefetch}", "prepare at least 1 batch ahead")
        if pin and not torch.cuda.is_available():
            raise StopRun("memory cannot be pinned, since there is no GPU", "leave pin out")
        self._loader, self._prefetch = loader, prefetch
        self._pin = torch.cuda.is_available() if pin is None else pin
        if self._pin:
            loader.allocate_with(pinned)
        self._state: dict[str, Any] = loader.state_dict()
        self._loop: _Loop | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if get_worker_info() is not None:
            raise StopRun("each worker would give all batches", "set num_workers=0, or use torch_steps")
        self._end_loop("another loop over the same batches was begun")
        self._loader.load_state_dict(self._state)  # what an earlier loop had prepared and not handed out comes again
        loop = self._loop = _Loop(self._loader, self._prefetch, self._pin)
        try:
            while (item := loop.following()) is not _END:
                batch, self._state = item
                yield batch
        finally:
            loop.end()

    def state_dict(self) -> dict[str, Any]:
        """The state after the batch that was handed out last."""
        return dict(self._state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Begin the next loop at a state; ends the one that runs. Raises StopRun as `Loader.load_state_dict` does."""
        self._end_loop("load_state_dict changed the place while the loop ran")
        self._loader.load_state_dict(state)
        self._state = dict(state)

    def restart(self) -> None:
        """Begin the next loop at the first step, as for the next look at held-out documents; ends the one that runs."""
        self._end_loop("restart changed the place while the loop ran")
        self._loader.restart()
        self._state = self._loader.state_dict()

    def check_ranks(self, readers: int | None = None) -> None:
        """Where torch.distributed is on, call it on all ranks before they train; it does nothing where it is off.

        readers  how many ranks read rows of their own; None: all of them. Where several ranks hold one model together
                 (tensor, pipeline or context parallel), it is the number of such groups, and a group reads one share

        Raises StopRun on all of them if their `agreement` differs, as with removal lists of different length, or if
        their `rank` and `world` leave rows to nobody or give them to too many, as where a rank was forgotten.
        """
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return
        self._loader.load_state_dict(self._state)
        ranks = torch.distributed.get_world_size()
        found: list[Any] = [None] * ranks
        loader = self._loader
        torch.distributed.all_gather_object(found, (loader.agreement(), loader.world, loader.rank))
        others = [rank for rank, (agreement, _, _) in enumerate(found) if agreement != found[0][0]]
        if others:
            raise StopRun(
                f"the ranks {', '.join(map(str, others))} do not read what rank 0 reads",
                "open one release with the same settings, removal list and state on all of them",
            )
        readers = ranks if readers is None else readers
        shares, wanted = {(world, rank) for _, world, rank in found}, {(readers, rank) for rank in range(readers)}
        if shares != wanted:
            said = ", ".join(f"{rank} of {world}" for world, rank in sorted(shares))
            raise StopRun(
                f"{ranks} ranks read as {said}, and not as {readers} readers",
                "give each its own `rank`, and `world` alike; where ranks hold one model together, see check_ranks",
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loop": None}  # a copy has the place, and no loop runs over it

    def _end_loop(self, why: str) -> None:
        if self._loop is not None:
            self._loop.end(why)


class _Loop:
    """A thread that prepares batches, each with the state after it."""

    def __init__(self, loader: Loader | Mixture, prefetch: int, pin: bool) -> None:
        self._ready: queue.Queue[Any] = queue.Queue(prefetch)
        self._stop, self._why = threading.Event(), ""
        self._thread = threading.Thread(target=self._prepare, args=(loader, pin), daemon=True, name="gleanery-prefetch")
        self._thread.start()

    def following(self) -> Any:
        """The next batch and the state after it, or _END. Raises what the thread met, and StopRun once it was ended."""
        if self._why:
            raise StopRun(f"this loop ended: {self._why}", "begin a new loop: each one goes on from the present place")
        item = self._ready.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def end(self, why: str = "") -> None:
        """Let nothing more be prepared; `why` is what a batch that is asked for later is refused with."""
        self._why = self._why or why
        self._stop.set()
        while not self._ready.empty():
            self._ready.get_nowait()
        self._thread.join()

    def _prepare(self, loader: Loader | Mixture, pin: bool) -> None:
        try:
            for batch in loader:
                if not self._put((tensors_of(batch, pin), loader.state_dict())):
                    return
            self._put(_END)
        except BaseException as error:  # handed to the loop, which raises it
            self._put(error)

    def _put(self, item: object) -> bool:
        """Put an item, unless the loop was left; returns whether it was put."""
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False


class TorchSteps(Dataset):  # type: ignore[misc]
    """The batches of a loader by number, from its present place on: a map-style data set of steps.

    open  makes the loader; it must have epochs. Worker processes open it anew, so it must survive pickling.

    For torch's DataLoader with batch_size=None, any sampler and any number of workers.
    """

    def __init__(self, open: Callable[[], Loader]) -> None:
        self._open, self._loader = open, open()
        self._length = len(self._loader)  # raises if there is no end
        # Where the loader of the main process stands, in memory that workers share: those that live on follow it.
        self._place: Any = torch.zeros(len(_PLACE), dtype=torch.int64).share_memory_()
        self._tell()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, step: int) -> dict[str, Any]:
        """The batch `step` steps behind the place of the state. Raises IndexError outside."""
        self._follow()
        if not 0 <= step < len(self):
            raise IndexError(f"step {step}")
        return tensors_of(self._loader.ahead(step))

    def state_dict(self, done: int = 0) -> dict[str, int | str]:
        """The state after the training has taken `done` steps from step 0 of this map, which the map cannot know.

        It fits a `Loader` and `TorchBatches` as well. Without `done` it is the place of step 0: what a loader saves
        that counts the steps by itself, as StatefulDataLoader of torchdata does. For a state of your own give `done`.
        """
        return self._loader.state_ahead(operator.index(done))

    def load_state_dict(self, state: Mapping[str, int | str]) -> None:
        """Begin at a state, in workers that live on as well; batches under way are still of the place before.

        Raises StopRun as `Loader.load_state_dict` does.
        """
        self._loader.load_state_dict(state)
        self._length = self._loader.steps_left()
        self._tell()

    def _tell(self) -> None:
        state = self._loader.state_dict()
        self._told = [int(state[name]) for name in _PLACE]
        self._place.copy_(torch.tensor(self._told))

    def _follow(self) -> None:
        """Go to where the main process went since this process looked last."""
        place = self._place.tolist()
        if place != self._told:
            self._loader.load_state_dict(self._loader.state_dict() | dict(zip(_PLACE, place, strict=True)))
            self._told, self._length = place, self._loader.steps_left()

    def __getstate__(self) -> dict[str, Any]:
        """What a worker process gets: how to open the loader, and its place. Memory maps stay here."""
        return {"open": self._open, "state": self._loader.state_dict(), "length": self._length, "place": self._place}

    def __setstate__(self, kept: Mapping[str, Any]) -> None:
        self._open, self._loader, self._length = kept["open"], kept["open"](), kept["length"]
        self._loader.load_state_dict(kept["state"])
        self._place = kept["place"]
        self._told = [int(kept["state"][name]) for name in _PLACE]
