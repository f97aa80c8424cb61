"""What records such as REUSE.toml and debian/copyright say of the files that they name, as findings.

In: the text of a record and its form. Out: a finding for each record, with the patterns of its files; a doubt for a
REUSE record that cannot be read, and nothing for an account in plain words. Costs what the detector costs for names.
"""

import re

from gleanery.licensing.expressions import PROPRIETARY
from gleanery.licensing.fields import resolved
from gleanery.licensing.findings import LIMITED_USE, Finding, surely_stated
from gleanery.licensing.limits import limit_in
from gleanery.licensing.reuse import Record, debian_expression, records
from gleanery.licensing.scan import Scanner


def findings_of_records(scanner: Scanner, text: str, form: str) -> list[Finding]:
    """The findings of a record, in the order in which it names its files."""
    said = records(text, form)
    if said is None:
        # A free-form debian/copyright is an account for people; a broken REUSE record may hide any licence.
        return [] if form == "debian" else [Finding("unknown", rule=f"{form}-unreadable")]
    return [_of_record(scanner, record, form) for record in said]


def _of_record(scanner: Scanner, record: Record, form: str) -> Finding:
    about = (f"{form}-{record.rank}", record.line, record.line)
    # The last record that names a file counts, also where it states no licence.
    if form == "reuse-toml" and not record.words.strip():
        return Finding("none", None, None, *about, paths=record.patterns)
    expression = surely_stated(resolved(scanner, _spelled_out(scanner, record)))
    outcome = "unknown" if expression is None else "found"
    return Finding(outcome, expression, 100.0, *about, paths=record.patterns)


def _spelled_out(scanner: Scanner, record: Record) -> str:
    """The words of a record, with what the text of a licence says in the place of a name that nobody knows.

    A text that limits what one may do ("for research only") stands beside its name, whatever that is.
    """
    words = record.words
    for name, text in record.texts:
        found = scanner.scan(text.encode("utf-8", "replace"), "whole")
        if limit_in(text.split("\n")) or any(f.expression == PROPRIETARY for f in found):
            spelled = debian_expression(name)
            words = _replaced(words, spelled, f"{spelled} AND {LIMITED_USE}")
        elif surely_stated(resolved(scanner, name)) is None:
            said = surely_stated(found)
            words = words if said is None else _replaced(words, name, said)
    return words


def _replaced(words: str, name: str, expression: str) -> str:
    return f"({expression})".join(re.split(rf"(?<![\w.+-]){re.escape(name)}(?![\w.+-])", words))
