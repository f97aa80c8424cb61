"""The licence names that Debian's maintainers write, as SPDX expressions.

In: the synopsis of a `License:` field of a machine-readable debian/copyright (DEP-5), such as `GPL-2+ or Expat`. Out:
an SPDX expression, or None where one of the names says too little to be sure (`BSD`, `other`, `custom`). Such files are
left out of the measurement and counted. Names are mapped by the table below and by the rules of the DEP-5 page only;
the texts that stand below them are not read, since that would take a licence detector.
"""

import re
from functools import lru_cache

# Names of DEP-5 and names that many maintainers use, in lower case, whose meaning is one SPDX licence.
_TABLE = """
0bsd=0BSD
afl-2.0=AFL-2.0
afl-2.1=AFL-2.1
afl-3.0=AFL-3.0
apache=Apache-2.0
apache-1=Apache-1.0
apache-1.1=Apache-1.1
apache-2=Apache-2.0
apache-2.0=Apache-2.0
apache-2.0-with-llvm-exceptions=Apache-2.0 WITH LLVM-exception
artistic-1=Artistic-1.0-Perl
artistic-1.0=Artistic-1.0-Perl
artistic-1.0-perl=Artistic-1.0-Perl
artistic=Artistic-1.0-Perl
artistic-2=Artistic-2.0
artistic-2.0=Artistic-2.0
beerware=Beerware
blessing=blessing
boost=BSL-1.0
boost-1.0=BSL-1.0
bsd-1-clause=BSD-1-Clause
bsd-2=BSD-2-Clause
bsd-2-clause=BSD-2-Clause
bsd-2-clauses=BSD-2-Clause
bsd-2-clause-freebsd=BSD-2-Clause
bsd-2-clause-netbsd=BSD-2-Clause
bsd-3=BSD-3-Clause
bsd-3-clause=BSD-3-Clause
bsd-3-clauses=BSD-3-Clause
bsd-4-clause=BSD-4-Clause
bsd-4-clause-uc=BSD-4-Clause-UC
bsl-1=BSL-1.0
bsl-1.0=BSL-1.0
bzip2=bzip2-1.0.6
cc0=CC0-1.0
cc0-1.0=CC0-1.0
cc-0=CC0-1.0
cc-by-2.0=CC-BY-2.0
cc-by-2.5=CC-BY-2.5
cc-by-3.0=CC-BY-3.0
cc-by-3=CC-BY-3.0
cc-by-4.0=CC-BY-4.0
cc-by-4=CC-BY-4.0
cc-by-sa-2.0=CC-BY-SA-2.0
cc-by-sa-2.5=CC-BY-SA-2.5
cc-by-sa-3=CC-BY-SA-3.0
cc-by-sa-3.0=CC-BY-SA-3.0
cc-by-sa-4=CC-BY-SA-4.0
cc-by-sa-4.0=CC-BY-SA-4.0
cc-by-nc-sa-3.0=CC-BY-NC-SA-3.0
cddl=CDDL-1.0
cddl-1=CDDL-1.0
cddl-1.0=CDDL-1.0
cddl-1.1=CDDL-1.1
cecill=CECILL-2.0
cecill-2=CECILL-2.0
cecill-2.1=CECILL-2.1
cecill-b=CECILL-B
cecill-c=CECILL-C
cpl-1=CPL-1.0
cpl-1.0=CPL-1.0
curl=curl
epl-1=EPL-1.0
epl-1.0=EPL-1.0
epl-2=EPL-2.0
epl-2.0=EPL-2.0
eupl-1.1=EUPL-1.1
eupl-1.2=EUPL-1.2
expat=MIT
all-permissive=FSFAP
fsfap=FSFAP
fsf-unlimited=FSFULLR
fsful=FSFUL
fsfullr=FSFULLR
ftl=FTL
hpnd=HPND
hpnd-sell-variant=HPND-sell-variant
icu=ICU
ijg=IJG
isc=ISC
lgpl-2.0=LGPL-2.0-only
libpng=Libpng
llvm-exception=Apache-2.0 WITH LLVM-exception
lppl-1.3=LPPL-1.3c
lppl-1.3c=LPPL-1.3c
lppl-1.3+=LPPL-1.3c
mit=MIT
mit-0=MIT-0
mit-cmu=MIT-CMU
mit-license=MIT
mit/expat=MIT
mit/x11=MIT
mpl-1.0=MPL-1.0
mpl-1=MPL-1.0
mpl-1.1=MPL-1.1
mpl-2=MPL-2.0
mpl-2.0=MPL-2.0
ms-pl=MS-PL
ms-rl=MS-RL
licenseref-kde-accepted-gpl=GPL-3.0-or-later
licenseref-kde-accepted-lgpl=LGPL-3.0-or-later
ncsa=NCSA
ofl=OFL-1.1
ofl-1.1=OFL-1.1
sil-ofl-1.1=OFL-1.1
sil-1.1=OFL-1.1
openldap-2.8=OLDAP-2.8
openssl=OpenSSL
osl-3.0=OSL-3.0
php-3.0=PHP-3.0
php-3.01=PHP-3.01
postgresql=PostgreSQL
psf=PSF-2.0
psf-2=PSF-2.0
psfl=PSF-2.0
python=Python-2.0
python-2=Python-2.0
python-2.0=Python-2.0
psf-2.0=PSF-2.0
public-domain=LicenseRef-scancode-public-domain
publicdomain=LicenseRef-scancode-public-domain
pd=LicenseRef-scancode-public-domain
qpl=QPL-1.0
qpl-1.0=QPL-1.0
ruby=Ruby
sgi-b-2.0=SGI-B-2.0
sleepycat=Sleepycat
tcl=TCL
unicode=Unicode-DFS-2016
unlicense=Unlicense
unlicence=Unlicense
upl-1.0=UPL-1.0
vim=Vim
w3c=W3C
wtfpl=WTFPL
wtfpl-2=WTFPL
wtfpl-2.0=WTFPL
x11=X11
x-11=X11
zlib=Zlib
zlib/libpng=Zlib
zope-2.1=ZPL-2.1
zpl-2.1=ZPL-2.1
zpl-2.0=ZPL-2.0
busl-1.1=BUSL-1.1
"""
TABLE = {name: spdx for line in _TABLE.split() if line for name, _, spdx in [line.partition("=")] if spdx}
TABLE |= {line.split("=")[0]: line.split("=", 1)[1] for line in _TABLE.splitlines() if " WITH " in line}
# The families that have versions: GPL-2, GPL-2+, GPL-2.0-or-later, LGPL-2.1-only.
_FAMILY = re.compile(r"(gpl|lgpl|agpl|gfdl|fdl)-?v?(\d(?:\.\d)?)(?:\.0)?(\+|-or-later|-only)?")
# Bare names of these families. Under their own section on versions, "GPL" without a number means any version.
_ANY_VERSION = {"gpl": "GPL-1.0-or-later", "lgpl": "LGPL-2.0-or-later", "gpl+": "GPL-1.0-or-later"}
_EXCEPTION = re.compile(r"\s+with[\s-]+(?:the[\s-]+)?(.+?)(?:[\s-]+exceptions?)?$")
_NO_INVARIANTS = re.compile(r"[-\s]+(?:with[-\s]+)?(no|without)[-\s]+invariants?(?:[-\s]+sections?)?$|-niv$")
# The SPDX name of an exception. Any other one is left out: the base licence decides the class in any case.
_EXCEPTIONS = {
    "autoconf": "Autoconf-exception-generic",
    "autoconf-data": "Autoconf-exception-generic",
    "autotools": "Autoconf-exception-generic",
    "automake": "Autoconf-exception-generic",
    "libtool": "Libtool-exception",
    "bison": "Bison-exception-2.2",
    "classpath": "Classpath-exception-2.0",
    "font": "Font-exception-2.0",
    "gcc": "GCC-exception-3.1",
    "gcc-runtime-library": "GCC-exception-3.1",
    "ocaml-lgpl-linking": "OCaml-LGPL-linking-exception",
    "ocaml-linking": "OCaml-LGPL-linking-exception",
    "llvm": "LLVM-exception",
}


@lru_cache(maxsize=4096)
def spdx_of(synopsis: str) -> str | None:
    """The SPDX expression of a synopsis, or None if one of its names cannot be mapped.

    The DEP-5 page on syntax: "and" binds closer than "or", unless a comma stands before it.

    >>> spdx_of("GPL-2+ or Artistic, and BSD-3-clause")
    '((GPL-2.0-or-later OR Artistic-1.0-Perl) AND BSD-3-Clause)'
    >>> spdx_of("Expat or GPL-2 and Zlib"), spdx_of("BSD-like or Expat")
    ('(MIT OR (GPL-2.0-only AND Zlib))', None)
    >>> spdx_of("GPL-3+ with Autoconf exception")
    'GPL-3.0-or-later WITH Autoconf-exception-generic'
    """
    text = " ".join(synopsis.lower().split()).replace("|", " or ").replace(" & ", " and ")
    return _split(text, (", and ", ", or ", ",", " or ", " and "))


def _split(text: str, words: tuple[str, ...]) -> str | None:
    for index, word in enumerate(words):
        if word in text:
            # A bare comma in a list such as "A, B, and C" means what the word at its end means.
            joined = "OR" if "or" in word or (word == "," and " or " in text) else "AND"
            parts = [_split(part, words[index:]) for part in text.split(word) if part.strip()]
            named = [part for part in parts if part]
            if len(named) < len(parts):
                return None
            return named[0] if len(named) == 1 else "(" + f" {joined} ".join(named) + ")"
    return _single(text.strip())


def _single(name: str) -> str | None:
    found = _base(name)
    if found is not None:
        return found
    match = _EXCEPTION.search(name)
    if match is None or match[1].startswith("no "):
        return None
    base = _base(name[: match.start()])
    exception = _EXCEPTIONS.get(match[1].replace(" ", "-"))
    return f"{base} WITH {exception}" if base and exception and " WITH " not in base else base


def _base(name: str) -> str | None:
    name = _NO_INVARIANTS.sub("", name.strip()).replace(" license", "").replace(" ", "-").rstrip(".")
    if name in TABLE:
        return TABLE[name]
    if name in _ANY_VERSION:
        return _ANY_VERSION[name]
    match = _FAMILY.fullmatch(name)
    if match is None:  # NAME~WHO is how Debian writes a text that differs from NAME in its owner or a few words
        plain, tilde, _ = name.partition("~")
        return _base(plain) if tilde else None
    family = match[1].upper().replace("FDL", "GFDL").replace("GGFDL", "GFDL")
    version = match[2] if "." in match[2] else match[2] + ".0"
    version = version.replace("1.0", "1.1") if family == "GFDL" and version == "1.0" else version
    later = match[3] in ("+", "-or-later")
    return f"{family}-{version}-{'or-later' if later else 'only'}"
