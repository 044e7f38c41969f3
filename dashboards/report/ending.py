"""The end of a report: dead letters, how complete it is, and how it was made."""
from dashboards.report.figures import count, moment, percent
from dashboards.report.markup import Markup, tag
from dashboards.report.tables import table
from dashboards.report.words import Words
from insights.queries import WindowState
from insights.report import Report
from schemas.records import Reason


def dead_letters(of: Report, words: Words) -> Markup:
    """By reason."""
    if not of.letters:
        return Markup()
    compared = of.span.before_us is not None
    head = (words.reason, words.here, *((words.before,) if compared else ()), words.whole_job)
    rows = [
        tag("tr", tag("th", words.reasons.get(one.reason, one.reason.replace("_", " ")), scope="row"),
            [tag("td", count(number)) for number in (one.now, *((one.before,) if compared else ()), one.ever)])
        for one in of.letters]
    return tag("section", tag("h2", words.dead_letters), table(words.dead_note, head, rows))


def completeness(of: Report, words: Words) -> Markup:
    """States of windows, the books, where the records begin and end, and the model versions."""
    states = words.windows_are.format(
        *(count(of.states.get(state, 0)) for state in (WindowState.CLOSED, WindowState.COMPLETE, WindowState.LIVE)))
    books = words.books_broken.format(count(len(of.books.findings))) if of.books.findings else words.books_hold
    sums = [words.books_are.format(*map(count, (
        total.read, total.in_cells, sum(number for reason, number in total.dead.items() if reason != Reason.GAP), total.open)))
        for total in of.books.totals]
    versions = ", ".join(f"{version} {percent(records, of.all.records)}" for version, records in of.versions.items())
    lines = [(words.windows, states), (books, "; ".join(sums)),
             (words.held, words.lasted.format(moment(of.span.first_us), moment(of.span.last_us))), (words.model, versions or words.none)]
    return tag("section", tag("h2", words.completeness),
               tag("dl", [(tag("dt", term), tag("dd", said)) for term, said in lines], class_="facts"))


def footer(command: str, made_us: int, words: Words) -> Markup:
    """Which command made it, and when."""
    return tag("footer", tag("p", words.made_by, " ", tag("code", command)), tag("p", words.made_at, " ", moment(made_us), " UTC"))
