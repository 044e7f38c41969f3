"""Connections to a real broker by every protocol, and what is said of each that cannot be made."""
import contextlib
import logging
import pickle
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.errors import InvalidReceiveError, KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from pipelines.broker import create_topic
from pipelines.children import free_port
from tests.secured import PASSWORD, USER
from transforms.kafka_connection import Connection
from transforms.kafka_security import SASL_PASSWORD, KafkaProblem, Security, client_options, refusal_of, secret, tls_context


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def ways(secured, password_file):
    """(address, Security) of each good way in."""
    files = secured.certificates
    tls = {"ca_file": str(files.authority)}
    user = {"username": USER, "password_file": password_file}
    return {
        "TLS": (secured.addresses["TLS"], Security("SSL", **tls)),
        "MTLS": (secured.addresses["MTLS"], Security("SSL", **tls, cert_file=str(files.client))),
        "PLAIN": (secured.addresses["SASL"], Security("SASL_SSL", **tls, **user, mechanism="PLAIN")),
        "SCRAM-SHA-256": (secured.addresses["SASL"], Security("SASL_SSL", **tls, **user, mechanism="SCRAM-SHA-256")),
        "SCRAM-SHA-512": (secured.addresses["SASL"], Security("SASL_SSL", **tls, **user, mechanism="SCRAM-SHA-512")),
        "CLEAR": (secured.addresses["CLEAR"], Security("SASL_PLAINTEXT", **user, mechanism="SCRAM-SHA-512"))}


def changed(security, **what):
    return Security(**{name: getattr(security, name) for name in Security.__slots__} | what)


@pytest.mark.kafka
class TestWaysIn:
    @pytest.mark.parametrize("way", ["TLS", "MTLS", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "CLEAR"])
    def test_every_client_gets_in_by_every_protocol(self, ways, way, topic, secured):
        create_topic(secured.plain, topic)
        secured.allow(USER, topic, "ALL")
        address, security = ways[way]
        connection = Connection(address, security, 10.0)
        with contextlib.closing(connection.producer()) as producer:
            producer.send(topic, b"1").get(10)
        with contextlib.closing(connection.consumer()) as consumer:
            assert consumer.end_offsets([TopicPartition(topic, 0)]) == {TopicPartition(topic, 0): 1}
        with contextlib.closing(connection.admin()) as admin:
            assert [found["name"] for found in admin.describe_topics([topic])] == [topic]
        assert not connection.failed

    def test_a_user_whose_name_holds_commas_gets_in(self, secured, ways, password_file):
        secured.add_user("a=b,c", PASSWORD)
        address, security = ways["SCRAM-SHA-256"]
        Connection(address, changed(security, username="a=b,c"), 5.0).consumer().close()


def refused(connection):
    """What is said, after how long."""
    begun = time.monotonic()
    with pytest.raises(KafkaProblem) as caught:
        connection.admin()
    return str(caught.value), time.monotonic() - begun


@pytest.mark.kafka
class TestRefused:
    """Each problem is named with its host and what to do, and never the password."""

    @pytest.mark.parametrize(("way", "listener", "change", "said"), [
        ("TLS", "EXPIRED", {}, "its certificate has expired; have it renewed at the broker"),
        ("TLS", "ELSEWHERE", {}, "its certificate is for another host; name the broker as its certificate does"),
        ("TLS", "TLS", {"ca_file": "stranger"}, "of an authority that is not trusted here; name .* with --ssl-ca-file"),
        ("TLS", "TLS", {"ca_file": ""}, "of an authority that is not trusted here; name .* with --ssl-ca-file"),
        ("TLS", "MTLS", {}, "refuses our certificate, or has none of us; name .* --ssl-cert-file"),
        ("MTLS", "MTLS", {"cert_file": "stale"}, "refuses our certificate, or has none of us; name .* not expired"),
        ("SCRAM-SHA-512", "TLS", {}, "does not take a user and a password there; choose --security-protocol"),
        ("SCRAM-SHA-512", "SASL", {"protocol": "SASL_PLAINTEXT"}, "speaks TLS there; choose --security-protocol SSL or SASL_SSL"),
        ("TLS", "TLS", {"protocol": "PLAINTEXT"}, "speaks TLS there; choose --security-protocol SSL or SASL_SSL"),
        ("SCRAM-SHA-512", "SASL", {"username": "nobody"}, "user 'nobody' by SCRAM-SHA-512.*refuses the user or the password"),
        ("PLAIN", "SASL", {"username": "nobody"}, "user 'nobody' by PLAIN.*refuses the user or the password; check --sasl-username"),
        ("SCRAM-SHA-512", "SCRAM256", {}, "does not take this --sasl-mechanism there; choose")])
    def test_what_trying_again_cannot_change_is_said_at_once(self, secured, ways, way, listener, change, said):
        files = {"stranger": secured.certificates.stranger, "stale": secured.certificates.stale}
        security = changed(ways[way][1], **{name: str(files.get(value, value)) for name, value in change.items()})
        address = secured.addresses[listener]
        told, lasted_s = refused(Connection(address, security, 30.0))
        assert address in told
        assert re.search(said, told), told
        assert lasted_s < 10
        assert PASSWORD not in told

    @pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    def test_a_wrong_password_is_known_by_the_first_try_and_is_not_shown(self, ways, mechanism, tmp_path, caplog):
        (tmp_path / "wrong").write_text("zopf-1883")
        address, security = ways[mechanism]
        with caplog.at_level(logging.INFO, "kafka.net.manager"):
            told, _ = refused(Connection(address, changed(security, password_file=str(tmp_path / "wrong")), 30.0))
        tries = caplog.text.count(f"Initializing connection for node_id bootstrap-0 at {address}")
        assert tries == 1   # the broker hangs up with its answer: what it says is read all the same
        assert f"{address} cannot be used" in told
        assert "refuses the user or the password" in told
        assert "zopf" not in told

    @pytest.mark.parametrize(("way", "listener", "change", "said"), [
        ("TLS", "PLAINTEXT", {}, "hangs up when TLS is begun, choose --security-protocol PLAINTEXT"),
        ("TLS", "CLEAR", {"protocol": "PLAINTEXT"}, "another --security-protocol"),
        ("TLS", "SASL", {}, "another --security-protocol")])
    def test_what_may_be_a_broker_that_starts_is_said_at_the_connect_timeout(self, secured, ways, way, listener, change, said):
        address = secured.addresses.get(listener, secured.plain)
        told, lasted_s = refused(Connection(address, changed(ways[way][1], **change), 4.0))   # a busy machine needs some
        assert f"no Kafka broker answered at {address} within 4 s" in told
        assert said in told
        assert 0.5 < lasted_s < 30

    def test_a_host_that_a_broker_advertises_has_to_be_in_its_certificate_too(self, secured, ways):
        bootstrap = secured.addresses["ADVERTISED"].replace("localhost", "127.0.0.1")   # its certificate is for this alone
        connection = Connection(bootstrap, ways["TLS"][1], 2.0)
        with contextlib.closing(connection.consumer()) as consumer, contextlib.suppress(Exception):
            consumer.topics()
        with pytest.raises(KafkaProblem, match=f"{secured.addresses['ADVERTISED']} cannot be used .*for another host; .*advertises"):
            connection.check()

    def test_a_host_that_does_not_exist_is_named(self):
        told, lasted_s = refused(Connection("no-such-host.invalid:9092", timeout_s=0.5))
        assert "no-such-host.invalid:9092 within 0.5 s (KafkaConnectionError: DNS" in told
        assert lasted_s < 5

    def test_what_the_library_logs_at_its_loudest_holds_no_password(self, ways, caplog, topic, secured):
        create_topic(secured.plain, topic)
        secured.allow(USER, topic, "WRITE")
        address, security = ways["PLAIN"]
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, "kafka")   # which commands of other tests have made quiet
        with contextlib.closing(Connection(address, security, 10.0).producer()) as producer:
            producer.send(topic, b"the words of a customer").get(10)
        assert "kafka.net" in " ".join(record.name for record in caplog.records)
        for secret_text in (PASSWORD, PASSWORD.encode().__repr__()[2:-1], "words of a customer"):
            assert secret_text not in caplog.text


class TestFiles:
    """What cannot be read is named, before anybody is asked."""

    @pytest.fixture
    def files(self, tmp_path):
        from tests.secured import Certificates

        return Certificates(tmp_path)

    @pytest.mark.parametrize("option", ["ca_file", "cert_file", "key_file"])
    def test_a_file_that_is_missing_is_named_with_its_option(self, files, option):
        security = Security("SSL", **{"ca_file": str(files.authority), "cert_file": str(files.client), option: "/no/such.pem"})
        with pytest.raises(KafkaProblem, match=f"--ssl-{option.replace('_', '-')} /no/such.pem: No such file or directory"):
            tls_context(security)

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(KafkaProblem, match=r"--ssl-ca-file .*: Is a directory"):
            tls_context(Security("SSL", ca_file=str(tmp_path)))

    @pytest.mark.parametrize("option", ["ca_file", "cert_file", "key_file"])
    def test_a_file_of_something_else_is_named_with_its_option(self, files, tmp_path, option):
        (tmp_path / "junk").write_bytes(b"junk")
        names = {"ca_file": str(files.authority), "cert_file": str(files.client), option: str(tmp_path / "junk")}
        with pytest.raises(KafkaProblem, match=f"--ssl-{option.replace('_', '-')} {tmp_path}/junk: .*PEM"):
            tls_context(Security("SSL", **names))

    def test_a_key_of_another_certificate_is_named(self, files):
        with pytest.raises(KafkaProblem, match=rf"--ssl-key-file {files.server}: is not the key of .*{files.client}"):
            tls_context(Security("SSL", cert_file=str(files.client), key_file=str(files.server)))

    def test_an_encrypted_key_needs_its_password(self, files, tmp_path, monkeypatch):
        monkeypatch.delenv("TEXTPULSE_SSL_KEY_PASSWORD", raising=False)
        locked = Security("SSL", cert_file=str(files.client), key_file=str(files.locked_key(b"opensesame")))
        with pytest.raises(KafkaProblem, match="TEXTPULSE_SSL_KEY_PASSWORD is not set, and --ssl-key-password-file names no file"):
            tls_context(locked)
        (tmp_path / "wrong").write_text("closesesame")
        with pytest.raises(KafkaProblem, match="check the key's password") as caught:
            tls_context(changed(locked, key_password_file=str(tmp_path / "wrong")))
        assert "sesame" not in str(caught.value)
        monkeypatch.setenv("TEXTPULSE_SSL_KEY_PASSWORD", "opensesame")
        tls_context(locked)

    def test_every_context_verifies_the_host(self, files):
        context = tls_context(Security("SSL", ca_file=str(files.authority)))
        assert context.check_hostname
        assert context.verify_mode.name == "CERT_REQUIRED"


class TestSecrets:
    @pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff", "UTF-8")])
    def test_a_file_without_a_password_is_named(self, tmp_path, content, said):
        path = tmp_path / "p"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(KafkaProblem, match=f"--sasl-password-file {path}: .*{said}"):
            secret(str(path), "--sasl-password-file", SASL_PASSWORD)

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")).filter(lambda text: text.encode().strip()))
    def test_a_password_is_the_content_without_its_newline(self, tmp_path_factory, text):
        path = tmp_path_factory.mktemp("p") / "p"
        for end in ("", "\n", "\r\n"):
            path.write_bytes((text + end).encode())
            assert secret(str(path), "--o", "V") == text

    def test_settings_hold_no_password(self, monkeypatch, tmp_path):
        monkeypatch.setenv(SASL_PASSWORD, PASSWORD)
        (tmp_path / "p").write_text(PASSWORD)
        for file in ("", str(tmp_path / "p")):
            security = Security("SASL_PLAINTEXT", mechanism="PLAIN", username=USER, password_file=file)
            assert client_options(security)["sasl_plain_password"] == PASSWORD
            assert PASSWORD not in repr(security)
            assert PASSWORD.encode() not in pickle.dumps(security)


@pytest.mark.parametrize("error", [
    TopicAuthorizationFailedError("my_alert_topic"), KafkaError("mismatch of hostname mismatch"),
    InvalidReceiveError("Invalid frame length: 2000000"),
    KafkaTimeoutError("the certificate has expired, not yet valid, ssl: alert"),
    UnknownTopicOrPartitionError("SaslAuthenticationFailedError")])
def test_what_only_sounds_like_a_refusal_is_none(error):
    assert not refusal_of(error).final


@given(st.text())
def test_a_failure_that_is_not_known_is_told_as_it_is_and_tried_again(text):
    found = refusal_of(OSError(text))
    assert (found.why, found.final) in ((text, False), ("OSError", False)) or "[ssl: " in text.lower()


def test_an_unreachable_port_is_named_with_why():
    address = f"localhost:{free_port()}"
    told, _ = refused(Connection(address, timeout_s=0.5))
    assert f"no Kafka broker answered at {address} within 0.5 s (" in told
    assert "ECONNREFUSED" in told
