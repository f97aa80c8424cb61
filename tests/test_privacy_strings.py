"""A quote that ends a string does not begin a value: code between two strings stays. All values are invented."""

import time

import pytest
from redacted import found

from gleanery.privacy.redact import Redactor

PW = "kF9xQ2vT7z"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.php", '$q = "SELECT * FROM users WHERE mail=\'".$mail."\' AND password=\'".$pass1."\'";'),
        ("a.php", "$q = \"UPDATE users SET password='\".$_POST['word'].\"' WHERE id='\".$id.\"'\";"),
        ("a.php", '  name=\'".$name."\', password=\'".$word."\' WHERE id=1";'),
        ("a.java", 'String q = "from User where userPassword=\'" + word + "\'";'),
        ("a.java", 'q = "x=\'" + r.get("user").text() + "\' and password=\'" + r.get("word") + "\'";'),
        ("a.js", 'xhr.open("GET", "login.php?password="+word2+"&username="+user);'),
        ("a.js", 'x={u:"User:",p:"Password:",rememberMe2:"Remember"}'),
        ("a.js", 't("Password:",user9Label:"x")'),
        ("a.php", '$label = "Password:".$word1."";'),
        ("a.py", "url = 'http://host/?password='+str(word1)+'&u='+user"),
        ("a.py", "command = 'mysql -u'+user+' -p'+word+' --password='+settings['word1']+' x'"),
        ("a.py", "conn = 'user='+user+' password='+p1+' host='+host"),
        ("a.py", "sql = \"select * from u where password='\"+request.form['pw1']+\"'\""),
        ("a.py", "x = {'Password:':a1['b']}"),
        ("a.c", 'read_word(i, o, "Password:",&buffer1,"x");'),
        ("a.sh", "echo 'enable_password = \"'$password_hash'\";' > $file"),
        ("a.py", '# the users\' note\nx = "?token="+tokens9[0]+"&a="'),
    ],
)
def test_code_between_two_strings_is_left(redactor: Redactor, path: str, text: str) -> None:
    assert found(redactor, text, path) == []


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("a.php", PW, f"$q = \"SELECT * FROM users WHERE name='\".$name.\"' AND password='{PW}'\";"),
        ("a.py", PW, f'x = \'{{"password": "{PW}"}}\''),
        ("a.js", PW, f'var s = "{{\\"password\\": \\"{PW}\\"}}";'),
        ("a.py", PW, f"it's what the users' password='{PW}' is"),
        ("a.py", PW, f'pattern = r"[\'\\"]"; password = "{PW}"'),
        ("a.rs", PW, f'fn word<\'a>() {{ let password = "{PW}"; }}'),
        ("a.py", f"k8'{PW}", f"# the users' one\npassword = \"k8'{PW}\""),
        ("a.py", f"+{PW}", f'password = "+{PW}"'),
        ("a.py", f".{PW}", f"b('x'); password = '.{PW}'"),
        ("a.py", PW, f'"""password=\'{PW}\'"""'),
    ],
)
def test_a_value_in_the_quotes_of_its_own_is_found(redactor: Redactor, path: str, value: str, text: str) -> None:
    assert found(redactor, text, path) == [("PASSWORD", value)]


def test_many_values_on_one_line_take_linear_time(redactor: Redactor) -> None:
    text = "".join(f'a("{i}","x");b={{password:"kF9xQ2v{i:05}"}};' for i in range(10_000))
    started = time.process_time()
    assert len(found(redactor, text, "a.js")) == 10_000
    assert time.process_time() - started < 15
