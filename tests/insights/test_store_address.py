"""A store on a PostgreSQL server that speaks TLS: who gets in, what is said to who does not, and that no password is ever shown."""
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.store import Store, StoreError
from insights.store_address import advice, shown
from tests.secured import PASSWORD, USER


def problem(url: str) -> str:
    """What is said; empty where the store opens."""
    try:
        Store(url).close()
    except StoreError as error:
        return str(error)
    return ""


@pytest.mark.postgres
class TestSecuredServer:
    @pytest.fixture
    def holder(self, secured_postgres):
        return {"sslcert": str(secured_postgres.holder), "sslkey": str(secured_postgres.holder)}

    def test_a_password_by_tls_gets_in(self, secured_postgres):
        assert problem(secured_postgres.url(password=PASSWORD)) == ""

    def test_a_certificate_gets_in_without_a_password(self, secured_postgres, holder):
        assert problem(secured_postgres.url("holder", **holder)) == ""

    def test_a_password_need_not_stand_in_the_url(self, secured_postgres, monkeypatch, tmp_path):
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        assert problem(secured_postgres.url()) == ""
        monkeypatch.delenv("PGPASSWORD")
        file = tmp_path / "pgpass"
        file.write_text(f"localhost:{secured_postgres.port}:*:{USER}:{PASSWORD}\n")
        file.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(file))
        assert problem(secured_postgres.url()) == ""
        monkeypatch.delenv("PGPASSFILE")
        assert problem(secured_postgres.url(passfile=str(file))) == ""
        assert "no password supplied; give the password in the file of PGPASSFILE" in problem(secured_postgres.url())

    @pytest.mark.parametrize(("user", "password", "query", "said"), [
        (USER, "zopf-1883", {}, "password authentication failed .*check the user, and the password in the file of PGPASSFILE"),
        (USER, PASSWORD, {"sslrootcert": "stranger"}, "certificate verify failed; .*of an authority that is not in sslrootcert"),
        (USER, PASSWORD, {"sslrootcert": "/no/ca.pem"}, "/no/ca.pem.*name the certificate of the server's authority with sslrootcert"),
        (USER, PASSWORD, {"sslmode": "disable"}, "no encryption; .*look at sslmode"),
        (USER, PASSWORD, {"sslmode": "verify-all"}, "invalid sslmode value.*choose verify-full"),
        (USER, PASSWORD, {"pasword": "zopf-1883"}, "look at what follows the ? in --store"),
        ("plain", PASSWORD, {}, "SSL encryption; .*look at sslmode"),
        ("holder", "", {}, "valid client certificate; name this user's certificate and key with sslcert and sslkey"),
        ("holder", "", {"sslcert": "client", "sslkey": "client"}, "has group or world access.*chmod 600"),
        ("holder", "", {"sslcert": "other", "sslkey": "other"}, "certificate authentication failed .*sslcert and sslkey"),
        ("holder", "", {"sslcert": "stale", "sslkey": "stale"}, "the server refuses the certificate of sslcert")])
    def test_who_does_not_get_in_is_told_the_host_and_what_to_do(self, secured_postgres, user, password, query, said):
        files = secured_postgres.certificates
        known = {"stranger": files.stranger, "client": files.client, "other": files.of_user("other"), "stale": files.stale}
        known["stale"].chmod(0o600)
        told = problem(secured_postgres.url(user, password, **{name: str(known.get(value, value)) for name, value in query.items()}))
        assert f"localhost:{secured_postgres.port}" in told
        assert re.search(said.replace("? in", r"\? in"), told), told
        assert "\n" not in told
        for secret in (PASSWORD, "zopf-1883"):
            assert secret not in told

    @pytest.mark.model
    def test_a_process_that_has_loaded_the_model_connects_by_tls_too(self, secured_postgres):
        """TensorFlow's symbols get into the way of an OpenSSL that is loaded after it: free(): invalid pointer."""
        code = "import os; from models.load import DEFAULT, load; load(DEFAULT); from insights.store import Store; Store(os.environ['URL'])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                              env=os.environ | {"URL": secured_postgres.url(password=PASSWORD)})
        assert done.returncode == 0, done.stderr[-1000:]

    def test_a_database_and_a_host_that_are_not_there_are_named(self, secured_postgres):
        told = problem(secured_postgres.url(password=PASSWORD, database="nope"))
        assert 'database "nope" does not exist; create it' in told
        assert "check the host in --store" in problem(secured_postgres.url(password=PASSWORD, host="no-such.invalid"))

    @pytest.mark.parametrize(("certificate", "said"), [
        ("expired", "certificate verify failed; the server's certificate has expired, or"),
        ("elsewhere", '"elsewhere.example" does not match host name "localhost"; name the server as its certificate does')])
    def test_a_server_with_a_wrong_certificate_gets_no_password(self, secured_postgres, certificate, said, eventually):
        url = secured_postgres.url(password=PASSWORD)
        secured_postgres.use(getattr(secured_postgres.certificates, certificate))
        try:
            eventually(lambda: said in problem(url), said)
            assert f"localhost:{secured_postgres.port}" in problem(url)
        finally:
            secured_postgres.use(secured_postgres.certificates.server)
        eventually(lambda: problem(url) == "", "the right one is back")


@pytest.mark.parametrize(("said", "do"), [
    ("permission denied for table alerts", "give this user the rights"),
    ("attempt to write a readonly database", "give this user the right"),
    ("SSL error: sslv3 alert certificate expired", "has not expired"), ("what nobody knows", "otherwise")])
def test_the_advice_is_for_what_is_said(said, do):
    assert do in advice(said, "otherwise")


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters="%"), min_size=12))
def test_no_password_is_shown_however_it_is_written(password):
    for url in (f"postgresql+psycopg://me:{password}@h/db", f"postgresql+psycopg://me:{password}@h:1x/db",
                f"postgresql+psycopg://me@h/db?sslmode=require&password={password.replace('&', '')}",
                f"postgresql+psycopg://h/db?sslpassword={password.replace('&', '')}"):
        if password not in "postgresql+psycopg://me@h/db":
            assert password not in shown(url)


@pytest.mark.parametrize("url", [
    "postgresql+psycopg://me:half@other-half@h/db", "postgresql+psycopg://me:half@other:half@h/db", "postgresql+psycopg://me:p@h:half/db"])
def test_an_address_with_a_password_that_is_not_escaped_says_how_to_write_it_and_shows_none_of_it(url):
    told = problem(url)
    assert "in a password % @ : / are %25 %40 %3A %2F" in told
    assert "half" not in told
