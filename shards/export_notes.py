"""What goes with every export: where its tokens come from, what was left out, and the notices that licences ask for.

In: a release, the form of the export, its settings and the removal list. Out: `export.json` for programs, `README.md`
for people (and for `datasets`, which reads from it which files are data), and `NOTICES.txt.gz`: that of the release, or
one that says nothing of what is left out. This room knows no notices: who calls hands in what writes such a one.
"""

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from gleanery.records.errors import StopRun
from gleanery.records.files import write_bytes
from gleanery.shards.masking import Removed
from gleanery.shards.store import Store

NOTICES, ABOUT, CARD = "NOTICES.txt.gz", "export.json", "README.md"
_DATA_FILES = """\
---
configs:
- config_name: default
  data_files: data/*.parquet
---
"""
_TEXT = """\
# Code for training, as {form}

The tokens of {documents} documents of the Gleanery release {release}. {removed}
{notices}{labels}
An export is a copy: what is removed from the release later still stands in it. Make it anew with the newest removal
list, and delete this one.

`export.json` says the same for programs, with all settings.
"""
_NOTICES_THERE = """
`NOTICES.txt.gz` holds the copyright lines and licence texts that the licences of these documents ask for. It has to go
with every copy.
"""
_LABELS = """
`labels` are already shifted: the label of a position is the token that should follow it, or -100. Give them to a loss
over all positions as they are. A model that shifts labels itself, as those of Hugging Face `transformers` do, would
learn to predict the token after the next one: leave `labels` out there, and give it `input_ids` with -100 wherever the
label of the position before is -100. Rows hold several files: keep attention within `seq_lengths`, with `position_ids`.
"""


# Takes a release, the files that are left out, and where to write the notices of all others.
Notices = Callable[[Path, Collection[str], Path], None]


def write_notes(
    folder: Path,
    root: Path,
    store: Store,
    form: str,
    removed: Removed,
    notices: Notices | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write all three into the folder of an export; a release without notices gives none.

    Raises StopRun if documents are left out and nobody hands in what writes the notices without them, and if they were
    looked up in another release.
    """
    removed.check_release(store.release)
    gone = len(removed.ordinals)
    _write_notices(folder, root, store, removed, notices)
    about = {
        "format": "gleanery-export-1",
        "form": form,
        "release": store.release,
        "documents": len(store) - gone,
        "removed": gone,
        "list": removed.digests[gone],
        "settings": dict(settings or {}),
    }
    write_bytes(folder / ABOUT, json.dumps(about, indent=1).encode() + b"\n")
    said = f"A removal list left out others: {gone:,}." if gone else "No document was left out."
    text = _TEXT.format(
        form=form,
        documents=len(store) - gone,
        release=store.release[:16],
        removed=said,
        notices=_NOTICES_THERE if (folder / NOTICES).is_file() else "",
        labels=_LABELS if form == "parquet" else "",
    )
    write_bytes(folder / CARD, ((_DATA_FILES if form == "parquet" else "") + text).encode())


def _write_notices(folder: Path, root: Path, store: Store, removed: Removed, notices: Notices | None) -> None:
    if not (root / NOTICES).is_file():
        return
    if not len(removed.ordinals):
        shutil.copyfile(root / NOTICES, folder / NOTICES)
        return
    if notices is None:
        raise StopRun(
            f"{NOTICES} of the release names whose documents are left out",
            "use `gleanery export`, or hand in notices=gleanery.release.notice_files.notices_without",
        )
    notices(root, store.file_ids().take(removed.ordinals).to_pylist(), folder / NOTICES)
