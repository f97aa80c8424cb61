"""Train a very small transformer on a release for a minute, and see both losses fall.

    python examples/train_tiny.py runs/demo/release

In: the folder of a release. Out: a small table of losses on documents that were held out, left to right and fill in the
middle, before and after; exit code 1 if either did not fall. Needs torch (pip install 'gleanery[torch]'); uses a GPU if
there is one. The model is small enough that a minute on two CPU cores is enough to see it learn.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gleanery.records.errors import StopRun
from gleanery.shards.loader import torch_loader
from gleanery.shards.store import Store

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError:
    sys.exit("this example needs torch\nhint: pip install 'gleanery[torch]'")

CONTEXT, BATCH, WIDTH, HEADS, LAYERS = 128, 8, 128, 4, 2
HELD_OUT_EVERY = 10
EVALUATION_BATCHES = 4


class Block(nn.Module):  # type: ignore[misc]
    """Attention within a document, then a two-layer network."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        b, s, _ = x.shape
        q, k, v = self.qkv(self.norm_1(x)).view(b, s, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.out(attended.transpose(1, 2).reshape(b, s, WIDTH))
        return x + self.mlp(self.norm_2(x))


class TinyTransformer(nn.Module):  # type: ignore[misc]
    """Token and position embeddings, a few blocks, and one matrix for input and output."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        return F.linear(self.hidden(ids, positions, mask), self.tokens.weight)

    def hidden(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """What the last block says of each position, before it is compared with the vocabulary."""
        x = self.tokens(ids) + self.positions(positions)
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)


def segment_mask(cu_seqlens: Tensor, shape: tuple[int, int], backward_only: bool = True) -> Tensor:
    """bool[B, 1, S, S]: each position sees itself and its own segment, never a neighbour; of its segment only what
    stands before it, unless `backward_only` is false.

    A trainer with a variable-length attention kernel passes cu_seqlens to it instead and needs no mask.
    """
    rows, context = shape
    place = torch.arange(rows * context, device=cu_seqlens.device)
    segment = torch.searchsorted(cu_seqlens, place, right=True).view(rows, 1, context)
    same = segment.transpose(1, 2) == segment
    if backward_only:
        same = same & torch.ones(context, context, dtype=torch.bool, device=same.device).tril()
    return same.unsqueeze(1)


def loss_of(model: nn.Module, batch: dict[str, Any], device: str) -> tuple[Tensor, int]:
    """The summed loss of a batch and the number of its targets."""
    ids, labels, positions, bounds = (
        batch[name].to(device) for name in ("input_ids", "labels", "position_ids", "cu_seqlens")
    )
    logits = model(ids, positions, segment_mask(bounds, ids.shape))
    # The labels are shifted already, and -100 wherever there is nothing to learn.
    total = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="sum")
    return total, int((labels != -100).sum())


def held_out_loss(model: nn.Module, release: Path, documents: np.ndarray[Any, Any], fim: float, device: str) -> float:
    """Nats for each token of held-out documents, all plain (fim 0) or all cut (fim 1)."""
    loader = torch_loader(release, context=CONTEXT, batch=BATCH, fim_rate=fim, only=documents)
    with torch.no_grad():
        found = [loss_of(model, batch, device) for batch in islice(loader, EVALUATION_BATCHES)]
    return float(sum(total for total, _ in found)) / max(1, sum(count for _, count in found))


def train(
    model: nn.Module,
    batches: Iterator[Any],
    steps: int,
    seconds: float,
    device: str,
    loss: Callable[[nn.Module, Any, str], tuple[Tensor, int]] = loss_of,
) -> int:
    """Train until the steps or the seconds are used up; returns the steps done."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    end, done = time.monotonic() + seconds, 0
    while done < steps and time.monotonic() < end:
        total, count = loss(model, next(batches), device)
        optimizer.zero_grad()
        (total / max(1, count)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        done += 1
    return done


def divided(store: Store) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Documents to learn from, and one in ten that is held out, by their content."""
    held = store.docs.key % np.uint64(HELD_OUT_EVERY) == 0
    return np.flatnonzero(~held), np.flatnonzero(held)


def run(release: Path, steps: int, seconds: float) -> bool:
    """Train and report; returns whether both losses fell."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    store = Store.open(release)
    learnt, held = divided(store)
    model = TinyTransformer(store.description.vocab_size).to(device)
    kinds = {"left to right": 0.0, "fill in the middle": 1.0}
    before = {kind: held_out_loss(model, release, held, rate, device) for kind, rate in kinds.items()}
    batches = torch_loader(release, context=CONTEXT, batch=BATCH, fim_rate=0.5, only=learnt)
    batches.check_ranks()  # says nothing here; with torch.distributed it stops ranks that were opened differently
    begin = time.monotonic()
    done = train(model, iter(batches), steps, seconds, device)
    took = time.monotonic() - begin
    after = {kind: held_out_loss(model, release, held, rate, device) for kind, rate in kinds.items()}
    print(f"{len(learnt):,} documents learnt, {len(held):,} held out, {store.n_tokens:,} tokens, on {device}")
    print(f"{done} steps of {BATCH} x {CONTEXT} tokens in {took:.0f} s\n")
    print("loss on held-out documents, nats for each token\n")
    print(f"{'':20}{'before':>8}{'after':>8}")
    for kind in kinds:
        print(f"{kind:20}{before[kind]:8.3f}{after[kind]:8.3f}")
    return all(after[kind] < before[kind] for kind in kinds)


def main(
    run: Callable[[Path, int, float], bool] = run, what: str = "Train a very small transformer on a release."
) -> int:
    """Read the command line and run; 0 if the losses fell, 1 if not, 2 if the release cannot be read."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("release", type=Path, help="folder of a finished release")
    parser.add_argument("--steps", type=int, default=1_000_000, help="stop after so many steps")
    parser.add_argument("--seconds", type=float, default=60.0, help="stop after so many seconds")
    arguments = parser.parse_args()
    try:
        fell = run(arguments.release, arguments.steps, arguments.seconds)
    except StopRun as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        return 2
    if not fell:
        print("\nthe loss did not fall", file=sys.stderr)
    return 0 if fell else 1


if __name__ == "__main__":
    sys.exit(main())
