"""The board of one job: a copy that one thread refreshes while others ask."""
import threading

from insights.board.answer import answer
from insights.board.load import Copy, copied
from insights.board.samples import read
from insights.board.types import Filters, Overview
from insights.queries import JobRow, job_row
from insights.store import Store


class Board:
    """What the page of a job is answered from: its cells in memory, as of the last refresh.

    Any thread may ask at any time. The first refresh reads the whole job: run it in a thread of its own. loading: the share of that
    which is done, from 0 to 1; it begins anew when a backfill has a new run, and the old one is shown until it ends.
    """

    def __init__(self, store: Store, job: str) -> None:
        self._store, self._job = store, job
        self._copy: Copy | None = None
        self._turn = threading.Lock()
        self.loading = 0.0

    @property
    def about(self) -> JobRow:
        """The job, as of the last refresh; before the first, as it is in the store. Raises QueryError, StoreError."""
        if self._copy is not None:
            return self._copy.about
        with self._store.snapshot() as db:
            return job_row(db, self._job)

    @property
    def size_bytes(self) -> int:
        """What the copy takes in memory, but for the names."""
        return 0 if self._copy is None else self._copy.size_bytes

    def refresh(self) -> bool:
        """Reads what changed in the store since; False when nothing did. Raises QueryError for an unknown job, and StoreError."""
        with self._turn:
            old = self._copy
            with self._store.snapshot() as db:
                about = job_row(db, self._job)
                first = old is None or old.about.run != about.run
                self._copy = copied(db, about, old, self._tell if first else None)
            self.loading = 1.0
            return old is None or old.about != about or old.segments is not self._copy.segments

    def _tell(self, share: float) -> None:
        self.loading = share

    def overview(self, filters: Filters) -> Overview:
        """The answer, as of the last refresh; empty before the first. The samples are read from the store: raises StoreError."""
        copy = self._copy or Copy(self.about)
        found, candidates, felt = answer(copy, filters)
        if candidates:
            with self._store.snapshot() as db:
                found.samples = read(db, candidates, filters, felt, copy.words)
        return found
