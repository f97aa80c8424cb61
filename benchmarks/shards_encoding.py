"""Encoding on one core beside `tokenizers`: called by `make bench-shards`, or run alone.

In: real code. Out: `encode_ratio` for GPT-2's rule and for digits apart, each a single pass over text that no cache has
seen: a slice goes through every encoder once, in turns, and the ratio is paired within the slice. Ids are compared for
every file. CPU time of this process, with one thread.
"""

import json
import os
import time
from collections.abc import Iterator

os.environ |= {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

import tokenizers
from corpus import code_files
from measuring import Metric, metric, report

from gleanery.shards.tokenizer import Tokenizer, train

VOCABULARY = 32_768
TRAIN_MB, SLICE_BYTES = 16.0, 2_000_000
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def encode_metrics(quick: bool) -> list[Metric]:
    """Three metrics for each rule: ratio, rate, and the share of files with equal ids."""
    megabytes = 12.0 if quick else 24.0
    texts = [file.content.decode("utf-8") for file in code_files(TRAIN_MB + megabytes)]
    split = 0
    held = 0
    while held < TRAIN_MB * 1_000_000:
        held += len(texts[split])
        split += 1
    found = []
    for name, rule in (("gpt2", BYTE_LEVEL), ("digits", None)):
        content = _trained(texts[:split], rule)
        found += _measured(
            name, Tokenizer.load(content), tokenizers.Tokenizer.from_str(content.decode()), texts[split:]
        )
    return found


def _trained(texts: list[str], rule: dict[str, object] | None) -> bytes:
    config = json.loads(train(texts, VOCABULARY))
    if rule is not None:  # the merges of the other rule are as good for measuring: no merge of theirs crosses a digit
        config["pre_tokenizer"] = rule
    return json.dumps(config).encode()


def _measured(name: str, ours: Tokenizer, theirs: tokenizers.Tokenizer, texts: list[str]) -> list[Metric]:
    theirs.encode_special_tokens = True
    ours.encode(["warm = 1\n"])
    ratios, rates, peers, files, equal = [], [], [], 0, 0
    for number, (batch, size) in enumerate(_slices(texts)):
        for turn in (0, 1):
            begin = time.process_time()
            if (turn + number) % 2:
                one = ours.encode(batch)
                mine = time.process_time() - begin
            else:
                two = theirs.encode_batch_fast(batch, add_special_tokens=False)
                other = time.process_time() - begin
        ratios.append(other / mine)
        rates.append(size / mine / 1e6)
        peers.append(size / other / 1e6)
        files += len(batch)
        equal += sum(a.tolist() == b.ids for a, b in zip(one, two, strict=True))
    raw = _raw_ratio(ours, theirs, texts) if name == "gpt2" else {}
    reference = {"tokenizers": metric("", peers, "").value}
    return [
        metric(f"encode_ratio_{name}" if name != "gpt2" else "encode_ratio", ratios, "times tokenizers", raw),
        metric(f"encode_{name}_mb_per_cpu_s ({ours.encoder.name})", rates, "MB/CPU-s", reference),
        Metric(f"encode_{name}_equal_share", equal / files, "of files", equal / files, equal / files),
    ]


def _raw_ratio(ours: Tokenizer, theirs: tokenizers.Tokenizer, texts: list[str]) -> dict[str, float]:
    """The package alone, without our checks, on the last tenth of the text anew."""
    fresh = Tokenizer.load(ours.json)
    encoder, sample = fresh.encoder, texts[-max(1, len(texts) // 10) :]
    begin = time.process_time()
    for text in sample:
        encoder.encode(text)
    mine = time.process_time() - begin
    begin = time.process_time()
    theirs.encode_batch_fast(sample, add_special_tokens=False)
    return {f"{encoder.name} alone": (time.process_time() - begin) / mine}


def _slices(texts: list[str]) -> Iterator[tuple[list[str], int]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text.encode())
        if size >= SLICE_BYTES:
            yield batch, size
            batch, size = [], 0


if __name__ == "__main__":
    report("shards_encoding", encode_metrics(quick=True))
