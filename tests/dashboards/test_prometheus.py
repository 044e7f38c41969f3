"""A real Prometheus scrapes a running job, and every query of the dashboards and rules finds data there."""
import json
import math
import re
import secrets
import shutil
import signal
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dashboards.grafana.make import DASHBOARDS, FOLDER, WIDTH, text_of
from pipelines.children import end, free_port, spawn

if TYPE_CHECKING:
    from pipelines.broker import Broker

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "dashboards" / "prometheus" / "rules.yml"
READY_S = 120.0
JSON: dict[str, Any] = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in DASHBOARDS}
PANELS = [pytest.param(panel, id=f"{name}: {panel['title']} {panel['type']}") for name in JSON for panel in JSON[name]["panels"]]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_files_are_what_the_tables_say(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text_of(name), "python -m dashboards.grafana.make writes them anew"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_stand_beside_each_other_and_have_what_a_reader_needs(name: str) -> None:
    panels = JSON[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["description"] and panel["fieldConfig"]["defaults"]["unit"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & mine and at["x"] + at["w"] <= WIDTH
        taken |= mine


Ask = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ask(broker: "Broker", eventually: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks a Prometheus that scrapes a stream, which reads the sample in real time: query -> its vector."""
    from pipelines.errors import EnvironmentProblem
    from pipelines.prism import find_prism

    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("needs prometheus on PATH (Debian: apt install prometheus)")
    try:
        find_prism()
    except EnvironmentProblem as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("prometheus")
    metrics, port = free_port(), free_port()
    command = [sys.executable, "-m", "pipelines"]
    reach = ["--bootstrap-servers", broker.bootstrap, "--topic", folder.name]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "textpulse", "static_configs": [{"targets": [f"127.0.0.1:{metrics}"]}],
                            "authorization": {"credentials_file": str(folder / "token")}}]}
    (folder / "token").write_text(secrets.token_hex(32))
    (folder / "prometheus.yml").write_text(json.dumps(config))
    started = [
        spawn([*command, "produce", "--sample", "60000", "--rate", "200", "--speed", "1", "--shift-to-now", *reach],
              log=folder / "produce.log", new_group=True),
        spawn([*command, "stream", "--store", f"sqlite:///{folder}/a.db", "--metrics-port", str(metrics), "--window", "5s",
               "--allowed-lateness", "5s", "--http-token-file", str(folder / "token"), *reach], log=folder / "stream.log", new_group=True),
        spawn([program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}"], log=folder / "prometheus.log", new_group=True)]

    def asked(query: str) -> list[dict[str, Any]]:
        address = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            if error.code == 503:   # starting
                return []
            raise AssertionError(f"{query}: {error.read().decode()}") from error
        except OSError:   # it has not started yet
            return []

    try:
        eventually(lambda: has_data(asked("textpulse:event_to_insight_seconds:p99_5m")), "a job's insights in Prometheus", READY_S)
        yield asked
    finally:
        for child in reversed(started):
            child.send_signal(signal.SIGTERM)
            end(child, 10.0)


def has_data(vector: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(float(series["value"][1])) for series in vector)


def filled(query: str) -> str:
    """With the values that Grafana would put in."""
    return query.replace("$__rate_interval", "10s").replace("$job", "textpulse").replace("$instance", ".+")


@pytest.mark.kafka
@pytest.mark.prism
class TestRunning:
    @pytest.mark.parametrize("panel", PANELS)
    def test_every_query_of_a_panel_finds_data(self, panel: dict[str, Any], ask: Ask, eventually: Callable[..., None]) -> None:
        for target in panel["targets"]:
            query = filled(target["expr"])
            eventually(lambda query=query: has_data(ask(query)), query, 30)

    def test_the_variables_find_their_values(self, ask: Ask) -> None:
        for variable in JSON["job"]["templating"]["list"][1:]:
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()   # type: ignore[union-attr]
            assert {one["metric"].get(label) for one in ask(filled(series))} - {None}

    def test_every_recorded_rule_has_data_and_every_metric_of_an_alert_is_there(self, ask: Ask, eventually: Callable[..., None]) -> None:
        rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
        for name in [rule["record"] for rule in rules if "record" in rule]:
            eventually(lambda name=name: has_data(ask(name)), name, 30)
        for rule in rules:
            ask(rule["expr"])
            for name in set(re.findall(r"\btextpulse[\w:]+", re.sub(r'"[^"]*"', "", rule["expr"]))):
                assert ask(name), f"{rule}: no {name}"
