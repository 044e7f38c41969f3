"""The real broker, Prism and PostgreSQL, each started once a run; a registry that fails as told; a tagger without a model; and polling."""
import contextlib
import http.server
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

with contextlib.suppress(ImportError):
    import psycopg  # noqa: F401  before TensorFlow: see models/load.py
import pytest
from hypothesis import settings

from pipelines.children import free_port

if TYPE_CHECKING:
    from kafka import KafkaProducer

    from pipelines.broker import Broker
    from schemas.tagging import Tags
    from tests.secured import Secured
    from tests.secured_postgres import SecuredPostgres

Eventually = Callable[..., None]

settings.register_profile("untimed", deadline=None)   # no test is timed: what is slow on a busy machine is not wrong
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Broker]":
    """Apache Kafka for the whole run. A test that kills, pauses or restarts it must leave it running."""
    from pipelines.broker import broker_cache, open_broker

    _skip_without_kafka()
    with open_broker(broker_cache(), tmp_path_factory.mktemp("broker") / "broker.log") as running:
        yield running


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Secured]":
    """Apache Kafka that speaks TLS and SASL, and asks who may. A test makes topics and ACLs of its own, by its `plain` address."""
    from tests.secured import secured_broker

    _skip_without_kafka()
    with secured_broker(tmp_path_factory.mktemp("secured")) as running:
        yield running


def _skip_without_kafka() -> None:
    from pipelines.broker import broker_cache, find_java, kafka_at_hand

    if find_java() is None:
        pytest.skip("the real broker needs Java 17 or later on PATH (Debian: apt install openjdk-17-jre-headless)")
    if not kafka_at_hand(broker_cache()):
        pytest.skip("the real broker needs Maven on PATH for its first fetch (Debian: apt install maven)")


@pytest.fixture
def topic() -> str:
    """A topic name that no other test uses; create it with create_topic."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The SQLAlchemy URL of a server of its own; its databases are the tests' to make. It listens on a socket file only."""
    with postgres_server("-c", "listen_addresses=") as folder:
        yield f"postgresql+psycopg://textpulse@/postgres?host={folder}"


@pytest.fixture(scope="session")
def secured_postgres(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SecuredPostgres]":
    """One that listens on a port too, by TLS."""
    from tests.secured_postgres import SecuredPostgres

    port, folder = free_port(), tmp_path_factory.mktemp("secured-postgres")
    with postgres_server("-c", "listen_addresses=localhost", "-p", str(port)) as server:
        yield SecuredPostgres(port, server, folder)


@contextlib.contextmanager
def postgres_server(*options: str) -> Iterator[Path]:
    """The folder of a server's socket file, and of its log; its data are below."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("needs PostgreSQL's server programs (Debian: apt install postgresql), on PATH or in /usr/lib/postgresql")
    folder = Path(tempfile.mkdtemp(prefix="textpulse-postgres-"))   # a short path: it holds the socket
    as_user = _no_root(folder)
    log = (folder / "log").open("wb")
    data = str(folder / "data")
    try:
        subprocess.run([programs / "initdb", "-D", data, "-U", "textpulse", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"],
                       check=True, stdout=log, stderr=log, cwd=folder, **as_user)
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", str(folder), "-c", "fsync=off", *options],
            stdout=log, stderr=log, cwd=folder, **as_user)
        try:
            _await_socket(server, folder)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)   # its fast shutdown
            server.wait(30)
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own, on SQLite and on PostgreSQL."""
    import sqlalchemy as sa

    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server = sa.make_url(request.getfixturevalue("postgres"))
    name = f"test_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as db:
        db.exec_driver_sql(f"create database {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as db:
        db.exec_driver_sql(f"drop database {name} with (force)")


def _postgres_programs() -> Path | None:
    """The folder of initdb and postgres: of PATH, else the newest that Debian has installed."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "initdb").is_file() and (folder / "postgres").is_file()), None)


def _no_root(folder: Path) -> dict[str, Any]:
    """initdb refuses root: then another user owns the folder and runs the server."""
    if os.geteuid():
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names.get("nobody")
    if user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _await_socket(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    give_up = time.monotonic() + 60
    ready = "is ready to accept connections"
    while ready not in (folder / "log").read_text(errors="replace"):
        if server.poll() is not None or time.monotonic() > give_up:
            pytest.fail(f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Any]:
    """One headless Chromium for the whole run."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="the page's tests need Selenium: pip install 'textpulse[test]'")
    from selenium.webdriver.chrome.service import Service

    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("the page's tests need Chromium and its driver (Debian: apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(driver))
    yield made
    made.quit()


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """eventually(check, what, deadline_s=30): polls until check() is true, and fails naming `what` at the deadline."""

    def poll(check: Callable[[], bool], what: str, deadline_s: float = 30.0) -> None:
        give_up = time.monotonic() + deadline_s
        while not check():
            if time.monotonic() > give_up:
                pytest.fail(f"not within {deadline_s:.0f} s: {what}")
            time.sleep(0.02)

    return poll


class RegistryServer:
    """A schema registry that keeps to Confluent's REST API, and fails as `fault` does, which is given the request's handler."""

    def __init__(self) -> None:
        self.schemas: dict[int, Any] = {}
        self.versions: dict[str, Any] = {}   # "subject/version"
        self.authorization = ""
        self.asked: list[str] = []
        self.fault: Callable[[http.server.BaseHTTPRequestHandler], object] | None = None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, schema_id: int, schema: Any, subject: str = "", version: int = 1, **more: Any) -> None:
        """A schema under its id and, where a subject is named, as its version."""
        answer = {"schema": schema if isinstance(schema, str) else json.dumps(schema), **more}
        self.schemas[schema_id] = answer
        if subject:
            for name in (version, "latest"):
                self.versions[f"{subject}/{name}"] = {"subject": subject, "version": version, "id": schema_id, **answer}

    def answer(self, path: str, authorization: str) -> tuple[int, Any]:
        """Status and JSON."""
        kind, *rest = path.strip("/").split("/")
        if self.authorization and authorization != self.authorization:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        if path == "/schemas/types":
            return 200, ["JSON", "PROTOBUF", "AVRO"]
        if kind == "schemas" and rest[:1] == ["ids"]:
            found = self.schemas.get(int(rest[1]))
            return (200, found) if found else (404, {"error_code": 40403, "message": "Schema not found"})
        if kind == "subjects" and rest[1:2] == ["versions"]:
            found = self.versions.get(f"{rest[0]}/{rest[2]}")
            return (200, found) if found else (404, {"error_code": 40402, "message": "Version not found."})
        return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def close(self) -> None:
        """Nobody answers at the address any more."""
        self.fault = lambda handler: setattr(handler, "close_connection", True)
        self._server.shutdown()
        self._server.server_close()


def _handler(registry: RegistryServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16   # head and body in one packet

        def do_GET(self) -> None:
            registry.asked.append(self.path)
            if registry.fault is not None:
                registry.fault(self)
                return
            status, answer = registry.answer(self.path, self.headers.get("Authorization", ""))
            self.reply(status, json.dumps(answer).encode(), "application/vnd.schemaregistry.v1+json")

        def reply(self, status: int, body: bytes, kind: str, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


@pytest.fixture(scope="session")
def registry_class() -> type[RegistryServer]:
    """A schema registry, to be made anew and closed."""
    return RegistryServer


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    """A schema registry of its own."""
    made = RegistryServer()
    yield made
    made.close()


class WordTagger:
    """A tagger whose answers a test can tell from the words: good, bad, parcel, and the brand Acme. It refuses what is poisoned."""

    name, version, tier = "words", "1", "fast"
    topics = ("delivery", "other")
    intents, is_intent, intent_threshold = (), (), 0.0
    entity_types = ("brand",)
    vocabulary = ("good", "bad", "parcel", "acme", "late")
    poison = "poison"

    def __init__(self) -> None:
        self.calls: list[int] = []   # texts in each call

    def tag(self, texts: Sequence[str]) -> "Tags":
        """Raises ValueError when one of the texts is poisoned."""
        import numpy as np

        from schemas.tagging import Tags

        self.calls.append(len(texts))
        if any(self.poison in text for text in texts):
            raise ValueError("poisoned")
        words = [text.lower().split() for text in texts]
        spans = [[found.span() for found in re.finditer(b"Acme", text.encode())] for text in texts]
        ids = [[self.vocabulary.index(word) for word in said if word in self.vocabulary] for said in words]
        places = np.array([span for row in spans for span in row], np.int32).reshape(-1, 2)
        return Tags(
            np.array([[0.8, 0.1, 0.1] if "bad" in said else [0.1, 0.1, 0.8] if "good" in said else [0.1, 0.8, 0.1] for said in words],
                     np.float32),
            np.array([[0.75, 0.25] if "parcel" in said else [0.25, 0.75] for said in words], np.float32),
            np.zeros((len(texts), 0), np.float32),
            np.zeros(len(places), np.int32), places[:, 0], places[:, 1], np.full(len(places), 0.5, np.float32),
            np.cumsum([0, *map(len, spans)]).astype(np.int64),
            np.array([number for row in ids for number in row], np.int32), np.cumsum([0, *map(len, ids)]).astype(np.int64))


@pytest.fixture(scope="session")
def tagger_class() -> type[WordTagger]:
    """A tagger without a model, to be made anew for each example of a property."""
    return WordTagger


@pytest.fixture
def tagger() -> WordTagger:
    """A tagger without a model."""
    return WordTagger()


@pytest.fixture(scope="session")
def producer(broker: "Broker") -> "Iterator[KafkaProducer]":
    """One producer for the whole run."""
    from kafka import KafkaProducer

    made = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5)
    yield made
    made.close()


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The job endpoint of one Prism for the whole run."""
    from pipelines.children import end
    from pipelines.errors import EnvironmentProblem
    from pipelines.prism import find_prism, start_prism

    try:
        binary = find_prism()
    except EnvironmentProblem as missing:
        pytest.skip(str(missing))
    child, endpoint = start_prism(binary, tmp_path_factory.mktemp("prism") / "prism.log")
    yield endpoint
    end(child)
