"""Temperature scaling: probabilities that mean what they say (Guo et al., On Calibration of Modern Neural Networks, ICML 2017)."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

COLDEST, HOTTEST = 0.1, 10.0
LEAST = 1e-12


def temperature(probabilities: NDArray[np.floating], labels: NDArray[np.int32]) -> float:
    """What the logits have to be divided by for the labels to be likeliest; 1 for no rows or one class.

    probabilities float[N, C], from a softmax; labels int32[N]. The logits are known from them but for what all classes of a row share,
    which a softmax does not see.
    """
    if not len(labels) or probabilities.shape[1] < 2:
        return 1.0
    logits = np.log(np.maximum(probabilities.astype(float), LEAST))

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float(np.mean(np.logaddexp.reduce(scaled, 1) - scaled[np.arange(len(labels)), labels]))

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded").x))
