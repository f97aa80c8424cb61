"""User names in what systems of versions write into files. All invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redacted import found

from gleanery.privacy.redact import Redactor

AT = "2003/08/27 10:00:00"


@pytest.mark.parametrize(
    "text",
    [
        f"/* $Id: gate.c,v 1.2 {AT} kroe Exp $ */",
        f" * @version $Id: gate.php,v 1.2.4.1 {AT} kroe Exp $",
        "// $Id: Gate.java 4711 2006-05-10 13:22:15Z kroe $",
        f"/* $NetBSD: gate.h,v 1.12 {AT} kroe Exp $ */",
        "/* $Header: /zoo/gates/gate.c,v 1.2 92/03/14 10:00:00 kroe Exp $ */",
        "# $Author: kroe $",
        "# $LastChangedBy: kroe $",
        f" * Revision 1.2  {AT}  kroe\r\n * Gates added",
        f"date: {AT};  author: kroe;  state: Exp;  lines: +3 -1",
        "r4711 | kroe | 2006-05-10 13:22:15 +0200 (Wed, 10 May 2006) | 2 lines",
    ],
)
def test_the_account_is_found(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == [("USERNAME", "kroe")]
    assert found(Redactor(keywords_only=True), text) == [("USERNAME", "kroe")]


@pytest.mark.parametrize(
    "text",
    [
        "$Id$ $Author$ $Log$",
        f"$Id: gate.c,v 1.2 {AT} root Exp $",
        f"{AT} started the gate",
        f"log.info('$Id: %s {AT} gate opened', x)",
        "$Author: {name} $",
        "r4711 | gates | 3 of them",
    ],
)
def test_what_names_nobody_is_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text) == []


def test_who_holds_the_lock_is_found_too(redactor: Redactor) -> None:
    text = f"$Id: gate.c,v 1.2 {AT} kroe Exp wfeuer $"
    assert found(redactor, text) == [("USERNAME", "kroe"), ("USERNAME", "wfeuer")]


@given(st.from_regex(r"[b-df-z]{5,9}", fullmatch=True), st.integers(1, 99), st.sampled_from("/-"))
def test_nothing_but_the_account_is_replaced(account: str, number: int, sign: str) -> None:
    mark = f"$Id: gate.c,v 1.{number} 2003{sign}08{sign}27 10:00:00 %s Exp $"
    redacted = REDACTOR.redact(mark % account, "gate.c", "C").text
    assert redacted in (mark % "USERNAME_1", mark % account)
    assert account in ("users", "guest") or redacted == mark % "USERNAME_1" or "test" in account


REDACTOR = Redactor()
