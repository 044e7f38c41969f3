"""Names: ours, and nobody else's."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.guard.hosts import Names, client_of, listen, located, same_origin, split

OURS = Names(frozenset({"metrics.example.com", "10.0.0.5"}))


@pytest.mark.parametrize("host", [
    b"127.0.0.1", b"127.0.0.1:9464", b"localhost:8080", b"LOCALHOST", b"localhost.", b"[::1]:9", b"[0:0:0:0:0:0:0:1]", b"127.9.9.9",
    b"metrics.example.com", b"Metrics.Example.Com:443", b"10.0.0.5:80"])
def test_loopback_the_address_and_what_is_named_are_known(host: bytes) -> None:
    assert OURS.known(host)


@pytest.mark.parametrize("host", [
    b"", b"evil.example", b"localhost.evil.example", b"metrics.example.com.evil.example", b"127.0.0.1.evil.example", b"10.0.0.6",
    b"127.0.0.1@evil.example", b"localhost:x", b"[::2]", b"[::1", b"evil.example:127.0.0.1", b"localhost/", b"a b", b"127.0.0.1:80:80",
    b"localhost, evil.example", b"\xff", b"."])
def test_nothing_else_is(host: bytes) -> None:
    assert not OURS.known(host)


def test_on_every_address_an_address_is_known_and_no_name() -> None:
    every = Names(addresses=True)
    assert every.known(b"192.168.7.7:1") and every.known(b"[fe80::1]") and not every.known(b"evil.example")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_host_or_none(host: bytes) -> None:
    found = split(host.decode("latin-1"))
    assert found is None or found[0]
    Names().known(host)
    assert not same_origin(host, b"localhost:8080") or host.lower().startswith((b"http://localhost", b"https://localhost"))


@pytest.mark.parametrize(("origin", "host", "same"), [
    (b"http://localhost:8080", b"localhost:8080", True), (b"https://page.example.com", b"page.example.com", True),
    (b"https://page.example.com", b"page.example.com:443", True), (b"http://PAGE.example.com:80", b"page.example.com", True),
    (b"http://localhost:8081", b"localhost:8080", False), (b"null", b"localhost", False), (b"", b"localhost", False),
    (b"http://evil.example", b"localhost:8080", False), (b"file://", b"localhost", False), (b"http://[::1", b"localhost", False),
    (b"http://localhost:8080.evil.example", b"localhost:8080", False), (b"http://localhost@evil.example", b"localhost", False)])
def test_an_origin_is_the_same_or_another(origin: bytes, host: bytes, same: bool) -> None:
    assert same_origin(origin, host) == same


@pytest.mark.parametrize(("address", "client"), [
    ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::1", "2001:db8::/64"), ("2001:db8::ffff:1", "2001:db8::/64"),
    ("fe80::1%eth0", "fe80::/64")])
def test_a_client_is_an_address_or_its_network(address: str, client: str) -> None:
    assert client_of(address) == client


@pytest.mark.parametrize(("host", "address"), [("", "0.0.0.0"), ("0", "0.0.0.0"), ("127.1", "127.0.0.1"), ("localhost", "127.0.0.1")])
def test_what_a_host_leads_to_is_what_is_bound(host: str, address: str) -> None:
    assert located(host)[1][0] in {address, "::1" if host == "localhost" else address}
    with listen(host, 0) as where:
        assert where.getsockname()[0] == located(host)[1][0]
