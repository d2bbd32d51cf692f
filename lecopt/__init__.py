"""Gradient-descent optimizers, as the course book teaches them.

Rules (`Momentum(eta=1.0)`) walk over objectives (`Neuron(*two_points())`); `descend` records the
path. The pictures are in `lecopt.plots`, the widgets in `lecopt.explorer`, the checks of the
exercises in `lecopt.grading`.
"""

from lecopt.basins import Basin, basin
from lecopt.calculus import hessian, numerical_gradient
from lecopt.data import (
    digits,
    four_features,
    narrow_valley,
    noisy_wave,
    sparse_points,
    two_points,
)
from lecopt.descent import descend, iterates
from lecopt.line_search import Backtracking, ExactLineSearch, LineSearch
from lecopt.measures import effective_rates, moments, step_vectors
from lecopt.models import Neuron
from lecopt.network import Network
from lecopt.objectives import (
    Beale,
    DoubleWell,
    Himmelblau,
    MonkeySaddle,
    Plateau,
    Quadratic,
    Rastrigin,
    Rosenbrock,
    Saddle,
    ravine,
)
from lecopt.optimizers import (
    AdaDelta,
    AdaGrad,
    AdaGradNoRoot,
    Adam,
    AdaMax,
    AdamUncorrected,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    MomentumEMA,
    Nadam,
    Nesterov,
    NesterovShifted,
    RMSProp,
    Rprop,
)
from lecopt.path import Path, running_averages
from lecopt.schedules import (
    HalveWhenWorse,
    constant,
    cosine,
    exponential,
    inverse_time,
    step_decay,
    sutskever,
)
from lecopt.search import first_that
from lecopt.slices import Slice
from lecopt.streams import minibatches, replay
from lecopt.sweeps import Sweep, sweep
from lecopt.units import Sigmoid, Softmax, Tanh

__version__ = "0.1.0"

__all__ = [
    "AMSGrad",
    "AdaDelta",
    "AdaGrad",
    "AdaGradNoRoot",
    "AdaMax",
    "Adam",
    "AdamUncorrected",
    "AdamW",
    "Backtracking",
    "Basin",
    "Beale",
    "DoubleWell",
    "ExactLineSearch",
    "GradientDescent",
    "HalveWhenWorse",
    "Himmelblau",
    "LineSearch",
    "Momentum",
    "MomentumEMA",
    "MonkeySaddle",
    "Nadam",
    "Nesterov",
    "NesterovShifted",
    "Network",
    "Neuron",
    "Path",
    "Plateau",
    "Quadratic",
    "RMSProp",
    "Rastrigin",
    "Rosenbrock",
    "Rprop",
    "Saddle",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sweep",
    "Tanh",
    "basin",
    "constant",
    "cosine",
    "descend",
    "digits",
    "effective_rates",
    "exponential",
    "first_that",
    "four_features",
    "hessian",
    "inverse_time",
    "iterates",
    "minibatches",
    "moments",
    "narrow_valley",
    "noisy_wave",
    "numerical_gradient",
    "ravine",
    "replay",
    "running_averages",
    "sparse_points",
    "step_decay",
    "step_vectors",
    "sutskever",
    "sweep",
    "two_points",
]
