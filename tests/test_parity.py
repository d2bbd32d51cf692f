"""The same path as PyTorch and optax: 100 steps, float64, to 1e-12.

The peers take their gradients from their own automatic differentiation. Hyper-parameters, starts
and states are drawn at random; the states are put into the peers, as in the middle of a run.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
import pytest
import torch
from strategies import OBJECTIVES, Slope, each

from lecopt import Adam, GradientDescent, Momentum, MomentumEMA, Nesterov, Neuron, iterates
from lecopt.optimizers import AdamState, MeanState, MomentumState, NoState

jax.config.update("jax_enable_x64", True)

STEPS = 100
TOLERANCE = 1e-12


class Storm:
    """Gradients that come and go at random, large and small: what a rule does is not fed back."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        self.window = ((-2.0, 2.0), (-2.0, 2.0))
        self.g = rng.normal(size=(STEPS, 2)) * 10 ** rng.uniform(-2, 1, (STEPS, 1))

    def at(self, t: int) -> Slope:
        return Slope(self.g[t])


# The largest rates at which a run keeps to where round-off does not grow, and usual slopes.
LARGEST_ETA = {"Neuron": 8.0, "Quadratic": 0.3, "Rosenbrock": 2e-4, "Storm": 10.0}
SLOPE = {"Neuron": 1.0, "Quadratic": 1.0, "Rosenbrock": 100.0, "Storm": 1.0}
LANDSCAPES = {name: OBJECTIVES[name] for name in ("Neuron", "Ravine", "Rosenbrock")}
LANDSCAPES["Storm"] = Storm()
every_landscape = each(LANDSCAPES)
every_seed = pytest.mark.parametrize("seed", range(12))


class Draw:
    """What a test needs at random, from one seed."""

    def __init__(self, J: Any, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.name = type(J).__name__
        self.theta = self.rng.uniform(*np.transpose(J.window))
        self.eta = LARGEST_ETA[self.name] * 10 ** self.rng.uniform(-2, 0)
        self.gamma = self.rng.uniform(0.01, 0.95)  # at 0 PyTorch keeps no buffer
        self.memory = self.rng.uniform(-0.1, 0.1, 2)

    def adam(self) -> tuple[dict[str, float], AdamState]:
        """Draw what Adam allows; less on a surface, where a short memory circles chaotically."""
        storm, uniform = self.name == "Storm", self.rng.uniform
        hyper = {
            "eta": uniform(1e-3, 10 if storm else 0.02),
            "beta1": uniform(0, 0.999) if storm else uniform(0.5, 0.95),
            "beta2": uniform(0, 0.99999) if storm else uniform(0.98, 0.9999),
        }
        if self.rng.random() < 0.2:
            return hyper, AdamState(0, np.zeros(2), np.zeros(2))
        v = uniform(0.1, 1, 2) * SLOPE[self.name] ** 2
        return hyper, AdamState(int(self.rng.integers(1, 2000)), self.memory, v)


def loss_in(library: Any, J: Any, theta: Any, t: Any) -> Any:
    """Return the loss of a landscape at step t, computed by another library."""
    if isinstance(J, Storm):
        return (library.asarray(J.g)[t] * theta).sum()
    if not isinstance(J, Neuron):
        return J(theta)
    w, b = theta
    outputs = [1 / (1 + library.exp(-(w * x + b))) for x in J.X.tolist()]
    return sum((f - y) ** 2 for f, y in zip(outputs, J.y.tolist(), strict=True)) / 2


class Run(NamedTuple):
    """Where a peer went, and the memory that it ended with."""

    theta: np.ndarray
    memory: dict[str, np.ndarray]


def torch_run(make: Any, memory: dict[str, Any], theta: np.ndarray, J: Any) -> Run:
    """Run a torch optimizer that remembers `memory` already."""
    p = torch.tensor(theta, requires_grad=True)
    optimizer = make([p])
    optimizer.state[p].update({name: torch.tensor(value) for name, value in memory.items()})
    trail = []
    for t in range(STEPS):
        optimizer.zero_grad()
        loss_in(torch, J, p, t).backward()
        optimizer.step()
        trail.append(p.detach().numpy().copy())
    end = optimizer.state[p]
    return Run(np.array(trail), {name: end[name].numpy() for name in memory})


def optax_run(make: Any, hyper: dict[str, float], memory: dict, theta: np.ndarray, J: Any) -> Run:
    """Run an optax transformation that remembers `memory` already."""
    trail, end = _optax_scan(make, J, hyper, memory, theta)
    return Run(np.asarray(trail), {name: np.asarray(end[name]) for name in memory})


@functools.partial(jax.jit, static_argnums=(0, 1))
def _optax_scan(make, J, hyper, memory, theta):
    transformation = make(**hyper)
    state = optax.tree.set(transformation.init(theta), **memory)

    def step(carry, t):
        theta, state = carry
        gradient = jax.grad(lambda theta: loss_in(jax.numpy, J, theta, t))(theta)
        update, state = transformation.update(gradient, state, theta)
        theta = optax.apply_updates(theta, update)
        return (theta, state), theta

    (_, state), trail = jax.lax.scan(step, (theta, state), jax.numpy.arange(STEPS))
    return trail, {name: optax.tree.get(state, name) for name in memory}


def our_run(rule: Any, theta: np.ndarray, state: Any, J: Any) -> tuple[np.ndarray, Any]:
    """Return our path of 100 steps from a given state, and all the states."""
    trail, states = [], []
    for t in range(STEPS):
        theta, state = rule.step(theta, state, J.at(t) if isinstance(J, Storm) else J)
        trail.append(theta)
        states.append(state)
    return np.array(trail), states


def agree(ours: Any, theirs: Any) -> bool:
    """Whether two arrays are equal to 1e-12 of their scale."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert np.isfinite(ours).all(), "the comparison is of runs that stay in range"
    return bool(np.abs(ours - theirs).max() <= TOLERANCE * max(1.0, np.abs(theirs).max()))


@every_landscape
@every_seed
def test_gradient_descent(J, seed):
    draw = Draw(J, seed)
    theta, eta = draw.theta, draw.eta
    ours, _ = our_run(GradientDescent(eta), theta, NoState(), J)
    assert agree(ours, torch_run(lambda p: torch.optim.SGD(p, lr=eta), {}, theta, J).theta)
    assert agree(ours, optax_run(optax.sgd, {"learning_rate": eta}, {}, theta, J).theta)


def heavy_ball(learning_rate, momentum):
    return optax.sgd(learning_rate, momentum)


def nesterov(learning_rate, momentum):
    return optax.sgd(learning_rate, momentum, nesterov=True)


@every_landscape
@every_seed
def test_momentum(J, seed):
    draw = Draw(J, seed)
    theta, eta, gamma, u = draw.theta, draw.eta, draw.gamma, draw.memory
    ours, states = our_run(Momentum(eta, gamma), theta, MomentumState(u), J)
    # The peers keep eta outside the memory: theirs is u / eta.
    theirs = torch_run(
        lambda p: torch.optim.SGD(p, lr=eta, momentum=gamma), {"momentum_buffer": u / eta}, theta, J
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].u, eta * theirs.memory["momentum_buffer"])
    hyper = {"learning_rate": eta, "momentum": gamma}
    theirs = optax_run(heavy_ball, hyper, {"trace": u / eta}, theta, J)
    assert agree(ours, theirs.theta)
    assert agree(states[-1].u, eta * theirs.memory["trace"])


@every_landscape
@every_seed
def test_nesterov_where_the_peers_keep_the_look_ahead_point(J, seed):
    draw = Draw(J, seed)
    theta, eta, gamma, u = draw.theta, draw.eta, draw.gamma, draw.memory
    ours, states = our_run(Nesterov(eta, gamma), theta, MomentumState(u), J)
    ahead = ours - gamma * np.array([state.u for state in states])
    start = theta - gamma * u
    theirs = torch_run(
        lambda p: torch.optim.SGD(p, lr=eta, momentum=gamma, nesterov=True),
        {"momentum_buffer": u / eta},
        start,
        J,
    )
    assert agree(ahead, theirs.theta)
    assert agree(states[-1].u, eta * theirs.memory["momentum_buffer"])
    hyper = {"learning_rate": eta, "momentum": gamma}
    theirs = optax_run(nesterov, hyper, {"trace": u / eta}, start, J)
    assert agree(ahead, theirs.theta)
    assert agree(states[-1].u, eta * theirs.memory["trace"])


def moving_average(learning_rate, decay):
    return optax.chain(optax.ema(decay, debias=False), optax.scale_by_learning_rate(learning_rate))


@every_landscape
@every_seed
def test_ema_momentum(J, seed):
    draw = Draw(J, seed)
    theta, eta, beta, m = draw.theta, draw.eta, draw.gamma, draw.memory / draw.eta
    ours, states = our_run(MomentumEMA(eta, beta), theta, MeanState(m), J)
    hyper = {"learning_rate": eta, "decay": beta}
    theirs = optax_run(moving_average, hyper, {"ema": m}, theta, J)
    assert agree(ours, theirs.theta)
    assert agree(states[-1].m, theirs.memory["ema"])
    # With dampening beta PyTorch adds 1 - beta of the gradient, once there is a buffer.
    theirs = torch_run(
        lambda p: torch.optim.SGD(p, lr=eta, momentum=beta, dampening=beta),
        {"momentum_buffer": m},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].m, theirs.memory["momentum_buffer"])


@every_landscape
@every_seed
def test_adam_with_epsilon_outside_the_root(J, seed):
    draw = Draw(J, seed)
    theta, (hyper, state) = draw.theta, draw.adam()
    eps = 10 ** draw.rng.uniform(-10, -2)
    ours, states = our_run(Adam(**hyper, eps=eps), theta, state, J)
    eta, betas = hyper["eta"], (hyper["beta1"], hyper["beta2"])
    theirs = torch_run(
        lambda p: torch.optim.Adam(p, lr=eta, betas=betas, eps=eps),
        {"step": float(state.t), "exp_avg": state.m.copy(), "exp_avg_sq": state.v.copy()},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].m, theirs.memory["exp_avg"])
    assert agree(states[-1].v, theirs.memory["exp_avg_sq"])
    assert states[-1].t == theirs.memory["step"]
    same_as_optax(J, theta, state, hyper, ours, states[-1], eps=eps, eps_root=0.0)


@every_landscape
@every_seed
def test_adam_with_epsilon_inside_the_root(J, seed):
    draw = Draw(J, seed)
    theta, (hyper, state) = draw.theta, draw.adam()
    eps_root = 10 ** draw.rng.uniform(-10, -2)
    ours, states = our_run(Adam(**hyper, eps=0.0, eps_root=eps_root), theta, state, J)
    same_as_optax(J, theta, state, hyper, ours, states[-1], eps=0.0, eps_root=eps_root)


def same_as_optax(J, theta, state, hyper, ours, end, **eps):
    eta, beta1, beta2 = hyper.values()
    theirs = optax_run(
        optax.adam,
        {"learning_rate": eta, "b1": beta1, "b2": beta2, **eps},
        {"count": state.t, "mu": state.m, "nu": state.v},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(end.m, theirs.memory["mu"])
    assert agree(end.v, theirs.memory["nu"])
    assert end.t == theirs.memory["count"]


# ---- where the books differ: the table in Appendix A1, each difference with its size


def test_from_a_fresh_start_the_peers_need_no_state_from_us():
    J, theta = OBJECTIVES["Neuron"], np.array([-2.0, -2.0])
    for rule, make in [
        (GradientDescent(1.0), lambda p: torch.optim.SGD(p, lr=1.0)),
        (Momentum(1.0, 0.9), lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9)),
        (Adam(0.1), lambda p: torch.optim.Adam(p, lr=0.1)),
    ]:
        ours = [point for point, _ in iterates(rule, theta, [J] * STEPS)][1:]
        assert agree(ours, torch_run(make, {}, theta, J).theta), rule


def test_with_a_varying_rate_the_two_forms_of_momentum_differ():
    """The book keeps eta inside the memory, PyTorch outside: the same only while it is constant."""
    J, theta = OBJECTIVES["Ravine"], np.array([2.0, 1.0])
    rate = [0.1 / (1 + t) for t in range(20)]
    inside = [p for p, _ in iterates(Momentum(), theta, [J] * 20, {"eta": lambda t: rate[t]})][-1]
    p = torch.tensor(theta, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=1.0, momentum=0.9)
    for eta in rate:
        optimizer.param_groups[0]["lr"] = eta
        optimizer.zero_grad()
        J(p).backward()
        optimizer.step()
    assert np.abs(inside - p.detach().numpy()).max() > 0.01


def test_torchs_dampening_skips_the_first_step():
    """So a fresh SGD with dampening is not the moving average that starts at zero."""
    J, theta, beta = OBJECTIVES["Ravine"], np.array([2.0, 1.0]), 0.9
    ours, _ = our_run(MomentumEMA(0.1, beta), theta, MeanState(np.zeros(2)), J)
    make = functools.partial(torch.optim.SGD, lr=0.1, momentum=beta, dampening=beta)
    theirs = torch_run(make, {}, theta, J)
    assert theta - theirs.theta[0] == pytest.approx((theta - ours[0]) / (1 - beta))
