"""A recurrent encoder: gated units (Cho et al. 2014) over the pieces, forwards and backwards (Schuster and Paliwal 1997)."""

import keras
import tensorflow as tf

from models.architectures.contract import Noise, Sizes
from models.architectures.encoder import EMBEDDING, SHAPE_EMBEDDING, EncoderNetwork

UNITS = 96


def build(sizes: Sizes) -> EncoderNetwork:
    """The network, untrained."""
    both = keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True))
    both.build((None, None, EMBEDDING + SHAPE_EMBEDDING))

    def encode(values: tf.Tensor, inside: tf.Tensor, _: Noise | None) -> tf.Tensor:
        return both(values, mask=inside)

    return EncoderNetwork(sizes, encode, 2 * UNITS, [both])
