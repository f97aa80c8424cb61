"""What looks like a secret or an address and is none, beside what is one."""

import pytest

from gleanery.privacy.redact import Redactor


def found(redactor: Redactor, path: str, text: str) -> list[tuple[str, str]]:
    return [(r.entity, text[r.start : r.end]) for r in redactor.redact(text, path, None).replacements]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("gate.c", '** inserts rows into the table identified by "birch".'),
        ("gate.cpp", 'cout << (ok ? "pass" : "failed") << endl;'),
        ("gate.sh", 'if [ `basename $PWD` != "birch7" ]; then'),
        ("gate.sh", """jq '. + {"PASSWORD": .PASSWORD|@base64d}' a.json"""),
        ("gate.h", '#define PW_DEFAULT_REMOTE "birchwood-0"'),
        ("README.md", "## First pass: count the gates\n\n## Second pass: storing the gates"),
        ("gate.c", 'set_sortlist("62.30.0.0/16 62.31.0.0/255.255.0.0", "128.0.0.0")'),
        ("README.md", "* Birch Studio (65.0.3.100) or later, Elm 66.7.3.100 and newer (RFC9114 77.2.44.1)"),
        ("gate.js", 'btoa("spam:eggs7")'),
        ("gate.yml", 'COMPILER: "gcc@8.3.1.1"\nSPEC: "%xl@16.1.1.2~mfem"'),
        ("rows.json", '{"id": "16e458537602f5ef2a710089dffd9453", "key": "16e458537602f5ef2a710089dffd9453"}'),
        ("gate.xib", '<boolean value="NO" key="100027.XBTGateMetadataTranslatesGateMaskIntoConstraints"/>'),
    ],
)
def test_what_only_looks_like_one_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, path, text) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.sql", "alter user roe identified by 'w4ldkauz'"),
        ("a.sql", "create user if not exists 'roe'@'%' identified by 'w4ldkauz'"),
        ("a.py", """q = "CREATE USER '" + name + "' IDENTIFIED BY 'w4ldkauz'\\n\""""),
        ("a.php", '$PWD = "w4ldkauz";'),
        ("README.md", "user: roe, pass: w4ldkauz"),
    ],
)
def test_passwords_in_such_places_are_found(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, path, text) == [("PASSWORD", "w4ldkauz")]


def test_a_key_that_is_no_id_beside_it_is_one(redactor: Redactor) -> None:
    text = '{"id": "gate-7", "key": "16e458537602f5ef2a710089dffd9453"}'
    assert found(redactor, "rows.json", text) == [("KEY", "16e458537602f5ef2a710089dffd9453")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.js", 'headers.Authorization = "Basic " + btoa("wfeuer:w4ldkauz");'),
        ("a.js", 'auth = Buffer.from("wfeuer:w4ldkauz").toString("base64")'),
        ("a.py", 'auth = base64.b64encode(b"wfeuer:w4ldkauz")'),
        ("a.go", 'h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("wfeuer:w4ldkauz")))'),
        ("a.erl", '"Basic " ++ base64:encode("wfeuer:w4ldkauz")'),
        ("a.sh", 'curl -H "Authorization: Basic $(echo -n wfeuer:w4ldkauz | base64)" https://birch.org'),
    ],
)
def test_a_login_that_is_encoded_for_a_header_is_found(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, path, text) == [("USERNAME", "wfeuer"), ("PASSWORD", "w4ldkauz")]


def test_an_address_in_such_a_login_is_one(redactor: Redactor) -> None:
    text = 'authorization: "Basic #{:base64.encode("wfeuer@zoo-birke.org:w4ldkauz")}"'
    assert found(redactor, "a.exs", text) == [("EMAIL", "wfeuer@zoo-birke.org"), ("PASSWORD", "w4ldkauz")]


@pytest.mark.parametrize("text", ["ssh wfeuer@8.3.1.1", "git clone ssh://wfeuer@8.3.1.1/x", "birch@66.30.20.10"])
def test_a_machine_behind_an_account_is_one(redactor: Redactor, text: str) -> None:
    assert [kind for kind, _ in found(redactor, "gate.sh", text) if kind == "IP_ADDRESS"] == ["IP_ADDRESS"]
