"""Notices: nothing that a licence asks for is lost, each text stands once, and a document takes its notice with it."""

import dataclasses
import gzip
import hashlib
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_folder import RunBuilder, from_file, own, write_run, write_store

from gleanery.licensing.names import license_role
from gleanery.licensing.texts import license_text
from gleanery.pipeline.settings import LicensingSettings, Settings
from gleanery.pipeline.stage7_release import license_facts
from gleanery.records.ids import blob_id
from gleanery.release.assemble import assemble
from gleanery.release.notice_files import notices_without, take_out, write_notices
from gleanery.release.notice_texts import without_owners
from gleanery.release.notices import make_notices
from gleanery.sql.questions import ask, questions, tables_of

MIT = (license_text("MIT") or "").strip()
FACTS = license_facts(Settings())


def licence(holder: str, ends: str = "\n") -> str:
    """An MIT licence file of somebody."""
    return f"MIT License\n\nCopyright (c) 2020 {holder}\n\n{MIT}\n".replace("\n", ends)


def builder() -> RunBuilder:
    """Two MIT projects, one of them with notices and third-party code, and files with heads of their own."""
    build = RunBuilder()
    ann, bob = build.repo("ann/app"), build.repo("bob/app")
    for repo, text, holder in ((ann, licence("Ann"), "Ann"), (bob, licence("Bob", "\r\n"), "Bob")):
        build.finding(text, "MIT", (f"Copyright (c) 2020 {holder}",), scope="whole")
        build.file(repo, "LICENSE", text, "language_not_wanted", **from_file("LICENSE", text, "MIT"))
        build.file(repo, "main.py", f"print('{holder}')\n", **from_file("LICENSE", text, "MIT"))
    notice, cut_off = "Ann's tool\nCopyright 2019 Carol Invented\n", "No such letter: \xe9\n".encode("latin-1")
    build.finding(notice, None, ("Copyright 2019 Carol Invented",), scope="whole")
    build.file(ann, "NOTICE", notice, "language_not_wanted")
    build.file(ann, "sub/NOTICE.txt", "A second notice.\n", "language_not_wanted")
    build.file(ann, "sub/part.py", "part = 1\n", **from_file("LICENSE", licence("Ann"), "MIT"))
    build.skipped(ann, "deep/NOTICE", "too_large")
    apache = "# SPDX-License-Identifier: Apache-2.0\n# Copyright 2021 Dora Invented\nx = 1\n"
    build.finding(apache, "Apache-2.0", ("Copyright 2021 Dora Invented",))
    build.file(ann, "vendor/dora/x.py", apache, **own("vendor/dora/x.py", apache, "Apache-2.0"))
    both = "# SPDX-License-Identifier: MIT OR GPL-2.0-only\ny = 2\n"
    build.finding(both, "MIT OR GPL-2.0-only")
    build.file(bob, "both.py", both, **own("both.py", both, "MIT OR GPL-2.0-only"))
    free = "# Unlicense\nz = 3\n"
    build.finding(free, "Unlicense")
    build.file(bob, "free.py", free, **own("free.py", free, "Unlicense"))
    reuse = f"My own words\n\nCopyright 2001 Emil Invented\n\n{license_text('ISC')}"
    build.finding(reuse, "ISC", ("Copyright 2001 Emil Invented",), scope="whole")
    build.file(bob, "LICENSES/ISC.txt", reuse, "language_not_wanted", **own("LICENSES/ISC.txt", reuse, "ISC"))
    isc = "# SPDX-License-Identifier: ISC\ni = 5\n"
    build.finding(isc, "ISC")
    build.file(bob, "isc.py", isc, **own("isc.py", isc, "ISC"))
    points = "Licensed under the MIT licence, see its site.\n"
    build.finding(points, "MIT", scope="whole")
    build.file(bob, "short/LICENSE", points, "language_not_wanted")
    build.file(bob, "short/s.py", "s = 4\n", **from_file("short/LICENSE", points, "MIT"))
    build.rows["blobs"].append(
        {
            "blob_id": blob_id(cut_off),
            "size": len(cut_off),
            "encoding": "unknown",
            "names": ["NOTICE"],
            "content": cut_off,
        }
    )
    latin: dict[str, Any] = {"file_id": "e" * 32, "repo_id": bob, "path": "NOTICE", "blob_id": blob_id(cut_off)}
    build.rows["files"].append(latin | {"mode": "100644", "size": len(cut_off)})
    return build


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run with its notices. Read it only."""
    rows = builder().rows
    root = write_run(tmp_path_factory.mktemp("notices") / "run", rows)
    write_store(root, rows)
    make_notices(root, FACTS)
    return root


@pytest.fixture
def release(run: Path, tmp_path: Path) -> Path:
    """A release of it, to be changed."""
    assemble(run, tmp_path / "release")
    write_notices(tmp_path / "release")
    return tmp_path / "release"


def notices(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of the notices, by repository and path."""
    rows = [r for p in sorted((folder / "tables/notices").glob("*.parquet")) for r in pq.read_table(p).to_pylist()]
    return {f"{row['repo']}:{row['path']}": row for row in rows}


def texts(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of the texts, by id."""
    (path,) = (folder / "tables/license_texts").glob("*.parquet")
    return {row["text_id"]: row for row in pq.read_table(path).to_pylist()}


def test_every_released_file_has_its_copyright_lines(run: Path) -> None:
    found = {name: row["copyrights"] for name, row in notices(run).items()}
    assert found == {
        "ann/app:main.py": ["Copyright (c) 2020 Ann"],
        "ann/app:sub/part.py": ["Copyright (c) 2020 Ann"],
        "ann/app:vendor/dora/x.py": ["Copyright 2021 Dora Invented"],
        "bob/app:main.py": ["Copyright (c) 2020 Bob"],
        "bob/app:both.py": [],
        "bob/app:free.py": [],
        "bob/app:isc.py": [],
        "bob/app:short/s.py": [],
    }


def test_one_licence_under_many_names_is_one_text(run: Path) -> None:
    found = notices(run)
    assert found["ann/app:main.py"]["texts"] == found["bob/app:main.py"]["texts"]
    (ident,) = found["ann/app:main.py"]["texts"]
    text = texts(run)[ident]
    assert (text["origin"], text["licenses"]) == ("repository", ["MIT"])
    assert text["content"].decode() == f"MIT License\n\n{MIT}\n"
    assert blob_id(text["content"]) == ident


def test_a_text_that_no_repository_carries_comes_from_the_licence_list(run: Path) -> None:
    found, known = notices(run), texts(run)
    (apache,) = found["ann/app:vendor/dora/x.py"]["texts"]
    assert (known[apache]["origin"], known[apache]["licenses"]) == ("licence_list", ["Apache-2.0"])
    assert b"TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION" in known[apache]["content"]
    origins = {known[ident]["origin"] for ident in found["bob/app:short/s.py"]["texts"]}
    assert origins == {"repository", "licence_list"}  # a sentence that names the licence is not its text


def test_the_folder_of_licences_has_the_text(run: Path) -> None:
    (ident,) = notices(run)["bob/app:isc.py"]["texts"]
    assert (
        texts(run)[ident]["content"].startswith(b"My own words\n\nCopyright 2001 Emil")
        and texts(run)[ident]["origin"] == "repository"
    )


def test_of_a_choice_the_side_that_is_used_is_owed(run: Path) -> None:
    row = notices(run)["bob/app:both.py"]
    assert (row["license"], row["owed"]) == ("MIT OR GPL-2.0-only", ["MIT"])
    assert [texts(run)[ident]["licenses"] for ident in row["texts"]] == [["MIT"]]


def test_the_public_domain_owes_nothing(run: Path) -> None:
    assert notices(run)["bob/app:free.py"]["owed"] == []


def test_notices_go_with_the_files_below_them_and_not_with_third_party_code(run: Path) -> None:
    found, known = notices(run), texts(run)
    words = {
        name: sorted(known[ident]["content"].decode("latin-1") for ident in row["notices"])
        for name, row in found.items()
    }
    carol = "Ann's tool\nCopyright 2019 Carol Invented\n"
    assert words["ann/app:main.py"] == [carol]
    assert words["ann/app:sub/part.py"] == ["A second notice.\n", carol]
    assert words["ann/app:vendor/dora/x.py"] == []
    assert words["bob/app:main.py"] == ["No such letter: \xe9\n"]


def test_nothing_is_missing_in_the_run_or_in_its_release(run: Path, release: Path) -> None:
    for folder in (run, release):
        assert ask(questions()["notices_missing"], tables_of(folder), {}).num_rows == 0


def test_the_release_holds_every_text_once_and_readable(release: Path) -> None:
    names = {path.name for path in (release / "LICENSES").iterdir()}
    assert names == {f"{ident}.txt" for ident in texts(release)}
    for ident, row in texts(release).items():
        assert (release / "LICENSES" / f"{ident}.txt").read_bytes() == row["content"]
    page = gzip.decompress((release / "NOTICES.txt.gz").read_bytes()).decode()
    assert page.count("Permission is hereby granted") == 2  # as the projects have it, and as the licence list has it
    for said in ("Copyright (c) 2020 Bob", "Copyright 2021 Dora Invented", "Carol Invented", "No such letter: é"):
        assert said in page
    assert "\r" not in page and "\x1b" not in page


def test_the_same_tables_give_the_same_bytes(run: Path, release: Path, tmp_path: Path) -> None:
    before = {p.relative_to(release): p.read_bytes() for p in release.rglob("*") if p.is_file()}
    again = tmp_path / "again"
    shutil.copytree(run, again, ignore=shutil.ignore_patterns("notices", "license_texts"))
    turned = sorted((again / "tables/docs").glob("*"))
    turned[0].rename(turned[0].with_name("zzz.parquet"))
    make_notices(again, FACTS)
    assemble(run, tmp_path / "other")
    write_notices(tmp_path / "other")
    assert {
        p.relative_to(tmp_path / "other"): p.read_bytes() for p in (tmp_path / "other").rglob("*") if p.is_file()
    } == before
    assert notices(again) == notices(run) and texts(again) == texts(run)


def test_a_document_takes_its_notice_with_it(run: Path, release: Path) -> None:
    found = notices(release)
    gone = found["ann/app:vendor/dora/x.py"]
    take_out(release, [gone["file_id"]])
    left = notices(release)
    assert set(left) == set(found) - {"ann/app:vendor/dora/x.py"}
    assert set(texts(release)) == set(texts(run)) - set(gone["texts"])
    assert {path.stem for path in (release / "LICENSES").iterdir()} == set(texts(release))
    page = gzip.decompress((release / "NOTICES.txt.gz").read_bytes()).decode()
    assert "Dora" not in page and "Apache" not in page
    assert "Dora" in str(notices(run))  # the run is another file, and stays as it is


def test_notices_without_a_document_are_those_of_a_release_it_was_taken_out_of(release: Path, tmp_path: Path) -> None:
    gone = notices(release)["ann/app:vendor/dora/x.py"]["file_id"]
    before = {path: path.read_bytes() for path in release.rglob("*") if path.is_file()}
    (tmp_path / "out").mkdir()
    notices_without(release, [gone], tmp_path / "out/NOTICES.txt.gz")
    assert {path: path.read_bytes() for path in release.rglob("*") if path.is_file()} == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["NOTICES.txt.gz"]
    take_out(release, [gone])
    assert (tmp_path / "out/NOTICES.txt.gz").read_bytes() == (release / "NOTICES.txt.gz").read_bytes()


def test_taking_out_everything_leaves_nothing(release: Path) -> None:
    take_out(release, [row["file_id"] for row in notices(release).values()])
    assert notices(release) == {} and texts(release) == {}
    assert list((release / "LICENSES").iterdir()) == []
    assert b"Copyright" not in gzip.decompress((release / "NOTICES.txt.gz").read_bytes())


def made(root: Path, build: RunBuilder) -> Path:
    """A run of these rows, with its notices."""
    write_run(root, build.rows)
    write_store(root, build.rows)
    make_notices(root, FACTS)
    return root


def project(build: RunBuilder, name: str) -> str:
    """A project with a licence file and one released file."""
    repo, text = build.repo(name), licence("Ann")
    build.finding(text, "MIT", ("Copyright (c) 2020 Ann",), scope="whole")
    build.file(repo, "LICENSE", text, "language_not_wanted", **from_file("LICENSE", text, "MIT"))
    build.file(repo, "src/main.py", "print(1)\n", **from_file("LICENSE", text, "MIT"))
    return repo


def all_texts(folder: Path) -> str:
    """Everything that is published beside the files."""
    return "".join(row["content"].decode("latin-1") for row in texts(folder).values())


def test_no_code_is_a_notice_whatever_its_name_is(tmp_path: Path) -> None:
    build = RunBuilder()
    repo = project(build, "ann/app")
    for name in (
        "copyright_check.py",
        "src/CopyrightRule.java",
        "copyrights.json",
        "copyrights.xyz",
        "LICENSES/mit.py",
    ):
        build.file(repo, name, f"TOKEN = 1  # {name}\n", "license_not_allowed")
    for name in ("COPYRIGHT", "src/copyright.txt", "00COPYRIGHT"):
        build.file(repo, name, f"Words of {name}\n", "language_not_wanted")
    said = all_texts(made(tmp_path / "run", build))
    assert "TOKEN" not in said
    assert said.count("Words of") == 3


def test_what_is_published_beside_the_files_holds_no_secret(tmp_path: Path) -> None:
    build = RunBuilder()
    repo = project(build, "ann/app")
    body = "\n".join(hashlib.sha512(str(n).encode()).hexdigest()[:64].replace("a", "Q") for n in range(12))
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
    token = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    build.file(repo, "NOTICE", f"Ask carol@zoo-berlin.de\n{token}\n{key}", "language_not_wanted")
    latin = f"K\xf6ln {token}\n".encode("latin-1")
    blob = {"blob_id": blob_id(latin), "size": len(latin), "encoding": "unknown", "names": ["NOTICE"], "content": latin}
    build.rows["blobs"].append(blob)
    odd: dict[str, Any] = {"file_id": "e" * 32, "repo_id": repo, "path": "src/NOTICE", "blob_id": blob["blob_id"]}
    build.rows["files"].append(odd | {"mode": "100644", "size": len(latin)})
    root = made(tmp_path / "run", build)
    said = all_texts(root)
    assert token not in said and body[:64] not in said
    assert "carol@zoo-berlin.de" in said and said.count("KEY_1_REDACTED") == 3
    assert ask(questions()["private_keys_released"], tables_of(root), {}).num_rows == 0


def test_a_key_among_the_texts_stops_a_release(tmp_path: Path) -> None:
    build = RunBuilder()
    repo = project(build, "ann/app")
    body = "\n".join(hashlib.sha512(str(n).encode()).hexdigest()[:64].replace("a", "Q") for n in range(12))
    build.file(repo, "NOTICE", f"-----BEGIN PRIVATE KEY-----\n{body}\n", "language_not_wanted")
    write_run(tmp_path / "run", build.rows)
    write_store(tmp_path / "run", build.rows)
    make_notices(tmp_path / "run", dataclasses.replace(FACTS, without_secrets=lambda content: content))
    found = ask(questions()["private_keys_released"], tables_of(tmp_path / "run"), {})
    assert [path.rpartition("/")[0] for path in found.column("path").to_pylist()] == ["LICENSES"]


def test_what_an_owner_objects_to_is_neither_a_notice_nor_a_text(tmp_path: Path) -> None:
    build = RunBuilder()
    repo, text = build.repo("ann/app"), licence("Ann") + "And my own words.\n"
    build.finding(text, "MIT", ("Copyright (c) 2020 Ann",), scope="whole")
    build.file(repo, "LICENSE", text, "owner_opted_out", **from_file("LICENSE", text, "MIT"))
    build.file(repo, "NOTICE", "My notice.\n", "owner_opted_out")
    build.file(repo, "main.py", "print(1)\n", **from_file("LICENSE", text, "MIT"))
    root = made(tmp_path / "run", build)
    assert "own words" not in all_texts(root) and "My notice" not in all_texts(root)
    row = notices(root)["ann/app:main.py"]
    assert [texts(root)[ident]["origin"] for ident in row["texts"]] == ["licence_list"]
    assert row["copyrights"] == ["Copyright (c) 2020 Ann"]
    assert ask(questions()["notices_missing"], tables_of(root), {}).num_rows == 0


@pytest.mark.parametrize("count", [16, 17, 60])
def test_many_notices_beside_a_file_hide_none(tmp_path: Path, count: int) -> None:
    build = RunBuilder()
    repo = project(build, "ann/app")
    build.file(repo, "NOTICE", "Words of the project.\n", "language_not_wanted")
    for number in range(count):
        build.file(repo, f"src/p{number:02d}-license.txt", f"Part {number}.\n", "language_not_wanted")
    root = made(tmp_path / "run", build)
    row = notices(root)["ann/app:src/main.py"]
    said = "".join(texts(root)[ident]["content"].decode() for ident in row["notices"])
    assert "Words of the project." in said
    assert all(f"Part {number}.\n" in said for number in range(count))
    assert len(row["notices"]) == (17 if count == 16 else 2)


def test_whatever_is_read_as_a_licence_or_a_notice_is_asked_for(tmp_path: Path) -> None:
    build = RunBuilder()
    repo = project(build, "ann/app")
    words = ["licensing", "eula", "third-party", "mit", "gpl", "lgpl", "bsd", "legal", "notice", "copying", "agreement"]
    words += ["attribution", "unlicense", "mylib", "copyleft", "00COPYRIGHT", "cc0", "wtfpl", "enterprise"]
    names = [
        f"{a}{b}{end}" for a in words for b in ("", "-license", "_NOTICE", "-3.0") for end in ("", ".txt", ".md", ".py")
    ]
    wanted = {
        name for name in (*names, *(f"docs/{n.upper()}" for n in names)) if license_role(name) in ("license", "notice")
    }
    for name in sorted(wanted):
        build.file(repo, name, f"Words of {name}.\n", "language_not_wanted")
    root = made(tmp_path / "run", build)
    asked = ask(questions()["notice_files"], tables_of(root), {}).column("path").to_pylist()
    assert len(wanted) > 200 and wanted <= set(asked)


def test_a_run_that_releases_nothing_has_empty_notices(tmp_path: Path) -> None:
    build = RunBuilder()
    build.file(build.repo("ann/app"), "x.py", "x = 1\n", "license_missing")
    root = write_run(tmp_path / "run", build.rows)
    assert make_notices(root, FACTS)
    assert notices(root) == {}


def test_many_files_are_written_in_parts_and_none_is_lost(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "run"
    shutil.copytree(run, again)
    monkeypatch.setattr("gleanery.release.notices.PART_ROWS", 2)
    make_notices(again, FACTS)
    assert len(list((again / "tables/notices").glob("*"))) == 4
    assert notices(again) == notices(run)


LINES = st.lists(
    st.sampled_from(["Copyright 2020 A", "Copyright 2020 B", "  (c) C ", "", " ", "Permission", "\t\x0c x"])
)


@given(lines=LINES, known=st.sets(st.sampled_from(["Copyright 2020 A", "(c) C"])), ends=st.sampled_from(["\n", "\r\n"]))
def test_a_text_loses_only_lines_that_are_recorded(lines: list[str], known: set[str], ends: str) -> None:
    found = without_owners(ends.join(lines).encode(), known).decode()
    words = [line.strip() for text in lines for line in text.splitlines() if line.strip()]
    assert [line.strip() for line in found.splitlines() if line.strip()] == [w for w in words if w not in known]
    assert without_owners(found.encode(), known).decode() == found


def test_a_text_in_another_encoding_stays_as_it_is() -> None:
    text = "Copyright 2020 Ä\n".encode("utf-16")
    assert without_owners(text, ["Copyright 2020 Ä"]) == text


POLICY = tomllib.loads((Path(__file__).parents[1] / "licensing/policy.toml").read_text("utf-8"))


@pytest.mark.parametrize("profile", sorted(POLICY["profiles"]))
def test_every_licence_that_asks_for_a_notice_has_a_text(profile: str) -> None:
    facts = license_facts(Settings(licensing=LicensingSettings(profile=profile)))
    allowed = [name for group in POLICY["profiles"][profile]["groups"] for name in POLICY["groups"][group]["licenses"]]
    asked = [*filter(facts.owes_notice, allowed), *POLICY["exceptions"]["known"]]
    assert [name for name in asked if not license_text(name)] == []
    assert profile != "permissive" or len(asked) > 150


def test_texts_are_found_by_any_spelling() -> None:
    assert license_text("GPL-3.0-or-later") == license_text("gpl-3.0+") == license_text("GPL-3.0-only")
    assert "END OF TERMS AND CONDITIONS" in (license_text("GPL-3.0-only") or "")
    assert license_text("../../etc/passwd") is None
