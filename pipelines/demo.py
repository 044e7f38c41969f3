"""textpulse demo: an embedded broker, a stream of texts, the real streaming job over it, and a live view of what comes out."""
import argparse
import contextlib
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dashboards.guard.credentials import Credentials
from dashboards.terminal import Snapshot, WindowView, plain, render
from insights.conservation import audit
from insights.queries import QueryError, insights, windows
from insights.store import Store, StoreError
from pipelines.access import credentials_of, loopback
from pipelines.broker import broker_cache, create_topic, open_broker
from pipelines.children import Child, end, last_lines, spawn
from pipelines.commands.output import note
from pipelines.errors import EnvironmentProblem, JobFailed, UsageProblem
from pipelines.failures import ENVIRONMENT, USAGE
from pipelines.options import SECURITY, STORE
from pipelines.page import Page, start_page
from pipelines.prism import find_prism
from pipelines.security import security_of
from transforms.kafka_security import Security

TOPIC, JOB, PARTITIONS = "textpulse-demo", "demo", 3
SHOWN, LOOK_EVERY_S, PLAIN_EVERY_S = 6, 1.0, 5.0
STOP_WITHIN_S = 20.0
PROBLEMS: dict[int, type[Exception]] = {USAGE: UsageProblem, ENVIRONMENT: EnvironmentProblem}


@dataclass
class Demo:
    """What runs: the options, the broker's address, the store and the job's log."""

    args: argparse.Namespace
    servers: str
    store_url: str
    log: Path
    begun: float
    page: Page | None = None
    credentials: Credentials | None = None   # that the metrics and the page demand
    before: tuple[float, int] = (0.0, 0)   # when the last snapshot was taken, and the records read then

    def produce(self, stop: threading.Event, failures: list[Exception]) -> None:
        """Sends the sample stream as if it happened now, or an archive at --speed times its own pace."""
        from pipelines.produce import produce
        from pipelines.replay import Archive
        from pipelines.sample.stream import generate

        try:
            if self.args.input:
                produce(self.servers, TOPIC, Archive([self.args.input]), speed=self.args.speed, stop=stop, security=self.security)
                return
            sample = generate(self.args.seed, rate=self.args.rate, start_us=time.time_ns() // 1_000)
            paced = ((record.value, record.key, record.arrival_us) for record in sample)
            produce(self.servers, TOPIC, paced, speed=1.0, stop=stop, security=self.security)
        except Exception as error:   # noqa: BLE001 - raised again by the main thread, which looks after it
            failures.append(error)

    def start_job(self) -> Child:
        """The same `textpulse stream` that anybody runs."""
        args = self.args
        window_s, lateness_s = sizes_s(args)
        command = [
            sys.executable, "-m", "pipelines", "stream", "--bootstrap-servers", self.servers, "--topic", TOPIC, "--job", JOB,
            "--window", f"{window_s}s", "--allowed-lateness", f"{lateness_s}s",
            "--metrics-port", str(args.metrics_port), "--max-restarts", "5", "--connect-timeout", str(args.connect_timeout),
            *loopback("metrics-host", args)]
        command += ["--model", args.model] if args.model else []
        command += ["--prism_location", args.prism_location] if args.prism_location else []
        variables = {option.variable: str(getattr(args, option.key)) for option in SECURITY if getattr(args, option.key)}
        return spawn(command, env={**variables, STORE.variable: self.store_url}, log=self.log, new_group=True)

    @property
    def security(self) -> Security:
        """How the broker is spoken to."""
        return security_of(self.args)

    @property
    def metrics_address(self) -> str:
        """Empty for none."""
        return f"http://127.0.0.1:{self.args.metrics_port}/metrics" if self.args.metrics_port else ""

    def snapshot(self, store: Store | None) -> Snapshot:
        """What the store and the metrics say now."""
        numbers = scrape(self.args.metrics_port, self.credentials)
        address, page = self.metrics_address, self.page.address if self.page else ""
        uptime_s = time.monotonic() - self.begun
        if store is None:
            return Snapshot(metrics_address=address, page_address=page, uptime_s=uptime_s)
        try:
            views = list(window_views(store))
            books = audit(store, JOB).totals
        except QueryError:   # the job has not opened the store yet
            return Snapshot(metrics_address=address, page_address=page, uptime_s=uptime_s)
        dead = dict(books[0].dead) if books else {}
        read = books[0].read if books else 0
        lag = int(sum(value for name, value in numbers.items() if name.startswith("textpulse_consumer_lag_records")))
        now = time.monotonic()
        rate = (read - self.before[1]) / (now - self.before[0])
        self.before = (now, read)
        return Snapshot(views, rate, lag, dead, address, page, uptime_s, {"records read": read})


def sizes_s(args: argparse.Namespace) -> tuple[float, float]:
    """(--window, --allowed-lateness) as given, else short ones for the sample and the usual ones for an archive."""
    window_s, lateness_s = (60.0, 600.0) if args.input else (10.0, 30.0)
    return (window_s if args.window is None else args.window,
            lateness_s if args.allowed_lateness is None else args.allowed_lateness)


def window_views(store: Store) -> Iterator[WindowView]:
    """The last windows with their topics and entities."""
    last = windows(store, JOB, SHOWN)
    if not last:
        return
    from_us = int(last[0].start.timestamp() * 1e6)
    whole = {one.start: one for one in insights(store, JOB, from_us=from_us, top=5)}
    topics: dict[object, list[tuple[str, int]]] = {}
    for one in insights(store, JOB, from_us=from_us, by=("topic",), top=0):
        topics.setdefault(one.start, []).append((one.group["topic"], one.records))
    for window in last:
        named: dict[str, int] = {}   # the same name may stand under two types
        for entity in whole[window.start].entities if window.start in whole else ():
            named[entity.text] = max(named.get(entity.text, 0), entity.records)
        yield WindowView(
            int(window.start.timestamp() * 1e6), int(window.end.timestamp() * 1e6), window.state.value, window.records,
            window.negative, window.neutral, window.positive, topics.get(window.start, [])[:5], list(named.items()))


def scrape(port: int, credentials: Credentials | None) -> dict[str, float]:
    """The job's metrics by name and labels; empty while it does not answer."""
    if not port:
        return {}
    headers = {"Authorization": credentials.header} if credentials else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=1) as answer:   # noqa: S310 - this machine's own
            lines = answer.read().decode().splitlines()
    except (urllib.error.URLError, OSError, TimeoutError):
        return {}
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def show(demo: Demo, job: Child, failures: list[Exception], stop: threading.Event) -> None:
    """Draws until --for is over, Ctrl-C, or the job ends by itself (then the problem that its code means)."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    store: Store | None = None
    live = Live(console=console, auto_refresh=False) if console.is_terminal else contextlib.nullcontext()
    plain_due = 0.0
    with live:
        while not stop.wait(LOOK_EVERY_S) and not (0 < demo.args.__dict__["for"] <= time.monotonic() - demo.begun):
            if failures:
                raise failures[0]
            if job.poll() is not None:
                problem = PROBLEMS.get(job.returncode, JobFailed)
                raise problem(f"the streaming job ended with code {job.returncode}{last_lines(demo.log)}")
            if demo.page and (problem_said := demo.page.problem()):
                console.print(problem_said, highlight=False, soft_wrap=True, markup=False)
            store = store or try_open(demo.store_url)
            seen = demo.snapshot(store)
            if isinstance(live, Live):
                live.update(render(seen, console.width), refresh=True)
            elif time.monotonic() >= plain_due:
                console.print(plain(seen), highlight=False, soft_wrap=True)
                plain_due = time.monotonic() + PLAIN_EVERY_S


def try_open(url: str) -> Store | None:
    """The store, once the job has made it."""
    try:
        return Store(url, create=False)
    except StoreError:
        return None


def run(args: argparse.Namespace) -> int:
    """The command. Raises UsageProblem, EnvironmentProblem or JobFailed."""
    if security_of(args) != Security() and not args.bootstrap_servers:
        raise UsageProblem(f"--security-protocol {args.security_protocol}: the demo's own broker is PLAINTEXT; name yours with "
                           "--bootstrap-servers, or leave the option out")
    find_prism(args.prism_location or None)
    credentials = credentials_of(args)
    begun = time.monotonic()
    with contextlib.ExitStack() as rooms:
        folder = Path(rooms.enter_context(tempfile.TemporaryDirectory(prefix="textpulse-demo-")))
        servers = args.bootstrap_servers
        if not servers:
            sys.stderr.write("starting a broker ...\n")
            servers = rooms.enter_context(open_broker(broker_cache(), folder / "broker.log", say=note)).bootstrap
        create_topic(servers, TOPIC, PARTITIONS, timeout_s=args.connect_timeout, security=security_of(args), retention_ms=-1)
        demo = Demo(args, servers, args.store or f"sqlite:///{folder}/demo.db", folder / "job.log", begun, credentials=credentials)
        return play(demo)


def play(demo: Demo) -> int:
    """Runs producer, job and view; ends them in order; prints the summary."""
    stop, failures = threading.Event(), list[Exception]()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sys.stderr.write(f"starting the streaming job (its log: {demo.log}) ...\n")
    job = demo.start_job()
    if demo.args.page_port:
        demo.page = start_page(demo.store_url, JOB, demo.args.page_port, demo.metrics_address, demo.log.with_name("page.log"),
                               loopback("page-host", demo.args))
    producer = threading.Thread(target=demo.produce, args=(stop, failures), name="producer", daemon=True)
    producer.start()
    try:
        show(demo, job, failures, stop)
    finally:
        stop.set()
        producer.join(timeout=10)
        if demo.page:
            end(demo.page.child, STOP_WITHIN_S)
        end(job, STOP_WITHIN_S)
    sys.stdout.write(summary(demo))
    return 0


def summary(demo: Demo) -> str:
    """What was read and where it went, checked by the conservation law."""
    store = try_open(demo.store_url)
    if store is None:
        raise JobFailed(f"the job never reached its store{last_lines(demo.log)}")
    books = audit(store, JOB)
    seconds = time.monotonic() - demo.begun
    if not books.totals or not books.totals[0].in_cells:
        raise JobFailed(f"no insight was made in {seconds:.0f} s; starting takes some of them, see --for{last_lines(demo.log)}")
    total = books.totals[0]
    dead = ", ".join(f"{name} {number}" for name, number in sorted(total.dead.items())) or "none"
    law = "verify holds" if not books.findings else f"verify FAILS: {books.findings[0]}"
    store.close()
    inside = total.in_cells + total.open
    return f"\n{total.read:,} records read in {seconds:.0f} s, {inside:,} in insights, dead letters: {dead}; {law}\n"
