"""Who may ask, from the options: an address that others can reach is refused without credentials, and no secret is ever said."""
import argparse
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines import access
from pipelines.access import TOKEN_VARIABLE, access_of, credentials_of, loopback
from pipelines.cli import main
from pipelines.errors import EnvironmentProblem, UsageProblem
from pipelines.options import HTTP

TOKEN = "4be1a7f09c3d52e8b6401f7a"


def given(**options: str) -> argparse.Namespace:
    return argparse.Namespace(**{option.key: option.default for option in HTTP} | options)


Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(text): the path of a file that holds it."""
    def written(text: str) -> str:
        (tmp_path / "secret").write_text(text)
        return str(tmp_path / "secret")

    return written


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2", "127.1"])
def test_loopback_needs_no_credentials(host: str) -> None:
    found = access_of(given(), "metrics-host", host, {})
    assert (found.policy.credentials, found.warning, found.scheme) == (None, "", "http")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "0", "192.168.1.5", "::ffff:0.0.0.0", "10.0.0.1"])
def test_what_others_can_reach_is_refused_without_credentials(host: str) -> None:
    with pytest.raises(UsageProblem, match=r"--metrics-host .*needs credentials: --http-token-file") as refused:
        access_of(given(), "metrics-host", host, {})
    assert "\n" not in str(refused.value)


def test_a_name_that_leads_to_others_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "located", lambda host: (2, ("192.0.2.1", 0)))
    with pytest.raises(UsageProblem, match=r"--page-host box\.example"):
        access_of(given(), "page-host", "box.example", {})


def test_with_credentials_it_listens_and_a_line_warns_of_plain_text(write: Write) -> None:
    found = access_of(given(http_token_file=write(f"{TOKEN}\n")), "metrics-host", "0.0.0.0", {})
    assert "unencrypted" in found.warning and "\n" not in found.warning
    names = found.policy.names
    assert names.known(b"10.1.1.1:9464") and names.known(b"localhost") and not names.known(b"evil.example")


def test_on_loopback_credentials_are_demanded_without_a_warning() -> None:
    found = access_of(given(), "metrics-host", "127.0.0.1", {TOKEN_VARIABLE: TOKEN})
    assert found.policy.credentials is not None and found.warning == ""


def test_names_are_those_that_are_given(write: Write) -> None:
    found = access_of(given(http_hosts="Page.Example.com, other.example"), "page-host", "127.0.0.1", {})
    assert found.policy.names.known(b"page.example.com:8080") and found.policy.names.known(b"other.example")
    with pytest.raises(UsageProblem, match="--http-hosts http://a"):
        access_of(given(http_hosts="http://a"), "page-host", "127.0.0.1", {})


@pytest.mark.parametrize(("options", "environ"), [
    ({"http_token_file": "FILE"}, {}), ({"http_password_file": "FILE"}, {}), ({}, {TOKEN_VARIABLE: "FILE"})])
@pytest.mark.parametrize("secret", ["hunter2", "passwordpassword", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1234567890123456"])
def test_a_weak_secret_is_refused_by_file_or_variable_and_not_said(
        options: dict[str, str], environ: dict[str, str], secret: str, write: Write) -> None:
    file = write(secret)
    with pytest.raises(EnvironmentProblem) as refused:
        credentials_of(given(**dict.fromkeys(options, file)), dict.fromkeys(environ, secret))
    said = str(refused.value)
    assert secret not in said and "\n" not in said and "openssl rand" in said
    assert file in said or TOKEN_VARIABLE in said


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\xff\xfe", b"two words of a token 12345"])
def test_a_file_that_holds_no_token_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    for file in (tmp_path / "token", tmp_path / "nowhere", tmp_path):
        with pytest.raises(EnvironmentProblem, match=f"--http-token-file {file}: "):
            credentials_of(given(http_token_file=str(file)), {})


def test_a_user_has_no_colon(write: Write) -> None:
    with pytest.raises(UsageProblem, match="--http-user"):
        credentials_of(given(http_user="a:b", http_password_file=write(TOKEN)), {})


def test_what_is_handed_on_holds_no_secret(write: Write) -> None:
    said = loopback("page-host", given(http_token_file=write(TOKEN)))
    assert TOKEN not in " ".join(said) and "--page-host=127.0.0.1" in said


def made(folder: Path, *more: Any) -> tuple[str, str]:
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=x",
                    "-keyout", key, "-out", cert, *more], check=True, capture_output=True)
    return cert, key


def test_a_certificate_and_its_key_are_taken_and_the_warning_goes(tmp_path: Path) -> None:
    cert, key = made(tmp_path, "-nodes")
    found = access_of(given(http_cert_file=cert, http_key_file=key), "page-host", "0.0.0.0", {TOKEN_VARIABLE: TOKEN})
    assert (found.scheme, found.warning) == ("https", "")


def test_what_is_no_certificate_is_one_line_with_its_file(tmp_path: Path) -> None:
    cert, key = made(tmp_path, "-passout", "pass:secret-of-the-key")
    (tmp_path / "junk.pem").write_text("junk")
    for one, other in ((cert, key), (str(tmp_path / "junk.pem"), ""), (cert, ""), (cert, str(tmp_path / "nowhere"))):
        with pytest.raises(EnvironmentProblem) as refused:
            access_of(given(http_cert_file=one, http_key_file=other), "page-host", "127.0.0.1", {})
        assert "\n" not in str(refused.value) and (other or one) in str(refused.value)
    with pytest.raises(UsageProblem, match="needs --http-cert-file"):
        access_of(given(http_key_file=key), "page-host", "127.0.0.1", {})


def test_a_stream_that_others_could_ask_is_refused_before_it_begins(
        capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["stream", "--bootstrap-servers", "h:1", "--metrics-host", "0.0.0.0"]) == 2
    monkeypatch.setenv(TOKEN_VARIABLE, "hunter2hunter2")
    assert main(["stream", "--bootstrap-servers", "h:1"]) == 3
    said = capsys.readouterr().err
    assert "--metrics-host 0.0.0.0" in said and said.count("\n") == 2 and "hunter2" not in said
    assert not list(tmp_path.iterdir())


def test_the_page_of_the_documentation_names_the_limits() -> None:
    pytest.importorskip("nicegui")
    from dashboards.guard import asgi, judge
    from dashboards.page import app, server
    from pipelines import endpoint

    page = " ".join((Path(access.__file__).parents[1] / "docs" / "http.md").read_text(encoding="utf-8").split())
    for said in (
            f"metrics {endpoint.PER_SECOND:.0f} a second, {endpoint.BURST:.0f} at once",
            f"page {app.PER_SECOND:.0f} a second, {app.BURST:.0f} at once, of which a page costs {app.PAGE_COSTS:.0f}",
            f"metrics {endpoint.CONNECTIONS}, of one client {endpoint.CONNECTIONS_EACH}",
            f"page {server.CONNECTIONS}, of one client {server.CONNECTIONS_EACH}",
            f"longer than {endpoint.HEAD_WITHIN_S:.0f} s (page: {server.HEAD_WITHIN_S:.0f} s)", f"longer than {asgi.BODY_WITHIN_S:.0f} s",
            f"within {endpoint.SENT_WITHIN_S:.0f} s (page: 60 s)", f"head above {judge.MOST_HEAD_BYTES >> 10} kB",
            f"of socket.io above {server.MOST_MESSAGE_BYTES >> 10} kB",
            f"more than {asgi.MESSAGES_PER_SECOND:.0f} a second, {asgi.MESSAGES_BURST:.0f} at once"):
        assert said in page
