"""Peak memory counts what a process and its children hold, and shared pages once."""

import os
import subprocess
import sys

import pytest

HELD = 200 << 20
# In a process of its own: to look at one that holds as much as a test's takes longer, and is done less often.
WATCHED = """
import subprocess, sys, time
from gleanery.pipeline.memory import SECONDS, PeakMemory
with PeakMemory() as before:
    time.sleep(2 * SECONDS)
with PeakMemory() as memory:
    subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
print(memory.peak - before.peak)
"""


def peak_of(program: str) -> int:
    done = subprocess.run([sys.executable, "-c", WATCHED, program], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_what_a_child_holds_is_counted() -> None:
    assert HELD < peak_of(f"import time; held = b'x' * {HELD}; time.sleep(3)") < 1.5 * HELD


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="no proportional set size on this system")
def test_what_two_processes_share_is_counted_once() -> None:
    program = f"import os, time; held = b'x' * {HELD}; child = os.fork(); time.sleep(3); child and os.wait()"
    assert HELD < peak_of(program) < 1.5 * HELD
