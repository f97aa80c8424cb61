"""What the parent of all worker processes does once, where it is started afresh: load what they will share.

In: nothing. Out: nothing but loaded modules, at the import of this one. See parents.py.
"""

import signal

from gleanery.pipeline.parents import load_stages

signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes tells all its processes; the driver ends this one
load_stages()
