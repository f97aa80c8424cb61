"""What one file says about licences, read in the way that its kind asks for.

In: the bytes of a file, and how to read them (`names.reading_scope`). Out: findings. There are four readings: of a head
(`heads.py`), of a licence file (`license_files.py`), of a README (`readme_findings.py`), and of the licence fields of
manifests and records. Costs what the detector costs, and 0.1 ms for a manifest or a README.
"""

from collections.abc import Iterator
from dataclasses import replace

from gleanery.licensing.documents import document_text
from gleanery.licensing.expressions import POINTER
from gleanery.licensing.fields import resolved
from gleanery.licensing.findings import FIELD, Finding, reservation_on, with_owners
from gleanery.licensing.heads import findings_of_head
from gleanery.licensing.license_files import findings_of_license_file
from gleanery.licensing.lines import decoded
from gleanery.licensing.manifests import Statement, statements
from gleanery.licensing.names import license_role, reading_scope
from gleanery.licensing.reading import read_text
from gleanery.licensing.readme_findings import findings_of_readme
from gleanery.licensing.record_findings import findings_of_records
from gleanery.licensing.scan import Scanner

# Raise it when the same file may now get other findings from this module or those it calls.
EVIDENCE_VERSION = 57
_FORMS_WITHOUT_HEAD = frozenset(("json", "json-choice", "perl-json", "message", "r"))
_RECORDS = frozenset(("reuse-toml", "dep5", "debian"))
_READINGS = {"head": findings_of_head, "whole": findings_of_license_file, "readme": findings_of_readme}


def reading_scopes(path: str) -> tuple[str, ...]:
    """Every way in which a file is read: a manifest that is code or has comments has a head of its own too.

    >>> reading_scopes("a.c"), reading_scopes("setup.py"), reading_scopes("package.json")
    (('head',), ('setup-py', 'head'), ('json',))
    """
    scope = reading_scope(path)
    both = license_role(path) == "metadata" and scope not in _FORMS_WITHOUT_HEAD
    return (scope, "head") if both else (scope,)


def find(scanner: Scanner, content: bytes, scope: str) -> tuple[Finding, ...]:
    """The findings in some bytes, read as `scope` says; at least one, and never an error. KeyError: no such scope."""
    with scanner.one_file():
        return _find(scanner, content, scope)


def _find(scanner: Scanner, content: bytes, scope: str) -> tuple[Finding, ...]:
    if scope in _READINGS:
        return _READINGS[scope](scanner, content)
    if scope == "document":
        said = document_text(content)
        unread = (Finding("unknown", rule=scope),)
        return unread if said is None else findings_of_license_file(scanner, said.encode("utf-8", "replace"))
    text = decoded(content)
    if scope in _RECORDS:
        found = findings_of_records(scanner, text, scope)
    else:
        found = [finding for said in statements(text, scope) for finding in _of_field(scanner, said)]
    reading = read_text(content, "whole")
    if reading.reserved:
        found.append(reservation_on(*reading.reserved))
    return with_owners(found or [Finding("none")], reading.copyrights)


def _of_field(scanner: Scanner, said: Statement) -> Iterator[Finding]:
    """What one licence field of a manifest states."""
    if said.file is not None:
        yield Finding("found", POINTER, 100.0, FIELD, said.line, said.line, paths=(said.file,))
        return
    for finding in resolved(scanner, said.words):
        yield replace(finding, start_line=said.line, end_line=said.line, copyrights=())
