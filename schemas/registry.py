"""Schemas by id from a registry, each asked for once and kept while the process lives: an id never changes its schema."""
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from schemas.decode import SchemaUnavailable
from schemas.parse import SchemaError, parsed
from schemas.registry_http import NotInRegistry, RegistryHttp, RegistryProblem, RegistrySettings

LARGEST_ID = 2**31 - 1         # ids are Java's int: one that is larger would be asked for in vain
NO_SUCH_SCHEMA = 40403
MOST_REFERENCES, MOST_DEPTH = 64, 16
MISSING_S = 10.0               # an id that the registry does not know is asked for again after so long: it may have been registered
MOST_MISSING = 50_000          # more than the ids of the largest poll, so that one always gets through
MISSES_PER_S, MISSES_AT_ONCE = 200.0, 500.0


class Registry:
    """Schemas by id. Calls from several threads are safe: at worst a schema is asked for twice."""

    def __init__(
        self, settings: RegistrySettings, clock: Callable[[], float] = time.monotonic, environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Asks nothing yet. clock: seconds. Raises SchemaError for settings that cannot be used."""
        self.http, self.clock = RegistryHttp(settings, environ), clock
        self._known: dict[int, Any] = {}
        self._unusable: dict[int, str] = {}
        self._missing: dict[int, float] = {}   # id -> when it may be asked for again
        self._misses_left, self._counted_at = MISSES_AT_ONCE, clock()

    def check(self) -> None:
        """Asks once whether it is a registry that lets us in. Raises RegistryProblem."""
        try:
            types = self.http.ask("/schemas/types")
        except NotInRegistry:   # before version 5.5, or another path
            self.http.ask("/config")
            return
        if not isinstance(types, list):
            raise self.http.no_registry("GET /schemas/types is answered with no list")

    def get(self, schema_id: int) -> Any:
        """The parsed schema.

        Raises SchemaError where the registry has none that can be read by, SchemaUnavailable where that cannot be known now.
        """
        found = self._known.get(schema_id)
        return self._fetch(schema_id) if found is None else found

    def version(self, subject: str, version: str) -> Any:
        """The parsed schema of a subject's version, a number or "latest".

        Raises SchemaError where there is none or it cannot be read by, RegistryProblem.
        """
        return self._parsed(self._version(subject, version))

    def _fetch(self, schema_id: int) -> Any:
        if said := self._unusable.get(schema_id):
            raise SchemaError(said)
        if schema_id > LARGEST_ID or self._is_missing(schema_id):
            raise SchemaError(f"the registry at {self.http.host} does not know it")
        if self._refill() < 1:
            raise SchemaUnavailable(
                f"more than {MISSES_PER_S:.0f} schema ids a second come that the registry at {self.http.host} does not know, now "
                f"{schema_id}: records are read no faster than it is asked")
        try:
            found = self._known[schema_id] = self._parsed(self.http.ask(f"/schemas/ids/{schema_id}"))
        except NotInRegistry as error:
            if error.code != NO_SUCH_SCHEMA:
                raise SchemaUnavailable(f"schema id {schema_id}: {error}") from error
            self._miss(schema_id)
            raise SchemaError(f"the registry at {self.http.host} does not know it") from error
        except RegistryProblem as error:
            raise SchemaUnavailable(f"schema id {schema_id}: {error}") from error
        except SchemaError as error:
            self._unusable[schema_id] = str(error)
            raise
        return found

    def _is_missing(self, schema_id: int) -> bool:
        """Whether it was missing a moment ago. While there are too many none is forgotten, or a poll of them would never get through."""
        until = self._missing.get(schema_id)
        return until is not None and (until > self.clock() or self._refill() < 1)

    def _miss(self, schema_id: int) -> None:
        self._misses_left -= 1
        self._missing.pop(schema_id, None)
        self._missing[schema_id] = self.clock() + MISSING_S
        while len(self._missing) > MOST_MISSING:
            del self._missing[next(iter(self._missing))]

    def _refill(self) -> float:
        now = self.clock()
        self._misses_left = min(MISSES_AT_ONCE, self._misses_left + (now - self._counted_at) * MISSES_PER_S)
        self._counted_at = now
        return self._misses_left

    def _parsed(self, answer: Any) -> Any:
        named: dict[str, Any] = {}
        text = self._text(answer)
        self._add_references(answer, named, set(), 0)
        return parsed(text, "what the registry holds", named)

    def _add_references(self, answer: Mapping[str, Any], named: dict[str, Any], seen: set[tuple[str, str]], depth: int) -> None:
        """Adds the types to which the answer's schema refers, those first to which these refer."""
        try:
            wanted = [(str(each["subject"]), str(int(each["version"]))) for each in answer.get("references") or ()]
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise self.http.no_registry("a reference names no subject and version") from error
        for subject, version in wanted:
            if (subject, version) in seen:
                continue
            seen.add((subject, version))
            if depth == MOST_DEPTH or len(seen) > MOST_REFERENCES:
                raise SchemaError(f"it refers to more than {MOST_REFERENCES} schemas, or deeper than {MOST_DEPTH}")
            inner = self._version(subject, version)
            self._add_references(inner, named, seen, depth + 1)
            parsed(self._text(inner), f"the reference to {subject!r:.80} version {version}", named)

    def _version(self, subject: str, version: str) -> Any:
        try:
            return self.http.ask(f"/subjects/{quote(subject, safe='', errors='replace')}/versions/{quote(version, safe='')}")
        except NotInRegistry as error:
            raise SchemaError(f"the registry at {self.http.host} has no version {version} of subject {subject!r:.80}") from error

    def _text(self, answer: Any) -> str:
        if not isinstance(answer, dict) or not isinstance(answer.get("schema"), str):
            raise self.http.no_registry("the answer holds no schema")
        if (kind := answer.get("schemaType") or "AVRO") != "AVRO":
            raise SchemaError(f"it is of type {kind!r:.30}; textpulse reads AVRO alone")
        text: str = answer["schema"]
        return text
