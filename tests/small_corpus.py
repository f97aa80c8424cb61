"""A small corpus with planted truth: real git repositories and archives, made the same way every time.

All names, addresses, passwords and keys in it are invented. `tests/golden/pipeline/decisions.json` has the expected
decision for every file.
"""

import gzip
import io
import os
import random
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

MIT = """MIT License

Copyright (c) {year} {holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
GPL = """This program is free software: you can redistribute it and/or modify it under the terms of the GNU General
Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any
later version.

This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied
warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the GNU General Public License for more details.
"""
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4" * 64 + "\nsize 12345\n"
# Invented, and shaped like the real thing.
SECRETS = '''"""Settings of the service. Author: Maria Beispiel <maria.beispiel@corp-mail.net>"""

DATABASE_PASSWORD = "tr0ub4dor-Horse-Staple"
SERVER = "81.2.69.142"
AWS_KEY = "AKIAZ7QW3M5T2XK4VB6N"


def connect(timeout: float = 3.0) -> str:
    """Open the connection that every other module of the service uses."""
    return f"{SERVER}:{timeout}"
'''


def code(seed: int, functions: int = 8) -> str:
    """Python code that nothing else resembles: the words of each line come from a seeded generator."""
    chance = random.Random(seed)
    words = [f"{chance.choice(_FIRST)}_{chance.choice(_SECOND)}_{chance.randrange(1000)}" for _ in range(60)]
    lines = []
    for _ in range(functions):
        name, left, right = chance.sample(words, 3)
        lines += [f"def {name}({left}: int, {right}: int) -> int:"]
        for _ in range(4):
            one, two, three = chance.sample(words, 3)
            lines += [f"    {one} = {two}({left} {chance.choice('+-*')} {chance.randrange(99)}, {three}={right})"]
        lines += [f"    return {left} {chance.choice('+-*')} {right}", "", ""]
    return "\n".join(lines[:-2]) + "\n"


_FIRST = ("read", "write", "parse", "merge", "split", "count", "order", "share", "store", "fetch", "build", "check")
_SECOND = ("line", "word", "block", "table", "graph", "queue", "token", "frame", "cache", "field", "index", "chunk")


def make(folder: Path) -> Path:
    """Make the corpus in a folder; returns the path of its settings file. Takes about 1 s."""
    folder.mkdir(parents=True, exist_ok=True)
    _alice(folder / "alice")
    _bob(folder / "bob")
    _carol(folder / "carol")
    make_repository(
        folder / "dave", 2021, {"only.py": code(40), "README.md": "# Only\n\nA small thing without a licence.\n"}
    )
    make_repository(folder / "judy", 2021, _judy())
    make_repository(folder / "erin", 2021, {"LICENSE": _mit(2021, "Erin Example"), "hers.py": code(50)})
    make_repository(
        folder / "frank",
        2018,
        {"LICENSE": _mit(2018, "Frank Example"), "his.py": code(60), ".dataset-optout.json": '{"opt_out": true}\n'},
    )
    _archive(folder / "grace.tar.gz")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 this is no archive")
    settings = folder / "settings.toml"
    settings.write_text(_SETTINGS, "utf-8")
    return settings


_SETTINGS = """
[shards]
vocabulary = 600

[run]
part_bytes = 16384  # many parts from little text

[optout]
registry = "optout.sqlite"

[[source]]
kind = "git"
locator = "alice"
name = "alice/tool"

[[source]]
kind = "git"
locator = "bob"
name = "bob/collection"

[[source]]
kind = "git"
locator = "carol"
name = "carol/algorithms"

[[source]]
kind = "git"
locator = "dave"
name = "dave/nothing-said"

[[source]]
kind = "git"
locator = "judy"
name = "judy/odd-licences"

[[source]]
kind = "git"
locator = "erin"
name = "erin/private-matter"

[[source]]
kind = "git"
locator = "frank"
name = "frank/declared"

[[source]]
kind = "archive"
locator = "grace.tar.gz"
name = "grace/archive"

[[source]]
kind = "archive"
locator = "broken.zip"
name = "heidi/broken"

[[source]]
kind = "git"
locator = "does-not-exist"
name = "ivan/missing"
"""


def _mit(year: int, holder: str) -> str:
    return MIT.format(year=year, holder=holder)


def _alice(path: Path) -> None:
    files: dict[str, str | bytes] = {
        "LICENSE": _mit(2020, "Alice Example"),
        "src/main.py": code(1),
        "src/tools.py": code(2, 20),
        "src/settings.py": SECRETS,
        "src/gpl_part.py": _commented(GPL) + code(3),
        "src/algorithm.py": code(30),  # the very file of carol, who had it first and under the GPL
        "src/either.py": "# SPDX-License-Identifier: MIT OR GPL-2.0-only\n" + code(4),
        "src/sentinels.py": '# a file may say: <fim_prefix> <|endoftext|> <fim_middle>\nSENTINEL = "<fim_suffix>"\n'
        + code(5),
        "src/windows.py": code(6).replace("\n", "\r\n"),
        "src/latin.py": ('WHERE = "Zürich, Besançon, Málaga"\n' + code(7)).encode("latin-1"),
        "src/japanese.py": ('# -*- coding: shift_jis -*-\nWHERE = "東京、大阪"\n' + code(10)).encode("shift_jis"),
        "src/broken.py": b"# Gr\xfc\xdfe und Gr\xc3\xbc\xc3\x9fe\n" + code(11).encode(),
        "src/utf16.py": ("# Grüße\n" + code(8)).encode("utf-16"),
        "src/empty.py": "\n\n",
        "src/short.py": "x = 1234\n",
        "src/message.pb.go": "// Code generated by protoc-gen-go. DO NOT EDIT.\n\npackage message\n\nvar x = 1\n" * 3,
        "src/packed.js": "var a=[" + ",".join(str(n) for n in range(2000)) + "];\n",
        "vendor/other/thing.py": code(9),
        "docs/guide.md": "# Guide\n\nHow to use the tool, in a few plain words that stand nowhere else.\n" * 2,
        "image.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(64),
        "big.csv": "1,2,3\n" * 200_000,
        "weights.bin": LFS,
    }
    make_repository(path, 2020, files, odd=True)


def _bob(path: Path) -> None:
    near = code(2, 20).replace("return", "return  # bob was here\n   ", 1)
    files: dict[str, str | bytes] = {
        "LICENSE": _mit(2022, "Bob Example"),
        "main_copy.py": code(1),
        "tools_near.py": near,
        "from_frank.py": code(60),
        "own.py": code(20),
        "same_a.py": code(21),
        "same_b.py": code(21),
        "to_maria.py": 'WRITE_TO = "maria.beispiel@corp-mail.net"\n',  # the same text, once the addresses are replaced
        "to_peter.py": 'WRITE_TO = "peter.muster@corp-mail.net"\n',
    }
    make_repository(path, 2022, files)


def _judy() -> dict[str, str | bytes]:
    """Licence files that cannot be read, and many names for one content: neither may make a restriction go away."""
    files: dict[str, str | bytes] = {
        "LICENSE": _mit(2021, "Judy Example"),
        "fine.py": code(80),
        "large/COPYING": GPL + " " * 1_100_000,
        "large/one.py": code(81),
        "binary/COPYING": b"\x00" + GPL.encode(),
        "binary/two.py": code(82),
        "flood/COPYING": GPL + "\nOne content under many names.\n",
        "flood/three.py": code(83),
        "docs/README.md": "<!-- SPDX-License-Identifier: CC-BY-NC-SA-4.0 -->\n# Notes\n\nWords about the tool.\n",
        "conf.json": '{"copyright":"ACME","db_password":"tr0ub4dor-Horse-Staple","list":[1,2,3]}\n',
    }
    return files | {f"names/{n:04d}.dat": GPL + "\nOne content under many names.\n" for n in range(70)}


def _carol(path: Path) -> None:
    make_repository(path, 2019, {"COPYING": GPL, "algorithm.py": code(30), "more.py": code(31)})


def _commented(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines()) + "\n"


def make_repository(
    path: Path,
    year: int,
    files: dict[str, str | bytes] | dict[str, str],
    odd: bool = False,
    links: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """A git repository with one commit of a fixed time; with `odd`, a symbolic link and a submodule in it.

    `links` are further symbolic links, and where they lead.
    """
    path.mkdir(parents=True)
    _git(path, "init", "-q", "-b", "main")
    for link, target in {**links, **({"link.py": "src/main.py"} if odd else {})}.items():
        (path / link).parent.mkdir(parents=True, exist_ok=True)
        (path / link).symlink_to(target)
    if odd:
        _git(path, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},plugin")
    add_commit(path, files, year)


def add_commit(path: Path, files: dict[str, str | bytes] | dict[str, str], year: int = 2022) -> None:
    """A commit of a fixed time that adds some files to a repository of the corpus."""
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    _git(path, "add", "--all", "--", ":!plugin")
    when = f"{year}-03-01T12:00:00+0000"
    _git(path, "commit", "-q", "-m", "begin", GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)


def _git(path: Path, *arguments: str, **extra: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    subprocess.run(["git", "-C", str(path), *arguments], check=True, env=environment | extra, capture_output=True)


def _archive(path: Path) -> None:
    members = {
        "grace-1.0/LICENSE": _mit(2021, "Grace Example"),
        "grace-1.0/grace.py": code(70),
        "grace-1.0/../../escape.py": code(71),
    }
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(text.encode()), 1_600_000_000
            tar.addfile(info, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("grace-1.0/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
