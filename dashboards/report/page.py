"""A report as one HTML file that loads nothing and runs nothing."""
from dashboards.report import ending, incidents, overview, tables
from dashboards.report.figures import moment
from dashboards.report.markup import Markup, tag
from dashboards.report.style import STYLE
from dashboards.report.words import Words
from insights.carried import Carrier
from insights.report import Report

NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'"


def page(of: Report, command: str, made_us: int, words: Words, carrier: Carrier | None = None) -> str:
    """The file. command: that made it; made_us: when. carrier: says which words of sample texts are in bold; None: none are."""
    title = f"{words.title} \N{EN DASH} {of.about.job}, {moment(of.span.from_us)} UTC"
    head = tag(
        "head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=NOTHING_ELSE),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"), tag("meta", name_="robots", content="noindex"),
        tag("title", title), tag("style", Markup(STYLE)))
    body = tag(
        "main", overview.header(of, words), overview.numbers(of, words), overview.in_short(of, words), overview.over_time(of, words),
        incidents.incidents(of, words, carrier), tables.emerging(of, words), tables.changes(of, words),
        [tables.groups(of, dimension, words) for dimension in ("topic", "product", "source", "lang")],
        tables.named(of, words), ending.dead_letters(of, words), ending.completeness(of, words), ending.footer(command, made_us, words))
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', body), lang=words.lang)}\n"
