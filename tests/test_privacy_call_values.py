"""Passwords whose name and value are parted by a call, or stand the other way round. All values are invented."""

import re

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

PW, KEY = "kF9xQ2vT7z", "a8Zk3PqLw9XvT2bN7cRm5YdH"


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


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", f'server.login("wilma@example.org", "{PW}")'),
        ("a.py", f'smtp.login(sender, "{PW}")'),
        ("a.py", f"requests.get(url, auth=('wilma', '{PW}'))"),
        ("a.py", f'db = pymysql.connect("localhost", "wilma", "{PW}", "shop")'),
        ("a.py", f"HTTPBasicAuth('', '{PW}')"),
        ("a.php", f'$c = mysqli_connect("localhost", "wilma", "{PW}", "shop");'),
        ("a.php", f"new PDO('mysql:host=localhost', 'wilma', '{PW}');"),
        ("a.php", f"curl_setopt($ch, CURLOPT_USERPWD, '{PW}');"),
        ("a.c", f'curl_easy_setopt(curl, CURLOPT_PASSWORD, "{PW}");'),
        ("A.java", f'new PasswordAuthentication("wilma@example.org", "{PW}");'),
        ("A.java", f'DriverManager.getConnection(url(host, 3306), "wilma", "{PW}");'),
        ("a.cs", f'new NetworkCredential("wilma", "{PW}", "DOMAIN");'),
        ("a.go", f'smtp.PlainAuth("", user, "{PW}", host)'),
        ("a.js", f"cy.login('wilma@example.org', '{PW}');"),
        ("a.js", f"new Sequelize('shop', 'wilma', '{PW}', {{dialect: 'mysql'}})"),
        ("a.ino", f'WiFi.begin("Home", "{PW}");'),
        ("a.pl", f"$arguments{{password}} = '{PW}';"),
        ("a.pl", f"$login->{{'password'}} = '{PW}';"),
        ("a.php", f"$config[ 'password' ] = '{PW}';"),
        ("a.php", f"$mysqlpass = '{PW}';"),
    ],
)
def test_a_password_by_its_place_is_found(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == [("PASSWORD", PW)]


def test_the_key_of_a_wallet_is_found(redactor: Redactor) -> None:
    key = "b955724e0a636ee776023399c2555e48453072b7f0f4ab1deedc10e61dda4f31"
    assert found(redactor, f'new ethers.Wallet("0x{key}", provider)', "a.js") == [("KEY", f"0x{key}")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", f'logger.login("wilma", "{PW}")'),
        ("a.py", "server.login(user, password)"),
        ("a.py", "auth=('wilma', os.environ['PW'])"),
        ("a.php", 'mysqli_connect($host, $user, "$password");'),
        ("a.php", "new PDO($dsn, 'wilma', 'password');"),
        ("a.cs", f'new NetworkCredential("wilma", Decrypt("{PW}"));'),
        ("a.js", f"const text = `${{password}} = '{PW}'`"),
        ("a.js", f"let {{password}} = form; say('{PW}')"),
        ("a.py", f'bypass = "{PW}"'),
        ("a.js", "new ethers.Wallet(process.env.PRIVATE_KEY, provider)"),
    ],
)
def test_what_only_looks_like_a_password_by_its_place_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == []


DEFAULTS = [
    ("a.js", 'connect(process.env.DB_PASSWORD || "{}")'),
    ("a.ts", "connect(process.env['DB_PASSWORD'] ?? '{}')"),
    ("a.rb", "connect(ENV['DB_PASSWORD'] || '{}')"),
    ("a.php", 'connect(getenv("DB_PASSWORD") ?: "{}");'),
    ("a.kt", 'connect(System.getenv("DB_PASSWORD") ?: "{}")'),
    ("a.py", 'connect(os.environ.get("DB_PASSWORD") or "{}")'),
    ("A.java", 'Optional.ofNullable(System.getenv("DB_PASSWORD")).orElse("{}")'),
    ("settings.py", "X = config('DB_PASSWORD', default='{}')"),
    ("settings.py", "X = config('DB_PASSWORD', cast=str, default='{}')"),
    ("settings.py", "'PASSWORD': env('DB_PASSWORD', default='{}'),"),
    ("settings.py", 'X = env.str(\n    "DB_PASSWORD",\n    default="{}",\n)'),
]


@pytest.mark.parametrize(("path", "text"), DEFAULTS)
def test_defaults_of_the_environment_are_found_whatever_stands_left_of_them(path: str, text: str) -> None:
    redactor = Redactor()
    assert found(redactor, text.format("b4rk!7Zweig"), path) == [("PASSWORD", "b4rk!7Zweig")]
    assert found(redactor, text.format("changeme"), path) == []
    key = "k3jx8w2m5q0vz7pl5r9t4yb1n6c"
    assert found(redactor, text.replace("DB_PASSWORD", "DJANGO_SECRET_KEY").format(key), path) == [("KEY", key)]
    assert found(redactor, text.replace("DB_PASSWORD", "DB_PORT").format(key), path) == []


MADE_OR_RETURNED = [
    ("a.cpp", 'std::string password{{"{}"}};'),
    ("a.cpp", 'const QString dbPassword{{ "{}" }};'),
    ("A.java", 'String getPassword() {{ return "{}"; }}'),
    ("A.java", 'public String getDbPassword() {{\n    return "{}";\n}}'),
    ("a.ts", "getPassword(): string {{ return '{}'; }}"),
    ("a.cpp", 'std::string get_password() const {{ return "{}"; }}'),
]


@pytest.mark.parametrize(("path", "text"), MADE_OR_RETURNED)
def test_strings_in_braces_and_getters_are_read(path: str, text: str) -> None:
    redactor = Redactor()
    assert found(redactor, text.format("b4rk!7Zweig"), path) == [("PASSWORD", "b4rk!7Zweig")]
    assert found(redactor, text.format("password"), path) == []
    for other in ("User", "PasswordLabel"):
        assert found(redactor, re.sub("(?i)(db)?password(?=[{(])", other, text).format("b4rk!7Zweig"), path) == []
