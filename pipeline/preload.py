"""What a pool's parent process does once, before it forks workers: load what they will share.

In: the environment variable GLEANERY_WARM, as module:function, or nothing. Out: nothing but loaded modules. Importing
this module imports the stages and calls that function. The licence index is 1.1 GB; forked workers share it and add
about 0.12 GB each.
"""

import contextlib
import importlib
import os
import signal

from gleanery.records.errors import GleaneryError

signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes tells all its processes; the driver ends this one

_STAGES = ("1_crawl", "2_conclude", "3_cluster", "4_select", "5_redact", "6_pack", "7_release")
for _stage in _STAGES:
    importlib.import_module(f"gleanery.pipeline.stage{_stage}")

_warm = os.environ.get("GLEANERY_WARM", "")
if _warm:
    _module, _name = _warm.split(":")
    with contextlib.suppress(MemoryError, GleaneryError):  # the first task meets it too, and tells it to people
        getattr(importlib.import_module(_module), _name)()
