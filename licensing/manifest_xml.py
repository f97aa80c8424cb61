"""Licence fields of manifests in XML: of Maven, Ivy, ROS, Nextcloud and .NET.

In: the text of a manifest. Out: the words of the licence elements that stand in their documented place. What is no XML,
or declares entities, of which a few lines can stand for gigabytes, is read as text: each licence element in it counts.
0.2 ms for a POM of 5 KB.
"""

from collections.abc import Iterator, Mapping
from xml.parsers import expat

import re2

from gleanery.licensing.manifest_data import choice

# Where a licence stands: the names of the elements from the root, in small letters.
_POM = ("project", "licenses", "license")
_NUSPEC = ("package", "metadata")
_MSBUILD = ("project", "propertygroup")
_PLACES = (("package", "license"), ("info", "licence"), ("info", "license"), (*_NUSPEC, "license"))
_IVY = ("ivy-module", "info", "license")
_DEEPEST = 200
_COMMENT = re2.compile(r"(?s)<!--.*?-->")
_LOOSE = re2.compile(r"(?is)<(?:packagelicenseexpression|licen[sc]e)\b[^>]{0,200}>\s*(?:<name>)?([^<]{1,400})<")


class _Reader:
    """What the elements of a document say."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.texts: dict[tuple[str, ...], list[str]] = {}
        self.poms: list[dict[str, str]] = []
        self.files: list[str] = []
        self.attributes: list[str] = []
        self._kind = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.path.append(name.rpartition(":")[2].lower())
        if len(self.path) > _DEEPEST:
            raise ValueError("too deep")
        place = tuple(self.path)
        if place == _POM:
            self.poms.append({})
        if place == _IVY:
            self.attributes.append(attributes.get("name") or attributes.get("url") or "")
        self._kind = attributes.get("type", "").lower()
        if self._listens(place):
            self.texts.setdefault(place, []).append("")

    def end(self, name: str) -> None:
        place = tuple(self.path)
        if place == (*_NUSPEC, "license") and self._kind == "file" and self.texts.get(place):
            self.files.append(self.texts[place].pop())
        self.path.pop()

    def data(self, text: str) -> None:
        place = tuple(self.path)
        if len(place) == 4 and place[:3] == _POM and self.poms:
            self.poms[-1][place[3]] = self.poms[-1].get(place[3], "") + text
        elif place in self.texts and self._listens(place):
            self.texts[place][-1:] = [(self.texts[place] or [""])[-1] + text]

    @staticmethod
    def _listens(place: tuple[str, ...]) -> bool:
        named = place[:-1] in (_NUSPEC, _MSBUILD) and "license" in place[-1]
        return place in _PLACES or named

    def fields(self) -> Iterator[str]:
        yield from choice(words for pom in self.poms if (words := _words(pom.get("name")) or _words(pom.get("url"))))
        for place in _PLACES:
            yield from map(_words, self.texts.get(place, ()))
        yield from self.attributes
        expressions = [_words(t) for t in self.texts.get((*_MSBUILD, "packagelicenseexpression"), ())]
        yield from expressions
        files = [*self.files, *self.texts.get((*_MSBUILD, "packagelicensefile"), ())]
        yield from (f"file {_words(name)}" for name in files)
        if not any(expressions) and not files and not any(self.texts.get((*_NUSPEC, "license"), ())):
            for place in ((*_NUSPEC, "licenseurl"), (*_MSBUILD, "packagelicenseurl")):
                yield from (_words(url) for url in self.texts.get(place, ()))


def _words(text: str | None) -> str:
    """The words of an element; an unfilled property of MSBuild or Maven says nothing."""
    words = " ".join((text or "").split())
    return "" if words.startswith(("$(", "${", "$")) and words.endswith((")", "}", "$")) else words


def xml_fields(text: str) -> Iterator[str]:
    """The licence fields of a manifest in XML. Several licences of a POM are a choice."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"), True)
    except (expat.ExpatError, ValueError):
        yield from (found[1].strip() for found in _LOOSE.finditer(_COMMENT.sub("", text)))
        return
    yield from reader.fields()


def _refuse(*declaration: object) -> None:
    raise ValueError("an entity is declared")
