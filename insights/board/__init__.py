"""The read model of the page: a copy of one job in memory, in columns, that answers within a fraction of a second."""
from insights.board.keep import Board
from insights.board.types import CHANGES, LEAST_CHANGE, NAMED, POINTS, Change, Feeling, Filters, Named, Overview, Point, Shown, Slice

__all__ = [
    "CHANGES", "LEAST_CHANGE", "NAMED", "POINTS", "Board", "Change", "Feeling", "Filters", "Named", "Overview", "Point", "Shown", "Slice"]
