"""Writes the dashboards beside it from the tables in it: python -m dashboards.grafana.make. A test holds both together."""
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent
WIDTH, HEIGHT = 24, 8
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
HERE = 'job=~"$job",instance=~"$instance"'


class Panel(NamedTuple):
    """queries: (PromQL with @ for the labels of the chosen jobs, legend). limits: from where it is yellow, from where red."""

    title: str
    text: str
    unit: str
    queries: Sequence[tuple[str, str]]
    width: int = 8
    kind: str = "timeseries"
    limits: tuple[float, float] | None = None
    stacked: bool = False


def quantiles(metric: str) -> Sequence[tuple[str, str]]:
    """p50, p95 and p99 of a histogram."""
    return [(f"histogram_quantile({q}, sum by (le) (rate({metric}_bucket{{@}}[$__rate_interval])))", name)
            for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))]


JOB = (
    Panel("Records read", "Records decided in a second.", "recps",
          [("sum(rate(textpulse_records_total{@}[$__rate_interval]))", "records")], 4, "stat"),
    Panel("Lag", "Records that the broker has and the job has not read.", "short", [("sum(textpulse_consumer_lag_records{@})", "lag")],
          4, "stat", (10_000, 100_000)),
    Panel("Watermark age", "How far the watermark is behind the clock.", "s", [("max(textpulse_watermark_age_seconds{@})", "age")],
          4, "stat", (60, 300)),
    Panel("Event to insight, p99", "From event time to the store.", "s", [quantiles("textpulse_event_to_insight_seconds")[2]],
          4, "stat", (5, 30)),
    Panel("Dead letters", "Share of the records that are in no window.", "percentunit",
          [("sum(rate(textpulse_dead_letters_total{@}[5m])) / sum(rate(textpulse_records_total{@}[5m]))", "share")],
          4, "stat", (0.02, 0.1)),
    Panel("Model", "The model in use.", "none", [("textpulse_model_info{@}", "{{model}} {{version}}")], 4, "stat"),
    Panel("Records by what became of them", "counted, or the reason of a dead letter.", "recps",
          [("sum by (outcome) (rate(textpulse_records_total{@}[$__rate_interval]))", "{{outcome}}")], 12, stacked=True),
    Panel("Lag by partition", "One that grows alone is stuck, or has a producer of its own.", "short",
          [("textpulse_consumer_lag_records{@}", "{{topic}}/{{partition}}")], 12),
    Panel("Event to insight", "From the mean event time of a poll to the commit of its units.", "s",
          quantiles("textpulse_event_to_insight_seconds")),
    Panel("Watermark age", "Growing while records come: one partition has old records or is stuck.", "s",
          [("textpulse_watermark_age_seconds{@}", "{{instance}}")]),
    Panel("Oldest open window", "How long the oldest expired window waits to be closed. Above a minute the job restarts.", "s",
          [("textpulse_oldest_open_window_age_seconds{@}", "{{instance}}")]),
    Panel("Dead letters by reason", "textpulse dlq list says which records.", "recps",
          [("sum by (reason) (rate(textpulse_dead_letters_total{@}[$__rate_interval]))", "{{reason}}")], stacked=True),
    Panel("Inference time", "Of one call of the model.", "s", quantiles("textpulse_inference_seconds")),
    Panel("Texts in one call", "Near the largest: the job is catching up.", "short", quantiles("textpulse_chunk_records")),
    Panel("Restarts", "Of the worker, since the supervisor began.", "short",
          [("sum by (cause) (textpulse_restarts_total{@})", "{{cause}}")]),
    Panel("Broker unreachable", "For how long the broker has not answered.", "s",
          [("textpulse_broker_unreachable_seconds{@}", "{{instance}}")]),
    Panel("Where a restart begins", "The offset saved for each partition; it moves when a window closes.", "short",
          [("textpulse_committed_offset{@}", "{{topic}}/{{partition}}")]),
    Panel("Memory", "Of the worker process, and of the ids by which duplicates are found.", "bytes",
          [("process_resident_memory_bytes{@}", "worker {{instance}}"), ("textpulse_seen_ids_bytes{@}", "ids {{instance}}")], 12),
    Panel("Processor", "Cores that the worker process uses.", "short",
          [("rate(process_cpu_seconds_total{@}[$__rate_interval])", "{{instance}}")], 12),
)
INSIGHTS = (
    Panel("Open alerts", "By severity. textpulse alerts list --open says what and why.", "short",
          [("sum by (severity) (textpulse_alerts_open{@})", "{{severity}}")], 8, "stat", (1, 5)),
    Panel("Records in the newest window", "It is usually still filling.", "short", [("sum(textpulse_window_records{@})", "records")],
          8, "stat"),
    Panel("Messages that have not arrived", "Of alerts, at webhooks and topics.", "short",
          [("sum by (state) (textpulse_alert_deliveries{@})", "{{state}}")], 8, "stat", (1, 10)),
    Panel("Records by source", "In the newest window.", "short", [("sum by (source) (textpulse_window_records{@})", "{{source}}")], 12,
          stacked=True),
    Panel("Records by topic", "In the newest window.", "short", [("sum by (topic) (textpulse_window_records{@})", "{{topic}}")], 12,
          stacked=True),
    Panel("Negative share by source", "Of the newest window.", "percentunit",
          [('textpulse_window_sentiment_ratio{@,sentiment="negative"}', "{{source}}")], 12),
    Panel("Positive share by source", "Of the newest window.", "percentunit",
          [('textpulse_window_sentiment_ratio{@,sentiment="positive"}', "{{source}}")], 12),
    Panel("Alerts opened", "In the last hour, by kind.", "short", [("sum by (kind) (increase(textpulse_alerts_total{@}[1h]))", "{{kind}}")],
          12, stacked=True),
    Panel("Alerts open", "By severity.", "short", [("sum by (severity) (textpulse_alerts_open{@})", "{{severity}}")], 12, stacked=True),
)
DASHBOARDS = {
    "job": ("textpulse: the job", "Whether the job is well.", JOB),
    "insights": ("textpulse: insights", "What the texts say, as far as metrics can tell. The page has more.", INSIGHTS)}


def dashboard(name: str) -> dict[str, Any]:
    """The document of one, as Grafana 10 and later import it."""
    title, text, panels = DASHBOARDS[name]
    return {
        "uid": f"textpulse-{name}", "title": title, "description": text, "tags": ["textpulse"], "schemaVersion": 39, "version": 1,
        "editable": True, "graphTooltip": 1, "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "timezone": "utc",
        "templating": {"list": [
            {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
            _variable("job", "label_values(textpulse_model_info, job)"),
            _variable("instance", 'label_values(textpulse_model_info{job=~"$job"}, instance)')]},
        "links": [{"type": "dashboards", "tags": ["textpulse"], "title": "textpulse", "asDropdown": False, "includeVars": True,
                   "keepTime": True}],
        "panels": _placed(panels)}


def _variable(name: str, query: str) -> dict[str, Any]:
    return {"name": name, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1,
            "includeAll": True, "multi": True, "current": {"text": "All", "value": "$__all"}}


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """In rows from left to right."""
    made: list[dict[str, Any]] = []
    x = y = row = 0
    for number, panel in enumerate(panels, 1):
        height = HEIGHT // 2 if panel.kind == "stat" else HEIGHT
        if x + panel.width > WIDTH:
            x, y = 0, y + row
        made.append({"id": number, "gridPos": {"x": x, "y": y, "w": panel.width, "h": height}, **_panel(panel)})
        x, row = x + panel.width, height
    return made


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limits:
        steps += [{"color": color, "value": value} for color, value in zip(("yellow", "red"), panel.limits, strict=True)]
    custom = {"lineWidth": 1, "fillOpacity": 60 if panel.stacked else 10, "showPoints": "never",
              "stacking": {"mode": "normal" if panel.stacked else "none"}}
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    stat = panel.kind == "stat"
    return {
        "type": panel.kind, "title": panel.title, "description": panel.text, "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults if stat else defaults | {"custom": custom}, "overrides": []},
        "options": _stat_options(panel) if stat else {
            "legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [{"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query.replace("@", HERE), "legendFormat": legend}
                    for at, (query, legend) in enumerate(panel.queries)]}


def _stat_options(panel: Panel) -> dict[str, Any]:
    """What counts the model shows its name, the others their last value."""
    named = panel.title == "Model"
    return {"colorMode": "value" if panel.limits else "none", "graphMode": "none" if named else "area",
            "textMode": "name" if named else "auto", "reduceOptions": {"calcs": ["lastNotNull"]}}


def main() -> None:
    """Writes the files."""
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(text_of(name), encoding="utf-8")


def text_of(name: str) -> str:
    """What stands in the file of a dashboard."""
    return json.dumps(dashboard(name), indent=1) + "\n"


if __name__ == "__main__":
    main()
