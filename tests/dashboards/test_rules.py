"""Each alerting rule fires when it should and not when all is well, by promtool's own engine; and it says what to do."""
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dashboards" / "prometheus"
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"]
ALERTS = {rule["alert"]: rule for group in RULES for rule in group["rules"] if "alert" in rule}
MINUTES = 40

# What a job says that is well, minute by minute, in promtool's notation.
WELL = {
    "up{}": "1x40", "textpulse_oldest_open_window_age_seconds{}": "0x40", "textpulse_watermark_age_seconds{}": "3x40",
    "textpulse_broker_unreachable_seconds{}": "0x40", "textpulse_schema_wait_seconds{}": "0x40",
    'textpulse_consumer_lag_records{topic="texts",partition="0"}': "200x40",
    'textpulse_records_total{source="posts",outcome="counted"}': "0+6000x40",
    'textpulse_records_total{source="posts",outcome="duplicate"}': "0+60x40",
    'textpulse_dead_letters_total{reason="model_error"}': "0x40", 'textpulse_dead_letters_total{reason="gap"}': "0x40",
    'textpulse_restarts_total{cause="failure"}': "1x40", 'textpulse_restarts_total{cause="recycle"}': "0+1x40",
    'textpulse_event_to_insight_seconds_bucket{le="1"}': "0+100x40", 'textpulse_event_to_insight_seconds_bucket{le="+Inf"}': "0+100x40",
    'textpulse_alert_deliveries{state="pending"}': "0x40", 'textpulse_alerts_open{severity="critical"}': "0x40",
}
# What is otherwise when each alert should fire.
ILL: Mapping[str, Mapping[str, str]] = {
    "TextpulseDown": {"up{}": "1x2 0x40"},
    "TextpulseWindowNotClosing": {"textpulse_oldest_open_window_age_seconds{}": "0+60x40"},
    "TextpulseWatermarkStands": {"textpulse_watermark_age_seconds{}": "0+60x40"},
    "TextpulseLagGrows": {'textpulse_consumer_lag_records{topic="texts",partition="0"}': "0+2000x40"},
    "TextpulseDeadLetters": {'textpulse_records_total{source="posts",outcome="malformed"}': "0+600x40"},
    "TextpulseModelErrors": {'textpulse_dead_letters_total{reason="model_error"}': "0x35 1x5"},
    "TextpulseRecordsExpired": {'textpulse_dead_letters_total{reason="gap"}': "0x35 1x5"},
    "TextpulseFailing": {'textpulse_restarts_total{cause="failure"}': "0+1x40"},
    "TextpulseBrokerUnreachable": {"textpulse_broker_unreachable_seconds{}": "0+60x40"},
    "TextpulseSchemaWaits": {"textpulse_schema_wait_seconds{}": "0+60x40"},
    "TextpulseSlowInsights": {'textpulse_event_to_insight_seconds_bucket{le="1"}': "0x40",
                              'textpulse_event_to_insight_seconds_bucket{le="60"}': "0+100x40"},
    "TextpulseAlertsNotDelivered": {'textpulse_alert_deliveries{state="given_up"}': "2x40"},
    "TextpulseIncident": {'textpulse_alerts_open{severity="critical"}': "0x30 3x10"},
}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool on PATH (Debian: apt install prometheus)")
    return found


def test_every_alert_has_a_case() -> None:
    assert ILL.keys() == ALERTS.keys()


def test_the_rules_and_the_configuration_are_valid(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "config", "prometheus.yml"], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("ill", [None, *ILL], ids=lambda name: name or "all is well")
def test_an_alert_fires_when_it_should_and_no_other_does(ill: str | None, promtool: str, tmp_path: Path) -> None:
    series = WELL | dict(ILL[ill] if ill else {})
    firing = [{"labels": f'{{alertname="{ill}"}}', "value": 1}] if ill else []
    case = {
        "rule_files": [str(FOLDER / "rules.yml")], "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": [{"series": re.sub(r"{(.?)", r'{job="textpulse",instance="a",\1', name).replace(",}", "}"), "values": values}
                             for name, values in series.items()],
            "promql_expr_test": [{"expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": f"{MINUTES}m",
                                  "exp_samples": firing}]}]}
    (tmp_path / "test.yml").write_text(json.dumps(case))
    done = subprocess.run([promtool, "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
def test_an_alert_says_how_bad_it_is_and_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"]["summary"] and alert["annotations"]["description"].endswith(".")
    assert f"`{alert['alert']}`" in (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
