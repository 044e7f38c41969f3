"""What the rows of a set may be used for, in three classes. No legal advice: the set's own words stand in the report."""
PERMISSIVE, NON_COMMERCIAL, UNCLEAR = "permissive", "non-commercial", "unclear"
CLASSES = (PERMISSIVE, NON_COMMERCIAL, UNCLEAR)
CHOICES = ("all", PERMISSIVE)

CLASS_OF = {
    "tweets_en": UNCLEAR,
    "tweets_rated_en": PERMISSIVE,
    "reviews_en": PERMISSIVE,
    "reviews_zh": UNCLEAR,
    "news_sentiment_zh": UNCLEAR,
    "support_intents_en": PERMISSIVE,
    "clinc150_en": PERMISSIVE,
    "newsgroups20_en": UNCLEAR,
    "titles_zh": NON_COMMERCIAL,
    "wnut17_en": PERMISSIVE,
    "weibo_zh": UNCLEAR,
    "people_daily_zh": NON_COMMERCIAL,
}
"""permissive: who made the set gives it under a licence that allows commercial use, with attribution at most. non-commercial: who made
it or its texts asks for research or non-commercial use alone. unclear: only a package that ships it states a licence, or two
statements differ, or the texts stand under terms of their own."""

CLASS_OF_KIND = {("tweets_en", "ticket"): NON_COMMERCIAL}
"""Of rows that differ from their set: the airline tickets are published under CC BY-NC-SA 4.0 as well."""


def licence_class(name: str, kind: str) -> str:
    """The class of the rows of that kind in a set."""
    return CLASS_OF_KIND.get((name, kind), CLASS_OF[name])


def allowed(licences: str, name: str, kind: str) -> bool:
    """Whether rows of that kind in a set are among those of a choice: all, or permissive ones alone."""
    return licences != PERMISSIVE or licence_class(name, kind) == PERMISSIVE
