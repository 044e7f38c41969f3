"""A webhook takes a message signed, or it is said why not; no address and no secret stands in what is said."""
import threading

import pytest

from pipelines import targets
from pipelines.children import free_port
from pipelines.errors import UsageProblem
from pipelines.targets import SECRET, NotDelivered, Webhook, signed, targets_of

ENOUGH = "a secret of more than twenty-four bytes"


def send(url):
    Webhook(url, ENOUGH.encode()).send("m-1", "incident", '{"a":"é"}', 1_700_000_000)


def test_the_signature_is_that_of_the_specification():
    """The example of the specification's reference libraries."""
    import base64

    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', secret, 1614265330)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_arrives_whole_and_signed(receiver):
    send(receiver.url)

    ((headers, body),) = receiver.got
    assert body == '{"a":"é"}'.encode()
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "m-1"
    assert headers["webhook-signature"] == signed("m-1", body, ENOUGH.encode(), 1_700_000_000)["webhook-signature"]


@pytest.mark.parametrize("code", [301, 302, 400, 404, 410, 429, 500, 503])
def test_any_answer_but_success_is_no_delivery(receiver, code):
    def answer(request):
        request.send_response(code)
        request.send_header("location", receiver.url + "/elsewhere")
        request.send_header("content-length", "0")

    receiver.answer = answer

    with pytest.raises(NotDelivered, match=f"answered {code}"):
        send(receiver.url)
    assert len(receiver.got) == 1   # not sent elsewhere


def test_one_that_hangs_is_left(receiver, monkeypatch):
    monkeypatch.setattr(targets, "TIMEOUT_S", 0.2)
    freed = threading.Event()
    receiver.answer = lambda _: freed.wait(30)
    try:
        with pytest.raises(NotDelivered, match="timed out"):
            send(receiver.url)
    finally:
        freed.set()


def test_one_that_is_not_there_or_talks_nonsense_is_named_without_its_path(receiver):
    with pytest.raises(NotDelivered, match="refused"):
        send(f"http://127.0.0.1:{free_port()}/key-of-mine")
    receiver.answer = lambda request: request.wfile.write(b"nonsense\r\n\r\n") and receiver.RAW
    with pytest.raises(NotDelivered) as said:
        send(receiver.url)
    assert "key-of-mine" not in str(said.value)
    assert "key-of-mine" not in Webhook(receiver.url, b"").name


@pytest.mark.parametrize(("urls", "environ", "what"), [
    ("ftp://a.example/x", {SECRET: ENOUGH}, "not an address"),
    ("nonsense", {SECRET: ENOUGH}, "not an address"),
    ("http://a.example/x", {}, "at least 24 bytes"),
    ("http://a.example/x", {SECRET: "short"}, "at least 24 bytes"),
    ("http://a.example/x", {SECRET: "whsec_%%%"}, "not a secret"),
])
def test_wrong_targets_are_refused_in_words(urls, environ, what):
    with pytest.raises(UsageProblem, match=what) as said:
        targets_of(urls, "", "", "", environ)
    assert "short" not in str(said.value)


def test_a_secret_comes_from_a_file_or_a_variable_and_may_be_base64(tmp_path):
    (tmp_path / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")

    (of_file,) = targets_of("http://a.example/x", str(tmp_path / "secret"), "", "", {})
    (of_variable,) = targets_of("http://a.example/x", "", "", "", {SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})

    assert of_file.secret == of_variable.secret
    assert len(of_file.secret) == 24
    with pytest.raises(UsageProblem, match="missing: No such file"):
        targets_of("http://a.example/x", str(tmp_path / "missing"), "", "", {})


@pytest.mark.kafka
def test_a_topic_gets_the_message_with_its_id_under_the_incident(broker, topic):
    from kafka import KafkaConsumer

    from pipelines.broker import create_topic

    create_topic(broker.bootstrap, topic, 1)
    (target,) = targets_of("", "", broker.bootstrap, topic, {})

    target.send("m-1", "incident", '{"a":1}', 1)

    consumer = KafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    record = next(iter(consumer))
    consumer.close()
    assert (record.key, record.value, record.headers) == (b"incident", b'{"a":1}', [("textpulse-message", b"m-1")])


def test_a_topic_of_a_broker_that_is_away_is_no_delivery(monkeypatch):
    monkeypatch.setattr(targets, "TIMEOUT_S", 0.5)
    (target,) = targets_of("", "", f"127.0.0.1:{free_port()}", "alerts", {})

    with pytest.raises(NotDelivered):
        target.send("m-1", "incident", "{}", 1)
