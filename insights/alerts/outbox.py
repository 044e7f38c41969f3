"""The outbox of alerts: what is to be sent where, what came of it, and when it is tried again. Each message arrives at least once."""
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from insights.store import Store
from insights.tables import deliveries, messages

S = 1_000_000
FIRST_S, LONGEST_S = 5.0, 3_600.0   # between attempts: doubled from the first to the longest
GIVE_UP_S = 3 * 86_400.0            # after so long a message is not tried again by itself
CLAIM_S = 120.0                     # what somebody has begun to send is left alone for so long


class DeliveryState(StrEnum):
    """What became of one message at one target."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that the caller alone sends, until the claim runs out. attempts: those before this one."""

    message: str
    incident: str
    target: str
    body: str
    attempts: int
    made_us: int


def claim(store: Store, target: str, now_us: int) -> Claim | None:
    """The next message that is due at the target, the oldest first; None when there is none."""
    with store.snapshot() as db:   # the usual answer is none: no writer is held up for it
        if db.scalar(sa.select(sa.func.count()).where(*_due(target, now_us))) == 0:
            return None
    with store.transaction() as db:
        row = db.execute(
            sa.select(deliveries.c.message, deliveries.c.attempts, messages.c.incident, messages.c.body, messages.c.made_us)
            .join(messages, messages.c.id == deliveries.c.message).where(*_due(target, now_us))
            .order_by(messages.c.made_us, messages.c.id).limit(1).with_for_update(of=deliveries, skip_locked=True)).one_or_none()
        if row is None:
            return None
        db.execute(_row_of(row.message, target).values(due_us=now_us + round(CLAIM_S * S)))
        return Claim(row.message, row.incident, target, row.body, row.attempts, row.made_us)


def delivered(store: Store, claimed: Claim, now_us: int) -> None:
    """It has arrived."""
    with store.transaction() as db:
        db.execute(_row_of(claimed.message, claimed.target).values(
            state=DeliveryState.DELIVERED, attempts=claimed.attempts + 1, done_us=now_us, error=""))


def failed(store: Store, claimed: Claim, error: str, now_us: int, jitter: float) -> None:
    """It has not arrived: it is tried again later, or given up. jitter: from 0 to 1, so that not all are tried at once."""
    given_up = now_us - claimed.made_us >= GIVE_UP_S * S
    with store.transaction() as db:
        db.execute(_row_of(claimed.message, claimed.target).values(
            state=DeliveryState.GIVEN_UP if given_up else DeliveryState.PENDING, attempts=claimed.attempts + 1, error=error,
            due_us=now_us + round(delay_s(claimed.attempts, jitter) * S)))


def delay_s(attempts: int, jitter: float) -> float:
    """How long to wait after so many attempts before this one: exponential, with up to a fifth more."""
    return min(FIRST_S * 2.0 ** min(attempts, 20), LONGEST_S) * (1 + 0.2 * jitter)


def try_again(store: Store, job: str, now_us: int) -> int:
    """Makes all that has not arrived due now; how many."""
    with store.transaction() as db:
        of_job = sa.select(messages.c.id).where(messages.c.job == job)
        return db.execute(deliveries.update().where(
            deliveries.c.message.in_(of_job), deliveries.c.state != DeliveryState.DELIVERED,
        ).values(state=DeliveryState.PENDING, due_us=now_us)).rowcount


def _due(target: str, now_us: int) -> tuple[sa.ColumnElement[bool], ...]:
    return deliveries.c.target == target, deliveries.c.state == DeliveryState.PENDING, deliveries.c.due_us <= now_us


def _row_of(message: str, target: str) -> sa.Update:
    return deliveries.update().where(deliveries.c.message == message, deliveries.c.target == target)
