"""What a value is, by how it is spelt and where it stands: passwords with signs, references, labels. All invented."""

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

HEX = "9f3a61c07be84d25a1f09c7e6b3d8245"
MIXED = "a8Zk3PqLw9XvT2bN7cRm"


FORMS = {
    "python": ("a.py", "PASSWORD = '{}'\n"),
    "java": ("A.java", 'String password = "{}";\n'),
    "json": ("c.json", '{{"password": "{}"}}'),
    "php": ("c.php", "<?php\n$cfg['password'] = '{}';\n"),
    "javascript": ("c.js", "const c = {{ password: '{}' }};\n"),
    "env": (".env", "PASSWORD={}\n"),
    "quoted env": (".env", 'PASSWORD="{}"\n'),
    "quoted yaml": ("c.yml", "password: '{}'\n"),
    "item of yaml": ("docker-compose.yml", "environment:\n  - POSTGRES_PASSWORD={}\n"),
    "shell": ("a.sh", "PASSWORD='{}'\n"),
    "element": ("a.xml", "<password>{}</password>\n"),
    "connection": ("a.cs", 'var c = "Server=db;User Id=w;Password={};";\n'),
    "terraform": ("a.tf", 'password = "{}"\n'),
    "mysql": ("a.sh", "mysql -uroot -p'{}'\n"),
    "sshpass": ("a.sh", "sshpass -p '{}' ssh x\n"),
    "sql": ("a.sql", "CREATE USER w WITH PASSWORD '{}';\n"),
}
SIGNED = ("!QAZ2wsx", "@dmin123", "*Secret1*", "&abc123XYZ", "$ecret123", "$uperS3cret")
SPELT = ("S3cret(1)", "[Br4cket]", "/Sl4sh9pw", "MY_PASS_2020", "Q1W2_E3R4", "my.p4ss.db", "12345678", "100%sure9")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", SIGNED + SPELT)
def test_signs_and_digits_of_a_password_make_no_reference_of_it(redactor: Redactor, form: str, value: str) -> None:
    path, text = FORMS[form]
    written = text.format(value)
    assert found(redactor, written, path) == [("PASSWORD", value)]
    assert value not in Redactor(keywords_only=True).redact(written, path, None).text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.sh", 'PASSWORD="$ecret123"\n'),
        ("a.sh", "mysqldump --password $secret12x\n"),
        ("a.sh", 'curl "https://$USER:$pass12x@shop.invalid"\n'),
        ("a.php", '<?php\n$password = "$secret12x";\n'),
        ("a.kt", 'val password = "$secret12x"\n'),
        ("a.yml", "password: !vault2x\n"),
        ("a.yml", "password: *anchor_12x\n"),
        ("a.yml", "password: &anchor_12x\n"),
        ("a.py", "password = '$secret'\n"),
        ("a.py", "password = '$DB2_PASSWORD'\n"),
        ("a.js", "password: '$this->row[\"pw\"]'\n"),
        ("a.js", "password: '@string/password'\n"),
        ("a.js", "password: 'config.db2.password'\n"),
        ("a.js", "password: 'base64(secret)'\n"),
        ("a.js", "password: '/etc/app2/secret'\n"),
        ("a.js", "password: 'key2.pem'\n"),
        ("a.js", "password: '[password1]'\n"),
        ("a.js", "password: 'DB_PASSWORD_2'\n"),
    ],
)
def test_what_is_spelt_as_a_name_is_a_reference(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == []


@pytest.mark.parametrize(
    "text",
    [
        '$s = $db->prepare("UPDATE users SET password=:password, email=:email WHERE id=:id");',
        '$s = $db->prepare("UPDATE users SET password = :pass, token = :token WHERE id=:id");',
        'cur.execute("SELECT * FROM u WHERE password = :new_password1")',
        'q = "UPDATE u SET password = @hashedPassword, x = 1";',
        'cur.execute("UPDATE u SET password = :1 WHERE id = :2")',
    ],
)
def test_parameters_of_statements_are_left(redactor: Redactor, text: str) -> None:
    assert found(redactor, text, "a.cs") == []


@pytest.mark.parametrize(
    "value",
    [
        "org.eclipse.jdt.launching.ATTR_USE_CLASSPATH_ONLY_JAR",
        "app.user_x.form_y.LABEL_Z.hint_T",
        "@MyApp:user_data-v2.cache_B/x",
        "file:$PROJECT_DIR$/docker-compose-test-secrets/private.pem",
        "$selector._domainkey.$domain IN TXT",
        "SOFTWARE\\\\Microsoft\\\\Win_NT\\\\Cur-Ver",
        "evil-service:61209._shop._tcp.local.",
    ],
)
def test_long_names_in_code_are_no_keys(redactor: Redactor, value: str) -> None:
    assert found(redactor, f'key = "{value}"', "a.js") == []
    assert found(redactor, f'<attribute key="{value}" value="x"/>', "a.xml") == []


def test_keys_of_all_signs_are_still_found(redactor: Redactor) -> None:
    for value in ("k$w9!zq2(t@x^8v_5m&c7+e#r4p-b6n=yd3f", "(q8#zT!x5w)bN&s7^YpR+d2k=L9%cV)"):
        assert found(redactor, f"SECRET_KEY = '{value}'") == [("KEY", value)]


@pytest.mark.parametrize("length", [100, 129, 500, 1500])
def test_long_values_go_as_a_whole(redactor: Redactor, length: int) -> None:
    value = (MIXED * 80)[:length]
    for path, text in (
        ("a.py", f"DB_PASSWORD = '{value}'\n"),
        (".env", f"DB_PASSWORD={value}\n"),
        ("a.sh", f"DB_PASSWORD={value}\n"),
        ("a.xml", f"<password>{value}</password>\n"),
        ("a.txt", f"https://root:{value}@shop.invalid/x\n"),
    ):
        assert found(redactor, text, path) == [("PASSWORD", value)]
    assert found(redactor, f"api_key = '{value}'\n") == [("KEY", value)]


@pytest.mark.parametrize("token", [HEX, HEX + "12345678", MIXED])
@pytest.mark.parametrize(
    "text",
    [
        "git clone https://{}:x-oauth-basic@github.com/o/r.git\n",
        "curl https://{}:X@shop.invalid/api\n",
        "curl https://{}:@shop.invalid/api\n",
        "index-url = https://{}:x@dl.shop.invalid/simple\n",
        "curl -u {}: https://shop.invalid/api\n",
        "curl -u '{}:X' https://shop.invalid/api\n",
    ],
)
def test_a_token_in_place_of_a_user_goes_and_what_is_behind_its_colon_stays(
    redactor: Redactor, text: str, token: str
) -> None:
    assert found(redactor, text.format(token), "a.sh") == [("KEY", token)]


def test_names_that_only_say_that_a_token_follows_are_no_users(redactor: Redactor) -> None:
    for user in ("x-access-token", "oauth2", "gitlab-ci-token"):
        assert found(redactor, f"u = 'https://{user}:{MIXED}@shop.invalid/x'") == [("PASSWORD", MIXED)]


@pytest.mark.parametrize("value", ["^1.7.0", "~2.1.4", ">=1.0", "^7.2.1-beta.1", "1.0.0-rc.2", "2.x"])
def test_versions_of_packages_are_no_passwords(redactor: Redactor, value: str) -> None:
    assert found(redactor, f'{{"dependencies": {{"generate-password": "{value}"}}}}', "package.json") == []
    assert found(redactor, f"dependencies:\n  flutter_password: {value}\n", "pubspec.yaml") == []


@pytest.mark.parametrize("value", ["Lösenordet", "Şifrə", "Passwörter", "Réinitialiser", "Clé", "Admin-lösenord:"])
def test_labels_with_letters_of_any_script_are_no_passwords(redactor: Redactor, value: str) -> None:
    assert found(redactor, f'<string name="password">{value}</string>\n', "strings.xml") == []
    assert found(redactor, f'{{"change_password": "{value}"}}', "az.json") == []


def test_codes_of_errors_are_no_passwords(redactor: Redactor) -> None:
    for text in (
        'public static final String INVALID_PASSWORD = "E1042";',
        'public static final String WRONG_PASSWORD = "AUTH-003";',
        '#define ER_WRONG_PASSWORD "28P01"',
        "export const Err = { INVALID_PASSWORD: 'ERR_4012' }",
    ):
        assert found(redactor, text, "a.java") == []
    assert found(redactor, 'String DB_PASSWORD = "E1042";', "a.java") == [("PASSWORD", "E1042")]


def test_what_lists_of_packages_say_of_one_called_cookie_is_no_session(redactor: Redactor) -> None:
    text = f'{{"node_modules/cookie": {{\n "version": "0.5.0",\n "integrity": "sha512-{(HEX * 3)[:86]}=="}}}}\n'
    for name in ("cookie", "tough-cookie"):
        assert found(redactor, text.replace("node_modules/cookie", name), "package-lock.json") == []


def test_the_password_that_a_mail_service_makes_for_a_program_is_found(redactor: Redactor) -> None:
    value = "qhtx mwvb zkdl rnps"
    assert found(redactor, f"EMAIL_HOST_PASSWORD = '{value}'\n") == [("PASSWORD", value)]
    assert found(redactor, f"EMAIL_HOST_PASSWORD={value}\n", ".env") == [("PASSWORD", value)]
    assert found(redactor, "password = 'this one is not a password'\n") == []


RANDOM_LETTERS = ("xTrqPLmwZkBdHs", "QWmzRtPLkxVb", "XKRTQPLMWZ", "vGbKtZqWnR")
WORDS = (
    "userNameOrEmail",
    "STARTTLS",
    "XMLHttpRequest",
    "getDbConnStr",
    "Passwortwechsel",
    "WNDCLASSEX",
    "putStrLn",
    "calculateJwkThumbprint",
)


@pytest.mark.parametrize("value", RANDOM_LETTERS)
def test_letters_without_a_word_are_a_password(redactor: Redactor, value: str) -> None:
    for path, text in (("a.py", 'DB_PASSWORD = "{}"\n'), (".env", "DB_PASSWORD={}\n"), ("a.yml", "password: {}\n")):
        assert found(redactor, text.format(value), path) == [("PASSWORD", value)]


@pytest.mark.parametrize("value", WORDS)
def test_words_and_abbreviations_are_none(redactor: Redactor, value: str) -> None:
    assert found(redactor, f'DB_PASSWORD = "{value}"\n', "a.py") == []
