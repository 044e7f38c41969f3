"""Adam by TensorFlow's fused operation, which tables of millions of rows need."""

from collections.abc import Sequence

import tensorflow as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


class Adam(tf.Module):
    """Kingma and Ba (2015). rate: the learning rate of the next step."""

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        super().__init__(name="adam")
        self._variables = variables
        self.first = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        self.second = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        self.power_1, self.power_2 = tf.Variable(1.0, trainable=False), tf.Variable(1.0, trainable=False)
        self.rate = tf.Variable(0.0, trainable=False)

    def apply(self, gradients: Sequence[tf.Tensor | tf.IndexedSlices | None]) -> None:
        """One step; a variable without a gradient stays as it is."""
        self.power_1.assign(self.power_1 * BETA_1)
        self.power_2.assign(self.power_2 * BETA_2)
        for v, m, s, gradient in zip(self._variables, self.first, self.second, gradients, strict=True):
            if gradient is None:
                continue
            tf.raw_ops.ResourceApplyAdam(
                var=v.handle,
                m=m.handle,
                v=s.handle,
                beta1_power=self.power_1,
                beta2_power=self.power_2,
                lr=self.rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=EPSILON,
                grad=tf.convert_to_tensor(gradient),
            )
