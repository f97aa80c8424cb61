"""Progress: what a step is doing now, told while it is done.

In: a step that an engine works on. Out: calls of a listener, from a thread that looks at the sidecars of its tasks.
Looking takes 1 % of a core at most.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gleanery.pipeline.steps import Step, finished_count

LOOK_SECONDS = 0.2  # between two looks at what is done, at least


@dataclass(frozen=True)
class Progress:
    """What a step is doing now: tasks done of all its tasks."""

    stage: str
    title: str
    done: int
    total: int
    skipped: bool = False


Listener = Callable[[Progress], None]


@contextmanager
def watched(root: Path, step: Step, listener: Listener) -> Iterator[None]:
    """Report progress from the sidecars, since an engine's run blocks and reports nothing.

    It waits for 100 times as long as a look took, so that looking takes 1 % of a core however many tasks there are.
    """
    ended = threading.Event()

    def report() -> float:
        start = time.monotonic()
        listener(Progress(step.stage, step.title, finished_count(root, step), len(step.tasks)))
        return max(LOOK_SECONDS, 100 * (time.monotonic() - start))

    def look(pause: float) -> None:
        while not ended.wait(pause):
            pause = report()

    thread = threading.Thread(target=look, args=(report(),), daemon=True)
    thread.start()
    try:
        yield
        listener(Progress(step.stage, step.title, len(step.tasks), len(step.tasks)))
    finally:
        ended.set()
        thread.join()
