"""Makes licensing/spdx_texts.json: what SPDX's list has and the detector's list has not.

    python benchmarks/spdx_texts.py

In: SPDX's list as a published npm package carries it, and the detector's licence texts. Out: the texts of the ids for
which the detector's closest text is another licence or other words; and SPDX's new ids for texts that the detector has
under a name of its own. A rule decides, the same for every id. Run it when the detector or the list has a new version;
a minute.
"""

import json
from pathlib import Path
from typing import Any

from labelled_licences import cache
from licensing_texts import SPDX_TEXTS, current, ids_by_text, listed_texts

from gleanery.licensing.closest import KnownTexts
from gleanery.licensing.index import scancode_parts
from gleanery.licensing.known_texts import texts_of_rules
from gleanery.licensing.matches import words_in
from gleanery.licensing.reading import owner_lines

OUT = Path(__file__).parents[1] / "licensing/spdx_texts.json"
# The same text but for a few words.
_NEAR = 0.95


def main() -> None:
    """Write the file."""
    scancode = scancode_parts()
    rules = sorted(texts_of_rules(), key=lambda rule: (not rule.is_from_license, str(rule.identifier)))
    known = KnownTexts([scancode.index.tids_by_rid[rule.rid] for rule in rules])
    texts, names = {}, {}
    listed = listed_texts(cache())
    same = ids_by_text(listed)
    for spdx, text in sorted(listed.items()):
        if current(spdx) != spdx and " WITH " not in current(spdx):
            continue  # an old id for the text of a current one
        lines = text.splitlines()
        words = words_in(lines).without_lines(owner_lines(lines)).words
        closest = known.closest([scancode.index.dictionary.get(word, -1) for word in words], _NEAR)
        rule = None if closest is None else rules[closest.number]
        said = None if rule is None else _listed(rule)
        if spdx.lower() not in scancode.symbols and rule is not None and rule.is_from_license and _is_own_name(said):
            names[str(said)] = spdx
        if closest is None or said not in same[spdx]:
            texts[spdx] = {"expression": current(spdx), "text": text}
    source = f"{SPDX_TEXTS.locator} {SPDX_TEXTS.version} (npm, CC0-1.0)"
    data = {"made_from": source, "names": names, "texts": texts}
    OUT.write_text(json.dumps(data, indent=0, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    print(f"{len(texts)} texts, {len(names)} names")


def _listed(rule: Any) -> str:
    """The expression of a rule in the detector's own spelling, without the names that this file gives."""
    scancode = scancode_parts()
    return str(scancode.cache.build_spdx_license_expression(rule.license_expression, licensing=scancode.licensing))


def _is_own_name(said: str | None) -> bool:
    return said is not None and said.startswith("LicenseRef-scancode-") and " " not in said


if __name__ == "__main__":
    main()
