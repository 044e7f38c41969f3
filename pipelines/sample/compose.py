"""Composes one text of the sample: picks a cell of the mix, fills a template, and spoils some of them as people do."""
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from pipelines.sample import chinese, english

Rnd = Callable[[], float]
"""A seeded source of numbers in [0, 1), such as random.Random(seed).random."""

PRODUCTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "brindlepay": ("Brindlepay", "云豆付", ("card", "transfer", "login", "app_crash")),
    "parcelwren": ("Parcelwren", "鹿递", ("delivery", "refund")),
    "nimbrix": ("Nimbrix X2", "尼布X2", ("battery", "refund")),
    "velmora": ("Hotel Velmora", "维朗酒店", ("hotel",)),
    "reelhaven": ("Reelhaven", "屏屋视频", ("film",)),
    "forkling": ("Forkling", "小叉外卖", ("food", "delivery")),
    "notewren": ("Notewren", "羽记", ("app_crash", "login")),
}
"""Product id -> its name in English and in Chinese, and what is said about it. All are invented."""

LANGUAGES: Mapping[str, tuple[ModuleType, float]] = {"en": (english, 0.62), "zh": (chinese, 0.38)}
SOURCES = {"tickets": 0.42, "reviews": 0.32, "posts": 0.26}
CHANNELS = {"tickets": ("email", "chat", "web"), "reviews": ("app_store", "web"), "posts": ("forum", "microblog")}
SENTIMENTS = {
    "tickets": {"negative": 0.60, "neutral": 0.30, "positive": 0.10},
    "reviews": {"negative": 0.35, "neutral": 0.15, "positive": 0.50},
    "posts": {"negative": 0.40, "neutral": 0.25, "positive": 0.35},
}
EMOJI_SHARE = {"tickets": 0.03, "reviews": 0.08, "posts": 0.18}
SPOILED_SHARE = 0.15
TABLE_SIZE = 8192

_NUMBERS = {
    "digits": tuple(f"{(7 + 613 * n) % 10_000:04d}" for n in range(500)),
    "order": tuple(f"{'ABKT'[n % 4]}{(31 + 7919 * n) % 1_000_000:06d}" for n in range(2000)),
    "days": tuple(str(n) for n in range(2, 15)),
    "hours": tuple(str(n) for n in range(2, 9)),
}
_SLIPS_ZH = (("的", "得"), ("再", "在"), ("没", "没有"), ("了", "啦"), ("吗", "嘛"))


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence in printf form and, for each %s, the words that may stand there."""

    pattern: str
    pools: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of text: who writes it where, about what, in which mood; share is its part of the whole stream."""

    source: str
    product: str
    lang: str
    topic: str
    sentiment: str
    share: float
    templates: tuple[Template, ...]
    emoji: tuple[str, ...]


def cells() -> list[Cell]:
    """All cells of the mix; their shares add up to 1."""
    found = [cell for lang in LANGUAGES for source in SOURCES for product in PRODUCTS
             for cell in _cells_of(lang, source, product)]
    total = sum(cell.share for cell in found)
    return [Cell(c.source, c.product, c.lang, c.topic, c.sentiment, c.share / total, c.templates, c.emoji)
            for c in found]


def _cells_of(lang: str, source: str, product: str) -> list[Cell]:
    module, weight = LANGUAGES[lang]
    texts: dict[str, dict[str, tuple[str, ...]]] = getattr(module, source.upper())
    name_en, name_zh, topics = PRODUCTS[product]
    slots = {**_NUMBERS, **module.SLOTS, "product": (name_en if lang == "en" else name_zh,)}
    return [Cell(source, product, lang, topic, sentiment,
                 weight * SOURCES[source] * SENTIMENTS[source][sentiment],
                 tuple(_template(text, slots) for text in texts[topic][sentiment]), module.EMOJI[sentiment])
            for topic in topics if topic in texts for sentiment in texts[topic]]


def _template(text: str, slots: Mapping[str, tuple[str, ...]]) -> Template:
    pattern, pools = "", []
    for literal, slot, _, _ in string.Formatter().parse(text):
        pattern += literal.replace("%", "%%")
        if slot is not None:
            pattern += "%s"
            pools.append(slots[slot])
    return Template(pattern, tuple(pools))


def table(mix: list[Cell]) -> list[Cell]:
    """The cells, each as often as its share says, in a list of TABLE_SIZE entries: picking one is one index."""
    entries: list[Cell] = []
    reached = 0.0
    for cell in mix:
        reached += cell.share
        entries.extend([cell] * (round(reached * TABLE_SIZE) - len(entries)))
    return entries


def compose(cell: Cell, rnd: Rnd) -> str:
    """A text of this cell; SPOILED_SHARE of them have a slip, some end in an emoji."""
    templates = cell.templates
    template = templates[int(rnd() * len(templates))]
    text = template.pattern % tuple([pool[int(rnd() * len(pool))] for pool in template.pools])
    luck = rnd()
    if luck < SPOILED_SHARE:
        text = slip_zh(text, rnd) if cell.lang == "zh" else slip_en(text, rnd)
    if rnd() < EMOJI_SHARE[cell.source]:
        text = f"{text} {cell.emoji[int(rnd() * len(cell.emoji))]}"
    return text


def slip_en(text: str, rnd: Rnd) -> str:
    """The text with two letters swapped, one dropped or doubled, or in another case."""
    at = int(rnd() * (len(text) - 1))
    match int(rnd() * 5):
        case 0:
            return text[:at] + text[at + 1] + text[at] + text[at + 2:]
        case 1:
            return text[:at] + text[at + 1:]
        case 2:
            return text[:at] + text[at] + text[at:]
        case 3:
            return text.lower()
        case _:
            return text.upper()


def slip_zh(text: str, rnd: Rnd) -> str:
    """The text with a character mistaken for its like, without its last mark, or with an excited end."""
    match int(rnd() * 3):
        case 0:
            right, wrong = _SLIPS_ZH[int(rnd() * len(_SLIPS_ZH))]
            return text.replace(right, wrong, 1)
        case 1:
            return text.rstrip("。！？")
        case _:
            return text.rstrip("。！？") + "！！！"
