"""From the groups of rising words of one window after the other to topics that open, change, last and close."""
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import msgspec

QUIET_WINDOWS = 10     # so many without a group close a topic
COOLING_WINDOWS = 30   # a group so soon after it closed opens the same topic again
SEEN = 2               # windows in which a topic was found, before it is told
SAME = 0.25            # common weight of a group and a topic, from which the group is the topic
WITHIN = 0.5           # of a topic's weight, from which it goes into another one's group that holds so much of it
KEPT = 0.9             # of a member's weight, from one window to the next
LEAST = 0.05           # of the whole weight, from which a member is told
FORGOTTEN = 0.005      # of the whole weight, below which a member is forgotten
NAMED = 3              # members that make the name
STICKS = 1.5           # a member must weigh so much more than one of the name to take its place


class Group(msgspec.Struct, frozen=True):
    """Words that rise together in a window. words: name -> records more than expected. told: how many of them surely rise."""

    words: dict[str, float]
    told: int


class Topic(msgspec.Struct, frozen=True):
    """Words that rise together from window `opened_us` to window `last_us`. Times are starts of windows, microseconds since 1970.

    members: word -> weight, records more than expected, of which older ones count less; in the order of their names.
    name: its heaviest members. seen: windows in which it was found. records: more than expected, of its most frequent word.
    into: id of the topic that it went into, when that closed it.
    """

    id: str
    name: tuple[str, ...]
    members: dict[str, float]
    opened_us: int
    last_us: int
    closed_us: int | None
    seen: int
    records: float
    into: str | None = None

    @property
    def told(self) -> bool:
        """Found more than once."""
        return self.seen >= SEEN

    @property
    def words(self) -> dict[str, float]:
        """The members that are told, the heaviest first."""
        return dict(sorted(_heavy(self.members, LEAST).items(), key=lambda item: (-item[1], item[0])))


class Topics(msgspec.Struct, frozen=True):
    """What the next window is judged with: topics that are open or cooling, in the order of their ids."""

    topics: tuple[Topic, ...] = ()


def step(before: Topics, job: str, window_us: int, size_us: int, groups: Iterable[Group]) -> tuple[Topics, list[Topic]]:
    """After one more window: the topics from now on, and those that it opened, changed or closed, of those that are told."""
    found = sorted(groups, key=lambda group: sorted(group.words))
    taken = _same(before.topics, found)
    kept: list[Topic] = []
    changed: list[Topic] = []
    for topic in before.topics:
        into = None if topic.id in taken or topic.closed_us is not None else _into(topic, taken)
        after = _go_on(topic, window_us, size_us, taken.get(topic.id)) if into is None else _end(topic, window_us, into)
        if after is None:
            continue
        kept.append(after)
        if after.told and (topic.id in taken or after.closed_us != topic.closed_us):
            changed.append(after)
    used = {id(group) for group in taken.values()}
    opened = [_open(job, window_us, group) for group in found if id(group) not in used and group.told]
    return Topics(tuple(sorted([*kept, *opened], key=lambda topic: topic.id))), changed


def _same(topics: Sequence[Topic], groups: Sequence[Group]) -> dict[str, Group]:
    """topic id -> the group that it is in this window. Each is given away once, the largest common weight first."""
    pairs = [(common(topic.members, group.words), topic, place) for topic in topics for place, group in enumerate(groups)]
    ranked = sorted((pair for pair in pairs if pair[0] >= SAME), key=lambda pair: (-pair[0], -pair[1].seen, pair[1].id, pair[2]))
    taken: dict[str, Group] = {}
    gone: set[int] = set()
    for _, topic, place in ranked:
        if topic.id not in taken and place not in gone:
            taken[topic.id] = groups[place]
            gone.add(place)
    return taken


def _into(topic: Topic, taken: Mapping[str, Group]) -> str | None:
    """The other topic whose group holds most of this one's weight, at least WITHIN of it; ties by the id."""
    whole = sum(topic.members.values())
    held = {name: sum(weight for word, weight in topic.members.items() if word in group.words) for name, group in taken.items()}
    name = max(sorted(held), key=lambda name: held[name], default=None)
    return name if name is not None and held[name] >= WITHIN * whole else None


def common(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Weight that two sets of weighted words have in common, as a share of their weight, 0 to 1."""
    of_one, of_other = (sum(words[word] for word in sorted(words)) for words in (one, other))
    if not of_one or not of_other:
        return 0.0
    return sum(min(one[word] / of_one, other[word] / of_other) for word in sorted(one.keys() & other.keys()))


def _go_on(topic: Topic, window_us: int, size_us: int, group: Group | None) -> Topic | None:
    if group is None:
        if topic.closed_us is not None:
            return topic if window_us - topic.closed_us < COOLING_WINDOWS * size_us else None
        if window_us - topic.last_us < QUIET_WINDOWS * size_us:
            return topic
        return _end(topic, window_us)
    windows = (window_us - topic.last_us) // size_us
    members = {word: weight * KEPT ** windows for word, weight in topic.members.items()}
    for word, excess in group.words.items():
        members[word] = members.get(word, 0.0) + excess
    members = _heavy(members, FORGOTTEN)
    return msgspec.structs.replace(
        topic, members=members, name=name_of(members, topic.name), last_us=window_us, closed_us=None, into=None,
        seen=topic.seen + 1, records=topic.records + max(group.words.values()))


def _end(topic: Topic, window_us: int, into: str | None = None) -> Topic | None:
    """Closed by this window; nothing, if it was never told."""
    return msgspec.structs.replace(topic, closed_us=window_us, into=into) if topic.told else None


def _heavy(members: Mapping[str, float], part: float) -> dict[str, float]:
    least = part * sum(members[word] for word in sorted(members))
    return {word: members[word] for word in sorted(members) if members[word] >= least}


def _open(job: str, window_us: int, group: Group) -> Topic:
    members = _heavy(group.words, FORGOTTEN)
    number = blake2b("\0".join((job, str(window_us), *sorted(group.words))).encode(), digest_size=8).hexdigest()
    return Topic(number, name_of(members), members, window_us, window_us, None, 1, max(group.words.values()))


def name_of(members: Mapping[str, float], before: Sequence[str] = ()) -> tuple[str, ...]:
    """The heaviest members, one for each text; those of the name before stay unless others weigh much more."""
    def rank(word: str) -> tuple[float, str]:
        return -members[word] * (STICKS if word in before else 1), word

    name: list[str] = []
    for word in sorted(members, key=rank):
        text, others = text_of(word).strip("#"), [text_of(other).strip("#") for other in name]
        if not any(text in other.split() or other in text.split() or text == other for other in others):
            name.append(word)
    return tuple(name[:NAMED])


def text_of(word: str) -> str:
    """Of "term<TAB>text" or "entity<TAB>type<TAB>text"."""
    return word.rpartition("\t")[2]
