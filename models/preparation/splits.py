"""Which rows of a set without a dev split are held out for one: decided by the text, so the order of the rows does not matter."""
import hashlib
from collections import defaultdict
from collections.abc import Iterable

from models.data import HELD_OUT_ONE_IN


def held_out(keys: Iterable[tuple[str, str]], seed: int) -> set[str]:
    """Of (key of a text, label): the keys that go to dev, one in HELD_OUT_ONE_IN of every label, rounded. Each key comes once."""
    of_label: dict[str, list[str]] = defaultdict(list)
    for key, label in keys:
        of_label[label].append(key)

    def place(key: str) -> bytes:
        return hashlib.sha256(f"{seed} {key}".encode()).digest()

    return {key for all_keys in of_label.values() for key in sorted(all_keys, key=place)[:round(len(all_keys) / HELD_OUT_ONE_IN)]}
