"""Tables in bytes: what comes back is near, and comes back the same a second time."""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from models.architectures.stored import Stored, value_of

values = st.floats(-1e6, 1e6, width=32).filter(lambda value: value == 0 or abs(value) > 1e-30)   # scales of less are no numbers
tables = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=values)


def _kept(table: NDArray[np.float32]) -> NDArray[np.float32]:
    stored = Stored(*table.shape)
    stored.assign(tf.constant(table))
    found: NDArray[np.float32] = value_of(stored).numpy()
    return found


@given(tables)
def test_each_value_is_off_by_half_a_step_of_its_row_at_most(table: NDArray[np.float32]) -> None:
    step = np.abs(table).max(1, keepdims=True) / 127
    assert (np.abs(_kept(table) - table) <= step * 0.5001).all()


@given(tables)
def test_what_came_back_is_stored_exactly(table: NDArray[np.float32]) -> None:
    once = _kept(table)
    np.testing.assert_allclose(_kept(once), once, rtol=1e-6)


def test_a_row_of_zeros_stays_one() -> None:
    assert not _kept(np.zeros((2, 3), np.float32)).any()
