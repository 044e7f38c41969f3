"""A store's address: how it is opened, what is said of it (never its password), and what to do when it does not let us in."""
import re
from typing import Any

import sqlalchemy as sa

SECRETS = re.compile(r"(?<=[?&])(\w*pas+w\w*)=[^&]*")   # password, sslpassword, and what was meant so
PASSWORDS = "in the file of PGPASSFILE, in PGPASSWORD, or in the URL of TEXTPULSE_STORE"

# Words of what SQLite, libpq or the server say, the more special first.
_ADVICE = (
    ("certificate verify failed", "the server's certificate has expired, or is of an authority that is not in sslrootcert"),
    ("does not match host name", "name the server as its certificate does"),
    ("root certificate file", "name the certificate of the server's authority with sslrootcert"),
    ("no password supplied", f"give the password {PASSWORDS}"),
    ("password authentication failed", f"check the user, and the password {PASSWORDS}"),
    ("client certificate", "name this user's certificate and key with sslcert and sslkey"),
    ("certificate authentication failed", "name this user's certificate and key with sslcert and sslkey"),
    ("private key file", "see that it is there, and that only this user may read it (chmod 600)"),
    ("no pg_hba.conf entry", "the server does not take this user that way: look at sslmode, the user and the database"),
    ("does not support ssl", "turn TLS on at the server, or choose another sslmode"),
    ("alert certificate", "the server refuses the certificate of sslcert: see that it has not expired"),
    ("alert unknown ca", "the server refuses the certificate of sslcert: it has to be of an authority that it trusts"),
    ("resolve host", "check the host in --store"),
    ("invalid sslmode", "choose verify-full, or another sslmode that libpq knows"),
    ("connection option", "look at what follows the ? in --store: libpq has no such parameter"),
    ("fatal: database", "create it, or name another one in --store"),
    ("deadlock", "two writers met on the same rows: try again"),
    ("locked", "another process has held its write lock for 30 s: wait for it, or end it"),
    ("readonly", "give this user the right to write to the file and its folder, or choose another --store"),
    ("read-only", "connect to a server that takes writes, or choose another --store"),
    ("full", "free some space on its disk"),
    ("no space", "free some space on its disk"),
    ("permission denied", "give this user the rights on its tables, or choose another --store"),
    ("malformed", "restore it from a copy, or choose another --store"),
    ("not a database", "the file is something else: choose another --store"),
    ("connect", "check that the server runs and can be reached"),
    ("terminat", "check that the server runs and can be reached"),
)


def advice(said: str, otherwise: str) -> str:
    """What to do about an error of the database."""
    return next((do for words, do in _ADVICE if words in said.lower()), otherwise)


def parsed(url: str) -> sa.URL:
    """Raises sqlalchemy's ArgumentError, without what may be a password, for what is no address of a database."""
    try:
        made = sa.make_url(url)
    except ValueError as error:   # of the port
        raise sa.exc.ArgumentError("not the address of a database") from error
    if "@" in (made.host or ""):
        raise sa.exc.ArgumentError("an @ too many")
    return made


def shown(url: str) -> str:
    """The address without its passwords."""
    try:
        return SECRETS.sub(r"\1=***", parsed(url).render_as_string(hide_password=True))
    except sa.exc.ArgumentError:   # no URL at all: it may hold anything
        return url.partition(":")[0] + ":..."


def engine_of(url: str) -> sa.Engine:
    """SQLite in WAL mode, transactions begun immediate, waiting up to 30 s for a lock; else the database's own ways."""
    if not url.startswith("sqlite"):
        return sa.create_engine(parsed(url), pool_pre_ping=True, hide_parameters=True)   # rows stand in no message
    memory = url in ("sqlite://", "sqlite:///:memory:")
    engine = sa.create_engine(
        url, connect_args={"timeout": 30, "check_same_thread": False}, hide_parameters=True,
        **({"poolclass": sa.StaticPool} if memory else {}))

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None   # we say begin ourselves
        connection.execute("pragma journal_mode=wal")
        # A power cut may lose the last transactions, never their order: offsets and results are one store, so they are replayed.
        connection.execute("pragma synchronous=normal")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("begin" if reading else "begin immediate")

    return engine
