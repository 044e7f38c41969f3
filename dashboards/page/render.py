"""Templates: what is given is escaped, whoever wrote it."""
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from schemas.records import time_of

HERE = Path(__file__).parent
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, auto_reload=False)
Label = Callable[..., str]
Link = Callable[..., str]


def html(template: str, **values: Any) -> str:
    """The template filled with these values."""
    return _TEMPLATES.get_template(f"{template}.html").render(**values)


def when(at_us: int | None) -> str:
    """2026-06-01 12:00 or 2026-06-01 12:00:30; empty for None."""
    if at_us is None:
        return ""
    time = time_of(at_us)
    return f"{time:%Y-%m-%d %H:%M:%S}" if time.second else f"{time:%Y-%m-%d %H:%M}"


def span(from_us: int, to_us: int) -> str:
    """2026-06-01 12:00 – 12:30: the second date only where it is another."""
    start, end = when(from_us), when(to_us)
    return f"{start} – {end.partition(' ')[2] if start[:10] == end[:10] else end}"


def lasting(from_us: int, to_us: int, still: bool, t: Label) -> str:
    """The span, or since when where it goes on."""
    return t("since", time=when(from_us)) if still else span(from_us, to_us)


def field(at_us: int | None) -> str:
    """As a datetime-local input has it."""
    return "" if at_us is None else f"{time_of(at_us):%Y-%m-%dT%H:%M:%S}"
