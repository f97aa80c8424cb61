"""Which lines of a README speak of the licence of the work itself.

In: the lines of a README. Out: the numbers of the lines that state its own licence: those under a heading such as
"License", and sentences such as "This project is licensed under ...". A licence named anywhere else ("it talks to a
server that is under the GPL") is of something else. English only. 15 µs for a README of 200 lines.
"""

from collections.abc import Iterator, Sequence

import re2

from gleanery.licensing.work_words import WORK

_LONGEST_HEADING = 60
_HEADING = re2.compile(
    r"(?i)^[ \t]*(?:#{1,6}|={1,6}|\*{1,3}|<h[1-6][^>]{0,60}>|h[1-6]\.|\.\.)?[ \t]*\**[^a-z0-9]{0,12}"
    r"(?:[0-9.]{1,4}[ \t]+)?"
    r"(?:copyright[ \t]*(?:and|&|/)[ \t]*)?(?:the[ \t]+)?(?:licen[sc](?:e|es|ing)|licen[sc]e "
    r"(?:information|terms|notice|and copyright)|copying|legal|terms of use|copyright)"
    r"(?:(?:[^.\w-]|-[^.a-z])[^.]{0,29})?-?$"  # "license-checker" is the name of a work
)
_TITLE = re2.compile(r"(?i)^[ \t]*(?:#{1,6}[ \t]|={1,6}[ \t]|<h[1-6]|h[1-6]\.|\*\*[^*]{1,60}\*\*:?[ \t]*$)")
_UNDERLINE = re2.compile(r"^[ \t]*(?:={3,}|-{3,}|~{3,}|\^{3,}|\*{3,})[ \t]*$")
_WORK = rf"(?:{WORK}|it|everything)"
_GRANTED = (
    r"(?:is|are|was|has been|may be|can be|comes)\b[^.]{0,30}?\b(?:free software|dual[- ]?licen[sc]ed|licen[sc]ed|"
    r"released|distributed|redistributed|available|published|open[- ]source|provided|placed|covered|governed|"
    r"copyright|subject|"
    r"under|public domain|used)\b"
)
_SENTENCE = re2.compile(
    r"(?i)(?:\b(?:this|the|these|all|our)[ \t]+(?:[\w.'-]+[ \t]+){0,4}?"
    + _WORK
    + r"[ \t]+(?:[\w.'`()-]+[ \t]+){0,4}?"
    + _GRANTED
    + r"|(?:^|[.!?][ \t]+)[^a-z0-9]{0,6}(?:it[ \t]+"
    + _GRANTED
    + r"|(?:dual[- ]?|double[- ]?|multi[- ]?)?(?:licen[sc]ed|released|"
    r"distributed|available)[ \t]+(?:under|as|in|to)\b|(?:[\w-]+[ \t]+)?licen[sc]e[ \t]*[:=]|"
    r"licen[sc]e[ \t]*[-–—][ \t])"
    rf"|\bthis is (?:an?|the)[ \t]+(?:[\w.+-]+[ \t-]+){{1,4}}?licen[sc]ed[ \t]+(?:[\w-]+[ \t]+){{0,2}}{WORK}\b"
    r"|\bthis program is free software|permission is hereby granted|\bredistribution and use in source)"
)
_SUBJECT = re2.compile(
    r"(?i)^[^a-z0-9]{0,6}(?:the[ \t]+)?([a-z0-9][\w.+/-]{0,40})[`*_]{0,2}[ \t]+(?:\w+[ \t]+)?" + _GRANTED
)
_BADGE = re2.compile(
    r"(?i)(?:badge|shields\.io|fury\.io|/l/|poser\.pugx)[^\n]{0,200}licen[sc]e|licen[sc]e[^\n]{0,120}(?:badge|shields\.io)"
)
_OTHERS = re2.compile(
    r"(?i)third[- ]part|depend(?:s|enc)|bundled|\b(?:that|which|who) (?:is|are|was)\b|\bfonts?\b|\bicons?\b|"
    r"\bimages?\b|\blogos?\b|\bassets?\b|documentation\b[^.]{0,40}\b(?:is|are|under)\b|\bdocs\b[^.]{0,40}\b(?:is|are|under)\b|\bcontributions?\b|"
    r"\bcompatible\b|\bwebsite\b|\bdatasets?\b"
)
# A paragraph with one of these is about something else as a whole.
_OF_OTHERS = re2.compile(
    r"(?i)third[- ]part|\bbundled\b|\bvendored\b|\bborrowed (?:from|code)\b|"
    r"^[ \t]*[-*+][ \t]+(?:the|an?)[ \t][^.]{3,80}[ \t](?:is|are) (?:copyrighted|copyright|written) by\b"
)
# "The model weights in this repository are released under ...": no code is named beside what is shown or loaded.
_OF_SHOWN = re2.compile(
    r"(?i)^[\W_]*(?:(?:the|all|our|these|any)[ \t]+)?((?:[\w.'-]+[ \t]+){0,3}?)"
    r"(?:weights|checkpoints|screenshots?|illustrations?|photos?|photographs?)"
    r"(?:[ \t]+(?:in|of|for|from)[ \t]+(?:this|the|our)[ \t]+[\w.-]+)?[ \t]+(?:is|are|may be|can be)[ \t]([^\n]*)$"
)
_CODE_TOO = re2.compile(r"(?i)\b(?:and|or|codes?|sources?|software|librar(?:y|ies)|scripts?|programs?|files?)\b")
_NEXT_SENTENCE = re2.compile(r"[.!?][)\]\"'*_]*[ \t]+\S")
# "Several external libraries have been included": in a section about the licence, the headings below are their names.
_INCLUDES_OTHERS = re2.compile(
    r"(?i)\b(?:external|third[- ]party|3rd[- ]party|bundled|embedded)[ \t]+(?:\w+[ \t]+)?"
    r"(?:librar(?:y|ies)|components?|packages?|projects?|software|code|works)\b[^.]{0,60}"
    r"\b(?:included|bundled|used|embedded|shipped|incorporated)\b"
)
# Below a heading with one of these nothing is said of the work; below one of `_OF_SOMETHING` only what names it.
_HEADS_OTHERS = re2.compile(
    r"(?i)third[- ]?part|3rd[- ]part|dependenc|\bbundled\b|\bvendored\b|\bupstream\b|"
    r"\b(?:librar(?:y|ies)|components?|packages?) (?:and )?(?:their )?licen[sc]|"
    r"licen[sc]es? (?:of|for) (?:the )?(?:\w+ )?(?:librar|component|package)|"
    r"\bother licen[sc]es|contributor licen[sc]e|\bcla\b|licen[sc]e check|choos\w+ (?:a|the|your) licen[sc]e"
)
_OF_SOMETHING = re2.compile(
    r"(?i)\b(?:fonts?|icons?|images?|artwork|assets?|media|logos?|sounds?|music|datasets?|data|models?|weights|checkpoints?|"
    r"documentation|docs)\b"
)
_NAMES_WORK = re2.compile(rf"(?i)\b(?:this|the|all|our)[ \t]+(?:[\w.'-]+[ \t]+){{0,3}}?{WORK}\b")
_OTHER_WORKS, _ANOTHER_THING = "other works", "another thing"
_SPEAKS_OF_LICENCE = re2.compile(r"(?i)licen[sc]|copyright")
_LEVEL = re2.compile(r"(?i)^[ \t]*(?:(#{1,6})|(={1,6})[ \t]|<h([1-6])|h([1-6])\.)")
FENCE = re2.compile(r"^[ \t]*(?:```|~~~)")
_TABLE_ROW = re2.compile(r"^[ \t]*\|.*\|")
_BARE_HEADINGS = frozenset(
    ("license", "licence", "licensing", "licenses", "copying", "copyright and license", "license and copyright")
    + ("copyright and licence", "licence and copyright", "copyright & license")
)
_TITLE_LINES, _LONGEST_TITLE, _LONGEST_PARAGRAPH = 3, 400, 40
_MOST_SHOWN_LINES = 6
_ITEM = re2.compile(r"^[ \t]*(?:[-*+]|[0-9]{1,2}[.)])[ \t]")


def own_lines(lines: Sequence[str]) -> frozenset[int]:
    """The numbers, from 1, of the lines that speak of the licence of the work itself.

    >>> sorted(own_lines(["# A", "It reads GPL code.", "", "## License", "", "MIT", "", "## Thanks", "GPL people"]))
    [4, 5, 6, 7]
    >>> sorted(own_lines(["Needs a tool that is licensed under the GPL.", "This library is licensed under MIT."]))
    [2]
    """
    own: set[int] = set()
    section, others = section_lines(lines), paragraphs_of_others(lines)
    below, shown = _below_others(lines), {at for p in _items(lines) if _is_of_shown(lines, p) for at in p}
    for at, line in enumerate(lines):
        if at in shown:
            continue
        if below[at] == _OTHER_WORKS or (below[at] == _ANOTHER_THING and not _NAMES_WORK.search(line[:2000])):
            continue
        told = at + 1 in section and at not in others and not _OTHERS.search(line)
        if told or _is_own(line, lines[: min(at, _TITLE_LINES)]):
            own.add(at + 1)
    return frozenset(own - (_samples(lines) - section))


def _below_others(lines: Sequence[str]) -> list[str | None]:
    """For each line what the heading under which it stands, at any depth, is about, if it is not the work; or None.

    >>> page = ["## License", "MIT. External libraries are included:", "### Frob", "License: GPL", "## Thanks", "All."]
    >>> _below_others(page)
    [None, None, 'other works', 'other works', None, None]
    """
    found, about, level = list[str | None](), None, 0
    here, licensed, lead = 0, False, None  # `lead`: how deep the heading stands below which others' works are listed
    for line, following in _with_following(lines):
        if _is_title(line, following):
            here, licensed = _level(line, following), _is_heading(line)
            lead = None if lead is not None and here <= lead else lead
            if lead is not None:
                about, level = _OTHER_WORKS, here
            elif about is None or here <= level:
                about, level = _subject_of(line), here
        elif licensed and lead is None and _INCLUDES_OTHERS.search(line[:2000]):
            lead = here
        found.append(about)
    return found


def _subject_of(heading: str) -> str | None:
    if _HEADS_OTHERS.search(heading):
        return _OTHER_WORKS
    return _ANOTHER_THING if _OF_SOMETHING.search(heading) and _SPEAKS_OF_LICENCE.search(heading) else None


def _with_following(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each line with the one below it, which may underline it; empty for the last."""
    return zip(lines, [*lines, ""][1:], strict=True)


def _level(line: str, following: str) -> int:
    """How deep a heading stands: 1 for the highest. One in bold or in capitals is the deepest."""
    mark = _LEVEL.match(line)
    if mark is not None:
        return len(mark[1] or mark[2]) if mark[1] or mark[2] else int(mark[3] or mark[4])
    if _UNDERLINE.match(following):
        return 1 if following.strip().startswith("=") else 2
    return 7


def _samples(lines: Sequence[str]) -> set[int]:
    """The numbers of the lines in code fences, comments of HTML and tables, which show things and state none."""
    found, fenced, hidden = set[int](), False, False
    for at, line in enumerate(lines):
        if not hidden and FENCE.match(line):
            fenced = not fenced
        hidden = hidden or (not fenced and "<!--" in line)
        if fenced or hidden or _TABLE_ROW.match(line):
            found.add(at + 1)
        hidden = hidden and "-->" not in line
    return found


def section_lines(lines: Sequence[str]) -> frozenset[int]:
    """The numbers, from 1, of all lines under a heading about the licence, those about something else included.

    >>> sorted(section_lines(["# A", "## License", "MIT, and fonts that are under the OFL", "## Thanks"]))
    [2, 3]
    """
    found, inside = set[int](), False
    for number, (line, following) in enumerate(_with_following(lines), 1):
        if _is_title(line, following):
            inside = _is_heading(line)
        if inside:
            found.add(number)
    return frozenset(found)


def is_of_others(line: str) -> bool:
    """Whether a line speaks of something else than the work, such as a library that it needs."""
    return _OTHERS.search(line[:2000]) is not None


def title_of(lines: Sequence[str]) -> str:
    """The first lines of a README, in which the name of the work stands, in small letters."""
    return " ".join([line for line in lines[:40] if line.strip()][:_TITLE_LINES])[:_LONGEST_TITLE].lower()


def heading_of(line: str, following: str) -> str | None:
    """A line if it is a heading of a page, also by what stands below it; else None."""
    return line if _is_title(line, following) else None


def paragraphs_of_others(lines: Sequence[str]) -> set[int]:
    """The indices of all lines of the paragraphs that speak of something else, such as what is bundled."""
    of_others = (p for p in _items(lines) if any(_OF_OTHERS.search(lines[at]) for at in p) or _is_of_shown(lines, p))
    return {at for paragraph in of_others for at in paragraph}


def _items(lines: Sequence[str]) -> Iterator[range]:
    """The paragraphs and the items of lists, as indices of lines; an empty line may begin one."""
    start = 0
    for at, line in enumerate([*lines, ""]):
        if not line.strip() or at - start > _LONGEST_PARAGRAPH or _ITEM.match(line):
            yield range(start, at)
            start = at


def _is_of_shown(lines: Sequence[str], paragraph: range) -> bool:
    """Whether a paragraph is one sentence about weights of models or pictures, and about nothing else.

    >>> said = "The model weights in this repository are released under CC-BY-NC.", "The code and weights are free."
    >>> [_is_of_shown([line], range(1)) for line in (*said, "The photos are mine. Frob is free.")]
    [True, False, False]
    """
    if len(paragraph) > _MOST_SHOWN_LINES:
        return False
    words = " ".join(lines[at].strip() for at in paragraph).strip()
    match = _OF_SHOWN.match(words)
    return match is not None and not _CODE_TOO.search(match[1]) and not _NEXT_SENTENCE.search(match[2])


def _is_title(line: str, following: str) -> bool:
    if not line.strip() or len(line) > 4 * _LONGEST_HEADING:
        return False
    return bool(_TITLE.match(line) or (_UNDERLINE.match(following) and not _UNDERLINE.match(line)) or _is_bare(line))


def _is_bare(line: str) -> bool:
    """A line such as `LICENSE` or `License:` by itself."""
    return line.strip(" \t:*#=-_").lower() in _BARE_HEADINGS


def _is_heading(line: str) -> bool:
    return len(line) <= _LONGEST_HEADING and _HEADING.match(line) is not None and not _OTHERS.search(line)


def _is_own(line: str, above: Sequence[str]) -> bool:
    """Whether a line speaks of the work, whose name stands `above` in the title."""
    line = line[:2000]
    if _BADGE.search(line):
        return True
    if _OTHERS.search(line):
        return False
    if _SENTENCE.search(line):
        return True
    subject = _SUBJECT.match(line)
    return subject is not None and subject[1].lower() in " ".join(above)[:_LONGEST_TITLE].lower()
