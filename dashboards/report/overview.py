"""The top of a report: what it is of, the short of it, the numbers, and how they went over time."""
from collections.abc import Iterator, Sequence

from dashboards.report import charts
from dashboards.report.figures import count, growth, length, moment, percent, shift, until, value
from dashboards.report.incidents import causes_of, in_words
from dashboards.report.markup import Markup, tag
from dashboards.report.words import Words
from insights.alerts.judge import Severity
from insights.alerts.say import Told
from insights.board import Feeling
from insights.report import Report
from schemas.records import to_us

NAMED = 3


def header(of: Report, words: Words) -> Markup:
    """Title, time and what it is compared with."""
    span = of.span
    compared = words.not_compared if span.before_us is None else words.compared
    when = words.times.format(moment(span.from_us), until(span.to_us, span.from_us), of.about.job)
    return tag("header", tag("h1", words.title), tag("p", when, class_="when"),
               tag("p", compared.format(length(span.to_us - span.from_us, words)), class_="note"))


def in_short(of: Report, words: Words) -> Markup:
    """Talked about, what of it is new, felt, changed most, happened: a line for each."""
    talked = " · ".join(f"{value('topic', group.name, words)} {percent(group.now.records, of.all.records)}"
                        for group in of.groups["topic"][:NAMED])
    change = shift(of.all, of.before, words)
    negative = percent(of.all.negative, of.all.records)
    felt = words.felt_is.format(words.aside.format(negative, change) if change else negative,
                                percent(of.all.neutral, of.all.records), percent(of.all.positive, of.all.records))
    changed = " · ".join(
        f"{words.dimensions[one.dimension]} {value(one.dimension, one.name, words)} "
        f"{words.versus.format(count(one.observed), count(one.expected))}" for one in of.changes[:NAMED])
    new = [(words.emerged, " · ".join(topic.name for topic in of.topics[:NAMED]))] if of.topics else []
    lines = [(words.talked, talked), *new, (words.felt, felt)]
    if of.span.before_us is not None:
        lines.append((words.changed, changed or words.nothing_changed))
    happened = [tag("li", _happened(incident.alerts[0], of.about.window_us, words)) for incident in of.incidents[:NAMED]]
    items = [(tag("dt", term), tag("dd", said)) for term, said in lines]
    items.append((tag("dt", words.happened), tag("dd", tag("ul", happened) if happened else words.no_incidents)))
    return tag("section", tag("h2", words.in_short), tag("dl", items))


def numbers(of: Report, words: Words) -> Markup:
    """The headline numbers with their change."""
    now, before = of.all, of.before
    compared = of.span.before_us is not None
    critical = sum(any(alert.severity is Severity.CRITICAL for alert in incident.alerts) for incident in of.incidents)
    letters, letters_before = sum(one.now for one in of.letters), sum(one.before for one in of.letters)
    cards = [
        (words.records, count(now.records), growth(now.records, before.records, words)),
        (words.negative, percent(now.negative, now.records), shift(now, before, words)),
        (words.authors, count(of.authors), growth(of.authors, of.authors_before, words)),
        (words.dead_letters, count(letters), growth(letters, letters_before, words))]
    shown = [_card(name, number, change if compared else "") for name, number, change in cards]
    shown.append(_card(words.incidents, count(len(of.incidents)), words.critical_of.format(critical) if critical else ""))
    return tag("div", shown, class_="cards")


def over_time(of: Report, words: Words) -> Markup:
    """Volume and mood with incidents marked."""
    span, step = of.span, length(of.span.step_us, words)
    axis = charts.Axis(span.from_us, span.to_us)
    marks = list(_marks(of))
    records = [point.records for point in of.points]
    shares = [point.negative / point.records for point in of.points if point.records]
    title = words.volume_title.format(step)
    about = words.volume_about.format(
        moment(span.from_us), moment(span.to_us), count(min(records)), count(max(records)), step, count(of.all.records),
        ", ".join(mark.label for mark in marks) or words.none)
    mood_about = words.mood_about.format(percent(of.all.negative, of.all.records), f"{max(shares):.0%}")
    return tag(
        "section", tag("h2", words.over_time),
        tag("figure", tag("figcaption", title, " ", _legend(words, of.all)),
            charts.volume(axis, of.points, span.step_us, marks, title, about)),
        tag("figure", tag("figcaption", words.mood_title),
            charts.mood(axis, of.points, span.step_us, marks, words.mood_title, mood_about)))


def _happened(alert: Told, window_us: int, words: Words) -> str:
    said = in_words(alert, window_us, words)
    causes = [f"{words.dimensions[one.dimension]} {value(one.dimension, one.value, words)}" for one in causes_of(alert)]
    return words.happened_from.format(said, words.comma.join(causes)) if causes else said


def _marks(of: Report) -> Iterator[charts.Mark]:
    for number, incident in enumerate(of.incidents, 1):
        begin = min(alert.opened for alert in incident.alerts)
        end = max(alert.last for alert in incident.alerts)
        yield charts.Mark(to_us(begin), to_us(end), str(number))


def _legend(words: Words, of: Feeling) -> Markup:
    names: Sequence[tuple[str, str]] = (("negative", words.negative), ("neutral", words.neutral), ("positive", words.positive))
    return tag("span", [tag("span", tag("i", "", class_=f"dot {name}"), f"{said} {percent(getattr(of, name), of.records)}")
                        for name, said in names], class_="legend")


def _card(name: str, number: str, change: str) -> Markup:
    return tag("div", tag("p", name, class_="name"), tag("p", number, class_="number"), tag("p", change, class_="change"))
