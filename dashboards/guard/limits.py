"""How much one client may ask, and how many connections there may be. Memory is bounded, and the clock is handed in."""
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

SENT_WITHIN_S = 60.0   # a client that does not take what it asked for is cut off


@dataclass
class Buckets:
    """A token bucket for each client: burst at once, per_second in the long run. Of more than `most` clients the one that has been
    silent for longest is forgotten.
    """

    per_second: float
    burst: float
    most: int = 4_096
    _left: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)   # client -> (tokens, when)

    def take(self, client: str, now_s: float, cost: float = 1.0) -> float:
        """0 when it may go on, and it has paid; else after how many seconds it may. cost: at most burst."""
        tokens, then_s = self._left.get(client, (self.burst, now_s))
        tokens = min(self.burst, tokens + max(0.0, now_s - then_s) * self.per_second)
        wait_s = max(0.0, (cost - tokens) / self.per_second)
        self._left[client] = (tokens if wait_s else tokens - cost, max(now_s, then_s))
        self._left.move_to_end(client)
        if len(self._left) > self.most:
            self._left.popitem(last=False)
        return wait_s

    def __len__(self) -> int:
        return len(self._left)


class Transport(Protocol):
    """What the gate asks of a connection (asyncio.Transport)."""

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not taken yet."""

    def abort(self) -> None:
        """Ends it without sending what is left."""


@dataclass
class Gate:
    """Counts connections: `most` of all, `most_each` of one client."""

    most: int
    most_each: int
    _inside: dict[object, str] = field(default_factory=dict)
    _each: Counter[str] = field(default_factory=Counter)
    _full_since: dict[object, float] = field(default_factory=dict)

    def enter(self, connection: object, client: str) -> bool:
        """Whether there is room for one more."""
        if len(self._inside) >= self.most or self._each[client] >= self.most_each:
            return False
        self._inside[connection] = client
        self._each[client] += 1
        return True

    def leave(self, connection: object) -> None:
        """It has ended; told twice is told once."""
        client = self._inside.pop(connection, None)
        self._full_since.pop(connection, None)
        if client is None:
            return
        self._each[client] -= 1
        if not self._each[client]:
            del self._each[client]

    def __len__(self) -> int:
        return len(self._inside)

    def sweep(self, now_s: float) -> None:
        """Cuts off who has not taken what was sent for SENT_WITHIN_S. Connections must be Transports."""
        for one in list(self._inside):
            transport: Transport = one  # type: ignore[assignment]
            if not transport.get_write_buffer_size():
                self._full_since.pop(one, None)
            elif now_s - self._full_since.setdefault(one, now_s) > SENT_WITHIN_S:
                transport.abort()
