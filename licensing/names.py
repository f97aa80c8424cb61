"""File names that speak of licences, and folders that hold other people's code.

In: a path with `/`. Out: the role of the file, or the folder that is vendored. Every decision is a set look-up or a
bounded split, so it is linear in the length of the path (1.1 µs for a usual path, both questions, on one core).
"""

import re
from collections.abc import Iterable

from gleanery.licensing.manifest_names import manifest_form

# A licence file has one of these extensions, or none; `license.py` and `copyright.js` are code.
_TEXT_EXTENSIONS = frozenset(
    ("txt", "text", "md", "markdown", "mdown", "rst", "adoc", "asciidoc", "org", "html", "htm")
)
_TEXT_OR_NONE = _TEXT_EXTENSIONS | {""}
# Documents that only a licence is written as, and data, which is a licence if its name is in capitals: `LICENSE.json`.
_DOCUMENTS, _DATA = frozenset(("pdf", "rtf", "doc", "docx", "odt", "ps")), frozenset(("json", "xml", "yml", "yaml"))
_CODE_EXTENSIONS_TEXT = """
bat c cc cfg class cmd cpp cs css csv cxx dart erl ex exs go gz h hh hpp hs ini ipynb jar java jpg js json jsx kt
less lock lua m map mjs ml mm pdf php pl png ps1 py pyc pyi r rb rs sass scala scss sh sql svg svelte swift tar
template tex tmpl toml ts tsv tsx vb vue xml xsl xslt yaml yml zip
"""
_CODE_EXTENSIONS = frozenset(_CODE_EXTENSIONS_TEXT.split())
_LICENSE_WORDS = frozenset(
    ("license", "licence", "licenses", "licences", "copying", "unlicense", "copyright", "copyleft")
    + ("lizenz", "licencia", "licenza", "licença", "licentie", "licens", "licencja")
)
# Names in capitals that say as much: `TERMS.txt`, `UNLICENSED`.
_TERMS = re.compile(r"terms(?:[-_ ]of[-_ ](?:use|service))?|terms[-_ ]and[-_ ]conditions")
_REFUSING = frozenset(("unlicensed", "proprietary"))
# Pages beside a licence that may limit what it grants (`COMMERCIAL.md`, `USE_POLICY.md`), READMEs under other names
# (`README_EN.md`), and licences in other scripts. They are read as a README is, and grant nothing.
_OTHER_README = re.compile(r"read[-_ ]?me(?![a-z]{4})[-_ ().0-9a-z\u0080-\uffff]*")
_LIMITING = re.compile(
    r"(?:non[-_ ]?)?commercial(?:[-_ ](?:use|usage|users?))?|"
    r"(?:acceptable[-_ ])?us(?:e|age)[-_ ](?:policy|restrictions?)|acceptable[-_ ]us(?:e|age)|restrictions|"
    r"legal[-_ ]notices?|ai[-_ ](?:policy|training|usage)|no[-_ ]?ai|"
    r"no[-_ ](?:ai[-_ ])?training|.{0,20}(?:许可|授权|許諾|ライセンス|라이선스|лицензи).{0,20}"
)
_PAGE_FOLDERS = frozenset(("doc", "docs", "documentation", "site", "website", "_static", "static", "templates", "man"))
# Texts that lie beside the licences of a folder `licenses/`, as packers of Python wheels put them there.
_NO_LICENCES_TEXT = """
authors changelog changes code_of_conduct contributing contributors credits history index maintainers news thanks todo
"""
_NO_LICENCES = frozenset(_NO_LICENCES_TEXT.split())
# Code that bears the extension of a text.
_CODE_IN_TEXT = frozenset(("cmakelists.txt", "meson_options.txt", "requirements.txt", "constraints.txt"))
_LICENSE_FOLDERS = frozenset(("license", "licence", "licenses", "licences"))
# Names of licences and words of law that still leave a licence file for the whole folder: LICENSE-MIT, COPYING.LESSER.
_IDS_TEXT = """
agpl agplv3 apache apache2 apl artistic bsd bsd2 bsd3 bsl cc cc0 epl eula fdl gfdl gpl gpl2 gpl3 gplv2 gplv3 isc
lesser lgpl lgplv2 lgplv3 mit mpl unlicense wtfpl x11 zlib
"""
_IDS = frozenset(_IDS_TEXT.split())
_QUALIFIERS_TEXT = """
clause code commercial content doc docs exception later lib main only or project runtime software source text
"""
_QUALIFIERS = _IDS | frozenset(_QUALIFIERS_TEXT.split())
_PREFIXES = _IDS | frozenset(("commercial", "doc", "docs", "project", "software"))
# A file may be called by its licence alone (`GPL.txt`), where the word can hardly mean anything else.
_BARE_IDS = _IDS - {"apache", "apl", "artistic", "cc", "lesser", "bsl", "isc", "unlicense", "x11", "zlib"}
_VENDORED_TEXT = """
vendor vendors vendored _vendor _vendored third_party third-party thirdparty third_parties 3rdparty 3rd_party
3rd-party 3rdparties node_modules bower_components jspm_packages pods carthage godeps site-packages
"""
_VENDORED = frozenset(_VENDORED_TEXT.split())
_OF_THIRD_PARTIES = re.compile(
    r"(?:third|3rd)[-_ ]?part(?:y|ies)|"
    r"(?:ext[-_]?libs|external[-_]?(?:libs?|librar(?:y|ies)|deps|dependenc(?:y|ies)))$"
)
# Words that mean others' code in small letters only: `External/` and `Deps/` are modules that a project wrote itself.
_VENDORED_IN_SMALL = frozenset(("external", "externals", "extern", "deps"))
# Where NuGet puts packages, each in a folder that ends in its version: `packages/Frob.Core.1.2.3/`.
_PACKAGES, _OF_PACKAGE = "packages", re.compile(r"[A-Za-z][\w-]*(?:\.[A-Za-z_][\w-]*)*(?:\.[0-9]+){2,4}(?:-[\w.-]+)?$")
_SPLIT = re.compile(r"[-_. ]+")
# Where a word begins that is written without a sign before it: `IPLicense.txt`.
_JOINED_WORD = re.compile(r"(?<=[a-zA-Z0-9])(?<!\bUn)(?=Licen[sc]e(?![a-z]))")
_VERSION_AT_END = re.compile(r"v?[0-9]+$")
_THIRD_PARTIES = ("thirdparty", "thirdparties", "3rdparty", "3rdparties")
_DATA_WORDS = frozenset(
    ("model", "models", "weight", "weights", "checkpoint", "checkpoints", "data", "dataset", "datasets")
)
_PARTS_OF_OTHERS = frozenset(("bundled", "vendored", "external", "externals", "dependency", "dependencies", "deps"))
_NOTICES = frozenset(("notice", "notices"))
_NOTICE_WORDS = ("license", "licence", "notice", "copyright", "attribution")
# Lists of licences for a tool that checks dependencies, and advice about licences: neither states one.
_ABOUT_LICENSES = re.compile(
    r"(?:allowed|approved|banned|denied|forbidden)[-_. ]+licen[sc]es|licen[sc](?:e|es|ing)[-_. ]+guidelines?"
)
# Words that tell of what kind a licence is, not of which part.
_OF_THE_WHOLE = frozenset(("additional", "agreement", "enterprise", "eula", "full", "header", "proprietary", "user"))
_AGREEMENTS = frozenset(("eula", "licensing", "licencing", "licenseagreement", "licenceagreement", "agreement"))
_SHORTEST_PART = 3
# Longer names are not names that people give to licence files.
LONGEST_NAME = 120


def license_role(path: str) -> str | None:
    """The part a file plays in finding licences: license, notice, readme, metadata, reuse, or None for any other file.

    `reuse` are the records that name other files: REUSE.toml, .reuse/dep5, debian/copyright, and `a.png.license`.

    >>> [license_role(p) for p in ("LICENSE", "a/COPYING.LESSER", "LICENSE-MIT", "LICENSES/MIT.txt", "licence.md")]
    ['license', 'license', 'license', 'license', 'license']
    >>> [license_role(p) for p in ("COPYING3", "COPYINGv2", "COPYING.LESSERv3", "LICENSE.LGPL2.1", "LICENSE.3dfx")]
    ['license', 'license', 'license', 'license', 'notice']
    >>> license_role("00copyright"), license_role("a.dist-info/licenses/AUTHORS.rst")
    ('license', None)
    >>> [license_role(p) for p in ("NOTICE", "docs/README.rst", "pkg/package.json", "src/license.py", "main.c")]
    ['notice', 'readme', 'metadata', None, None]
    >>> [license_role(p) for p in ("ci/denied-licenses.txt", "docs/Licence-Guidelines.md", "mylib-licenses.txt")]
    [None, None, 'notice']
    >>> [license_role(p) for p in ("FrobLicense.txt", "MITLicense", "UnLicense", "FrobLicense.java")]
    ['notice', 'license', 'license', None]
    """
    folder, _, name = path.rpartition("/")
    if not name or len(name) > LONGEST_NAME:
        return None
    lower = _lowered(name)
    stem, extension = _stem(lower.lstrip("0") if lower.startswith("00") else lower)  # 00COPYRIGHT comes first in a list
    if reading_of_records(path) is not None:
        return "reuse"
    if manifest_form(path) is not None:
        return "metadata"
    if is_document(path):
        return "license"
    if extension in _CODE_EXTENSIONS:  # `LICENSE.php`: its comments are read; `license.php` is code about licences
        return "readme" if name.partition(".")[0] in ("LICENSE", "LICENCE") and name.count(".") == 1 else None
    if stem in _NOTICES:
        return "notice"
    if stem == "readme" or stem.startswith("readme.") or is_other_readme(path):
        return "readme"
    if is_license_folder(folder) and extension in _TEXT_OR_NONE:
        return None if stem.replace("-", "_") in _NO_LICENCES else "license"
    role = _named_role(name, stem, extension)
    return "notice" if role == "license" and name == lower and _is_page(folder, extension) else role


def reading_scope(path: str) -> str:
    """How a file is read for licences: head, whole, readme, or the form of a manifest or a record.

    >>> [reading_scope(p) for p in ("a.c", "LICENSE", "README", "package.json", "REUSE.toml", "a.png.license")]
    ['head', 'whole', 'readme', 'json', 'reuse-toml', 'whole']
    """
    role = license_role(path)
    if role == "reuse":
        form = reading_of_records(path)
        return "whole" if form in (None, "sidecar") else form
    if role == "metadata":
        return manifest_form(path) or "whole"
    if role == "license" and is_document(path):
        return "document"
    return {"license": "whole", "notice": "whole", "readme": "readme"}.get(role or "", "head")


def reading_of_records(path: str) -> str | None:
    """The form of a file that states the licences of other files: reuse-toml, dep5, debian, sidecar, or None.

    A file such as `MIT.license`, which bears the name of a licence file, is one, unless a file `MIT` stands beside it.

    >>> [reading_of_records(p) for p in (".reuse/dep5", "debian/copyright", "logo.svg.license", "Makefile.license")]
    ['dep5', 'debian', 'sidecar', 'sidecar']
    >>> reading_of_records("LICENSE"), reading_of_records("MIT.license"), reading_of_records(".license")
    (None, None, None)
    """
    folder, _, name = path.rpartition("/")
    if name == "REUSE.toml":
        return "reuse-toml"
    inner = folder.rpartition("/")[2]
    if (inner, name) in ((".reuse", "dep5"), ("debian", "copyright")):
        return "dep5" if name == "dep5" else "debian"
    stem, _, extension = name.rpartition(".")
    if extension != "license" or not stem.strip("."):
        return None
    return "sidecar" if "." in stem.strip(".") or _named_role(name, name.lower(), extension) is None else None


def is_sidecar(path: str) -> bool:
    """Whether a file is by its name a `.license` file, which states the licence of the file beside it."""
    return path.endswith(".license") and reading_of_records(path) == "sidecar"


def is_document(path: str) -> bool:
    """Whether a file is by its name a licence that is no plain text: `EULA.pdf`, `License.rtf`, `LICENSE.json`.

    >>> [is_document(p) for p in ("pro/EULA.pdf", "wix/License.rtf", "LICENSE.json", "res/license.xml", "LICENSE.txt")]
    [True, True, True, False, False]
    """
    name, dot, extension = path.rpartition("/")[2].rpartition(".")
    kind = extension.lower()
    if not dot or len(name) > LONGEST_NAME or not (kind in _DOCUMENTS or (kind in _DATA and name.isupper())):
        return False
    return _named_role(name, _lowered(name), "") == "license" and not (name.islower() and _is_page(path, kind))


def silenced(paths: Iterable[str]) -> set[str]:
    """The licence files of one folder that say nothing beside the others: the same as a document, and terms of use.

    >>> sorted(silenced(["LICENSE.pdf", "LICENSE", "EULA.pdf", "TERMS.md"])), silenced(["TERMS.md"])
    (['LICENSE.pdf', 'TERMS.md'], set())
    """
    names = {path: path.rpartition("/")[2].lower() for path in paths}
    terms = {path for path, name in names.items() if _TERMS.fullmatch(_stem(name)[0])}
    texts = {_stem(name)[0] for path, name in names.items() if not is_document(path)}
    same = {path for path, name in names.items() if is_document(path) and name.rpartition(".")[0] in texts}
    return (terms if len(terms) < len(names) else set()) | (same - terms)


def is_about_third_parties(path: str) -> bool:
    """Whether a notice is by its name about other people's code that a project holds, links or ships.

    >>> [is_about_third_parties(p) for p in ("ThirdPartyNotices.txt", "LICENSES_bundled.txt", "third_party/LICENSE")]
    [True, True, False]
    """
    words = _SPLIT.split(path.rpartition("/")[2].lower())
    return not _PARTS_OF_OTHERS.isdisjoint(words) or any(word in "".join(words) for word in _THIRD_PARTIES)


def is_other_readme(path: str) -> bool:
    """Whether a page may limit what others grant and grants nothing itself: a second README, or a policy of use.

    >>> [is_other_readme(p) for p in ("README_EN.md", "README.md", "COMMERCIAL.md", "ai.txt", "a/terms.md")]
    [True, False, True, True, False]
    """
    folder, _, name = path.rpartition("/")
    lower = name.lower()
    stem, extension = _stem(lower)
    if name.partition(".")[0] in ("LICENSE", "LICENCE") and extension in _CODE_EXTENSIONS:
        return True
    if extension not in _TEXT_OR_NONE or stem == "readme" or stem.startswith("readme."):
        return False
    if lower == "ai.txt" or _OTHER_README.fullmatch(stem) or _LIMITING.fullmatch(stem):
        return True
    # The terms of a site stand in its folders; at the root they are those of the work.
    return not folder and _TERMS.fullmatch(stem) is not None and not name.partition(".")[0].isupper()


def is_about_data(path: str) -> bool:
    """Whether a licence file is by its name that of a model, its weights or data, beside that of the code.

    >>> [is_about_data(p) for p in ("LICENSE-MODEL", "MODEL_LICENSE.txt", "LICENSE_weights", "LICENSE-MIT", "LICENSE")]
    [True, True, True, False, False]
    """
    return not _DATA_WORDS.isdisjoint(_words_of(_stem(path.rpartition("/")[2].lower())[0]))


def is_notice(path: str) -> bool:
    """Whether a file is called NOTICE and nothing else, as the Apache licence asks for.

    >>> is_notice("NOTICE.txt"), is_notice("LICENSE.nanosvg")
    (True, False)
    """
    return _stem(path.rpartition("/")[2].lower())[0] in _NOTICES


def is_license_folder(folder: str) -> bool:
    """Whether a folder only holds licence texts, which describe the folder above it: `LICENSES/`, `licenses/`.

    >>> is_license_folder("LICENSES"), is_license_folder("src/licensing")
    (True, False)
    """
    return folder.rpartition("/")[2].lower() in _LICENSE_FOLDERS


def named_part(path: str) -> str | None:
    """The part of its folder that a licence file is named after, in small letters, or None.

    >>> [named_part(p) for p in ("LICENSE.nanosvg", "a/COPYING.cram.txt", "LICENSE-3rdparty", "LICENSE-MIT", "LICENSE")]
    ['nanosvg', 'cram', None, None, None]
    >>> named_part("src/mylib-license.txt"), named_part("PROPRIETARY_LICENSE")
    ('mylib', None)
    """
    name = path.rpartition("/")[2]
    if license_role(path) != "notice" or name.endswith(".license"):
        return None
    words = _words_of(_stem(_lowered(name))[0])
    at = next((i for i, word in enumerate(words) if word in _LICENSE_WORDS), None)
    if at is None or not (at == 0 or at == len(words) - 1):
        return None
    part = "-".join(words[1:] if at == 0 else words[:-1])
    known = (
        is_about_third_parties(name)
        or is_about_data(name)
        or any(word in _QUALIFIERS | _OF_THE_WHOLE for word in words)
    )
    return part if len(part) >= _SHORTEST_PART and not known else None


def is_ownership_name(path: str) -> bool:
    """Whether a licence-named file may well name owners only (`COPYRIGHT`), so that its silence says nothing.

    >>> is_ownership_name("COPYRIGHT.txt"), is_ownership_name("LICENSE")
    (True, False)
    """
    return path.rpartition("/")[2].lower().startswith("copyright")


def is_vendored_path(path: str) -> str | None:
    """The innermost folder of third-party code that holds the file, or None.

    Innermost, so that a package never inherits a licence from the package that carries it.

    >>> is_vendored_path("lib/node_modules/a/node_modules/b/index.js")
    'lib/node_modules/a/node_modules'
    >>> is_vendored_path("src/vendor.c"), is_vendored_path("src/Deps/a.elm"), is_vendored_path("Pods/a.m")
    (None, None, 'Pods')
    >>> is_vendored_path("packages/Frob.1.2.0/lib/a.xml"), is_vendored_path("packages/frob/a.ts")
    ('packages/Frob.1.2.0', None)
    """
    parts = path.split("/")
    for depth in range(len(parts) - 1, 0, -1):
        if is_vendored_folder(parts[depth - 1], parts[depth - 2] if depth > 1 else ""):
            return "/".join(parts[:depth])
    return None


def is_vendored_folder(name: str, above: str) -> bool:
    """Whether folders of this name, in a folder of the name `above`, hold third-party code.

    >>> [is_vendored_folder(name, "") for name in ("node_modules", "Pods", "External", "Frob.Core.1.2.3")]
    [True, True, False, False]
    >>> is_vendored_folder("Frob.Core.1.2.3", "packages")
    True
    """
    lower = name.lower()
    if above.lower() == _PACKAGES and _OF_PACKAGE.match(name):
        return True
    return name in _VENDORED_IN_SMALL or lower in _VENDORED or _OF_THIRD_PARTIES.match(lower) is not None


def is_prose_path(path: str) -> bool:
    """Whether the file is a document rather than code: a licence for documents may govern it.

    >>> is_prose_path("docs/guide.rst"), is_prose_path("src/guide.py"), is_prose_path("src/CMakeLists.txt")
    (True, False, False)
    """
    name = path.rpartition("/")[2].lower()
    return name not in _CODE_IN_TEXT and name.rpartition(".")[2] in _TEXT_EXTENSIONS | {"tex", "svg", "ipynb"}


def _is_page(folder: str, extension: str) -> bool:
    """Whether a file such as `docs/license.rst` is a page about licences: it adds one and never grants it."""
    return bool(extension) and not _PAGE_FOLDERS.isdisjoint(folder.lower().split("/"))


def _stem(lower: str) -> tuple[str, str]:
    """The name without its extension, and the extension; a text extension is taken off, any other only looked at."""
    stem, dot, extension = lower.rpartition(".")
    if not dot or not stem:
        return lower, ""
    return (stem if extension in _TEXT_EXTENSIONS else lower), extension


def _named_role(name: str, stem: str, extension: str) -> str | None:
    """One licence word; what stands before and after it are names of licences or versions.

    A licence word with any other (`LICENSE.nanosvg`, `mylib-license.txt`) is about a part of the folder only. It is
    read as a notice: it adds a licence to the folder and never grants one. So are agreements with users (`EULA.txt`),
    pages such as `LICENSING.md`, and the licences of third parties
    (`LICENSE-3rdparty`), but these add nothing: they are a claim, see beside.py.
    """
    if _ABOUT_LICENSES.fullmatch(stem):
        return None
    words = [_without_version(word) for word in _words_of(stem)]
    if is_about_third_parties(name) and any(word in stem for word in _NOTICE_WORDS):
        return "notice" if extension in _TEXT_OR_NONE else None
    at = next((i for i, word in enumerate(words) if word in _LICENSE_WORDS), None)
    if at is None:
        if words and words[0] in _BARE_IDS and all(word in _BARE_IDS | {""} for word in words):
            plain = extension in ("", "txt") or extension.isdigit()
            return "license" if plain else "notice" if extension in _TEXT_EXTENSIONS else None
        if stem == "legal":
            return "license"
        # "TERMS.md" of a site is a page; in capitals it stands beside the code.
        if name.partition(".")[0].isupper() and (stem in _REFUSING or _TERMS.fullmatch(stem)):
            return "license" if extension in _TEXT_OR_NONE else None
        return "notice" if not _AGREEMENTS.isdisjoint(words) and extension in _TEXT_OR_NONE else None
    before, after = words[:at], words[at + 1 :]
    if all(word in _PREFIXES | {""} for word in before) and all(word in _QUALIFIERS | {""} for word in after):
        return "license"
    shouted = name.startswith(("LICENSE", "LICENCE", "COPYING", "UNLICENSE", "COPYRIGHT"))
    return "notice" if shouted or extension in _TEXT_OR_NONE else None


def _lowered(name: str) -> str:
    """A name in small letters, the word License apart from what is written before it."""
    return _JOINED_WORD.sub("-", name).lower()


def _words_of(stem: str) -> list[str]:
    return [word for word in _SPLIT.split(stem) if word]


def _without_version(word: str) -> str:
    """A word of a name without the version at its end; empty where it is nothing else."""
    return word if word in _IDS else _VERSION_AT_END.sub("", word)
