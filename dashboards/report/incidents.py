"""What happened: incidents with their alerts, and an alert in words."""
from collections.abc import Sequence

from dashboards.marked import pieces
from dashboards.report.figures import count, lasting, length, percent, value
from dashboards.report.markup import Markup, tag
from dashboards.report.words import Words
from insights.alerts.explain import Contributor
from insights.alerts.judge import Severity
from insights.alerts.say import SHARES, Told
from insights.carried import Carried, Carrier
from insights.cells import Sample
from insights.report import Incident, Report
from schemas.records import to_us

SHOWN_INCIDENTS = 20
SHOWN_ALERTS = 8
SHOWN_CAUSES = 3
SHOWN_QUOTES = 3


def incidents(of: Report, words: Words, carrier: Carrier | None = None) -> Markup:
    """All of them, the oldest first. carrier: see page."""
    numbered = enumerate(of.incidents[:SHOWN_INCIDENTS], 1)
    shown = [_incident(number, incident, of.about.window_us, words, carrier) for number, incident in numbered]
    left = sum(len(incident.alerts) for incident in of.incidents[SHOWN_INCIDENTS:])
    if left:
        shown.append(tag("p", words.more_alerts.format(count(left)), class_="note"))
    note = words.incidents_note if shown else words.no_incidents
    if shown and carrier:
        note = f"{note} {words.carried.format(carrier.model)}"
    return tag("section", tag("h2", words.incidents), tag("p", note, class_="note"), shown)


def in_words(alert: Told, window_us: int, words: Words) -> str:
    """Such as "term rose: flight, 30 of 143 records in 2 min (21%), expected 3%"."""
    kind, numbers = words.kinds[alert.kind], (measured(alert, window_us, words), expected(alert))
    if alert.series.dimension == "all":
        return words.alert_of_all.format(kind, *numbers)
    return words.alert.format(kind, subject(alert, words), *numbers)


def subject(alert: Told, words: Words) -> str:
    """Whose records: "product Acme"; of what rose by itself the name alone, since the kind says what it is."""
    dimension, name = alert.series.dimension, alert.series.value
    if dimension == "all":
        return words.dimensions["all"]
    said = value(dimension, name, words)
    return said if dimension == alert.kind else f"{words.dimensions[dimension]} {said}"


def measured(alert: Told, window_us: int, words: Words) -> str:
    """What was counted in the windows of its peak."""
    peak, span = alert.peak, length(alert.peak.width * window_us, words)
    if alert.kind not in SHARES:
        return words.counted.format(count(peak.observed), span)
    return words.share_of.format(count(peak.observed), count(peak.whole), span, percent(peak.observed, peak.whole))


def expected(alert: Told) -> str:
    """What was expected there: a count, or a share."""
    return percent(alert.peak.expected, alert.peak.whole) if alert.kind in SHARES else count(alert.peak.expected)


def causes_of(alert: Told) -> list[Contributor]:
    """Where most of the change came from, the largest part first."""
    more = alert.peak.observed >= alert.peak.expected
    same_way = [one for one in alert.reason.contributors if more == (one.observed >= one.expected)]
    return sorted(same_way, key=lambda one: (-one.part, one.dimension, one.value))[:SHOWN_CAUSES]


def _incident(number: int, incident: Incident, window_us: int, words: Words, carrier: Carrier | None) -> Markup:
    alerts = incident.alerts
    critical = any(alert.severity is Severity.CRITICAL for alert in alerts)
    severity = Severity.CRITICAL if critical else Severity.WARNING
    begin, end = to_us(min(alert.opened for alert in alerts)), to_us(max(alert.last for alert in alerts))
    when = lasting(begin, end, any(alert.closed is None for alert in alerts), words)
    if alerts[0].acknowledged:
        when = f"{when} · {words.acknowledged}"
    more = len(alerts) - SHOWN_ALERTS
    return tag(
        "article",
        tag("h3", tag("span", str(number), class_="mark"), " ",
            in_words(alerts[0], window_us, words), " ", tag("span", words.severities[severity], class_=f"chip {severity}")),
        tag("p", when, " · ", incident.id, class_="note"), _quotes(alerts, words, carrier),
        _table(number, alerts[:SHOWN_ALERTS], window_us, words),
        tag("p", words.more_alerts.format(count(more)), class_="note") if more > 0 else "")


def _quotes(alerts: Sequence[Told], words: Words, carrier: Carrier | None) -> Markup | str:
    """The first samples that have a text."""
    texts = {sample.id: sample for alert in alerts for sample in alert.reason.samples if sample.text}
    shown = list(texts.values())[:SHOWN_QUOTES]
    if not shown:
        return ""
    found = carrier.of([(one.text, one.sentiment) for one in shown]) if carrier else [Carried()] * len(shown)
    return tag("ul", [_quote(one, carried, words) for one, carried in zip(shown, found, strict=True)], class_="quotes")


def _quote(one: Sample, carried: Carried, words: Words) -> Markup:
    feelings = {"negative": words.negative, "neutral": words.neutral, "positive": words.positive}
    said = feelings.get(one.sentiment, "")
    if carried.instead:
        said = words.aside.format(said, words.instead.format(feelings[carried.instead]))
    text = [tag("strong", piece.text) if piece.telling else piece.text for piece in pieces(one.text, (), carried.marks)]
    return tag("li", tag("span", class_=f"dot {one.sentiment}"), tag("bdi", text), " ", tag("span", said, class_="quiet"))


def _table(number: int, alerts: Sequence[Told], window_us: int, words: Words) -> Markup:
    head = (words.kind, words.measured, words.usual, words.came_from)
    return tag(
        "table", tag("caption", words.alerts.format(number)),
        tag("thead", tag("tr", [tag("th", name, scope="col") for name in head])),
        tag("tbody", [_row(alert, window_us, words) for alert in alerts]), class_="alerts")


def _row(alert: Told, window_us: int, words: Words) -> Markup:
    causes = causes_of(alert)
    return tag(
        "tr", tag("th", words.kinds[alert.kind], tag("br"), tag("bdi", subject(alert, words)), scope="row"),
        tag("td", measured(alert, window_us, words)), tag("td", expected(alert), data_label=words.usual),
        tag("td", tag("ul", [_cause(one, words) for one in causes]) if causes else ""))


def _cause(one: Contributor, words: Words) -> Markup:
    return tag("li", words.dimensions[one.dimension], " ", tag("bdi", value(one.dimension, one.value, words)), " ",
               tag("span", words.versus.format(count(one.observed), count(one.expected)), class_="quiet"))
