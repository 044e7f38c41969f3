"""Networks whose large tables hold what a server can store exactly."""

from models.architectures.contract import Network
from models.architectures.stored import Stored, value_of


def as_stored(network: Network) -> None:
    """Rounds the tables, if there are any, as a server does that takes the network."""
    for table in getattr(network, "tables", ()):
        stored = Stored(*table.shape)
        stored.assign(table)
        table.assign(value_of(stored))
