"""The second page: how the job is, by its metrics and by its store."""
from collections.abc import Mapping, Sequence

from nicegui.element import Element

from dashboards.page.health import Endpoints, Health
from dashboards.page.labels import length
from dashboards.page.live import Now, Watcher
from dashboards.page.render import Label, html, when
from dashboards.page.room import Panel, Room
from insights.conservation import Audit
from insights.tables import START_US
from schemas.records import Reason

LONG_S = 60.0   # a window that waits so long to be closed, and a watermark that is so far behind beyond the lateness, are odd


class JobRoom(Room):
    """/job"""

    here, name, rest_s = "/job", "job", 1.0

    def follows(self) -> Sequence[set[Watcher]]:
        """The store and the metrics."""
        return [self.live.watchers, self.live.operators]

    def furnish(self) -> Mapping[str, Panel]:
        """The tiles above two columns."""
        made = {"silence": Panel("top"), "tiles": Panel("top health")}
        with Element("div").classes("columns even"):
            made |= {name: Panel("card") for name in ("processing", "books")}
        return made

    def render(self, t: Label) -> Mapping[str, str]:
        """Every panel."""
        now, books = self.live.now, self.live.books
        assert now is not None
        found = self.live.endpoints.health
        return {
            "silence": silence(self.live.endpoints, now, t), "tiles": tiles(now, self.live.endpoints, books, self.live.clock_us(), t),
            "processing": processing(now, found, books, t), "books": accounts(books, self.live.job, t)}


def silence(endpoints: Endpoints, now: Now, t: Label) -> str:
    """Which endpoints say nothing, and why."""
    if now.about.kind == "backfill":   # it has ended: nobody is there to answer
        return ""
    lines = [t("silent_address", address=address, why=why) for address, why in endpoints.problems.items()]
    return html("silence", lines=lines if endpoints.addresses else [t("no_metrics_hint")])


def tiles(now: Now, endpoints: Endpoints, books: Audit | None, clock_us: int, t: Label) -> str:
    """The numbers that an operator looks at first."""
    found = endpoints.health
    about, total = now.about, books.totals[0] if books and books.totals else None
    dead = sum(total.dead.values()) if total else 0
    letters = ("letters", f"{dead:,}" if total else "–", t("in_letters", read=f"{total.read:,}") if total else "", "")
    if about.kind == "backfill":
        return html("health", t=t, tiles=[
            ("state", t("finished"), t("kind_backfill"), ""), ("read", f"{total.read:,}" if total else "–", "", ""), letters,
            ("newest", when(now.end_us), "UTC", "")])
    restarts = sum(found.restarts.values()) if found else 0
    behind, note = found.watermark_age_s if found else None, "watermark_note"
    if behind is None and about.watermark_us > START_US:
        behind, note = max(clock_us - about.watermark_us, 0) / 1e6, "watermark_store"
    asking = not endpoints.looked and bool(endpoints.addresses)
    quiet = "" if found or asking else t("silent_hint")
    return html("health", t=t, tiles=[
        ("state", "…" if asking else t("running" if found else "silent"), t("kind_stream"), "" if found or asking else "warning"),
        ("rate", "–" if not found or found.rate is None else _number(found.rate), quiet or t("per_second"), ""),
        ("lag", "–" if not found or found.lag is None else f"{found.lag:,.0f}", quiet or t("lag_note"), ""),
        ("watermark", "–" if behind is None else length(behind, t), t(note), ""), letters,
        ("restarts", f"{restarts:.0f}" if found else "–", quiet or _causes(found) or t("restarts_note"),
         "warning" if found and restarts - found.restarts.get("recycle", 0) else "")])


def _causes(found: Health | None) -> str:
    return ", ".join(f"{cause} {number:.0f}" for cause, number in sorted(found.restarts.items())) if found else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def processing(now: Now, found: Health | None, books: Audit | None, t: Label) -> str:
    """Model, times and windows."""
    about = now.about
    rows: list[tuple[str, str, bool]] = []
    if found:
        if found.models:
            rows.append((t("model"), ", ".join(found.models), False))
        if found.inference_s:
            mean, high = (f"{seconds * 1_000:.3g}" for seconds in found.inference_s)
            rows.append((t("inference"), t("inference_value", mean=mean, high=high), False))
        if found.texts is not None:
            rows.append((t("texts"), f"{found.texts:,.0f}", False))
        if found.overdue_s is not None:
            late = t("overdue_value", span=length(found.overdue_s, t)) if found.overdue_s else t("no_overdue")
            rows.append((t("overdue"), late, found.overdue_s > LONG_S))
        if found.broker_down_s is not None:
            down = t("broker_down", span=length(found.broker_down_s, t)) if found.broker_down_s else t("broker_fine")
            rows.append((t("broker"), down, found.broker_down_s > 0))
    if about.kind == "stream":
        rows += [(t(name), f"{when(at)} UTC" if at > START_US else "–", False)
                 for name, at in (("closed_until", about.closed_us), ("watermark_at", about.watermark_us))]
    rows.append((t("window_size"), length(about.window_us / 1e6, t), False))
    if about.kind == "stream":
        rows.append((t("lateness"), length(about.lateness_us / 1e6, t), False))
    return html("processing", t=t, rows=rows)


def accounts(books: Audit | None, job: str, t: Label) -> str:
    """The conservation law, with its numbers."""
    total = next((one for one in books.totals if one.job == job), None) if books else None
    if books is None or total is None:
        return html("books", t=t, rows=[], reasons=[], findings=[], wait=t("loading") if books is None else t("nothing"))
    reasons = sorted(total.dead.items(), key=lambda item: (-item[1], item[0]))
    dead = sum(letters for reason, letters in reasons if reason != Reason.GAP)
    rows: list[tuple[str, int, str]] = [
        ("read", total.read, ""), ("in_cells", total.in_cells, "="), ("in_open", total.open, "+"), ("in_dead", dead, "+")]
    rows += [("in_replayed", total.replayed, "")] if total.replayed else []
    return html("books", t=t, rows=rows, reasons=reasons, findings=[str(one) for one in books.findings[:5]], wait="")
