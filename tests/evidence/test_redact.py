"""Secrets go, ordinary text stays."""

import pytest

from drillbook.evidence.redact import holds_secret, redact

PASSWORD = "hunter2-correct-horse"  # noqa: S105 - of nothing
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvcmRlcnMifQ.c2lnbmF0dXJlLW9mLXRva2Vu"
KEY = """-----BEGIN RSA PRIVATE KEY-----
MIIEowIBAAKCAQEAwT
q83Zx+abcd==
-----END RSA PRIVATE KEY-----"""


def clean(text: str, *secrets: str) -> str:
    return redact(text, secrets, environ={})


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"password={PASSWORD}", PASSWORD),
        ('{"password": "hunter2", "user": "orders"}', "hunter2"),
        (r"{\"password\": \"hunter2\", \"user\": \"orders\"}", "hunter2"),
        ('"password": "cut off in the mid', "cut off"),
        ("PGPASSWORD=hunter2 psql", "hunter2"),
        ("spark.hadoop.fs.s3a.secret.key=abc/def+ghi", "abc/def+ghi"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJalrXUtnFEMI"),
        ("AIRFLOW__CORE__FERNET_KEY=Zm9vYmFyYmF6", "Zm9vYmFyYmF6"),
        ("jdbc:x;user=a;password=p,w;ssl=true", "p,w"),
        ("<name>db.password</name><value>hunter2</value>", "hunter2"),
        ("tool --password hunter2 --json", "hunter2"),
        ("Authorization: Bearer abcdef", "abcdef"),
        ("curl -H 'authorization: Basic dXNlcjpwdw=='", "dXNlcjpwdw"),
        ("sent bearer abc123def456ghi", "abc123def456ghi"),
        (f"got {JWT} from the server", JWT),
        (KEY, "q83Zx+abcd"),
        (KEY.splitlines()[0] + "\nMIIEowIBAAKCAQEAwT\n(trimmed", "MIIEowIBAAKCAQEAwT"),
        ("\n".join(KEY.splitlines()[1:2] + KEY.splitlines()[3:]), "MIIEowIBAAKCAQEAwT"),
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
        ("ghp_" + "a1" * 18, "a1a1a1"),
        ("postgresql://orders:p@ss/word@db:5432/x", "p@ss"),
        ("https://user:hunter2@example.org/x", "hunter2"),
        ('${SCHEME}://h:80;password="ab@cd efgh"', "efgh"),
        ('{"dsn":"my_db://u:p","apiKey":"abc@def ghi","x":1}', "ghi"),
        ('see ://host:80,password="a@b c"', "b c"),
        ("DB_PASSWORD=my_db://u:p@RestOfIt", "RestOfIt"),
        ("AUTHORİZATİON: Basic dXNlcjpwdw==", "dXNlcjpwdw"),
        ("tool --set=password=hunter2", "hunter2"),
        (r'{"log": "user=x\npassword=hunter2\n"}', "hunter2"),
        ("password: swordfish user: bob", "swordfish"),
        ("Пароль: hunter2", "hunter2"),
        ("mot de passe : hunter2", "hunter2"),
        ("密码\uff1ahunter2", "hunter2"),
    ],
)
def test_the_shape_of_a_secret_is_removed(text: str, secret: str) -> None:
    assert secret not in clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "the tokenizer: loaded 512 tokens, max_tokens=512",
        "Unexpected token: }",
        "commit 018eabab5ab8b5d1d0e6f9fa68457955aa3b8b4f",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "secretName: orders-database",
        "secretKeyRef: name",
        "automountServiceAccountToken: false",
        "key: value, keys=3, monkey=4",
        "bearer certificates are not used here",
        "https://example.org:8080/a@b",
        "PWD=/srv/app",
        "password=[redacted]",
        "",
        "a call with `Authorization: Bearer $TOKEN` answers 401, for the password: see the vault;",
        'psql postgresql://"$APP":"$POD"@db:5432/"$DB" -Atc \'select 1\'',
        'psql "postgresql://$PGUSER:${PGPASSWORD:?is empty}@db"',
        """export DB_PASSWORD="$(kubectl get secret x -o 'jsonpath={.data.password}')\"""",
        'tool --token "$TOKEN" --set=password="${DB_PASSWORD:?is empty}"',
    ],
)
def test_ordinary_text_is_kept(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("value", "text", "clean_text"),
    [
        (PASSWORD, f"saw x{PASSWORD}y there", "saw x[redacted]y there"),
        ('p"a/ss word', "https://h/?q=p%22a%2Fss%20word", "https://h/?q=[redacted]"),
        ('p"a/ss word', r'{"x": "p\"a/ss word"}', '{"x": "[redacted]"}'),
        (
            "first-line-of-16-chars\nsecond-line-of-16-chars",
            "second-line-of-16-chars",
            "[redacted]",
        ),
        ("root", "root rooted x-root", "[redacted] rooted x-root"),
        ("root", "cm9vdA== cm9vdAo", "[redacted] [redacted]"),
        ("abc", "abc", "abc"),
        ("another value", f"saw {PASSWORD}", f"saw {PASSWORD}"),
    ],
)
def test_a_known_value(value: str, text: str, clean_text: str) -> None:
    """Its other forms: tests/bad_input/test_bad_secrets.py."""
    assert clean(text, value) == clean_text


HOLDS = (
    "DB_PASSWORD",
    "PGPASSWORD",
    "API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "DB_PASS",
    "SSH_AUTH",
    "GITHUB_REF_TOKEN",
)
HOLDS_NONE = (
    "PWD",
    "OLDPWD",
    "PATH",
    "KEYBOARD",
    "TOKEN_FILE",
    "PUBLIC_KEY",
    "SECRET_REF",
    "SSH_AUTH_SOCK",
)


@pytest.mark.parametrize("name", HOLDS + HOLDS_NONE)
def test_whether_an_environment_variable_holds_a_secret(name: str) -> None:
    assert holds_secret(name) is (name in HOLDS)
    said = "[redacted]" if name in HOLDS else PASSWORD
    assert redact(f"saw {PASSWORD}", environ={name: PASSWORD}) == f"saw {said}"


def test_redacting_twice_changes_nothing_more() -> None:
    once = clean(f"password: hunter2, Authorization: Bearer {JWT} https://u:p4ss@h {KEY}")
    assert clean(once) == once
    longer = clean("abcdefgh-more", "abcdefgh", "abcdefgh-more")
    assert longer == "[redacted]", "the longer of two known values goes first"


def test_a_long_line_costs_linear_time() -> None:
    """Each of these took minutes with a pattern that goes back."""
    for text in (
        "x=" * 50_000,
        "password=" * 20_000,
        "MIIEabcdefghijklmnop " * 9_000,
        "://" * 50_000,
    ):
        clean(f"{text}private key-----")
