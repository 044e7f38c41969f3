"""The board of one job: what its page is answered from."""
from insights.board.plain import Row, plain
from insights.board.types import Filters, Overview
from insights.queries import JobRow, cell_rows, job_row
from insights.store import Store


class Board:
    """A copy of one job, for one thread that refreshes it and any number that ask it.

    loading: the share of the first refresh that is done, from 0 to 1.
    """

    def __init__(self, store: Store, job: str) -> None:
        self._store, self._job = store, job
        self._held: tuple[JobRow, list[Row]] | None = None
        self.loading = 0.0

    @property
    def about(self) -> JobRow:
        """The job, as of the last refresh; before the first, as the store has it now. Raises QueryError, StoreError."""
        if self._held is not None:
            return self._held[0]
        with self._store.snapshot() as db:
            return job_row(db, self._job)

    def refresh(self) -> bool:
        """Reads what changed in the store; False when nothing did. Raises QueryError for an unknown job, and StoreError."""
        with self._store.snapshot() as db:
            about = job_row(db, self._job)
            held = about, list(cell_rows(db, about))
        changed, self._held, self.loading = held != self._held, held, 1.0
        return changed

    def overview(self, filters: Filters) -> Overview:
        """The answer, as of the last refresh; empty before the first. Raises QueryError, StoreError."""
        about, rows = self._held or (self.about, [])
        return plain(about, rows, filters)
