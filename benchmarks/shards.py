"""The loader beside a bare gather from the same memory map, and beside other loaders.

In: real code from `corpus.py`, encoded once into a release that is kept in the cache. Out: the table of measuring.py.
All figures are CPU time. What is compared alternates in slices of 0.15 s in one process, and each ratio is taken with
the gather of its own round. The gather is one numpy gather of 16 rows of 2,048 tokens into int64, and nothing else.
`--quick` takes 10 million tokens instead of 100 million and fewer rounds. Other loaders run in an environment of their
own, beside a gather of their own: see shards_peers.py; `--no-peers` leaves them out.
"""

import argparse
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from corpus import code_files
from measuring import Metric, metric, report
from numpy.typing import NDArray

from gleanery.pipeline.caches import user_cache
from gleanery.records.ids import repo_id
from gleanery.shards.fim import cut
from gleanery.shards.finishing import finish
from gleanery.shards.index import Index
from gleanery.shards.layout import FORMAT
from gleanery.shards.loader import Loader
from gleanery.shards.masking import Removed
from gleanery.shards.packing import Plan, pack, plan_epoch
from gleanery.shards.pieces import FIM_GROWTH, Rules
from gleanery.shards.store import Store
from gleanery.shards.tokenizer import Tokenizer, train
from gleanery.shards.writing import write_part

CONTEXT, BATCH, SLICE, WARM = 2048, 16, 0.15, 2.0
HERE = Path(__file__).parent
PEERS = ("litdata", "grain", "mosaicml", "megatron")


def documents(megabytes: float) -> Iterator[dict[str, object]]:
    """Rows of `documents` from real code."""
    for file in code_files(megabytes):
        try:
            text = file.content.decode()
        except UnicodeDecodeError:
            continue
        digest = hashlib.sha256(file.content).hexdigest()
        names: dict[str, object] = {
            "repo_id": repo_id(file.repo),
            "repo": file.repo,
            "path": file.path,
            "language": file.path[-3:],
        }
        yield names | {"file_id": digest[:32], "blob_id": "0" * 40, "license": "", "text_sha256": digest, "text": text}


def release(megabytes: int, vocabulary: int, compression: str) -> Path:
    """A release of so much code, from the cache or made now."""
    root = user_cache() / "benchmarks" / f"{FORMAT}-{megabytes}-{vocabulary}-{compression}"
    if not (root / "store.json").is_file():
        sample = (str(row["text"]) for n, row in enumerate(documents(megabytes)) if n % 12 == 0)
        kept = user_cache() / "benchmarks" / f"tokenizer-{megabytes}-{vocabulary}.json"
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(train(itertools.islice(sample, 5000), vocabulary))
        tokenizer = Tokenizer.load(kept.read_bytes())
        write_part(root, 0, 1, documents(megabytes), tokenizer, compression)
        finish(root, 1, tokenizer, compression)
    return root


def gather(rows: NDArray[Any]) -> Iterator[int]:
    """The ceiling: rows of tokens in a random order, into int64; yields the tokens of each batch."""
    for epoch in itertools.count():
        order = np.random.default_rng(epoch).permutation(len(rows))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            yield int(rows[order[at : at + BATCH]].astype(np.int64).size)


def served(loader: Loader) -> Iterator[int]:
    """The same from a loader. As in the gather, nothing of a batch is kept while the next one is made."""
    batches = iter(loader)
    while True:
        yield next(batches).input_ids.size


def decoded(store: Store) -> Iterator[int]:
    """Decoding and checking of compressed blocks."""
    for block in itertools.cycle(range(len(store.blocks))):
        store.touch(block)
        yield int(store.blocks.count[block])


def alternate(streams: Mapping[str, Iterator[int]], rounds: int) -> dict[str, list[float]]:
    """Tokens for each CPU-second of each stream, one figure for each round."""
    for stream in streams.values():  # pages of a memory map are entered in the process's tables when touched first
        begin = time.process_time()
        while time.process_time() - begin < WARM:
            sum(itertools.islice(stream, 10))
    found: dict[str, list[float]] = {name: [] for name in streams}
    for _ in range(rounds):
        for name, stream in streams.items():
            begin = now = time.process_time()
            tokens = 0
            while now - begin < SLICE:
                tokens += sum(itertools.islice(stream, 10))
                now = time.process_time()
            found[name].append(tokens / (now - begin))
    return found


def ratios(found: Mapping[str, list[float]], one: str, other: str) -> list[float]:
    """One stream beside another, round by round."""
    return [a / b for a, b in zip(found[one], found[other], strict=True)]


def loader_metrics(root: Path, small: Mapping[str, Path], rounds: int) -> list[Metric]:
    """Rates of the loader beside the gather."""
    settings: dict[str, Any] = {"context": CONTEXT, "batch": BATCH}
    full = Loader(root, fim_rate=0.5, **settings)
    count = len(full.store)
    gone = np.random.default_rng(0).permutation(count)[: count // 100]
    removed = Removed(gone, tuple(f"{n:08x}" for n in range(len(gone) + 1)), release=full.store.release)
    payload = full.store.payload[0]
    payload[::CONTEXT].sum()
    streams = {
        "gather": gather(payload[: len(payload) // CONTEXT * CONTEXT].reshape(-1, CONTEXT)),
        "ids": served(Loader(root, fim_rate=0.0, targets=False, **settings)),
        "plain": served(Loader(root, fim_rate=0.0, **settings)),
        "full": served(full),
        "repository": served(Loader(root, fim_rate=0.5, unit="repository", **settings)),
        "removed": served(Loader(root, fim_rate=0.5, removed=removed, **settings)),
        **{name: decoded(Store.open(folder)) for name, folder in small.items()},
    }
    found = alternate(streams, rounds)
    return [
        metric("gather_mtok", [x / 1e6 for x in found["gather"]], "Mtok/CPU-s"),
        metric("ids_mtok", [x / 1e6 for x in found["ids"]], "Mtok/CPU-s"),
        metric("full_mtok", [x / 1e6 for x in found["full"]], "Mtok/CPU-s"),
        metric("ids_vs_gather", ratios(found, "ids", "gather"), "ratio"),
        metric("plain_vs_gather", ratios(found, "plain", "gather"), "ratio"),
        metric("full_vs_gather", ratios(found, "full", "gather"), "ratio"),
        metric("fim_on_vs_off", ratios(found, "full", "plain"), "ratio"),
        metric("repository_vs_gather", ratios(found, "repository", "gather"), "ratio"),
        metric("removal_slowdown", [100 * (1 / r - 1) for r in ratios(found, "removed", "full")], "%"),
        *(metric(f"{name}_decode_vs_gather", ratios(found, name, "gather"), "ratio") for name in small),
    ]


def size_metrics(small: Mapping[str, Path]) -> list[Metric]:
    """Bytes of a compressed token, and beside a raw one."""
    found = []
    for name, root in small.items():
        description = Store.open(root).description
        size = sum(shard.bytes for shard in description.shards) / description.tokens
        width = 2 if description.dtype == "uint16" else 4
        found.append(metric(f"{name}_bytes_per_token", [size], "bytes"))
        found.append(metric(f"{name}_vs_raw", [size / width], "ratio"))
    return found


def fim_metrics(root: Path, pieces: int) -> list[Metric]:
    """Cuts by windows beside encoding the three parts anew with the fastest package, and whether they agree."""
    store = Store.open(root)
    tokenizer, spelling = store.tokenizer, store.spelling
    chance = np.random.default_rng(0)
    chosen = [n for n in chance.permutation(len(store)) if 64 <= store.docs.length[n] < CONTEXT][:pieces]
    equal, fast, anew = 0, 0.0, 0.0
    for ordinal in chosen:
        tokens, bits = store.tokens(int(ordinal)), int(chance.integers(0, 1 << 63))
        cut(tokens, bits, spelling, FIM_GROWTH)
        begin = time.process_time()
        parts, _ = cut(tokens, bits, spelling, FIM_GROWTH)
        fast += time.process_time() - begin
        texts = [tokenizer.decode(part) for part in (parts.prefix, parts.middle, parts.suffix)]
        begin = time.process_time()
        again = tokenizer.encode_short(texts)
        anew += time.process_time() - begin
        same = zip((parts.prefix, parts.middle, parts.suffix), again, strict=True)
        equal += all(np.array_equal(one, two) for one, two in same)
    return [
        metric("fim_exact_ratio", [anew / fast], "ratio"),
        metric("fim_exact_share", [100 * equal / len(chosen)], "%"),
    ]


def padding(plan: Plan) -> float:
    """The share of all positions of a plan without cuts, in per cent, that is padding."""
    pieces = plan.pieces
    return 100 * (1 - float((pieces.length + pieces.ends).sum()) / (plan.rows * CONTEXT))


def padding_of(loader: Loader, rows: int) -> float:
    """The share of all positions of the first rows, in per cent, that is padding; what cuts left free is counted."""
    batch = loader.read(0, 0, min(rows, loader.rows(0)))
    return 100 * float(batch.segment_sizes[batch.segments.document < 0].sum()) / batch.input_ids.size


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of CPU time of some work, several times; the first time is not counted."""
    found = []
    for _ in range(times + 1):
        begin = time.process_time()
        work()
        found.append(1000 * (time.process_time() - begin))
    return found[1:]


def packing_metrics(root: Path, times: int) -> list[Metric]:
    """Packing of a million documents whose lengths are drawn from the release's own."""
    docs = Store.open(root).docs
    length = np.random.default_rng(0).choice(docs.length, 1_000_000)
    keys = np.random.default_rng(1).integers(0, 1 << 63, len(length)).astype(np.uint64)
    nothing = np.zeros(len(length), np.int64)
    index = Index(nothing.astype(np.int32), nothing, length, keys, keys, nothing.astype(np.int32), nothing, ("",))
    plain, half = Rules(CONTEXT, 0.0, 0.5), Rules(CONTEXT, 0.5, 0.5)
    plan = plan_epoch(index, plain, 0, 0)
    costs = (plan.pieces.length + plan.pieces.ends).astype(np.int32)
    groups = np.array_split(costs, 10)
    whole = plan_epoch(index, half, 0, 0)
    short = (length > 0) & (length < CONTEXT)
    counts = np.bincount(whole.pieces.document, minlength=len(length))
    return [
        metric("pack_1m_ms", timed(lambda: [pack(g, CONTEXT, 0) for g in groups], times), "ms"),
        metric("plan_1m_ms", timed(lambda: plan_epoch(index, half, 0, 0), times), "ms"),
        metric("padding_share", [padding(plan)], "%"),
        metric("padding_share_fim", [padding_of(Loader(root, CONTEXT, BATCH), 4000)], "%"),
        metric("padding_share_repository", [padding_of(Loader(root, CONTEXT, BATCH, unit="repository"), 4000)], "%"),
        metric("short_documents_cut", [float((counts[short] > 1).sum())], "documents"),
    ]


def resume_metrics(root: Path, times: int) -> list[Metric]:
    """Opening a release anew, going on from a state, and the first batch."""
    loader = Loader(root, CONTEXT, BATCH)
    for _ in itertools.islice(loader, 150):
        pass
    state = json.dumps(loader.state_dict())
    following = [batch.input_ids for batch in itertools.islice(loader, 4)]
    resumed = Loader(root, CONTEXT, BATCH // 4, rank=3, world=4)
    resumed.load_state_dict(json.loads(state))
    mine = [batch.input_ids for batch in itertools.islice(resumed, 4)]
    same = [np.array_equal(a[12:], b) for a, b in zip(following, mine, strict=True)]
    del loader, resumed  # a loader that is open would share its store, and nothing would be opened

    def again() -> None:
        other = Loader(root, CONTEXT, BATCH)
        other.load_state_dict(json.loads(state))
        next(iter(other))

    return [
        metric("state_bytes", [len(state)], "bytes"),
        metric("resume_ms", timed(again, times), "ms"),
        metric("resume_identical", [float(all(same))], "1 or 0"),
    ]


def peer_rates(root: Path, quick: bool) -> dict[str, dict[str, float]]:
    """What other loaders reach beside a gather, from shards_peers.py in an environment of its own."""
    folder = user_cache() / "benchmarks" / "shards-peers"
    python, wanted = folder / "bin/python", HERE / "requirements-shards-peers.txt"
    uv = Path(sys.executable).with_name("uv")
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", wanted], check=True)
    store = Store.open(root)
    found: dict[str, dict[str, float]] = {
        name: {} for name in ("ids_vs_gather", "full_vs_gather", "ids_mtok", "full_mtok")
    }
    with tempfile.TemporaryDirectory() as work:
        np.save(Path(work) / "lengths.npy", store.docs.length)
        store.payload[0].tofile(Path(work) / "tokens.bin")
        for peer in PEERS:  # one process for each, since some go on working behind the back of the next
            command: list[str | Path] = [python, "-W", "ignore", HERE / "shards_peers.py", work, peer]
            done = subprocess.run([*command, *(["--quick"] if quick else [])], stdout=subprocess.PIPE, text=True)
            if done.returncode:  # another project's loader may fail in any way; the others are still measured
                print(f"{peer} could not be measured", file=sys.stderr)
                continue
            ratio, _, rate = json.loads(done.stdout.splitlines()[-1])
            for kind in ("full",) if peer == "megatron" else ("ids", "full"):
                found[f"{kind}_vs_gather"][peer], found[f"{kind}_mtok"][peer] = ratio, rate
    return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 million tokens and fewer rounds")
    parser.add_argument("--no-peers", action="store_true", help="leave other loaders out")
    arguments = parser.parse_args()
    quick = arguments.quick
    root = release(40 if quick else 400, 16_384 if quick else 49_152, "none")
    small = {name: release(40 if quick else 80, 16_384 if quick else 49_152, name) for name in ("lz4", "zstd")}
    found = loader_metrics(root, small, 3 if quick else 9)
    found += fim_metrics(root, 300 if quick else 3000) + size_metrics(small)
    found += packing_metrics(root, 3 if quick else 9) + resume_metrics(root, 3 if quick else 9)
    if not arguments.no_peers:
        peers = peer_rates(root, quick)
        for one in found:
            one.peers.update(peers.get(one.metric, {}))
    try:
        from shards_encoding import encode_metrics
    except ImportError:
        pass
    else:
        found += encode_metrics(quick)
    report("shards", found)


if __name__ == "__main__":
    main()
