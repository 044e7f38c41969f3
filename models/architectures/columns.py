"""What every serving graph gives: the columns of schemas.tagging.Tags."""

from collections.abc import Sequence

import tensorflow as tf

from models.pieces import Pieces
from models.spans import Spans


def columns(texts: Sequence[tf.Tensor], spans: Spans, pieces: Pieces) -> dict[str, tf.Tensor]:
    """texts: of each of TEXT_TASKS probabilities float32[N, C] of the classes that a network has."""
    sentiment, topic, intent = texts
    return {
        "sentiment": three(sentiment),
        "topic": topic,
        "intent": intent[:, : 0 if intent.shape[1] == 1 else None],   # not trained: no intent is known
        "entity_type": spans.type,
        "entity_start": spans.start,
        "entity_end": spans.end,
        "entity_score": spans.score,
        "entity_splits": spans.splits,
        "token_ids": pieces.ids,
        "token_splits": pieces.splits,
    }


def three(sentiment: tf.Tensor) -> tf.Tensor:
    """float32[N, 3] from the probabilities of a head: of two classes neutral has none, of one (not trained) all."""
    classes = sentiment.shape[1]
    if classes == 1:
        return tf.pad(sentiment, [[0, 0], [1, 1]])
    if classes == 2:
        return tf.concat([sentiment[:, :1], tf.zeros_like(sentiment[:, :1]), sentiment[:, 1:]], 1)
    return sentiment
