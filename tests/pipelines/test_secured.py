"""textpulse over SASL_SSL with ACLs from produce to the store: it works with the least of rights, and shows its passwords nowhere."""
import base64
import contextlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from insights.conservation import audit
from insights.queries import QueryError
from insights.store import Store, StoreError
from insights.tables import metadata
from pipelines.broker import create_topic
from pipelines.children import end, spawn
from pipelines.errors import EnvironmentProblem
from pipelines.prism import find_prism
from tests.secured import PASSWORD

PRODUCER, READER = "Zopf-1883-schreibt", "Kranz-1884-liest"
RECORDS = 1_500

pytestmark = [pytest.mark.kafka, pytest.mark.prism, pytest.mark.model]


class Product:
    """`textpulse` in processes of its own, with what it said."""

    def __init__(self, folder: Path, secured, topic: str, store: str) -> None:
        self.folder, self.topic, self.address = folder, topic, secured.addresses["SASL"]
        self.log, self.store = folder / "stream.log", store
        for name, password in (("writer", PRODUCER), ("reader", READER)):
            secured.add_user(f"{name}-{topic}", password)
            (folder / name).write_text(password)
        self.config = folder / "textpulse.toml"
        self.config.write_text(
            f'bootstrap_servers = "{self.address}"\nsecurity_protocol = "SASL_SSL"\nsasl_mechanism = "SCRAM-SHA-512"\n'
            f'ssl_ca_file = "{secured.certificates.authority}"\nsasl_username = "reader-{topic}"\n')

    def environment(self, **more: str) -> dict[str, str]:
        return {"TEXTPULSE_DEBUG": "1", "TEXTPULSE_TOPIC": self.topic, "TEXTPULSE_STORE": self.store} | more

    def ran(self, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "pipelines", *argv], capture_output=True, text=True, check=False, timeout=120,
                              env=os.environ | self.environment(**environment))

    def stream(self, *argv: str):
        command = [sys.executable, "-m", "pipelines", "stream", "--job", f"job-{self.topic}",
                   "--window", "2s", "--allowed-lateness", "2s", "--metrics-port", "0", *argv]
        return spawn(command, env=self.environment(TEXTPULSE_SASL_PASSWORD_FILE=str(self.folder / "reader")), log=self.log, new_group=True)

    def read(self) -> int:
        """Records read, as the store knows it."""
        try:
            with contextlib.closing(Store(self.store, create=False)) as store:
                totals = audit(store, f"job-{self.topic}").totals
        except (StoreError, QueryError):
            return 0
        return totals[0].read if totals else 0

    def stored(self) -> bytes:
        """All that its tables hold."""
        with contextlib.closing(Store(self.store, create=False)) as store, store.snapshot() as db:
            return b"\n".join(repr(row).encode() for table in metadata.sorted_tables for row in db.execute(sa.select(table)))


@pytest.fixture(autouse=True)
def prism_is_there():
    try:
        find_prism()
    except EnvironmentProblem as missing:
        pytest.skip(str(missing))


@pytest.fixture
def product(tmp_path, secured, topic):
    return Product(tmp_path, secured, topic, f"sqlite:///{tmp_path}/stream.db")


@pytest.fixture
def product_on_postgres(tmp_path, secured, topic, secured_postgres):
    name = topic.replace("-", "_")
    secured_postgres.sql(f"CREATE DATABASE {name}")
    return Product(tmp_path, secured, topic, secured_postgres.url(password=PASSWORD, database=name))


def every_argument() -> bytes:
    """The command lines of all processes of this machine."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.append((entry / "cmdline").read_bytes())
        except OSError:   # it ended meanwhile
            continue
    return b"\n".join(found)


def forms(password: str) -> tuple[bytes, ...]:
    """As it is, and as SASL/PLAIN or a log may have it."""
    return password.encode(), base64.b64encode(password.encode()), password.encode().hex().encode(), quote(password, safe="").encode()


@pytest.mark.postgres
def test_from_produce_to_the_store_with_the_least_of_rights_and_no_password_anywhere(product_on_postgres, secured, topic, eventually):
    product = product_on_postgres
    secured.allow(f"writer-{topic}", topic, "CREATE", "WRITE")
    produced = product.ran(
        "produce", "--config", str(product.config), "--sample", str(RECORDS), "--shift-to-now", "--sasl-username", f"writer-{topic}",
        TEXTPULSE_SASL_PASSWORD=PRODUCER)
    assert produced.returncode == 0, produced.stderr
    sinks = {f"--{kind}": f"{topic}-{kind}" for kind in ("tagged-topic", "dead-letter-topic", "insights-topic", "alert-topic")}
    for name in sinks.values():
        create_topic(secured.plain, name)
        secured.allow(f"reader-{topic}", name, "WRITE")
    secured.allow(f"reader-{topic}", topic, "READ")
    secured.allow(f"reader-{topic}", f"job-{topic}", "READ", kind="GROUP")

    job = product.stream("--config", str(product.config), *(word for pair in sinks.items() for word in pair))
    try:
        eventually(lambda: product.read() == RECORDS or job.poll() is not None, "all is read", 90.0)
        assert job.poll() is None, product.log.read_text()[-3000:]
        arguments = every_argument()
    finally:
        code = end(job, 20.0)
    assert code == 0, product.log.read_text()[-3000:]
    checked = product.ran("doctor", "--config", str(product.config),
                          TEXTPULSE_SASL_PASSWORD_FILE=str(product.folder / "reader"))

    assert f"{product.address} answers, by SASL_SSL, user 'reader-{topic}' by SCRAM-SHA-512, certificate of " in checked.stdout
    assert "commonName=server valid until 20" in checked.stdout
    assert "reader:***@localhost" in checked.stdout
    said = {"arguments": arguments, "log": product.log.read_bytes(), "store": product.stored(),
            "produce": (produced.stdout + produced.stderr).encode(), "doctor": (checked.stdout + checked.stderr).encode()}
    assert len(said["store"]) > 10_000
    for where, content in said.items():
        for password in (PRODUCER, READER, PASSWORD):
            assert not [form for form in forms(password) if form in content], where


@pytest.mark.parametrize(("argv", "said"), [
    (["--security-protocol", "SASL_SSL"], "refuses the user or the password; check --sasl-username"),
    (["--ssl-ca-file", "/no/ca.pem"], "--ssl-ca-file /no/ca.pem: No such file or directory"),
    (["--sasl-password-file", "/no/password"], "--sasl-password-file /no/password: No such file or directory")])
def test_what_keeps_a_stream_out_is_one_line_and_code_3(product, secured, topic, argv, said):
    (product.folder / "reader").write_text("a-wrong-one")
    job = product.stream("--config", str(product.config), "--connect-timeout", "20", *argv)
    code = job.wait(60)
    told = product.log.read_text()
    assert code == 3, told
    assert said in told
    assert "a-wrong-one" not in told
