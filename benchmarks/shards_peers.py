"""Another loader beside a bare gather, for benchmarks/shards.py, which starts this in an environment of its own.

In: a folder with `tokens.bin` and `lengths.npy`, and the name of a loader. Out: one line of JSON on standard output:
the loader's ratio to the gather of the same round, the median of all rounds, and both rates. Both serve rows of 2,048
tokens in a random order, 16 at a time, in this process.
"""

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

CONTEXT, BATCH, SLICE, WARM = 2048, 16, 0.15, 2.0
Rows = np.ndarray[Any, Any]


def gather(rows: Rows, _: Path) -> Iterator[int]:
    """The ceiling, as in shards.py."""
    for epoch in itertools.count():
        order = np.random.default_rng(epoch).permutation(len(rows))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            yield int(rows[order[at : at + BATCH]].astype(np.int64).size)


def batches(dataset: Any) -> Iterator[int]:
    """Batches of a map-style or iterable data set of rows, by torch's loader."""
    from torch.utils.data import DataLoader

    while True:
        for batch in DataLoader(dataset, batch_size=BATCH, num_workers=0, drop_last=True):
            size = (batch["tokens"] if isinstance(batch, dict) else batch).numel()
            del batch  # nothing of it is kept while the next one is made, as in the gather
            yield size


def grain(rows: Rows, _: Path) -> Iterator[int]:
    """A grain pipeline over the same memory map."""
    import grain as package

    class Source:
        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, index: int) -> Rows:
            row: Rows = rows[index].astype(np.int64)
            return row

    pipeline = package.MapDataset.source(Source()).shuffle(seed=0).batch(BATCH).repeat()
    for index in itertools.count():
        yield int(pipeline[index].size)


def litdata(rows: Rows, folder: Path) -> Iterator[int]:
    """litdata's TokensLoader over chunks of 64 MB."""
    import torch
    from litdata import StreamingDataLoader, StreamingDataset, TokensLoader
    from litdata.streaming.writer import BinaryWriter

    out = folder / "litdata"
    writer = BinaryWriter(str(out), chunk_bytes="64MB", item_loader=TokensLoader(block_size=CONTEXT))
    flat = rows.reshape(-1)
    for index, at in enumerate(range(0, len(flat), 1 << 20)):
        writer[index] = torch.from_numpy(flat[at : at + (1 << 20)].astype(np.uint16))
    writer.done()
    writer.merge()
    dataset = StreamingDataset(str(out), item_loader=TokensLoader(block_size=CONTEXT), shuffle=True, drop_last=True)
    while True:
        for batch in StreamingDataLoader(dataset, batch_size=BATCH, num_workers=0):
            size = batch.long().numel()
            del batch
            yield size


def mosaicml(rows: Rows, folder: Path) -> Iterator[int]:
    """mosaicml-streaming over shards of rows."""
    from streaming import MDSWriter, StreamingDataset

    out = str(folder / "mds")
    with MDSWriter(out=out, columns={"tokens": f"ndarray:uint16:{CONTEXT}"}, progress_bar=False) as writer:
        for row in rows[: 10_000_000 // CONTEXT]:
            writer.write({"tokens": row.astype(np.uint16)})
    yield from batches(StreamingDataset(local=out, shuffle=True, batch_size=BATCH))


def megatron(_: Rows, folder: Path) -> Iterator[int]:
    """Megatron's GPTDataset, which shuffles, joins documents and makes labels, masks and positions."""
    import torch
    from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
    from megatron.core.datasets.indexed_dataset import DType, IndexedDataset, IndexedDatasetBuilder
    from megatron.core.datasets.utils import Split

    lengths = np.load(folder / "lengths.npy")
    flat = np.memmap(folder / "tokens.bin", np.uint16, "r")
    prefix = str(folder / "megatron")
    builder = IndexedDatasetBuilder(f"{prefix}.bin", dtype=DType.optimal_dtype(50_000))
    for begin, end in itertools.pairwise([0, *np.cumsum(lengths).tolist()]):
        if end > begin:
            builder.add_document(torch.from_numpy(flat[begin:end].astype(np.int64)), [end - begin])
    builder.finalize(f"{prefix}.idx")

    class Names:
        eod, pad, unique_identifiers, vocab_size = 0, 4, {"name": "none"}, 50_000

    config = GPTDatasetConfig(
        random_seed=0,
        sequence_length=CONTEXT,
        split="1,0,0",
        tokenizer=Names(),
        reset_position_ids=False,
        reset_attention_mask=False,
        eod_mask_loss=False,
        create_attention_mask=False,
    )
    stored = IndexedDataset(prefix)
    documents = np.arange(len(stored.document_indices) - 1, dtype=np.int32)
    yield from batches(GPTDataset(stored, prefix, documents, None, Split.train, config))


def warm(stream: Iterator[int]) -> None:
    """Run for some seconds: pages of a memory map are entered in the process's tables when they are touched first."""
    begin = time.process_time()
    while time.process_time() - begin < WARM:
        sum(itertools.islice(stream, 5))


def main() -> None:
    """Let one loader and the gather alternate; print the loader's ratio to it, and both rates in Mtok/CPU-s."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("loader", choices=list(PEERS))
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    rows: Rows = np.memmap(arguments.folder / "tokens.bin", np.uint16, "r").view(np.ndarray)
    rows = rows[: len(rows) // CONTEXT * CONTEXT].reshape(-1, CONTEXT)
    rows[:, 0].sum()
    streams = [gather(rows, arguments.folder), PEERS[arguments.loader](rows, arguments.folder)]
    for stream in streams:
        warm(stream)
    found: list[list[float]] = [[], []]
    for _ in range(3 if arguments.quick else 9):
        for stream, rates in zip(streams, found, strict=True):
            begin = now = time.process_time()
            tokens = 0
            while now - begin < SLICE:
                tokens += sum(itertools.islice(stream, 5))
                now = time.process_time()
            rates.append(tokens / (now - begin))
    ratio = statistics.median(b / a for a, b in zip(*found, strict=True))
    print(json.dumps([ratio, *(statistics.median(rates) / 1e6 for rates in found)]))


PEERS: dict[str, Callable[[Rows, Path], Iterator[int]]] = {
    "litdata": litdata,
    "grain": grain,
    "mosaicml": mosaicml,
    "megatron": megatron,
}


if __name__ == "__main__":
    main()
