"""Prefetch: a thread prepares the next batches as torch tensors while the model works on the last one.

In: a `Loader`. Out: dictionaries of tensors. A thread and no worker processes: passing int64 tensors between processes
costs ten times what it takes to make them (measured for several loaders), and the compiled parts let the trainer run.

torch is imported here and nowhere else in the product.
"""

import queue
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gleanery.records.errors import StopRun
from gleanery.shards.batch import Batch
from gleanery.shards.loader import Loader

_END = object()


class TorchBatches:
    """Iterates over the batches of a loader as tensors; see `Batch` for shapes and meaning.

    Each item is a dictionary: input_ids, labels, position_ids, cu_seqlens (tensors), max_seqlen (int: the longest
    segment), segments (numpy, see `Segments`), epoch and index. `state_dict` is that of the last batch handed out, not
    of the last one prepared. Leaving the loop early ends the thread.
    """

    def __init__(self, loader: Loader, prefetch: int = 2) -> None:
        try:
            import torch
        except ImportError as error:
            raise StopRun("torch is not installed", "pip install 'gleanery[torch]'") from error
        if prefetch < 1:
            raise StopRun(f"prefetch is {prefetch}", "prepare at least 1 batch ahead")
        self._torch = torch
        self._loader, self._prefetch = loader, prefetch
        self._state = loader.state_dict()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        ready: queue.Queue[Any] = queue.Queue(self._prefetch)
        stop = threading.Event()
        self._loader.load_state_dict(self._state)  # what an earlier loop had prepared and not handed out comes again
        thread = threading.Thread(target=self._prepare, args=(ready, stop), daemon=True, name="gleanery-prefetch")
        thread.start()
        try:
            while (item := ready.get()) is not _END:
                if isinstance(item, BaseException):
                    raise item
                batch, self._state = item
                yield batch
        finally:
            stop.set()
            while not ready.empty():
                ready.get_nowait()
            thread.join()

    def state_dict(self) -> dict[str, int | str]:
        """The state after the batch that was handed out last."""
        return dict(self._state)

    def load_state_dict(self, state: Mapping[str, int | str]) -> None:
        """Go on from a state; takes effect at the next loop. Raises StopRun as `Loader.load_state_dict` does."""
        self._loader.load_state_dict(state)
        self._state = dict(state)

    def _prepare(self, ready: "queue.Queue[Any]", stop: threading.Event) -> None:
        try:
            for batch in self._loader:
                if not _put(ready, (self._tensors(batch), self._loader.state_dict()), stop):
                    return
            _put(ready, _END, stop)
        except BaseException as error:  # handed to the loop, which raises it
            _put(ready, error, stop)

    def _tensors(self, batch: Batch) -> dict[str, Any]:
        arrays = ("input_ids", "labels", "position_ids", "cu_seqlens")
        tensors: dict[str, Any] = {name: self._torch.from_numpy(getattr(batch, name)) for name in arrays}
        longest = int(np.diff(batch.cu_seqlens).max())
        return tensors | {
            "max_seqlen": longest,
            "segments": batch.segments,
            "epoch": batch.epoch,
            "index": batch.index,
        }


def _put(ready: "queue.Queue[Any]", item: object, stop: threading.Event) -> bool:
    """Put an item, unless the loop was left; returns whether it was put."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False
