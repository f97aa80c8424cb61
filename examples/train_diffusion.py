"""Train a very small masked diffusion model on a release, and see its loss fall.

    python examples/train_diffusion.py runs/demo/release

In: the folder of a release. Out: the loss on documents that were held out, before and after a minute; exit code 1 if it
did not fall. The loader hands out clean tokens, and a noise level and a key for each segment; which tokens are hidden
is drawn here, on the device, from the key. Attention sees the whole of a segment. The loss is that of LLaDA (arXiv
2502.09992): hidden tokens alone, each divided by the level of its segment. Needs torch.
"""

import sys
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from train_tiny import BATCH, CONTEXT, EVALUATION_BATCHES, TinyTransformer, divided, main, segment_mask, train

from gleanery.shards.batch import Batch
from gleanery.shards.loader import Loader
from gleanery.shards.store import Store
from gleanery.shards.views import noise


def hidden_of(batch: Batch, device: str) -> tuple[Tensor, Tensor]:
    """bool[B, S], what is hidden, and float[B, S], the level of each position; the same for the same batch."""
    made = noise(batch)
    size = torch.from_numpy(batch.segment_sizes).to(device)
    level = torch.from_numpy(made.level).to(device).repeat_interleave(size)
    draws = []
    for key, length in zip(made.key.tolist(), size.tolist(), strict=True):
        chance = torch.Generator(device).manual_seed(key & (2**63 - 1))
        draws.append(torch.rand(length, generator=chance, device=device))
    shape = batch.input_ids.shape
    return (torch.cat(draws) < level).view(shape), level.view(shape)


def loss_of(model: nn.Module, batch: Batch, device: str) -> tuple[Tensor, int]:
    """The summed loss of a batch, and its tokens."""
    ids, positions, bounds = (
        torch.from_numpy(array).to(device) for array in (batch.input_ids, batch.position_ids, batch.cu_seqlens)
    )
    hidden, level = hidden_of(batch, device)
    # The model has one token more than the release: the one that stands where something is hidden.
    masked = ids.masked_fill(hidden, model.tokens.num_embeddings - 1)
    logits = model(masked, positions, segment_mask(bounds, ids.shape, backward_only=False))
    each = F.cross_entropy(logits[hidden], ids[hidden], reduction="none")
    return (each / level[hidden]).sum(), int((level > 0).sum())


def held_out(model: nn.Module, loader: Loader, device: str) -> float:
    """Nats for each token of held-out documents, a bound from above."""
    with torch.no_grad():
        found = [loss_of(model, batch, device) for batch in islice(loader, EVALUATION_BATCHES)]
    return float(sum(total for total, _ in found)) / sum(count for _, count in found)


def run(release: Path, steps: int, seconds: float) -> bool:
    """Train and report; returns whether the loss fell."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    store = Store.open(release)
    learnt, held = divided(store)
    model = TinyTransformer(store.description.vocab_size + 1).to(device)
    before = held_out(model, Loader(release, CONTEXT, BATCH, fim_rate=0.0, only=held), device)
    batches = iter(Loader(release, CONTEXT, BATCH, fim_rate=0.0, only=learnt))
    done = train(model, batches, steps, seconds, device, loss_of)
    after = held_out(model, Loader(release, CONTEXT, BATCH, fim_rate=0.0, only=held), device)
    print(f"{done} steps of {BATCH} x {CONTEXT} tokens; loss on held-out documents, nats for each token\n")
    print(f"{'':20}{'before':>8}{'after':>8}")
    print(f"{'masked diffusion':20}{before:8.3f}{after:8.3f}")
    return after < before


if __name__ == "__main__":
    sys.exit(main(run, "Train a very small masked diffusion model."))
