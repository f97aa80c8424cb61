"""What SPDX's list of licences has and the detector's list has not: names and texts.

In: `spdx_texts.json`, which `benchmarks/spdx_texts.py` makes from the published list: ids that are newer than the
detector, and texts that the detector has in other words. Out: texts by expression, and SPDX's ids for names of the
detector's own. Read once, 3 ms.
"""

import json
from functools import lru_cache
from importlib import resources
from typing import Any


def texts() -> dict[str, tuple[str, str]]:
    """For each SPDX id the expression in current ids that it stands for, and its text."""
    return {spdx: (entry["expression"], entry["text"]) for spdx, entry in _data()["texts"].items()}


def names() -> dict[str, str]:
    """SPDX ids by the name that the detector has for the same text.

    >>> names()["LicenseRef-scancode-wordnet"]
    'WordNet'
    """
    return dict(_data()["names"])


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(resources.files(__package__).joinpath("spdx_texts.json").read_text("utf-8"))
    return data
