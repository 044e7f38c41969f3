"""The first page: what customers talk about, how they feel, what changed and why."""
from collections.abc import Mapping
from typing import Any

from nicegui import Client, ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from dashboards.page import charts, panels
from dashboards.page.emerging import emerging_panel
from dashboards.page.live import Live
from dashboards.page.render import Label
from dashboards.page.room import Panel, Room, message
from dashboards.page.samples import samples_panel
from insights.board import Overview


class OverviewRoom(Room):
    """/"""

    here, name = "/", "overview"

    def __init__(self, live: Live, client: Client) -> None:
        self.options: dict[str, Any] = {}
        self.seen: Overview | None = None
        super().__init__(live, client)

    def furnish(self) -> Mapping[str, Panel]:
        """Two columns below the filters and the headline, one on a narrow screen."""
        made = {"filters": Panel("top"), "headline": Panel("top")}
        with Element("div").classes("columns"):
            with Element("div").classes("wide"):
                with Element("section").classes("card chart-card") as self.chart_card:
                    made["volume_head"] = Panel()
                    self.chart = ui.echart({}, renderer="svg").classes("chart")
                    self.chart.on("chart:click", self.clicked, ["dataIndex"])
                    made["volume_table"] = Panel()
                made |= {name: Panel("card") for name in ("topics", "entities")}
            with Element("div").classes("narrow"):
                made |= {name: Panel("card") for name in ("incidents", "emerging", "changes", "samples", "terms")}
        self.chart_card.set_visibility(False)
        return made

    def render(self, t: Label) -> Mapping[str, str]:
        """Every panel."""
        live, view, now = self.live, self.view, self.live.now
        assert now is not None
        filters = view.filters(now.first_us, now.end_us)
        seen = live.overview(filters)
        self.seen = None
        if seen is None:
            return {"message": message(f"{t('loading')} {live.loading:.0%}", [], busy=True)}
        if not now.end_us:
            return {"message": message(t("empty_store"), [t("empty_hint")])}
        shown = {"filters": panels.filters_panel(view, seen, t)}
        if not seen.all.records:
            return shown | {"message": message(t("no_records"), [t("no_records_hint")])}
        alerts = live.incidents(seen.from_us, seen.to_us)
        self.seen, self.options = seen, charts.volume(seen, alerts, now.about.watermark_us, t)
        shown["headline"] = panels.headline_panel(now, seen, [one for one in live.incidents(now.end_us, None) if one.closed is None], t)
        shown["volume_head"], shown["volume_table"] = panels.volume_panels(view, seen, t)
        return shown | {
            "topics": panels.topics_panel(view, seen, t), "entities": panels.named_panel("entity", view, seen, t),
            "terms": panels.named_panel("term", view, seen, t), "changes": panels.changes_panel(view, seen, t),
            "emerging": emerging_panel(view, live.topics(seen.from_us, seen.to_us), now.topics is not None, t),
            "incidents": panels.incidents_panel(view, now, alerts, t), "samples": samples_panel(seen.samples, t, live.carrier)}

    def settle(self, shown: Mapping[str, str]) -> None:
        """The chart."""
        drawn = "volume_head" in shown
        self.chart_card.set_visibility(drawn)
        if drawn and self.chart.options != self.options:
            self.chart.options.clear()
            self.chart.options.update(self.options)
            self.chart.update()

    async def clicked(self, event: GenericEventArguments) -> None:
        """A bar: its time becomes the range."""
        seen, at = self.seen, event.args.get("dataIndex")
        if seen is None or not isinstance(at, int) or not 0 <= at < len(seen.points):
            return
        start_us = seen.points[at].start_us
        address = panels.linker(self.view)(from_us=start_us, to_us=start_us + seen.step_us)
        ui.run_javascript(f"history.pushState(null, '', {address!r})")
        self.read_address(address)
        await self.refresh()
