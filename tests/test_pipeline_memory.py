"""Peak memory counts what a process and its children hold, and shared pages once."""

import os
import subprocess
import sys
import time

import pytest

from gleanery.pipeline.memory import SECONDS, PeakMemory

HELD = 200 << 20


def test_what_a_child_holds_is_counted() -> None:
    with PeakMemory() as before:
        time.sleep(2 * SECONDS)
    program = f"import time; held = b'x' * {HELD}; print(flush=True); time.sleep({4 * SECONDS})"
    with PeakMemory() as memory, subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.wait()
    assert HELD < memory.peak - before.peak < 1.5 * HELD


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="no proportional set size on this system")
def test_what_two_processes_share_is_counted_once() -> None:
    program = f"import os, time; held = b'x' * {HELD}; os.fork(); print(flush=True); time.sleep({4 * SECONDS})"
    with PeakMemory() as before:
        time.sleep(2 * SECONDS)
    with PeakMemory() as memory:
        subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=True)
        time.sleep(SECONDS)
    assert HELD < memory.peak - before.peak < 1.5 * HELD
