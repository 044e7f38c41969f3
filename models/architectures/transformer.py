"""A small transformer encoder (Vaswani et al. 2017), normalized before each part (Xiong et al. 2020)."""

import keras
import tensorflow as tf

from models.architectures.contract import Noise, Sizes
from models.architectures.encoder import DROPOUT, EMBEDDING, SHAPE_EMBEDDING, EncoderNetwork
from models.pieces import PIECES_LIMIT

LAYERS = 2
WIDTH = 128
HEADS = 4
INNER = 256


class Layer:
    """Attention and two dense layers, each added to what it reads."""

    def __init__(self) -> None:
        self.attention = keras.layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
        self.attention.build((None, None, WIDTH), (None, None, WIDTH))
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.inner, self.outer = keras.layers.Dense(INNER, activation="gelu"), keras.layers.Dense(WIDTH)
        for layer, width in ((self.norms[0], WIDTH), (self.norms[1], WIDTH), (self.inner, WIDTH), (self.outer, INNER)):
            layer.build((None, None, width))

    @property
    def parts(self) -> list[keras.Layer]:
        """The Keras layers in it."""
        return [self.attention, *self.norms, self.inner, self.outer]

    def __call__(self, values: tf.Tensor, inside: tf.Tensor, noise: Noise | None) -> tf.Tensor:
        """float32[B, L, WIDTH]; no piece attends to the padding."""
        normal = self.norms[0](values)
        seen = self.attention(normal, normal, attention_mask=inside[:, None, :])
        values += noise.dropout(seen, DROPOUT) if noise else seen
        thought = self.outer(self.inner(self.norms[1](values)))
        return values + (noise.dropout(thought, DROPOUT) if noise else thought)


def build(sizes: Sizes) -> EncoderNetwork:
    """The network, untrained."""
    enter = keras.layers.Dense(WIDTH)
    enter.build((None, None, EMBEDDING + SHAPE_EMBEDDING))
    places = keras.layers.Embedding(PIECES_LIMIT, WIDTH)
    places.build((None, None))
    layers = [Layer() for _ in range(LAYERS)]
    leave = keras.layers.LayerNormalization(epsilon=1e-6)
    leave.build((None, None, WIDTH))

    def encode(values: tf.Tensor, inside: tf.Tensor, noise: Noise | None) -> tf.Tensor:
        # a row that training pads to a multiple is at most as wide as the limit is
        values = enter(values) + places(tf.range(tf.shape(values)[1]))[None]
        for layer in layers:
            values = layer(values, inside, noise)
        return leave(values)

    return EncoderNetwork(sizes, encode, WIDTH, [enter, places, *(part for layer in layers for part in layer.parts), leave])
