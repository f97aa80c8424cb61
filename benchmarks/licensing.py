"""`make bench-licensing`: how often the licence of a file is concluded right, against labels that no one here wrote."""

import argparse
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from labelled_licences import Package, cache, packages, pins
from licensing_verdicts import Verdict, verdicts

from gleanery.licensing.names import license_role
from gleanery.licensing.policy import ALLOW, DENY, Policy
from gleanery.quality.language import detect_language

MOST_FILES = 200  # of one package, so that no package rules the figures
CODE = ("programming", "markup")


@dataclass(frozen=True)
class Case:
    """One labelled file and what was said about it."""

    package: str
    path: str
    expected: str  # SPDX expression
    answer: str  # what the policy says of the expected expression: allow, deny, unknown
    category: str
    verdict: Verdict

    @property
    def right(self) -> bool:
        return self.verdict.allowed == (self.answer == ALLOW)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--half", choices=("dev", "test"), default="test")
    parser.add_argument("--errors", action="store_true", help="print each error of the development half")
    arguments = parser.parse_args()
    trees = list(packages([p for p in pins() if p.half == arguments.half]))
    cases = cases_of(trees)
    totals(trees, cases)
    if arguments.errors and arguments.half == "dev":
        errors(cases)


def cases_of(trees: Sequence[Package]) -> list[Case]:
    policy = Policy.load()
    said = verdicts({t.name: t.archive for t in trees}, cache() / "scans")
    found = []
    for tree in trees:
        for path in code_paths(tree):
            expected, verdict = tree.labels[path], said.get((tree.name, path))
            if verdict is not None:
                answer = policy.answer(expected) or ""
                found.append(Case(tree.name, path, expected, answer, policy.category(expected), verdict))
    return found


def code_paths(tree: Package) -> list[str]:
    import hashlib

    paths = []
    with tarfile.open(tree.archive) as tar:
        for member in tar:
            if member.name in tree.labels and license_role(member.name) not in ("license", "notice"):
                content = cast(IO[bytes], tar.extractfile(member)).read(1 << 16)
                if content and detect_language(member.name, content)[1] in CODE:
                    paths.append(member.name)
    paths.sort(key=lambda p: hashlib.blake2b(p.encode(), key=b"files").digest())
    return paths[:MOST_FILES]


def repo_class(cases: Iterable[Case]) -> tuple[bool, bool]:
    """(expected, said): whether most of a package's files may be kept."""
    every = list(cases)
    expected = sum(c.answer == ALLOW for c in every) * 2 > len(every)
    return expected, sum(c.verdict.allowed for c in every) * 2 > len(every)


def totals(trees: Sequence[Package], cases: Sequence[Case]) -> None:
    by_package = defaultdict(list)
    for case in cases:
        by_package[case.package].append(case)
    repos = [repo_class(found) for found in by_package.values()]
    restricted = [c for c in cases if c.answer == DENY]
    permissive = [c for c in cases if c.answer == ALLOW]
    print(len(trees), "packages", len(cases), "files", Counter(c.answer for c in cases))
    print("repo_correct", sum(a == b for a, b in repos) / len(repos))
    print("file_correct", sum(c.right for c in cases) / len(cases))
    print("restricted_accepted", sum(c.verdict.allowed for c in restricted) / len(restricted), len(restricted))
    print("permissive_recall", sum(c.verdict.allowed for c in permissive) / len(permissive), len(permissive))


def errors(cases: Sequence[Case]) -> None:
    groups = defaultdict(list)
    for case in cases:
        if not case.right:
            j, c = case.verdict.judgements["permissive"], case.verdict.conclusion
            groups[
                case.package, case.expected, j.reason, c.header_expression, c.directory_expression, j.evidence
            ].append(case)
    for (package, expected, reason, header, directory, evidence), found in sorted(groups.items(), key=str):
        print(f"\n{package}: {len(found)} files expected {expected}; said {reason}; head {header}; folder {directory}")
        for path in [c.path for c in found][:4]:
            print(f"    {path}")
        for sentence in evidence[:4]:
            print(f"    evidence: {sentence[:200]}")


if __name__ == "__main__":
    main()
