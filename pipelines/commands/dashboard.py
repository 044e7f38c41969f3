"""textpulse dashboard: the web page of one job."""
import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.commands.command import Command
from pipelines.commands.output import note
from pipelines.commands.reading import check_there
from pipelines.errors import EnvironmentProblem, UsageProblem
from pipelines.options import JOB, STORE, Option, port_number

if TYPE_CHECKING:
    from insights.store import Store

OWN = ("127.0.0.1", "::1", "localhost")
OPTIONS = (
    STORE, JOB, Option("page-port", port_number, 8080, "port of the page; 0: any that is free"),
    Option("page-host", str, "127.0.0.1", "address that the page listens on: only this machine's own"),
    Option("metrics", str, "http://127.0.0.1:9464/metrics", "where the job's metrics are, several with commas; empty: nowhere"))


def run(args: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C."""
    check_host(args.page_host)
    addresses = metrics_addresses(args.metrics)
    try:
        from dashboards.page.app import listen, serve
        from dashboards.page.health import Endpoints
        from dashboards.page.live import Live
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in ("nicegui", "fastapi", "uvicorn", "jinja2", "starlette"):
            raise EnvironmentProblem(f"the page needs {error.name}, which is not installed: pip install 'textpulse[page]'") from error
        raise
    try:
        where = listen(args.page_host, args.page_port)
    except OSError as error:
        raise EnvironmentProblem(f"--page-port {args.page_port}: {error.strerror}; choose another, or 0 for any that is free") from error
    host, port = where.getsockname()[:2]
    note(f"the page of job {args.job} is at http://{f'[{host}]' if ':' in host else host}:{port}/ (Ctrl-C ends it)")
    serve(Live(lambda: open_again(args.store), args.job, endpoints=Endpoints(addresses)), where)
    return 0


def open_again(url: str) -> "Store":
    """The store, which may come later. Raises StoreError."""
    from insights.store import Store, StoreError

    try:
        return Store(check_there(url), create=False)
    except EnvironmentProblem as missing:
        raise StoreError(str(missing)) from missing


def check_host(host: str) -> None:
    """Raises UsageProblem for an address that others can reach: the page asks nobody for a password."""
    if host not in OWN:
        raise UsageProblem(f"--page-host {host}: the page is not protected by a password yet, so it listens on {' or '.join(OWN)} alone; "
                           "to see it from elsewhere, tunnel to it: ssh -L 8080:127.0.0.1:8080 MACHINE")


def metrics_addresses(text: str) -> Sequence[str]:
    """With commas or spaces between them. Raises UsageProblem."""
    addresses = text.replace(",", " ").split()
    for address in addresses:
        if not address.startswith(("http://", "https://")):
            raise UsageProblem(f"--metrics {address}: expected an address such as http://127.0.0.1:9464/metrics")
    return addresses


COMMAND = Command(
    "dashboard", "serve the web page of a job: what customers say, how the job is, and what it refused",
    ("dashboard --store sqlite:///textpulse.db", "dashboard --job archive --page-port 8081"), OPTIONS, run)
