"""What a pool's parent process does once, before it forks workers: load what they will share.

In: the environment variable GLEANERY_WARM, as module:function. Importing this module calls it. The licence index is
1.1 GB; forked workers share it and add about 0.12 GB each.
"""

import importlib
import os

_warm = os.environ.get("GLEANERY_WARM", "")
if _warm:
    _module, _name = _warm.split(":")
    getattr(importlib.import_module(_module), _name)()
