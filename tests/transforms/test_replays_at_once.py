"""Two who replay the same letters at once: each is told the truth of what the other did."""
from dataclasses import dataclass

import msgspec
import pytest

from insights.mending import Selection, letters
from insights.queries import job_row
from insights.store import Store
from privacy.policy import Policy
from schemas.records import DeadLetter, Reason, TextEvent
from transforms.job import redactor_of
from transforms.replay import Replay

MINUTE = 60_000_000
LETTERS = 6


@dataclass
class Plain:
    """Mends nothing: letter n is the event n."""

    def event(self, letter, fix):
        return TextEvent(f"e{letter.offset}", letter.offset, "good", source="posts")

    def clock_us(self):
        return 50


class Interrupted:
    """A tagger during whose first call something happens."""

    def __init__(self, tagger, happens):
        self.tagger, self.happens = tagger, happens

    def __getattr__(self, name):
        return getattr(self.tagger, name)

    def tag(self, texts):
        happens, self.happens = self.happens, lambda: None
        happens()
        return self.tagger.tag(texts)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
@pytest.mark.parametrize("theirs", [{0}, {1, 2, 5}, set(range(LETTERS))], ids=["one", "some", "all"])
def test_what_another_counted_meanwhile_stays_no_dead_letter_and_is_not_called_its_own_duplicate(url, tagger, when, theirs):
    store = Store(url)
    redactor = redactor_of(Policy(), store)
    store.open_job("job", "stream", MINUTE, 10 * MINUTE, redactor.mark)
    store.write_dead("job", 0, [DeadLetter("texts/0", at, Reason.MALFORMED) for at in range(LETTERS)], {"texts/0": LETTERS})
    with store.snapshot() as db:
        about = job_row(db, "job")
        found = [msgspec.structs.replace(letter, sealed=b"kept") for letter in letters(db, about, Selection("job"))]

    def other():
        chosen = [letter for letter in found if letter.offset in theirs]
        assert all(one.done for one in Replay(store, about, Plain(), tagger, redactor).run(chosen))

    if when == "before":
        other()
    mine = Replay(store, about, Plain(), Interrupted(tagger, other if when == "meanwhile" else lambda: None), redactor).run(found)
    assert [(one.offset, one.done, one.by_other, one.why) for one in mine] == [
        (at, at not in theirs, at in theirs, "") for at in range(LETTERS)]
    store.close()
