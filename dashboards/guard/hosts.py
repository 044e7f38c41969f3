"""By which names a server may be asked, against DNS rebinding: a stranger's name that leads here is not ours."""
import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
PORTS = {"http": "80", "https": "443"}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Names:
    """names: besides loopback ones, in lower case. addresses: any IP address is one, since no stranger's name is."""

    names: frozenset[str] = frozenset()
    addresses: bool = False

    def known(self, header: bytes) -> bool:
        """Whether a Host header names this server."""
        found = split(header.decode("latin-1"))
        if found is None:
            return False
        host = found[0]
        address = parsed(host)
        if address is not None and (self.addresses or address.is_loopback):
            return True
        return host == "localhost" or host in self.names


def split(text: str) -> tuple[str, str] | None:
    """(host in lower case, port or nothing) of host[:port]; IPv6 addresses in their shortest form, without brackets. None: neither."""
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    host = found["host"].lower().removesuffix(".")
    if host.startswith("["):
        address = parsed(host[1:-1])
        if address is None:
            return None
        host = str(address)
    return (host, found["port"] or "") if host else None


def same_origin(origin: bytes, host: bytes) -> bool:
    """Whether a page of this Origin was served under this Host. The scheme may differ: a proxy may speak TLS for us."""
    try:
        parts = urlsplit(origin.decode("latin-1"))
    except ValueError:
        return False
    ours, theirs = split(host.decode("latin-1")), split(parts.netloc)
    if parts.scheme not in PORTS or ours is None or theirs is None:
        return False
    plain = PORTS[parts.scheme]
    return (ours[0], ours[1] or plain) == (theirs[0], theirs[1] or plain)


def parsed(text: str) -> Address | None:
    """An IP address; None for what is none. An IPv4 address in an IPv6 one is the former."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def client_of(address: str) -> str:
    """Who an address is for limits: itself, or the network of an IPv6 address, of which one client has 2**64."""
    found = parsed(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found or address)


def located(host: str) -> tuple[int, Any]:
    """(family, socket address with port 0) that a name leads to; the empty one means every address. Raises OSError."""
    found = socket.getaddrinfo(host or "0.0.0.0", 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)   # noqa: S104 - asked for
    return found[0][0], found[0][4]


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. port 0: any that is free. Raises OSError."""
    family, address = located(host)
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address[0], port, *address[2:]))
        made.listen(128)   # who asks from now on waits until the server answers
    except OSError:
        made.close()
        raise
    return made
