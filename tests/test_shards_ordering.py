"""Files stand behind what they import, in every language whose imports are read; hostile texts cost little."""

import json
import posixpath
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gleanery.shards import ordering
from gleanery.shards.imports import LANGUAGES, MOST_IMPORTS, module_of, requests_of
from gleanery.shards.ordering import BY_IMPORTS, BY_PATH, dependencies_first, order_of
from gleanery.shards.paths import Paths, Request

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "shards" / "imports.json").read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(CASES))
def test_imports_are_found_among_the_files_of_the_repository(name: str) -> None:
    files = CASES[name]["files"]
    modules = {module_of(file["text"]): path for path, file in files.items() if path.endswith("go.mod")}
    paths = Paths(list(files), {str(module): posixpath.dirname(path) for module, path in modules.items()})
    found = {}
    for path, file in files.items():
        asked = requests_of(path, file["language"], file["text"])
        needs = sorted({paths.paths[n] for request in asked for n in paths.of(request, path)})
        if needs:
            found[path] = needs
    assert found == CASES[name]["needs"]


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_file_stands_behind_what_it_imports(name: str) -> None:
    files = CASES[name]["files"]
    order, ordered_by = order_of((path, file["language"], file["text"]) for path, file in files.items())
    assert sorted(order) == list(range(len(files)))
    assert ordered_by == BY_IMPORTS
    assert [list(files)[n] for n in order] == CASES[name]["order"]


def test_every_language_that_is_read_has_a_case() -> None:
    tried = {file["language"] for case in CASES.values() for file in case["files"].values()}
    assert set(LANGUAGES) <= tried


@pytest.mark.parametrize(
    "asked", ["github.com/Spf13/cobra", "github.com/spf13/cobra/v2", "github.com/spf13/cobra/v2/doc"]
)
def test_without_a_go_mod_the_name_of_the_repository_means_its_top_folder(asked: str) -> None:
    imported = "doc/a.go" if asked.endswith("doc") else "z.go"
    files = [
        ("cobra/cobra.go", "Go", f'package main\nimport "{asked}"\n'),
        ("doc/a.go", "Go", "package doc\n"),
        ("z.go", "Go", "package cobra\n"),
    ]
    paths = [path for path, _, _ in files]
    order, ordered_by = order_of(files, "spf13/cobra")
    assert [paths[n] for n in order].index(imported) < [paths[n] for n in order].index("cobra/cobra.go")
    assert ordered_by == BY_IMPORTS


def test_of_two_modules_of_one_name_the_first_by_path_counts() -> None:
    files = [
        ("a/go.mod", "Go Module", "module example.com/tool\n"),
        ("a/main.go", "Go", "package a\n"),
        ("b/go.mod", "Go Module", "module example.com/tool\n"),
        ("b/main.go", "Go", "package b\n"),
        ("0.go", "Go", 'package main\nimport "example.com/tool"\n'),
    ]
    for one in (files, files[::-1]):
        order, _ = order_of(one)
        assert [one[n][0] for n in order] == ["a/main.go", "0.go", "a/go.mod", "b/go.mod", "b/main.go"]


def test_files_without_imports_stand_by_path() -> None:
    files = [("b.txt", None, "import a"), ("a.py", "Python", "import json"), ("a.cob", "COBOL", "")]
    assert order_of(files) == ([2, 1, 0], BY_PATH)
    assert order_of([]) == ([], BY_PATH)


GRAPHS = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, n - 1), max_size=4), min_size=n, max_size=n)
)


@given(GRAPHS)
def test_every_file_comes_once_and_only_circles_are_cut(needs: list[list[int]]) -> None:
    order = dependencies_first(range(len(needs)), needs)
    assert sorted(order) == list(range(len(needs)))
    place = {number: at for at, number in enumerate(order)}

    def reaches(start: int, goal: int) -> bool:
        seen, todo = set(), [start]
        while todo:
            here = todo.pop()
            if here == goal:
                return True
            if here not in seen:
                seen.add(here)
                todo += needs[here]
        return False

    for number, needed in enumerate(needs):
        for other in needed:
            assert place[other] <= place[number] or reaches(other, number)


@given(st.permutations(sorted(CASES["python"]["files"])))
def test_the_order_does_not_depend_on_the_order_of_the_input(paths: list[str]) -> None:
    files = CASES["python"]["files"]
    order, _ = order_of((path, files[path]["language"], files[path]["text"]) for path in paths)
    assert [paths[n] for n in order] == CASES["python"]["order"]


@given(st.sampled_from(sorted(LANGUAGES)), st.text(max_size=200), st.text(max_size=30))
def test_any_text_and_path_can_be_read(language: str, text: str, path: str) -> None:
    known = Paths([path, "a.py", "src/b.rs"])
    for request in requests_of(path, language, text):
        assert all(0 <= n < 3 for n in known.of(request, path))


@pytest.mark.parametrize(
    "unit",
    [
        "import ",
        "from . import (\n",
        "use crate::",
        "use crate::{a{b,",
        "use crate::{a::{",
        'import "',
        '#include "',
        "require(",
        "a.",
        "\t\n",
    ],
)
def test_a_text_made_to_be_slow_ends(unit: str) -> None:
    for language in LANGUAGES:
        assert len(requests_of("a/b.x", language, unit * 100_000)) <= MOST_IMPORTS


def test_a_file_in_very_many_folders_stands_by_its_path() -> None:
    deep = "a/" * 2000
    asking = "".join(f"import x{n}\n" for n in range(5000))
    files = [(f"{deep}{n}.py", "Python", asking) for n in range(50)] + [("x1.py", "Python", "")]
    assert order_of(files)[1] == BY_PATH


def test_only_so_many_imports_of_a_repository_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(f"m{n}.py", "Python", f"import m{n + 1}\n") for n in range(6)]
    assert order_of(files)[0] == [5, 4, 3, 2, 1, 0]
    monkeypatch.setattr(ordering, "MOST_REQUESTS", 2)
    assert order_of(files)[0] == [2, 1, 0, 3, 4, 5]


def test_a_chain_of_many_files_needs_no_deep_stack() -> None:
    files = [(f"m{n:05d}.py", "Python", f"import m{n + 1:05d}\n") for n in range(20_000)]
    order, _ = order_of(files)
    assert order == list(reversed(range(20_000)))


GO_NAMES = st.sampled_from(["a.go", "b.go", "a_test.go", "b_test.go", "c.txt", "_test.go", ".go"])
GO_FOLDERS = st.lists(st.sampled_from(["x", "y", "z"]), max_size=3).map("/".join)


@given(
    st.lists(st.tuples(GO_FOLDERS, GO_NAMES), max_size=30, unique=True),
    st.lists(GO_FOLDERS, min_size=1, max_size=5),
)
def test_a_go_import_means_the_files_of_the_folder_that_its_longest_ending_names(
    files: list[tuple[str, str]], asked: list[str]
) -> None:
    paths = [f"{folder}/{name}" if folder else name for folder, name in files]
    for name in asked:
        whole, expected = f"host.org/{name}" if name else "host.org/", list[int]()
        ending = whole
        while "/" in ending:
            ending = ending.split("/", 1)[1]
            there = [n for n, path in enumerate(paths) if path.rpartition("/")[0] == ending and path.endswith(".go")]
            if there:
                expected = [n for n in there if not paths[n].endswith("_test.go")]
                break
        assert Paths(paths).of(Request((whole,), ("/*",)), "main.go") == expected


def test_a_large_folder_of_go_files_is_not_read_for_each_import() -> None:
    """Counted, not timed: what is asked of a path while imports are looked up does not grow with the folder."""
    asked = 0

    class Path_(str):
        def endswith(self, *ending: Any) -> bool:
            nonlocal asked
            asked += 1
            return super().endswith(*ending)

    known = Paths([Path_(f"pkg/f{n}.go") for n in range(2000)])
    asked = 0
    found = [known.of(Request((f"h{n}.io/pkg",), ("/*",)), "main.go") for n in range(100)]
    assert found == [list(range(64))] * 100 and asked < 100 * 64
