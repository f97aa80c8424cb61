"""Passwords whose name and value are parted by a call, or stand the other way round. All values are invented."""

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

PW, KEY = "kF9xQ2vT7z", "a8Zk3PqLw9XvT2bN7cRm5YdH"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.go", f'password := []byte("{PW}")'),
        ("a.go", f'Password: ptr("{PW}"),'),
        ("a.go", f'Password: aws.String("{PW}"),'),
        ("a.go", f'var password = flag.String("password", "{PW}", "help")'),
        ("a.go", f'flag.StringVar(&pw, "password", "{PW}", "the password")'),
        ("a.rs", f'let password = SecretString::new("{PW}".into());'),
        ("a.java", f'if (password.equals("{PW}")) {{'),
        ("a.java", f'if (user.getPassword().equals("{PW}")) {{}}'),
        ("a.java", f'"{PW}".equals(password)'),
        ("a.java", f'Map.of("password", "{PW}");'),
        ("a.java", f'Map.of("user", "wilma", "password", "{PW}");'),
        ("a.java", f'@Value("${{db.password:{PW}}}")'),
        ("a.kt", f'@Value("\\${{db.password:{PW}}}")'),
        ("a.php", f"if ('{PW}' === $password)"),
        ("a.php", f"if ('{PW}' == $_POST['password']) {{"),
        ("a.js", f'if ("{PW}" !== user.password) return'),
        ("a.ts", f'password?: string = "{PW}";'),
        ("a.ts", f'password!: string = "{PW}";'),
        ("a.rb", f"ENV.fetch('DB_PASSWORD') {{ '{PW}' }}"),
        ("a.rb", f"fill_in 'Password', with: '{PW}'"),
        ("a.js", f"page.fill('#password', '{PW}')"),
        ("a.js", f"page.fill('input[name=\"password\"]', '{PW}')"),
        ("a.js", f"cy.get('#password').clear().type('{PW}')"),
        ("a.js", f"driver.findElement(By.id('password')).sendKeys('{PW}')"),
        ("a.py", f"driver.find_element(By.ID, 'password').send_keys('{PW}')"),
        ("redis.conf", f"requirepass {PW}"),
        ("redis.conf", f"# masterauth {PW}"),
        ("a.yml", f'command: ["redis-server", "--requirepass", "{PW}"]'),
        ("a.yml", f"command: redis-server --requirepass {PW}"),
        ("haproxy.cfg", f"user wilma insecure-password {PW}"),
        ("web.xml", f"<param-name>password</param-name>\n  <param-value>{PW}</param-value>"),
    ],
)
def test_a_password_in_a_call_or_before_its_name_is_found(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == [("PASSWORD", PW)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.go", f'var jwtSecret = []byte("{KEY}")'),
        ("A.java", f'@Value("${{app.jwtSecret:{KEY}}}")'),
        ("nginx.conf", f'  proxy_set_header X-Api-Key "{KEY}";'),
        ("nginx.conf", f"  proxy_set_header X-Auth-Token {KEY};"),
    ],
)
def test_a_key_in_a_call_or_a_directive_is_found(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == [("KEY", KEY)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.go", 'password := []byte(os.Getenv("X"))'),
        ("a.go", 'flag.String("password", "", "the password of the server")'),
        ("a.go", 'flag.String("password-file", "x1/y2.txt", "help")'),
        ("a.java", 'password.equals("")'),
        ("a.java", '"password".equals(name)'),
        ("a.java", '@Value("${db.password:}")'),
        ("a.sh", "echo ${password:0:3} ${PASSWORD:-} ${TOKEN:+x}"),
        ("a.js", "if ('string' === typeof password)"),
        ("a.js", "if ('admin' === user.name && 'x' == password.length)"),
        ("a.js", "cy.get('#password').type(user.password)"),
        ("a.js", "cy.get('#password').should('have.attr', 'type1')"),
        ("a.js", "cy.get('#password').type('{enter}')"),
        ("a.js", "page.fill('#name', 'frob1234')"),
        ("redis.conf", "# If it is protected (with the 'requirepass' option below) see requirepass."),
        ("README.md", "With the requirepass option you can ask for one."),
        ("nginx.conf", "proxy_set_header Host $host;\nproxy_set_header X-Auth-Token $token;"),
        ("web.xml", "<param-name>passwordFile</param-name><param-value>frob1234</param-value>"),
    ],
)
def test_what_a_call_only_names_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == []


@pytest.mark.parametrize("keywords_only", [True, False])
def test_both_gates_let_these_places_through(keywords_only: bool) -> None:
    redactor = Redactor(keywords_only)
    for text in (f"'{PW}' == $PASSWORD", f"FETCH('PASSWD'){{'{PW}'}}", f"PWD.EQUALS('{PW}')", f"MASTERAUTH {PW}"):
        assert found(redactor, text, "a.conf") == [("PASSWORD", PW)]
