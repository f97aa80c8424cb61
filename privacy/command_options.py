"""Command options: passwords that a known program takes in an option of one letter, as `mysql -p…` and `sshpass -p …`.

In: a source. Out: hits for the values only. The program's name decides: the same letter means a port elsewhere. Options
that say what they are (`--password`) are found by assignments.py. One pass.
"""

from collections.abc import Iterator

from gleanery.privacy.gate import Condition
from gleanery.privacy.hits import Hit
from gleanery.privacy.patterns import compile_pattern
from gleanery.privacy.source import Source
from gleanery.privacy.strings import is_between_strings
from gleanery.privacy.values import is_password

NAME, ENTITIES = "command_option", ("PASSWORD",)
# Programs and their option: written to the value, or apart from it.
_JOINED = "(?:mysql(?:dump|admin|import|check|show|slap|pump|sh|binlog|_upgrade)?|mariadb(?:-[a-z]{2,10})?|7z[arz]?)"
_APART = {
    "sshpass": "-p",
    "redis-cli": "-a",
    "(?:docker|podman|buildah|helm registry|az|oc)[ \t]+login": "-p",
    "ldap[a-z]{2,10}": "-w",
    "zip|unzip": "-P",
    "mongo(?:sh|dump|restore|export|import)?": "-p",
    "smbclient|rpcclient": "-U[ \t]{0,2}[\"']?[\\w.\\\\/-]{1,64}%",
}
_STEMS = (b"mysql", b"mariadb", b"7z", b"sshpass", b"redis-cli", b"login", b"ldap", b"zip", b"mongo", b"client")
GATES = {NAME: Condition("|".join(stem.decode() for stem in _STEMS), _STEMS)}

_VALUE = r"(?:\\?[\"']([^\s\"'\\]{1,128})\\?[\"']|([^\s\"'`<>;&|()\\]{1,128}))"
_GAP = r"(?:[ \t][^\n|;&]{0,200}?)??[ \t]"
_FORMS = [
    f"{_JOINED}{_GAP}-p",
    *(f"(?:{name}){_GAP}{option}" + ("" if option.endswith("%") else r"[ \t]{1,4}") for name, option in _APART.items()),
]
_OPTION = compile_pattern(r"(?:^|[^\w.-])(?:" + "|".join(form + _VALUE for form in _FORMS) + ")")


def find(source: Source) -> Iterator[Hit]:
    """Hits in bytes, in the order of the text."""
    for found in _OPTION.finditer(source.raw):
        group = next(n for n in range(1, 2 * len(_FORMS) + 1) if found.group(n) is not None)
        value = source.raw[found.start(group) : found.end(group)].decode("utf-8", "replace")
        span = found.start(group), found.end(group)
        if is_password(value, sure=True) and not is_between_strings(source, span):
            yield Hit(*span, "PASSWORD", "command_option", 0.7)
