"""textpulse dashboard: the web page of one job."""
import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dashboards.guard.hosts import parsed
from pipelines.access import access_of, listening, token_of
from pipelines.commands.command import Command
from pipelines.commands.models import carrier
from pipelines.commands.output import note
from pipelines.commands.reading import check_there
from pipelines.errors import EnvironmentProblem, UsageProblem
from pipelines.options import EXPLAIN, HTTP, JOB, MODEL, STORE, Option
from pipelines.values import port_number

if TYPE_CHECKING:
    from dashboards.guard.credentials import Credentials
    from insights.store import Store

OPTIONS = (
    STORE, JOB, Option("page-port", port_number, 8080, "port of the page; 0: any that is free"),
    Option("page-host", str, "127.0.0.1", "address that the page listens on; one that others can reach needs credentials"),
    Option("metrics", str, "http://127.0.0.1:9464/metrics", "where the job's metrics are, several with commas; empty: nowhere"),
    Option("metrics-token-file", str, "", "file of the token that the metrics demand; default: on this machine the page's credentials"),
    EXPLAIN, MODEL, *HTTP)


def run(args: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C."""
    addresses = metrics_addresses(args.metrics)
    try:
        from dashboards.page.app import serve
        from dashboards.page.health import Endpoints
        from dashboards.page.live import Live
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in ("nicegui", "fastapi", "uvicorn", "jinja2", "starlette", "h11"):
            raise EnvironmentProblem(f"the page needs {error.name}, which is not installed: pip install 'textpulse[page]'") from error
        raise
    access = access_of(args, "page-host", args.page_host)
    endpoints = Endpoints(addresses, authorizations(addresses, args, access.policy.credentials))
    carries = carrier(args.model) if args.explain else None
    where = listening("page-port", args.page_host, args.page_port)
    host, port = where.getsockname()[:2]
    if access.warning:
        note(access.warning)
    note(f"the page of job {args.job} is at {access.scheme}://{f'[{host}]' if ':' in host else host}:{port}/ (Ctrl-C ends it)")
    serve(Live(lambda: open_again(args.store), args.job, endpoints=endpoints, carrier=carries), where, access.policy, access.tls)
    return 0


def authorizations(addresses: Sequence[str], args: argparse.Namespace, own: "Credentials | None") -> dict[str, str]:
    """Address of metrics -> the Authorization header that it is sent. The page's own credentials leave this machine for nobody."""
    token = token_of("--metrics-token-file", args.metrics_token_file, {})
    if token:
        return dict.fromkeys(addresses, f"Bearer {token}")
    if own is None:
        return {}
    hosts = {address: urlsplit(address).hostname or "" for address in addresses}
    return {address: own.header for address, host in hosts.items()
            if host == "localhost" or ((found := parsed(host)) is not None and found.is_loopback)}


def open_again(url: str) -> "Store":
    """The store, which may come later. Raises StoreError."""
    from insights.store import Store, StoreError

    try:
        return Store(check_there(url), create=False)
    except EnvironmentProblem as missing:
        raise StoreError(str(missing)) from missing


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
