"""A prepared row: what training reads, as it stands in a line of a file."""
import msgspec

TASKS = ("sentiment", "topic", "entities")


class Entity(msgspec.Struct, frozen=True, array_like=True):
    """A named entity: its type, its first character, and the character it ends before."""

    type: str
    start: int
    end: int


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A cleaned text with the labels it has. None: no label of that task; () are no entities in a text that was looked through.

    lang: by its script, zh, en or other. kind: as the set says, such as ticket. source_label: the set's own, before it was mapped.
    silver: task -> the teacher that gave its label; gold labels are not named there. silver_score: task -> how sure it was, 0 to 1.
    """

    id: str
    set: str
    split: str
    text: str
    lang: str
    kind: str
    licence: str
    source_label: str = ""
    sentiment: str | None = None
    topic: str | None = None
    entities: tuple[Entity, ...] | None = None
    silver: dict[str, str] = {}
    silver_score: dict[str, float] = {}

    def label(self, task: str) -> "str | tuple[Entity, ...] | None":
        """Its label of a task: sentiment, topic or entities."""
        labels = {"sentiment": self.sentiment, "topic": self.topic, "entities": self.entities}
        return labels[task]
