"""
widget.frob
~~~~~~~~~~~

Frobs widgets.

:copyright: (c) 2011 by Nora Nobody.
:license: MIT, see LICENSE for more details.
"""
import os
