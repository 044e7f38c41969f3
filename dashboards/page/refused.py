"""The third page: what the job refused, by reason, page after page."""
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from nicegui.element import Element

from dashboards.page.address import query
from dashboards.page.panels import linker
from dashboards.page.render import Label, html
from dashboards.page.room import Panel, Room
from insights.letters import by_reason, letters_page
from insights.queries import JobRow
from insights.tables import dead_letters


class LettersRoom(Room):
    """/dead-letters"""

    here, name, rest_s = "/dead-letters", "letters", 2.0

    def furnish(self) -> Mapping[str, Panel]:
        """The reasons beside the letters."""
        with Element("div").classes("columns letters"):
            return {name: Panel("card health") for name in ("reasons", "list")}

    def render(self, t: Label) -> Mapping[str, str]:
        """Both panels."""
        view = self.view

        def ask(db: sa.Connection, about: JobRow) -> Mapping[str, str]:
            where = [dead_letters.c.job == about.job]
            where += [dead_letters.c[name] == value for name in ("source", "product") if (value := getattr(view, name)) is not None]
            reasons = by_reason(db, where)
            chosen = where if not view.reason else [*where, dead_letters.c.reason == view.reason]
            found, place = letters_page(db, chosen, view.after)
            older, newest = place and query(view.but(after=place)), view.after and query(view.but(after=None))
            return {"reasons": self.reasons(reasons, t), "list": html("letters", t=t, letters=found, older=older, newest=newest)}

        return self.live.read(ask, {})

    def reasons(self, found: Mapping[str, int], t: Label) -> str:
        """How many of each, as links; and what else is filtered."""
        view = self.view
        chips: Sequence[tuple[str, str]] = [
            (name, value) for name in ("source", "product") if (value := getattr(view, name)) is not None]
        return html("reasons", t=t, link=linker(view), reasons=found, total=sum(found.values()), chosen=view.reason, chips=chips)
