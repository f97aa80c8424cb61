"""How the repositories of `labels/repositories.toml` were chosen: by a rule, and before any tool had seen them.

    python benchmarks/licensing_repository_choice.py FOLDER > benchmarks/labels/repositories.toml

In: a folder of bare git repositories, `FOLDER/OWNER+NAME/repo` or `.../repo/.git`. Out: the pins, each with the commit
that its HEAD names. The candidates were the repositories of an index of public repositories that hold a file
debian/copyright: the first hundred by name, and those of organisations and projects that came to mind, in no order and
for no answer of ours. The rule: debian/copyright is machine readable, is no template that nobody filled in, and names
for `Files: *` a licence that we can map; the tree without `debian/` has 5 to 6,000 files, at most 100 MB, and at least
3 labelled files of code; no project of that name is among the packages of `labels/debian.toml`. Of two repositories of
one project the first counts, and of one owner at most `PER_OWNER`, in the order of a keyed hash.
"""

import hashlib
import json
import re
import sys
import tarfile
from collections import Counter
from pathlib import Path

from labelled_licences import Missing, code_paths, paragraphs_of, pins
from labelled_repositories import Repository, git, keep, package_of
from licensing_choice import QUOTAS, kinds_of

from gleanery.licensing.answers import ALLOW, DENY
from gleanery.licensing.policy import Policy

PER_OWNER = 5
BY_HAND = {"linuxmint/cjs"}  # a fork of gjs, which is among the packages under that name
_FEWEST_FILES, _MOST_FILES, _MOST_BYTES, _FEWEST_CODE = 5, 6000, 100_000_000, 3
_TEMPLATE = re.compile(r"<(?:years>|put author|likewise|url://|special|insert)", re.IGNORECASE)
_AFFIXES = re.compile(
    r"^(?:deb|debian|pkg|golang-github|golang|python|node|ruby|php|operations-debs|lib)-|^lib|"
    r"-(?:debian\d*|debian-downstream|deb|dkms|core)$"
)


def main() -> None:
    """Print the pins."""
    taken = {project_of(pin.name) for pin in pins()} | {project_of(pin.upstream.split("/")[3]) for pin in pins()}
    owners, chosen = Counter[str](), []
    for folder in sorted(Path(sys.argv[1]).iterdir(), key=_order):
        bare = next((g for g in (folder / "repo", folder / "repo" / ".git") if (g / "HEAD").is_file()), None)
        if bare is None:
            continue
        try:
            one = _chosen(folder.name.replace("+", "/", 1), bare, taken, owners)
        except (Missing, tarfile.TarError, UnicodeError) as why:
            print(f"# passed over: {folder.name}: {why}", file=sys.stderr)
            continue
        chosen.append(one)
        owners[one.name.partition("/")[0].lower()] += 1
        taken.add(project_of(one.name.partition("/")[2]))
    print(
        "# Public repositories that record a licence for each of their files. Made by licensing_repository_choice.py."
    )
    for one in sorted(chosen, key=lambda r: r.name):
        print("\n[[repository]]")
        print("\n".join(f"{key} = {json.dumps(value)}" for key, value in vars(one).items()))


def _order(folder: Path) -> bytes:
    return hashlib.blake2b(folder.name.encode(), key=b"choice").digest()


def project_of(name: str) -> str:
    """The name of a project without what packagers put around it.

    >>> project_of("qpdfview-debian"), project_of("libsearpc")
    ('qpdfview', 'searpc')
    """
    name = name.lower().replace("_", "-")
    while (shorter := _AFFIXES.sub("", name)) and shorter != name:
        name = shorter
    return name


def _chosen(name: str, bare: Path, taken: set[str], owners: Counter[str]) -> Repository:
    owner, _, project = name.partition("/")
    if project_of(project) in taken or name in BY_HAND:
        raise Missing("a project of this name is there")
    if owners[owner.lower()] >= PER_OWNER:
        raise Missing("its owner has enough")
    one = Repository(name, git(bare, "rev-parse", "HEAD").decode().strip(), "")
    keep(one, bare)
    text = one.archive.with_suffix(".copyright").read_text("utf-8", "replace")
    if _TEMPLATE.search(text):
        raise Missing("its debian/copyright is a template")
    with tarfile.open(one.archive) as tar:
        members = tar.getmembers()
    if not _FEWEST_FILES <= len(members) <= _MOST_FILES or sum(m.size for m in members) > _MOST_BYTES:
        raise Missing("its tree is too small or too large")
    fits = kinds_of(paragraphs_of(text), any(re.fullmatch(r"LICENSES/[^/]+\.txt", m.name) for m in members))
    if not fits:
        raise Missing("no licence of its own that can be mapped")
    policy, tree = Policy.load(), package_of(one)
    code = [policy.answer(tree.labels[path]) for path in code_paths(tree)]
    if sum(answer in (ALLOW, DENY) for answer in code) < _FEWEST_CODE:
        raise Missing("it has too little code")
    return Repository(one.name, one.commit, next(kind for kind in QUOTAS if kind in fits))


if __name__ == "__main__":
    main()
