"""A PostgreSQL server that speaks TLS, asks for passwords and for certificates, and can be given another certificate while it runs."""
import shutil
from pathlib import Path
from urllib.parse import quote, urlencode

import sqlalchemy as sa

from tests.secured import PASSWORD, USER, Certificates

HBA = f"""
local all all trust
hostssl all {USER} all scram-sha-256
hostssl all holder all cert
hostnossl all plain all scram-sha-256
"""


class SecuredPostgres:
    """At localhost:port. Users: one with a password, `holder` with a certificate of that name, `plain` only without TLS."""

    def __init__(self, port: int, server: Path, folder: Path) -> None:
        self.port, self.data = port, server / "data"
        self.admin = sa.create_engine(f"postgresql+psycopg://textpulse@/postgres?host={server}&port={port}", isolation_level="AUTOCOMMIT")
        self.certificates = Certificates(folder)
        self.holder = self.certificates.of_user("holder")
        for name in (USER, "holder", "plain"):
            self.sql(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        (self.data / "pg_hba.conf").write_text(HBA)
        self._give(self.certificates.authority, "root.crt")
        self.sql(f"ALTER SYSTEM SET ssl_ca_file = '{self.data}/root.crt'")
        self.sql(f"ALTER SYSTEM SET ssl_cert_file = '{self.data}/server.pem'")
        self.sql(f"ALTER SYSTEM SET ssl_key_file = '{self.data}/server.pem'")
        self.use(self.certificates.server)
        self.sql("ALTER SYSTEM SET ssl = on")
        self.sql("SELECT pg_reload_conf()")

    def sql(self, text: str) -> None:
        """As its owner, by the socket file."""
        with self.admin.connect() as db:
            db.exec_driver_sql(text)

    def use(self, certificate: Path) -> None:
        """New connections get this one, soon."""
        self._give(certificate, "server.pem")
        self.sql("SELECT pg_reload_conf()")

    def url(self, user: str = USER, password: str = "", host: str = "localhost", database: str = "postgres", **query: str) -> str:
        """verify-full with the authority that made the certificates, if the query does not say otherwise."""
        login = f"{user}:{quote(password, safe='')}" if password else user
        asked = {"sslmode": "verify-full", "sslrootcert": str(self.certificates.authority)} | query
        return f"postgresql+psycopg://{login}@{host}:{self.port}/{database}?{urlencode(asked)}"

    def _give(self, file: Path, name: str) -> None:
        made, owner = self.data / name, self.data.stat()
        shutil.copyfile(file, made)
        made.chmod(0o600)
        shutil.chown(made, owner.st_uid, owner.st_gid)
