"""Train a very small transformer to predict several tokens at once, and see the loss of each depth fall.

    python examples/train_ahead.py runs/demo/release

In: the folder of a release. Out: the loss of each depth on documents that were held out, before and after a minute;
exit code 1 if one did not fall. Depth 0 is the next token, depth 1 the one behind it, and so on (Gloeckle and others
2024, "Better and faster large language models via multi-token prediction"). The loader hands out one array of labels
and how far each position may look ahead; the shifting is done where the model is. Needs torch.
"""

import sys
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from train_tiny import BATCH, CONTEXT, EVALUATION_BATCHES, WIDTH, TinyTransformer, divided, main, segment_mask, train

from gleanery.shards.batch import Batch
from gleanery.shards.loader import Loader
from gleanery.shards.store import Store
from gleanery.shards.views import ahead

DEPTHS = 3


class LooksAhead(nn.Module):  # type: ignore[misc]
    """One trunk, and a small layer for each depth before the common output matrix."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.trunk = TinyTransformer(vocabulary)
        self.heads = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(DEPTHS))

    def losses(self, batch: Batch, device: str) -> list[tuple[Tensor, int]]:
        """For each depth the summed loss of a batch and the number of its targets."""
        ids, labels, positions, bounds = (
            torch.from_numpy(array).to(device)
            for array in (batch.input_ids, batch.labels, batch.position_ids, batch.cu_seqlens)
        )
        room = torch.from_numpy(ahead(batch, DEPTHS)).to(device)
        hidden = self.trunk.hidden(ids, positions, segment_mask(bounds, ids.shape))
        found = []
        for depth, head in enumerate(self.heads):
            # The label of the position `depth` further on; where that lies in another segment it does not count.
            targets = torch.where(room > depth, labels.roll(-depth, dims=1), -100)
            logits = F.linear(hidden + head(hidden), self.trunk.tokens.weight)
            total = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")
            found.append((total, int((targets != -100).sum())))
        return found


def mean_loss(model: nn.Module, batch: Batch, device: str) -> tuple[Tensor, int]:
    """All depths together."""
    totals, counts = zip(*model.losses(batch, device), strict=True)
    return torch.stack(totals).sum(), sum(counts)


def held_out(model: LooksAhead, loader: Loader, device: str) -> list[float]:
    """Nats for each token of held-out documents, for each depth."""
    with torch.no_grad():
        found = [model.losses(batch, device) for batch in islice(loader, EVALUATION_BATCHES)]
    return [float(sum(one[d][0] for one in found)) / sum(one[d][1] for one in found) for d in range(DEPTHS)]


def run(release: Path, steps: int, seconds: float) -> bool:
    """Train and report; returns whether the loss of every depth fell."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    store = Store.open(release)
    learnt, held = divided(store)
    model = LooksAhead(store.description.vocab_size).to(device)

    def loss_of_held() -> list[float]:
        return held_out(model, Loader(release, CONTEXT, BATCH, fim_rate=0.0, only=held), device)

    before = loss_of_held()
    batches = iter(Loader(release, CONTEXT, BATCH, fim_rate=0.5, only=learnt))
    done = train(model, batches, steps, seconds, device, mean_loss)
    after = loss_of_held()
    print(f"{done} steps of {BATCH} x {CONTEXT} tokens; loss on held-out documents, nats for each token\n")
    print(f"{'tokens ahead':20}{'before':>8}{'after':>8}")
    for depth in range(DEPTHS):
        print(f"{depth + 1:<20}{before[depth]:8.3f}{after[depth]:8.3f}")
    return all(b > a for b, a in zip(before, after, strict=True))


if __name__ == "__main__":
    sys.exit(main(run, "Train a very small transformer to predict several tokens at once."))
