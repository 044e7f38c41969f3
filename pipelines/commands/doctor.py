"""textpulse doctor: is everything there that a job needs, and if not, what to do."""
import argparse
import datetime as dt
import importlib.metadata
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.commands.command import Command
from pipelines.commands.models import model_folder, tagger
from pipelines.commands.output import line, print_json
from pipelines.commands.quiet import quiet_kafka
from pipelines.commands.reading import sqlite_file
from pipelines.options import CONNECT, JSON, METRICS, METRICS_HOST, MODEL, PRISM, SECURITY, SERVERS, STORE
from pipelines.security import security_of
from transforms.kafka_security import Security, server_certificate

OPTIONS = (SERVERS, CONNECT, STORE, MODEL, PRISM, METRICS, METRICS_HOST, JSON, *SECURITY)
PLAINTEXT = Security()
FOR_SOME = frozenset({"metrics"})   # what only `stream` and `demo` need: a note, no problem
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^ ;]+)$")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. do: what to do about a problem; empty when all is well. needed: no job runs without it."""

    check: str
    ok: bool
    found: str
    do: str = ""
    needed: bool = True


def run(args: argparse.Namespace) -> int:
    """Prints a line for each check, as they end; 3 when something needed is missing."""
    quiet_kafka()
    findings = []
    security = security_of(args)
    for finding in _findings(args, security):
        findings.append(finding)
        if not args.json:
            line(_line(finding))
    sound = all(finding.ok or not finding.needed for finding in findings)
    if args.json:
        print_json({"ok": sound, "checks": [asdict(finding) for finding in findings]})
    return 0 if sound else 3


def _line(finding: Finding) -> str:
    state = "ok" if finding.ok else "problem" if finding.needed else "note"
    return f"{state:<8} {finding.check:<9} {finding.found}" + (f"\n{'':<18} -> {finding.do}" if finding.do else "")


def _findings(args: argparse.Namespace, security: Security) -> Iterator[Finding]:
    yield python()
    yield from packages()
    checks: Sequence[tuple[str, Callable[[], str], str]] = (
        ("prism", lambda: prism(args.prism_location), "`make prism` builds it, or name it with --prism_location"),
        ("broker", lambda: broker(args.bootstrap_servers, args.connect_timeout, security),
         "see that it runs and lets this user in" if args.bootstrap_servers else
         "start Kafka and name it with --bootstrap-servers, or install Java 17 and Maven"),
        ("model", lambda: model(args.model), "choose another --model, or make one: textpulse train --out FOLDER"),
        ("store", lambda: store(args.store), "name a store that can be written with --store"),
        ("metrics", lambda: metrics(args.metrics_host, args.metrics_port),
         "a running stream or demo may hold it; for a second one choose another --metrics-port, or 0 for none"))
    for name, check, remedy in checks:
        yield _tried(name, check, remedy, needed=name not in FOR_SOME)


def _tried(name: str, check: Callable[[], str], remedy: str, *, needed: bool = True) -> Finding:
    """What the check says, or the problem that it met."""
    try:
        return Finding(name, True, check())
    except Exception as error:   # noqa: BLE001 - whatever stops a check is what it found; the others go on
        return Finding(name, False, " ".join(str(error).split()) or type(error).__name__, remedy, needed)


def python() -> Finding:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    sound = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("python", sound, version, "" if sound else "use Python 3.11, 3.12 or 3.13")


def packages() -> Iterator[Finding]:
    """The pinned packages: one line when all are as pinned, else one for each that is not."""
    try:
        required = importlib.metadata.requires("textpulse") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("packages", False, "textpulse is not installed", "install it: pip install -e . in its folder")
        return
    wanted = [match.groups() for text in required if (match := PINNED.match(text))]
    strange = [finding for name, version in wanted if (finding := _package(name, version))]
    yield from strange or [Finding("packages", True, f"{len(wanted)} as pinned")]


def _package(name: str, version: str) -> Finding | None:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding("packages", False, f"{name} is missing", f"pip install {name}=={version}")
    if found == version:
        return None
    remedy = f"pip install {name}=={version}"
    return Finding("packages", False, f"{name} {found}, tested with {version}", remedy, needed=False)


def prism(location: str) -> str:
    """Where Prism is. Raises PrismMissing or UsageProblem."""
    from pipelines.prism import find_prism

    return str(find_prism(location or None))


def broker(servers: str, timeout_s: float, security: Security = PLAINTEXT) -> str:
    """Which broker there is, or can be started. Raises EnvironmentProblem."""
    from pipelines import broker as brokers
    from pipelines.errors import EnvironmentProblem

    if servers:
        brokers.connect_admin(servers, timeout_s, security).close()
        return ", ".join([f"{servers} answers", *_secured(servers, timeout_s, security)])
    if java := brokers.find_java():
        if brokers.kafka_at_hand(brokers.broker_cache()):
            return f"none named; the demo starts Apache Kafka {brokers.KAFKA_VERSION} with {java}"
        raise EnvironmentProblem("no --bootstrap-servers; Java is here, but no Maven to fetch Apache Kafka with")
    if tansu := brokers.find_tansu():
        return f"none named; the demo starts {tansu}"
    raise EnvironmentProblem("no --bootstrap-servers, and no Java 17 with Maven to start one")


def _secured(servers: str, timeout_s: float, security: Security) -> Iterator[str]:
    """How it is spoken to, and what shows that it is the right one; no secret."""
    if security != PLAINTEXT:
        yield f"by {security.how}"
    if security.tls:
        subject, until = server_certificate(servers.partition(",")[0], security, timeout_s)
        left = (until - dt.datetime.now(dt.UTC)).days
        yield f"certificate of {subject} valid until {until:%Y-%m-%d %H:%M} UTC ({left} days)"
    if security.cert_file:
        yield f"own certificate {security.cert_file}"


def model(named: str) -> str:
    """The model, hashed and loaded. Raises ModelError."""
    from models.folder import verify_content

    folder = model_folder(named)
    verify_content(folder)
    loaded = tagger(named)
    loaded.tag(["all is well"])
    return f"{loaded.name} {loaded.version} loads, and its content is that of its version"


def store(url: str) -> str:
    """Whether the store takes writes; one that is not there yet is not made. Raises StoreError or DBAPIError."""
    import sqlalchemy as sa

    from insights.store import Store, StoreError
    from insights.tables import jobs

    file = sqlite_file(url)
    if file is not None and not file.exists():
        _check_folder(file.absolute().parent)
        return f"{url} does not exist yet; the first job makes it"
    try:
        opened = Store(url, create=False)
    except StoreError as error:
        if error.__cause__ is None and file is None:   # the database answers, and has no tables of ours
            return f"{error}"
        raise
    try:
        with opened.transaction() as db:
            db.execute(jobs.delete().where(sa.false()))
    finally:
        opened.close()
    return f"{opened.name} opens and takes writes"


def _check_folder(folder: Path) -> None:
    from pipelines.errors import EnvironmentProblem

    if not folder.is_dir():
        raise EnvironmentProblem(f"{folder}: no such folder for the store's file")
    if not os.access(folder, os.W_OK):
        raise EnvironmentProblem(f"{folder}: no permission to write the store's file there")


def metrics(host: str, port: int) -> str:
    """Whether the port of the Prometheus endpoint is free. Raises OSError."""
    if not port:
        return "off"
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    return f"{host}:{port} is free"


COMMAND = Command(
    "doctor", "check Python, packages, Prism, broker, model, store and metrics port, and say what to do",
    ("doctor", "doctor --bootstrap-servers localhost:9092 --store sqlite:///textpulse.db --json"), OPTIONS, run)
