"""How large the Python values may become that a few bytes of Avro make: a schema comes from who wrote the file, who may be hostile.

A byte can be an array of records of many fields, and each of these a dictionary; items may take no byte at all. fastavro
bounds none of it, and a schema that holds itself ends the process (it recurses in C).
"""
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MAX_NODES = 2_000
"""Fields, branches and items in one schema."""
ROOM_BYTES = 256 << 20
"""What the values of what is read at once may take in memory."""


class UnboundedError(Exception):
    """A schema that is not read by, and why."""


class Weight(NamedTuple):
    """Of the smallest value of a type: its bytes in Avro and in memory. steepest: the most memory a further byte can add inside of it."""

    size_bytes: int
    memory_bytes: int
    steepest: float = 0.0


_OBJECT, _SLOT, _ENTRY = 64, 8, 110   # an empty container, a place in a list, an entry of a dictionary with its key
_TEXT = Weight(1, 30, 4.0)   # a long one: four bytes a character, where one of them is an emoji
_PRIMITIVE = {
    "null": Weight(0, 0), "boolean": Weight(1, 0), "int": Weight(1, 32), "long": Weight(1, 32), "float": Weight(4, 24),
    "double": Weight(8, 24), "string": _TEXT, "bytes": _TEXT, "enum": Weight(1, 0),
}  # fmt: skip
_LOGICAL_BYTES = 120   # a datetime, a decimal, a UUID


def most_bytes(schema: Any) -> int:
    """How many bytes of this parsed schema may be read at once so that their values stay within ROOM_BYTES.

    Raises UnboundedError for a schema that holds itself, that has items without a byte, or more than MAX_NODES nodes.
    """
    known = _known.get(id(schema))
    if known is None or known[0] is not schema:
        if len(_known) > MAX_NODES:
            _known.clear()
        known = _known[id(schema)] = schema, _weigh(schema)
    if isinstance(known[1], str):
        raise UnboundedError(known[1])
    return int(ROOM_BYTES / max(known[1].steepest, 1.0))


def _weigh(schema: Any) -> Weight | str:
    try:
        return _Scales(schema).weight(schema)
    except UnboundedError as error:
        return str(error)
    except RecursionError:
        return "nested too deeply"


class _Scales:
    def __init__(self, schema: Any) -> None:
        self.nodes = 0
        self.named: dict[str, Weight | None] = {}   # None: being weighed
        self.elsewhere: Mapping[str, Any] = schema.get("__named_schemas", {}) if isinstance(schema, dict) else {}

    def weight(self, schema: Any) -> Weight:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise UnboundedError(f"a schema of more than {MAX_NODES} fields and types")
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, str):
            return _PRIMITIVE.get(schema) or self._reference(schema)
        kind = schema["type"]
        if "name" in schema and kind in ("record", "error", "fixed", "enum"):
            return self._named(schema, kind)
        if kind in ("array", "map"):
            return self._many(schema, kind)
        base = self.weight(kind)
        return base._replace(memory_bytes=base.memory_bytes + _LOGICAL_BYTES) if "logicalType" in schema else base

    def _named(self, schema: Any, kind: str) -> Weight:
        name = str(schema["name"])
        self.named[name] = None
        if kind == "fixed":
            weight = Weight(int(schema["size"]), int(schema["size"]) + _OBJECT + _LOGICAL_BYTES)
        elif kind == "enum":
            weight = _PRIMITIVE["enum"]
        else:
            fields = [self.weight(field["type"]) for field in schema["fields"]]
            weight = Weight(
                sum(field.size_bytes for field in fields), _OBJECT + sum(field.memory_bytes + _ENTRY for field in fields),
                max((field.steepest for field in fields), default=0.0))
        self.named[name] = weight
        return weight

    def _reference(self, name: str) -> Weight:
        if name not in self.named and name in self.elsewhere:
            return self.weight(self.elsewhere[name])
        weight = self.named.get(name)
        if weight is None:
            raise UnboundedError(f"type {name[:80]!r} holds itself" if name in self.named else f"no type {name[:80]!r}")
        return weight

    def _union(self, branches: list[Any]) -> Weight:
        weights = [self.weight(branch) for branch in branches] or [_PRIMITIVE["null"]]
        heaviest = max(weights, key=_ratio(1, 0))
        return Weight(1 + heaviest.size_bytes, heaviest.memory_bytes, max(weight.steepest for weight in weights))

    def _many(self, schema: Any, kind: str) -> Weight:
        item = self.weight(schema["items" if kind == "array" else "values"])
        if kind == "array" and not item.size_bytes:
            raise UnboundedError("an array of items without a byte")
        more = (0, _SLOT) if kind == "array" else (2, 2 * _ENTRY)   # a key of its own has two bytes
        return Weight(1, _OBJECT, max(item.steepest, _ratio(*more)(item)))


def _ratio(size_bytes: int, memory_bytes: int) -> Callable[[Weight], float]:
    return lambda weight: (weight.memory_bytes + memory_bytes) / (weight.size_bytes + size_bytes)


_known: dict[int, tuple[Any, Weight | str]] = {}
