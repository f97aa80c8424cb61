"""Whether a tree states at all what a label says: the bound on what anybody can conclude from the tree.

In: the tables of a run. Out: for each file which answers (allow, deny, unknown ...) the policy gives to the licences
that its own head, or any licence file, notice, record, manifest or README of its folder or of one above, names in any
way. A label whose answer is not among them cannot be concluded from the tree: whoever wrote it knew more, or erred. It
is counted from the findings alone, not from what the product made of them.
"""

from collections.abc import Iterator
from pathlib import Path

from gleanery.licensing.expressions import parse
from gleanery.licensing.names import is_license_folder, license_role
from gleanery.licensing.paths import folder_of
from gleanery.licensing.policy import Policy
from gleanery.records.parquet import read_table


def stated_answers(root: Path, policy: Policy) -> dict[str, frozenset[str]]:
    """The answers for each file that was read, by file id."""
    heads, texts = _answers_of_contents(root, policy)
    files = [
        row
        for path in sorted((root / "tables/files").glob("*.parquet"))
        for row in read_table(path, ["repo_id", "file_id", "path", "blob_id"]).to_pylist()
        if row["blob_id"] is not None
    ]
    folders: dict[tuple[str, str], set[str]] = {}
    for row in files:
        if license_role(row["path"]) is not None:
            folder = folder_of(row["path"])
            folder = folder_of(folder) if is_license_folder(folder) else folder
            folders.setdefault((row["repo_id"], folder), set()).update(texts.get(row["blob_id"], ()))
    found = {}
    for row in files:
        answers = set(heads.get(row["blob_id"], ()))
        for folder in _above(row["path"]):
            answers |= folders.get((row["repo_id"], folder), set())
        found[row["file_id"]] = frozenset(answers)
    return found


def _above(path: str) -> Iterator[str]:
    """The folder of a path and all that it lies in, up to the root."""
    folder = folder_of(path)
    while folder:
        yield folder
        folder = folder_of(folder)
    yield ""


def _answers_of_contents(root: Path, policy: Policy) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The answers for the licences named in each content, by its id: in its head, and in it as a text or a record."""
    heads: dict[str, set[str]] = {}
    texts: dict[str, set[str]] = {}
    for path in sorted((root / "tables/license_findings").glob("*.parquet")):
        for row in read_table(path, ["blob_id", "scope", "expression"]).to_pylist():
            tree = parse(row["expression"] or "")
            if tree is not None:
                into = heads if row["scope"] == "head" else texts
                into.setdefault(row["blob_id"], set()).update(policy.answer_one(leaf) for leaf in tree.leaves())
    return heads, texts
