"""`make bench-licensing`: how often the licence of a file is concluded right, against labels that no one here wrote.

In: Debian's records for real packages (`labelled_licences.py`), records that public repositories hold themselves
(`labelled_repositories.py`), packages with restricted folders or without a licence (`stated_licences.py`), SPDX's
texts and another detector's fixtures (`licensing_texts.py`), answers of scancode's full matcher
(`licensing_full_matcher.py`). Out: the metrics, with the usual methods beside them (`licensing_peers.py`), and
`results/licensing_confusion.md`. All that is ours comes out of a real run (`licensing_verdicts.py`). Low and high are
the 5th and the 95th of 100 draws of packages with replacement (200 are drawn).

Only totals of the test half are printed. `--half dev --errors` prints each error of the development half.
"""

import argparse
import importlib
import random
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from corpus import code_files
from labelled_licences import Package, cache, code_paths, packages, pins
from labelled_repositories import repositories, repository_packages
from licensing_differences import Difference, explained
from licensing_full_matcher import digest_of, sample, table
from licensing_peers import peers
from licensing_texts import archive_of, as_expected, fixtures, spdx_texts
from licensing_verdicts import Verdict, verdicts
from measuring import RESULTS, Metric, report
from stated_licences import stated_packages

from gleanery.licensing.answers import ALLOW, DENY
from gleanery.licensing.policy import Policy

_DRAWS = 200


@dataclass(frozen=True)
class Case:
    """One labelled file and what was said about it. `answer` is what the policy says of the expected licence."""

    package: str
    kind: str
    path: str
    expected: str
    answer: str | None
    category: str
    verdict: Verdict

    @property
    def right(self) -> bool:
        """Whether the file is kept exactly if the policy allows the expected licence."""
        return self.verdict.allowed == (self.answer == ALLOW)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small part of everything: under a minute")
    parser.add_argument("--half", choices=("dev", "test"), default="test", help="which half of the labelled packages")
    parser.add_argument("--errors", action="store_true", help="print each error of the development half and stop")
    arguments = parser.parse_args()
    chosen = [pin for pin in pins() if pin.half == arguments.half]
    trees = list(packages(chosen[:8] if arguments.quick else chosen))
    cases = cases_of(trees)
    half = "dev" if arguments.half == "dev" else "unread"
    fetched = [one for one in repositories() if one.half == half]
    theirs = cases_of(list(repository_packages(fetched[:4] if arguments.quick else fetched)))
    if arguments.errors:
        print_errors([*cases, *theirs] if arguments.half == "dev" else [])
        return
    stated = [] if arguments.quick else list(stated_packages())
    found = labelled_metrics(trees, cases, cases_of(stated))
    if theirs:  # none without a way to the forge
        found += [replace(one, metric=f"repositories_{one.metric}") for one in metrics_of(theirs, {})]
    found += text_metrics(64 if arguments.quick else 4, 0 if arguments.half == "test" else 1)
    found += full_matcher_metrics(arguments.quick)
    found += speed_metrics(arguments.quick)
    write_confusion(cases)
    report("licensing", found)


# ---- labelled packages -----------------------------------------------------------------------------------------------


def cases_of(trees: Sequence[Package]) -> list[Case]:
    """The labelled files of code of some packages, at most `MOST_FILES` of each, with our verdict on them."""
    policy = Policy.load()
    said = verdicts({tree.name: tree.archive for tree in trees}) if trees else {}
    found = []
    for tree in trees:
        for path in code_paths(tree):
            expected, verdict = tree.labels[path], said.get((tree.name, path))
            if verdict is not None:  # others are too large to be read
                answer, category = policy.answer(expected), policy.category(expected)
                found.append(Case(tree.name, tree.kind, path, expected, answer, category, verdict))
    return found


Accepts = Callable[[Case], bool]
Groups = Sequence[Sequence[Case]]  # by package


def labelled_metrics(trees: Sequence[Package], cases: list[Case], stated: list[Case]) -> list[Metric]:
    """The metrics of the labelled packages, with those of the usual methods."""
    others: dict[str, Accepts] = {}
    for name, said in peers(trees).items():
        others[name] = lambda case, said=said: said(case.package, case.path)  # type: ignore[misc]
    nested = [c for c in stated if c.kind == "nested" and c.answer == DENY]
    granted = [c for c in stated if c.kind == "nested" and c.answer == ALLOW]
    print(
        f"{len(trees)} packages, {len(cases)} files; "
        f"labels that cannot be mapped: {sum(sum(t.unmapped.values()) for t in trees)} files"
    )
    found = metrics_of(cases, others)
    if stated:
        found.append(_measured("nested_restricted_accepted", nested, _accepted, {}))
        found.append(_measured("nested_permissive_recall", granted, _accepted, {}))
        found.append(_measured("no_license_accepted", [c for c in stated if c.kind == "none"], _accepted, {}))
    return found


def metrics_of(cases: list[Case], others: Mapping[str, Accepts]) -> list[Metric]:
    """How many packages and files of some labels are right, and what of their files is kept."""
    restricted = [c for c in cases if c.answer == DENY]
    permissive = [c for c in cases if c.answer == ALLOW]
    print(f"{len(cases)} files: {len(permissive)} permissive, {len(restricted)} restricted")
    found = [
        _measured("repo_correct", cases, _repositories_right, others),
        _measured("file_correct", cases, _files_right, others),
        _measured("permissive_recall", permissive, _accepted, others),
        _measured("restricted_accepted", restricted, _accepted, others),
    ]
    if any("strict" in case.verdict.judgements for case in cases):
        found.append(_measured("restricted_accepted_strict", restricted, lambda them, _: _accepted(them, _strict), {}))
    found.append(_measured("restricted_accepted_head_silent", restricted, _accepted_in_silence, {}))
    return [*found, *_where_stated(cases)]


def _where_stated(cases: list[Case]) -> list[Metric]:
    """The same figures on the files whose tree states for them, anywhere and in any way, what the label says; and the
    bound: what the figures would be if all of those were judged as labelled, and the others as they are now."""
    known = [c for c in cases if _is_stated(c)]
    permissive = [c for c in known if c.answer == ALLOW]
    restricted = [c for c in known if c.answer == DENY]
    return [
        _share("label_stated", [_is_stated(c) for c in cases], {}),
        _measured("file_correct_where_stated", known, _files_right, {}),
        _measured("permissive_recall_where_stated", permissive, _accepted, {}),
        _measured("restricted_accepted_where_stated", restricted, _accepted, {}),
        _share("file_correct_bound", [_is_stated(c) or c.right for c in cases], {}),
        _share("permissive_recall_bound", [_is_stated(c) or c.right for c in cases if c.answer == ALLOW], {}),
        _share("restricted_accepted_bound", [_ours(c) and not _is_stated(c) for c in cases if c.answer == DENY], {}),
    ]


def _is_stated(case: Case) -> bool:
    return case.answer in case.verdict.stated


def _ours(case: Case) -> bool:
    return case.verdict.allowed


def _strict(case: Case) -> bool:
    return case.verdict.judgements["strict"].allowed


def _files_right(packages: Groups, accepts: Accepts) -> float:
    right = [accepts(c) == (c.answer == ALLOW) for group in packages for c in group]
    return sum(right) / len(right)


def _accepted(packages: Groups, accepts: Accepts) -> float:
    accepted = [accepts(c) for group in packages for c in group]
    return sum(accepted) / len(accepted)


def _accepted_in_silence(packages: Groups, accepts: Accepts) -> float:
    """Accepted although the file's own head does not name a licence. The others say what they are under, and the
    maintainer's record is coarser than the file, as for the FSF's own notices in generated build files."""
    return _accepted(packages, lambda c: accepts(c) and c.verdict.conclusion.header_expression is None)


def _repositories_right(packages: Groups, accepts: Accepts) -> float:
    """A package counts as permissive if most of its files are."""
    right = [
        (sum(map(accepts, group)) * 2 > len(group)) == (sum(c.answer == ALLOW for c in group) * 2 > len(group))
        for group in packages
    ]
    return sum(right) / len(right)


def _by_package(cases: Iterable[Case]) -> list[list[Case]]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.package].append(case)
    return list(groups.values())


def _measured(
    name: str, cases: list[Case], figure: Callable[[Groups, Accepts], float], others: Mapping[str, Accepts]
) -> Metric:
    """The figure, its spread over draws of packages, and the same figure of other methods."""
    if not cases:
        return Metric(name, float("nan"), "of none", float("nan"), float("nan"))
    chance, groups = random.Random(name), _by_package(cases)
    draws = sorted(figure([chance.choice(groups) for _ in groups], _ours) for _ in range(_DRAWS))
    low, high = draws[_DRAWS // 20], draws[-_DRAWS // 20]
    unit = "of packages" if name == "repo_correct" else "of files"
    beside = {peer: figure(groups, said) for peer, said in others.items()}
    return Metric(name, figure(groups, _ours), unit, low, high, beside)


# ---- texts, and the full matcher -------------------------------------------------------------------------------------


def text_metrics(share: int, part: int) -> list[Metric]:
    """Known texts: how many are concluded to be what they are, by how they were changed."""
    texts = [*spdx_texts(cache(), share, part), *fixtures()]
    archive = cache() / "texts.tar"
    archive_of(texts, archive)
    said = verdicts({"texts": archive})
    expressions = {
        t.folder: v.conclusion.directory_expression for t in texts if (v := said.get(("texts", f"{t.folder}/main.py")))
    }
    right = as_expected(texts, expressions)
    how = {name: [right[t.folder] for t in texts if t.how == name] for name in ("plain", "filled", "edited", "fixture")}
    listed = [one for name in ("plain", "filled", "edited") for one in how[name]]
    found = [
        _share("known_texts", listed, {f"only {name}": sum(how[name]) / len(how[name]) for name in how if how[name]})
    ]
    if how["fixture"]:
        found.append(_share("fixtures_of_another_detector", how["fixture"], {}))
    policy = Policy.load()
    allowed = {t.folder: (t, {policy.answer(spdx) == ALLOW for spdx in t.right}) for t in texts if t.how != "fixture"}
    same = [
        (policy.answer(expressions.get(folder)) == ALLOW) in answers for folder, (_, answers) in sorted(allowed.items())
    ]
    found.append(_share("known_texts_same_verdict", same, {}))
    return found


def _share(name: str, right: Sequence[bool], beside: dict[str, float]) -> Metric:
    value = sum(right) / len(right)
    return Metric(name, value, f"of {len(right)}", value, value, beside)


def full_matcher_metrics(quick: bool) -> list[Metric]:
    """The class of each file of a random sample: ours by head or whole, against that of the full matcher."""
    answers = table()
    if quick:
        files = {
            digest_of(f.content): (f"{f.repo}/{f.path}", f.content)
            for f in code_files(20)
            if digest_of(f.content) in answers
        }
    else:
        files = {s.digest: (s.name, s.content) for s in sample(len(answers)) if s.digest in answers}
    if not files:
        print("left out: same_class, since its table is of another version of scancode")
        return []
    archive = cache() / "sample.tar"
    with tarfile.open(archive, "w") as tar:
        for digest, (name, content) in sorted(files.items()):
            member = tarfile.TarInfo(f"{digest}/{name.rpartition('/')[2]}")
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    policy = Policy.load()
    said = {path.partition("/")[0]: v.conclusion for (_, path), v in verdicts({"sample": archive}).items()}
    pairs = []
    for digest in sorted(files):
        ours = said[digest].header_expression or said[digest].directory_expression if digest in said else None
        pairs.append((_class(policy, ours), _class(policy, answers[digest]), digest, ours))
    differences = [
        Difference(*files[digest], ours, said, full, answers[digest])
        for ours, full, digest, said in pairs
        if ours != full
    ]
    projects: dict[str, list[bool]] = defaultdict(list)
    for ours, full, digest, _ in pairs:
        projects[_project(files[digest][0])].append(ours == full)
    # One project with one odd head in each file can rule a share of files; of projects it is one.
    shares = sorted(sum(same) / len(same) for same in projects.values())
    found = [_share("same_class", [ours == full for ours, full, _, _ in pairs], {})]
    share = explained(differences, policy)
    found.append(Metric("same_class_explained", share, f"of {len(differences)} differences", share, share))
    mean = sum(shares) / len(shares)
    return [*found, Metric("same_class_by_project", mean, f"mean of {len(shares)} projects", shares[0], shares[-1])]


def _project(name: str) -> str:
    """The project of a file such as npm/@angular/core/index.js: npm/@angular/core."""
    parts = name.split("/")
    return "/".join(parts[: 3 if parts[1].startswith("@") else 2])


def _class(policy: Policy, expression: str | None) -> str:
    answer = policy.answer(expression)
    return {ALLOW: "permissive", DENY: "restricted"}.get(answer or "", "none or unknown")


def speed_metrics(quick: bool) -> list[Metric]:
    """What `licensing_speed.py` measures."""
    found: list[Metric] = importlib.import_module("licensing_speed").speed_metrics(quick)
    return found


# ---- what people read ------------------------------------------------------------------------------------------------


def write_confusion(cases: Sequence[Case]) -> None:
    """Expected and concluded category of each file, as a table, and the same by kind of package."""
    names = ("public-domain", "permissive", "weak-copyleft", "copyleft", "restricted", "unknown", "none")
    lines = [
        "# Which category a file has, and which one was concluded",
        "",
        "Rows: Debian's records. Columns: ours.",
        "",
    ]
    lines += ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    counts = Counter((c.category, c.verdict.category) for c in cases)
    for row in names:
        if any(counts[row, column] for column in names):
            lines.append(f"| {row} | " + " | ".join(str(counts[row, column]) for column in names) + " |")
    lines += ["", "| kind of package | packages | files | right |", "|---|---|---|---|"]
    for kind in sorted({c.kind for c in cases}):
        of_kind = [c for c in cases if c.kind == kind]
        right = sum(c.right for c in of_kind) / len(of_kind)
        lines.append(f"| {kind} | {len(_by_package(of_kind))} | {len(of_kind)} | {right:.3f} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "licensing_confusion.md").write_text("\n".join(lines) + "\n", "utf-8")


def print_errors(cases: Sequence[Case]) -> None:
    """Each error, grouped where package, label and evidence are the same."""
    groups: dict[tuple[str, ...], list[Case]] = defaultdict(list)
    for case in cases:
        if not case.right:
            judgement, conclusion = case.verdict.judgements["permissive"], case.verdict.conclusion
            said = f"{judgement.reason}; head {conclusion.header_expression}; folder {conclusion.directory_expression}"
            groups[case.package, case.expected, said, *judgement.evidence[:4]].append(case)
    for (package, expected, said, *evidence), found in sorted(groups.items()):
        print(f"\n{package}: {len(found)} files expected {expected or 'no licence'}; said {said}")
        print("".join(f"    {case.path}\n" for case in found[:4]), end="")
        print("".join(f"    evidence: {sentence[:200]}\n" for sentence in evidence), end="")
    print(f"\n{sum(c.right for c in cases)} of {len(cases)} files right")


if __name__ == "__main__":
    main()
