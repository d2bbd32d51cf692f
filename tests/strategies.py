"""What the tests draw at random: rules, surfaces, starts, states from the middle of a run.

Rules and surfaces are found in the package, so that a new one falls under the laws by itself.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from lecopt import Neuron, Quadratic, narrow_valley, objectives, optimizers, two_points
from lecopt.objectives import Plane, Space
from lecopt.rule import CheckedHyperParameters

RULES = [
    rule
    for rule in vars(optimizers).values()
    if isinstance(rule, type) and issubclass(rule, CheckedHyperParameters)
    if rule is not CheckedHyperParameters
]
SURFACES = [
    surface
    for surface in vars(objectives).values()
    if isinstance(surface, type) and issubclass(surface, (Plane, Space))
    if surface not in (Plane, Space)
]
OBJECTIVES = {surface.__name__: surface() for surface in SURFACES} | {
    "Ravine": Quadratic(0.5, 4.0, angle=0.6),
    "Neuron": Neuron(*two_points()),
    "Narrow": Neuron(*narrow_valley()),
}
# Gradients of + - * alone: the same bits for one point as for a batch.
EXACT = {name: OBJECTIVES[name] for name in ("Quadratic", "Ravine", "Saddle")}


def each(objectives: dict[str, Any]) -> pytest.MarkDecorator:
    """Run a test for each of some objectives, as its argument J."""
    return pytest.mark.parametrize("J", objectives.values(), ids=objectives.keys())


every_objective = each(OBJECTIVES)
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
law = settings(deadline=None, max_examples=25)
law_of_pairs = settings(deadline=None, max_examples=4)  # for each rule on each objective


def hyper_values(field: dataclasses.Field[Any]) -> st.SearchStrategy[float]:
    """Draw a value of a hyper-parameter from the range that its slider offers."""
    low, high = field.metadata["range"]
    if not field.metadata["log"]:
        return st.floats(low, high).map(lambda x: round(x, 9))
    return st.floats(np.log(low), np.log(high)).map(lambda x: float(np.exp(x)))


def rules(rule: type, **fixed: float) -> st.SearchStrategy[Any]:
    """Draw a rule with random hyper-parameters, but for those that are fixed."""
    free = {f.name: hyper_values(f) for f in dataclasses.fields(rule) if f.name not in fixed}
    return st.builds(lambda **drawn: rule(**drawn, **fixed), **free)


def rules_without_decay(rule: type, **fixed: float) -> st.SearchStrategy[Any]:
    """Draw a rule that nothing but the gradient moves: weight decay pulls towards the origin."""
    decays = "weight_decay" in {f.name for f in dataclasses.fields(rule)}
    return rules(rule, **({"weight_decay": 0.0} if decays else {}), **fixed)


def points(J: Any) -> st.SearchStrategy[np.ndarray]:
    """Draw a point of the window of J, not so near an axis that its square would underflow."""
    inside = st.tuples(*(st.floats(low, high) for low, high in J.window))
    return inside.map(lambda point: np.round(point, 6))


def batches(J: Any, most: int = 4) -> st.SearchStrategy[np.ndarray]:
    """Draw points of the window of J as an array of shape (D, K)."""
    return st.lists(points(J), min_size=1, max_size=most).map(lambda p: np.stack(p, axis=1))


class Slope:
    """A tilted plane: the gradient is the same everywhere, and whatever a test wants it to be."""

    def __init__(self, g: Any) -> None:
        self.g = np.asarray(g)

    def __call__(self, theta: np.ndarray) -> np.ndarray:
        return np.tensordot(self.g, theta, axes=(0, 0))

    def grad(self, theta: np.ndarray) -> np.ndarray:
        behind = (...,) + (None,) * (theta.ndim - self.g.ndim)
        return np.zeros_like(theta) + self.g[behind].astype(theta.dtype)


def mid_run(rule: Any, theta: np.ndarray, steps: int, seed: int) -> Any:
    """Return the state of a rule after some steps under random gradients."""
    rng = np.random.default_rng(seed)
    state = rule.init(theta)
    for _ in range(steps):
        _, state = rule.step(theta, state, Slope(rng.normal(size=theta.shape)))
    return state


def walk(rule: Any, theta: np.ndarray, J: Any, steps: int, state: Any = None) -> list[Any]:
    """Return (theta, state) after each step, by calling `step` and nothing else."""
    state = rule.init(theta) if state is None else state
    trail = []
    for _ in range(steps):
        theta, state = rule.step(theta, state, J)
        trail.append((theta, state))
    return trail


def same_walk(one: list[Any], other: list[Any]) -> bool:
    """Whether two walks hold the same points to the last bit, until they run out of range."""
    for (a, _), (b, _) in zip(one, other, strict=True):
        if not np.abs(a).max() < 1e100:
            return not np.abs(b).max() < 1e90
        if not np.allclose(a, b, rtol=0, atol=1e-290):  # where floats thin out, so do their bits
            return False
    return True


steps_and_seeds = st.tuples(st.integers(0, 30), st.integers(0, 2**32 - 1))


def same_bits(a: Any, b: Any) -> bool:
    """Whether two states or arrays hold the same numbers, to the last bit, NaN for NaN."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same_bits(x, y) for x, y in zip(a, b, strict=True))
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
