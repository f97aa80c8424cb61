"""Declared: the encoding that a file says it has.

In: the bytes of a file that is not UTF-8. Out: the name that it gives, as it stands there, or None; and what we read
such a name as. Only the places that programs themselves obey are looked at: the declaration of XML, the `meta` element
of HTML, `@charset` of CSS, the coding line of Python and Ruby, the variables of Emacs, the mode line and the
`scriptencoding` of Vim, the header of a gettext catalogue, `inputenc` of LaTeX, `=encoding` of Perl. A word such as
`charset` anywhere else says nothing. Costs a few searches in the first 8 KiB and the last 3,000 bytes: 20 us.
"""

import codecs

import re2

_HEAD, _FIRST, _TAIL = 8 << 10, 2 << 10, 3000
_ASCII = bytes(range(128)) + b"?" * 128  # a declaration is ASCII, whatever stands around it

_NAME = rb"[\"']?([A-Za-z][-\w.:]{0,39})"
_AT_THE_START = re2.compile(rb"^(?:<\?xml [^>]{0,200}?encoding[ \t]*=[ \t]*|@charset )" + _NAME)
_IN_FIRST_LINES = re2.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*" + _NAME + rb"|-\*-.*?coding:[ \t]*" + _NAME)
_MODE_LINE = re2.compile(rb"(?:^|[ \t])(?:vim?|ex):.*?\b(?:fileencoding|fenc)=" + _NAME)
_VARIABLES = re2.compile(rb"(?ims)^[^\n]*Local Variables:.*?^[^\n:]*?coding:[ \t]*" + _NAME)
_META = re2.compile(rb"(?i)<meta\s[^>]{0,200}?charset\s*=\s*" + _NAME)
_COMMAND = re2.compile(
    rb"(?m)^[ \t:]*scripte(?:ncoding)?[ \t]+" + _NAME + rb"|^=encoding[ \t]+" + _NAME
    + rb"|^\"Content-Type: *text/plain; *charset=" + _NAME + rb"|^[ \t]*\\usepackage\[" + _NAME + rb"\]\{inputenc\}"
)  # fmt: skip

# What is read for a name: the set that programs which take the name in earnest read, which is often the larger set of
# a later standard. A Japanese Windows writes cp932 and calls it Shift_JIS; browsers read Latin-1 as Windows-1252.
_READ_AS = {
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji cp932 windows-31j csshiftjis shift_jisx0213",
    "euc_jp": "euc-jp eucjp ujis x-euc-jp japanese-iso-8bit",
    "gb18030": "gb2312 gbk gb18030 cp936 euc-cn chinese-gbk chinese-iso-8bit gb_2312-80 windows-936",
    "big5hkscs": "big5 cp950 big5-hkscs chinese-big5 windows-950",
    "cp949": "euc-kr ks_c_5601-1987 ksc5601 cp949 uhc korean korean-iso-8bit windows-949",
    "tis_620": "tis-620 iso-8859-11 windows-874 cp874",
    "cp1252": "iso-8859-1 latin1 latin-1 iso-latin-1 cp1252 windows-1252 ansinew l1 iso8859-1 8859-1",
    "cp1254": "iso-8859-9 latin5 latin-5 cp1254 windows-1254 iso8859-9",
    "koi8_r": "koi8-r cyrillic-koi8",
    "koi8_u": "koi8-u",
    "mac_roman": "macintosh x-mac-roman mac-roman macroman applemac",
    "mac_cyrillic": "x-mac-cyrillic mac-cyrillic maccyrillic",
    "iso8859_15": "iso-8859-15 latin9 latin-9 latin0 iso8859-15",
}
_OF_NAME = {name: codec for codec, names in _READ_AS.items() for name in names.split()}
for _n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 16):
    _OF_NAME |= {f"iso-8859-{_n}": f"iso8859_{_n}", f"iso8859-{_n}": f"iso8859_{_n}"}
_OF_NAME |= {"latin2": "iso8859_2", "latin-2": "iso8859_2"}
for _n in (1250, 1251, 1253, 1255, 1256, 1257, 1258):
    _OF_NAME |= {f"windows-{_n}": f"cp{_n}", f"cp{_n}": f"cp{_n}"}
for _n in (437, 850, 852, 855, 866):
    _OF_NAME |= {f"ibm{_n}": f"cp{_n}", f"cp{_n}": f"cp{_n}"}


def declared_name(content: bytes) -> str | None:
    """The name of the encoding that the file gives; None if it gives none.

    >>> declared_name(b"#!/usr/bin/python\\n# -*- coding: latin-1 -*-"), declared_name(b'charset = "latin-1"')
    ('latin-1', None)
    """
    head, tail = content[:_HEAD].translate(_ASCII), content[-_TAIL:].translate(_ASCII)
    lines = head.splitlines()
    found = (
        _AT_THE_START.search(head.lstrip())
        or next(filter(None, map(_IN_FIRST_LINES.search, lines[:2])), None)
        or next(filter(None, map(_MODE_LINE.search, lines[:5] + tail.splitlines()[-5:])), None)
        or _META.search(head[:_FIRST])
        or _COMMAND.search(head)
        or _VARIABLES.search(tail)
    )
    return next(name for name in found.groups() if name).decode("ascii") if found else None


def read_as(name: str) -> str | None:
    """The codec for a declared name; None for a name that we do not read.

    >>> read_as("Shift_JIS"), read_as("latin-1-unix"), read_as("rot13")
    ('cp932', 'cp1252', None)
    """
    plain = name.lower()
    for ending in ("-unix", "-dos", "-mac"):
        plain = plain.removesuffix(ending)
    codec = _OF_NAME.get(plain) or _OF_NAME.get(plain.replace("_", "-"))
    return codec and codecs.lookup(codec).name.replace("-", "_")
