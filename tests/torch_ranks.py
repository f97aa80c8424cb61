"""One rank of two, with torch.distributed: started by test_shards_torch.py as `torch_ranks.py RELEASE RANK MEETING`.

Prints what it read, and what `check_ranks` said of loaders that were opened rightly and wrongly, as JSON.
"""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import torch.distributed

from gleanery.records.errors import StopRun
from gleanery.shards.loader import torch_loader


def main(release: Path, rank: int, meeting: Path) -> None:
    torch.distributed.init_process_group("gloo", init_method=meeting.as_uri(), rank=rank, world_size=2)

    def opened(**settings: Any) -> Any:
        return torch_loader(release, **{"context": 64, "batch": 2, "rank": rank, "world": 2} | settings)

    def said(readers: int | None = None, **settings: Any) -> str:
        try:
            opened(**settings).check_ranks(readers)
        except StopRun as error:
            return error.message
        return ""

    batches = opened()
    batches.check_ranks()
    rows = [batch["input_ids"].tolist() for batch in islice(batches, 4)]
    # A state of the other rank does as well: it is the place of all.
    states: list[Any] = [None, None]
    torch.distributed.all_gather_object(states, batches.state_dict())
    later = opened()
    later.load_state_dict(states[1 - rank])
    later.check_ranks()
    found = {
        "as it should be": said(),
        "another seed": said(seed=rank),
        "rank forgotten": said(rank=0),
        "rank and world forgotten": said(rank=0, world=1),
        "one model on both": said(readers=1, rank=0, world=1),
        "two shares of one model": said(readers=1),
    }
    resumed = [batch["input_ids"].tolist() for batch in islice(later, 2)]
    torch.distributed.destroy_process_group()
    sys.stdout.write(json.dumps({"rows": rows, "resumed": resumed, "said": found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
