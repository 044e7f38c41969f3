"""Who asks a registry, and over which connection: no secret shows, no other host is told one."""
import datetime as dt
import pickle
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from schemas import registry_http
from schemas.avro import AvroDecoder, AvroSettings, schema_text
from schemas.parse import SchemaError
from schemas.registry import Registry
from schemas.registry_http import PASSWORD, TOKEN, RegistryProblem, RegistrySettings, authorization, check_address

SECRET = "s3cret:wörd"


@pytest.fixture
def quick(monkeypatch):
    """Waits shorter."""
    monkeypatch.setattr(registry_http, "PAUSE_S", 0.001)


def client(registry, environ=(), **settings):
    return Registry(RegistrySettings(registry.url, **settings), environ=dict(environ))


def status(code, headers=()):
    return lambda handler: handler.reply(code, b"<html>", "text/html", **dict(headers))


def test_no_other_host_is_told_who_asks(registry, registry_class, quick, request):
    other = registry_class()
    request.addfinalizer(other.close)
    registry.fault = status(307, {"Location": f"{other.url}/schemas/types"})
    with pytest.raises(RegistryProblem, match="redirect"):
        client(registry, environ={TOKEN: "abc"}).check()
    assert other.asked == []


def test_an_older_registry_that_does_not_tell_its_types_is_one(registry):
    answer = registry.answer
    registry.answer = lambda path, *rest: {
        "/config": (200, {"compatibilityLevel": "BACKWARD"}), "/schemas/types": (404, {"error_code": 404, "message": ""}),
    }.get(path) or answer(path, *rest)
    client(registry).check()


def test_who_asks_is_told_by_basic_authentication_or_a_token(registry, tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n", encoding="utf-8")
    registry.authorization = "Basic bWU6czNjcmV0OnfDtnJk"
    client(registry, user="me", password_file=str(tmp_path / "secret")).check()
    client(registry, user="me", environ={PASSWORD: SECRET}).check()
    (tmp_path / "secret").write_text("tok.en-1\n")
    registry.authorization = "Bearer tok.en-1"
    client(registry, token_file=str(tmp_path / "secret")).check()
    client(registry, environ={TOKEN: "tok.en-1"}).check()


def test_no_secret_is_in_an_error_or_in_what_is_shown_or_sent_to_a_worker(registry, tmp_path, quick):
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    settings = AvroSettings(registry.url, "me", str(tmp_path / "secret"))
    registry.add(7, schema_text("TextEvent"))
    decoder = AvroDecoder(settings)
    shown = [repr(decoder), repr(decoder.schemas), repr(vars(decoder.schemas)), repr(settings), pickle.dumps(decoder).decode("latin-1")]
    for code in (200, 302, 401, 403, 404, 500):
        registry.fault = status(code)
        with pytest.raises(RegistryProblem) as caught:
            AvroDecoder(settings)
        shown += [str(caught.value), repr(caught.value), str(caught.value.__cause__)]
    for text in shown:
        assert not any(word in text for word in (SECRET, "s3cret", "bWU6czNjcmV0OnfDtnJk")), text


@pytest.mark.parametrize(("settings", "environ", "said"), [
    ({"user": "me"}, {}, "needs a password"), ({"user": "m:e"}, {PASSWORD: "x"}, "no colon"),
    ({"password_file": "/x"}, {}, "--registry-user"),
    ({"user": "me"}, {PASSWORD: "x", TOKEN: "y"}, "exclude"), ({}, {TOKEN: "two words"}, "one word"), ({}, {TOKEN: "tökn"}, "one word"),
    ({}, {TOKEN: "a\r\nX-Evil: 1"}, "one line"), ({"user": "me", "password_file": "/nowhere"}, {}, "/nowhere"),
    ({"user": "me", "password_file": "/dev/null"}, {}, "/dev/null")], ids=str)
def test_credentials_that_cannot_be_sent_are_refused_without_showing_them(settings, environ, said):
    with pytest.raises(SchemaError, match=said) as caught:
        authorization(RegistrySettings("http://x", **settings), environ)
    assert not any(secret in str(caught.value) for secret in ("tökn", "two words", "Evil"))


@pytest.mark.parametrize("url", ["http://me:pw1@host", "https://pw1@host", "http://", "ftp://host", "http://host:99999", "http://h?x=pw1",
                                 "http://h#pw1", "http://h/a b", "http://[::1"])
def test_an_address_that_is_none_or_holds_a_password_is_refused_without_showing_it(url):
    with pytest.raises(SchemaError, match="--schemas") as caught:
        check_address(url)
    assert "pw1" not in str(caught.value)


def test_an_address_may_have_a_path_and_no_slash_is_doubled(registry):
    assert check_address("https://host:8081/apis/ccompat/v7/") == "https://host:8081/apis/ccompat/v7"


@pytest.fixture
def certified(registry, tmp_path):
    """The registry behind TLS, with a certificate for localhost and one day; gives the authority's file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
    (tmp_path / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    registry._server.socket = context.wrap_socket(registry._server.socket, server_side=True)
    return str(tmp_path / "ca.pem")


def test_tls_trusts_the_authority_that_is_named_and_no_other_host(registry, certified):
    url = f"https://localhost:{registry.port}"
    Registry(RegistrySettings(url, ca_file=certified), environ={}).check()
    for wrong, settings in ((url, {}), (f"https://127.0.0.1:{registry.port}", {"ca_file": certified})):
        with pytest.raises(RegistryProblem, match=r"certificate.*--registry-ca-file"):
            Registry(RegistrySettings(wrong, **settings), environ={}).check()


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\xff\0"])
def test_a_file_that_holds_no_authority_is_named(tmp_path, content):
    (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(SchemaError, match=r"--registry-ca-file .*ca\.pem"):
        Registry(RegistrySettings("https://x", ca_file=str(tmp_path / "ca.pem")), environ={})
