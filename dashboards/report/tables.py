"""The tables of a report: what changed, topics, products, sources, languages, entities and terms."""
from collections.abc import Iterable, Sequence

from dashboards.report import charts
from dashboards.report.figures import count, growth, lasting, length, percent, shift, value
from dashboards.report.markup import Inside, Markup, tag
from dashboards.report.words import Words
from insights.board import Feeling
from insights.emerging.say import Told as Topic
from insights.report import Group, Named, Report
from schemas.records import to_us

SHOWN = {"topic": 15}   # so many values of a dimension; the rest as one line
SHOWN_ELSE = 10
SHOWN_TOPICS, SHOWN_WORDS = 20, 8


def changes(of: Report, words: Words) -> Markup:
    """What is most unlike the span before; nothing where there is none."""
    if of.span.before_us is None:
        return Markup()
    caption = words.changes_caption.format(length(of.span.to_us - of.span.from_us, words))
    head = (words.kind, words.observed, words.expected, words.share)
    rows = [
        tag("tr", tag("th", tag("span", words.dimensions[one.dimension], class_="quiet"), " ",
                      tag("bdi", value(one.dimension, one.name, words)), scope="row"),
            tag("td", count(one.observed)), tag("td", count(one.expected)),
            tag("td", percent(one.observed, of.all.records), _beside(growth(one.observed, one.expected, words))))
        for one in of.changes]
    return tag("section", tag("h2", words.changes),
               table(caption, head, rows) if rows else tag("p", words.nothing_changed, class_="note"))


def emerging(of: Report, words: Words) -> Markup:
    """Topics that emerged, those with most records first; nothing where there are none."""
    if not of.topics:
        return Markup()
    head = (words.topic_name, words.when, words.at_least, words.words)
    rows = [
        tag("tr", tag("th", tag("bdi", one.name), scope="row"), tag("td", _when(one, words)), tag("td", count(one.records)),
            tag("td", tag("bdi", words.comma.join(member.text for member in one.members[:SHOWN_WORDS]))))
        for one in of.topics[:SHOWN_TOPICS]]
    left = len(of.topics) - SHOWN_TOPICS
    more = tag("p", words.more_topics.format(count(left)), class_="note") if left > 0 else ""
    return tag("section", tag("h2", words.emerging), table(words.emerging_caption, head, rows), more)


def _when(topic: Topic, words: Words) -> str:
    return lasting(to_us(topic.opened), to_us(topic.last), topic.closed is None, words)


def groups(of: Report, dimension: str, words: Words) -> Markup:
    """The values of a dimension, with how they feel; nothing where none has a name."""
    every = of.groups[dimension]
    if not any(group.name for group in every):
        return Markup()
    most = SHOWN.get(dimension, SHOWN_ELSE)
    rest = every[most:]
    heading = words.headings[dimension]
    rows = [_group(of, dimension, group, words) for group in every[:most]]
    if rest:
        said = words.more_values.format(count(len(rest)), count(sum(group.now.records for group in rest)))
        rows.append(tag("tr", tag("td", said, colspan=4, class_="note")))
    head = (heading, words.records, words.feeling, words.negative)
    caption = words.group_caption if of.span.before_us is None else words.compared_caption
    return tag("section", tag("h2", heading), table(caption, head, rows, "groups"))


def named(of: Report, words: Words) -> Markup:
    """Entities and terms with their trends."""
    parts = [
        table(words.named_captions[kind], (words.headings[kind], words.records, words.trend),
              [_named(of, kind, one, words) for one in found], "named")
        for kind, found in (("entity", of.entities), ("term", of.terms)) if found]
    return tag("section", tag("h2", words.entities_and_terms), tag("div", parts, class_="pair")) if parts else Markup()


def table(caption: str, head: Sequence[str], rows: Iterable[Inside], kind: str = "numbers") -> Markup:
    """With a caption and the names of its columns."""
    return tag("table", tag("caption", caption), tag("thead", tag("tr", [tag("th", name, scope="col") for name in head])),
               tag("tbody", rows), class_=kind)


def feels(of: Feeling, words: Words) -> str:
    """In words: the three shares."""
    return words.bar.format(percent(of.negative, of.records), percent(of.neutral, of.records), percent(of.positive, of.records))


def _group(of: Report, dimension: str, group: Group, words: Words) -> Markup:
    compared = of.span.before_us is not None
    share = percent(group.now.records, of.all.records)
    change = growth(group.now.records, group.before.records, words) if compared else ""
    mood = shift(group.now, group.before, words) if compared else ""
    return tag(
        "tr", tag("th", tag("bdi", value(dimension, group.name, words)), scope="row"),
        tag("td", count(group.now.records), _beside(share, change)),
        tag("td", charts.bar(group.now, feels(group.now, words)), class_="feels"),
        tag("td", percent(group.now.negative, group.now.records), _beside(mood)))


def _named(of: Report, kind: str, one: Named, words: Words) -> Markup:
    name = f"{one.type}\t{one.name}" if kind == "entity" else one.name
    change = growth(one.now.records, one.before, words) if of.span.before_us is not None else ""
    trend = words.trend_is.format(*map(count, (one.trend[0], one.trend[-1], max(one.trend))))
    return tag("tr", tag("th", tag("bdi", value(kind, name, words)), scope="row"),
               tag("td", count(one.now.records), _beside(change)), tag("td", charts.spark(one.trend, trend), class_="trend"))


def _beside(*texts: str) -> Markup:
    """What stands small beside a number; on a phone below it."""
    return tag("span", [tag("small", text) for text in texts if text], class_="beside")
