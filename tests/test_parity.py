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

from lecopt import (
    AdaDelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    MomentumEMA,
    Nadam,
    Nesterov,
    NesterovShifted,
    Neuron,
    RMSProp,
    Rprop,
    iterates,
)
from lecopt.optimizers import (
    AdaDeltaState,
    AdamState,
    AMSGradState,
    MeanState,
    MomentumState,
    NoState,
    RpropState,
    SquareState,
)

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

    def squares(self) -> np.ndarray:
        """Draw a mean of squared gradients, as large as they are in this landscape."""
        return self.rng.uniform(0.1, 1, 2) * SLOPE[self.name] ** 2

    def small(self) -> float:
        """Draw an eps."""
        return 10 ** self.rng.uniform(-10, -2)

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
        return hyper, AdamState(int(self.rng.integers(1, 2000)), self.memory, self.squares())


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


@every_landscape
@every_seed
def test_nesterov_shifted_is_what_the_peers_run(J, seed):
    draw = Draw(J, seed)
    theta, eta, gamma, u = draw.theta, draw.eta, draw.gamma, draw.memory
    ours, states = our_run(NesterovShifted(eta, gamma), theta, MomentumState(u), J)
    theirs = torch_run(
        lambda p: torch.optim.SGD(p, lr=eta, momentum=gamma, nesterov=True),
        {"momentum_buffer": u / eta},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].u, eta * theirs.memory["momentum_buffer"])
    hyper = {"learning_rate": eta, "momentum": gamma}
    assert agree(ours, optax_run(nesterov, hyper, {"trace": u / eta}, theta, J).theta)


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


def same_as_optax(J, theta, state, hyper, ours, end, make=optax.adam, **other):
    eta, beta1, beta2 = hyper.values()
    theirs = optax_run(
        make,
        {"learning_rate": eta, "b1": beta1, "b2": beta2, **other},
        {"count": state.t, "mu": state.m, "nu": state.v},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(end.m, theirs.memory["mu"])
    assert agree(end.v, theirs.memory["nu"])
    assert end.t == theirs.memory["count"]


def adagrad(learning_rate, eps):
    return optax.adagrad(learning_rate, initial_accumulator_value=0.0, eps=eps)


@every_landscape
@every_seed
def test_adagrad(J, seed):
    draw = Draw(J, seed)
    theta, eta, eps, v = draw.theta, draw.rng.uniform(1e-3, 0.1), draw.small(), draw.squares()
    ours, states = our_run(AdaGrad(eta, eps), theta, SquareState(v), J)
    theirs = torch_run(
        lambda p: torch.optim.Adagrad(p, lr=eta, eps=eps), {"sum": v.copy()}, theta, J
    )
    assert agree(ours, theirs.theta) and agree(states[-1].v, theirs.memory["sum"])
    ours, states = our_run(AdaGrad(eta, eps=0.0, eps_root=eps), theta, SquareState(v), J)
    theirs = optax_run(adagrad, {"learning_rate": eta, "eps": eps}, {"sum_of_squares": v}, theta, J)
    assert agree(ours, theirs.theta) and agree(states[-1].v, theirs.memory["sum_of_squares"])


def rmsprop(learning_rate, decay, eps):
    return optax.rmsprop(learning_rate, decay, eps, eps_in_sqrt=False)


@every_landscape
@every_seed
def test_rmsprop(J, seed):
    draw = Draw(J, seed)
    theta, eps, v = draw.theta, draw.small(), draw.squares()
    eta, _, beta = draw.adam()[0].values()
    ours, states = our_run(RMSProp(eta, beta, eps), theta, SquareState(v), J)
    theirs = torch_run(
        lambda p: torch.optim.RMSprop(p, lr=eta, alpha=beta, eps=eps),
        {"square_avg": v.copy(), "step": 0.0},
        theta,
        J,
    )
    assert agree(ours, theirs.theta) and agree(states[-1].v, theirs.memory["square_avg"])
    hyper = {"learning_rate": eta, "decay": beta, "eps": eps}
    assert agree(ours, optax_run(rmsprop, hyper, {"nu": v}, theta, J).theta)
    ours, _ = our_run(RMSProp(eta, beta, eps=0.0, eps_root=eps), theta, SquareState(v), J)
    assert agree(ours, optax_run(optax.rmsprop, hyper, {"nu": v}, theta, J).theta)


@every_landscape
@every_seed
def test_adadelta(J, seed):
    draw = Draw(J, seed)
    theta, v = draw.theta, draw.squares()
    eta, beta = draw.rng.uniform(0.1, 1), draw.rng.uniform(0.9, 0.999)
    eps, d = 10 ** draw.rng.uniform(-8, -5), draw.rng.uniform(0, 1e-5, 2)
    ours, states = our_run(AdaDelta(eta, beta, eps), theta, AdaDeltaState(v, d), J)
    theirs = torch_run(
        lambda p: torch.optim.Adadelta(p, lr=eta, rho=beta, eps=eps),
        {"square_avg": v.copy(), "acc_delta": d.copy(), "step": 0.0},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].v, theirs.memory["square_avg"])
    assert agree(states[-1].d / d.max(), theirs.memory["acc_delta"] / d.max())
    hyper = {"learning_rate": eta, "rho": beta, "eps": eps}
    assert agree(ours, optax_run(optax.adadelta, hyper, {"e_g": v, "e_x": d}, theta, J).theta)


@every_landscape
@every_seed
def test_adamax(J, seed):
    draw = Draw(J, seed)
    theta, eps, (hyper, state) = draw.theta, draw.small(), draw.adam()
    ours, states = our_run(AdaMax(**hyper, eps=eps), theta, state, J)
    eta, *betas = hyper.values()
    theirs = torch_run(
        lambda p: torch.optim.Adamax(p, lr=eta, betas=betas, eps=eps),
        {"step": float(state.t), "exp_avg": state.m.copy(), "exp_inf": state.v.copy()},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].v, theirs.memory["exp_inf"])
    same_as_optax(J, theta, state, hyper, ours, states[-1], make=optax.adamax, eps=eps)


@every_landscape
@every_seed
def test_nadam_with_a_constant_beta1(J, seed):
    draw = Draw(J, seed)
    theta, eps, (hyper, state) = draw.theta, draw.small(), draw.adam()
    for where in ({"eps": eps, "eps_root": 0.0}, {"eps": 0.0, "eps_root": eps}):
        ours, states = our_run(Nadam(**hyper, **where), theta, state, J)
        same_as_optax(J, theta, state, hyper, ours, states[-1], make=optax.nadam, **where)


@every_landscape
@every_seed
def test_amsgrad_with_the_largest_raw_v(J, seed):
    draw = Draw(J, seed)
    theta, eps, (hyper, adam) = draw.theta, draw.small(), draw.adam()
    v_max = adam.v * draw.rng.uniform(1, 2, 2)
    ours, states = our_run(AMSGrad(**hyper, eps=eps), theta, AMSGradState(*adam, v_max), J)
    eta, *betas = hyper.values()
    theirs = torch_run(
        lambda p: torch.optim.Adam(p, lr=eta, betas=betas, eps=eps, amsgrad=True),
        {
            "step": float(adam.t),
            "exp_avg": adam.m.copy(),
            "exp_avg_sq": adam.v.copy(),
            "max_exp_avg_sq": v_max.copy(),
        },
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].v_max, theirs.memory["max_exp_avg_sq"])


@every_landscape
@every_seed
def test_adamw(J, seed):
    draw = Draw(J, seed)
    theta, eps, (hyper, state) = draw.theta, draw.small(), draw.adam()
    decay = draw.rng.uniform(0, 0.1)
    ours, states = our_run(AdamW(**hyper, eps=eps, weight_decay=decay), theta, state, J)
    eta, *betas = hyper.values()
    theirs = torch_run(
        lambda p: torch.optim.AdamW(p, lr=eta, betas=betas, eps=eps, weight_decay=decay),
        {"step": float(state.t), "exp_avg": state.m.copy(), "exp_avg_sq": state.v.copy()},
        theta,
        J,
    )
    assert agree(ours, theirs.theta)
    other = {"eps": eps, "eps_root": 0.0, "weight_decay": decay}
    same_as_optax(J, theta, state, hyper, ours, states[-1], make=optax.adamw, **other)


class RpropDraw(Draw):
    """A draw for Rprop: factors, bounds, a last gradient and step lengths."""

    def __init__(self, J: Any, seed: int) -> None:
        super().__init__(J, seed)
        uniform = self.rng.uniform
        self.up, self.down = uniform(1.05, 1.5), uniform(0.3, 0.9)
        self.shortest, self.longest = 10 ** uniform(-7, -3), uniform(0.5, 2)
        self.state = RpropState(self.memory, uniform(1e-3, 0.2, 2))
        self.rule = Rprop(0.1, self.up, self.down, self.shortest, self.longest)


@every_landscape
@every_seed
def test_rprop(J, seed):
    draw = RpropDraw(J, seed)
    ours, states = our_run(draw.rule, draw.theta, draw.state, J)
    theirs = torch_run(
        lambda p: torch.optim.Rprop(
            p, lr=0.1, etas=(draw.down, draw.up), step_sizes=(draw.shortest, draw.longest)
        ),
        {"prev": draw.state.g.copy(), "step_size": draw.state.delta.copy(), "step": 0.0},
        draw.theta,
        J,
    )
    assert agree(ours, theirs.theta)
    assert agree(states[-1].delta, theirs.memory["step_size"])
    assert agree(states[-1].g, theirs.memory["prev"])


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


def test_optax_rprop_steps_one_behind():
    """It hands out the step that it worked out the time before; its first is no step."""
    J, theta = Storm(), np.array([0.5, -0.5])
    ours, _ = our_run(Rprop(0.1), theta, Rprop(0.1).init(theta), J)
    theirs = optax_run(optax.rprop, {"learning_rate": 0.1}, {}, theta, J).theta
    assert np.array_equal(theirs[0], theta)
    steps, lagging = (np.diff(path, axis=0, prepend=theta[None]) for path in (ours, theirs))
    # Where the slope turns we stand still, and so does it; then it catches up on our last step.
    before = np.vstack([np.zeros((1, 2)), steps[:-1]])
    assert agree(lagging, np.where(steps == 0, 0.0, before))


def test_optax_amsgrad_takes_the_maximum_of_the_corrected_v():
    J, start = OBJECTIVES["Ravine"], np.array([2.0, 1.0])
    theirs = optax_run(optax.amsgrad, {"learning_rate": 0.1}, {}, start, J).theta
    theta, m, v, v_max, trail = start, np.zeros(2), np.zeros(2), np.zeros(2), []
    for t in range(1, STEPS + 1):
        g = J.grad(theta)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        v_max = np.maximum(v_max, v / (1 - 0.999**t))
        theta = theta - 0.1 * m / (1 - 0.9**t) / (np.sqrt(v_max) + 1e-8)
        trail.append(theta)
    assert agree(trail, theirs)
    ours, _ = our_run(AMSGrad(0.1), start, AMSGrad(0.1).init(start), J)
    assert agree(ours[0], theirs[0]) and np.abs(ours - theirs).max() > 0.01


def test_torchs_nadam_lets_beta1_rise():
    """Its psi schedule: beta1 (1 - 0.5 * 0.96^(psi t)), half of beta1 at the start."""
    J, theta = OBJECTIVES["Ravine"], np.array([2.0, 1.0])
    ours, _ = our_run(Nadam(0.1), theta, Nadam(0.1).init(theta), J)
    theirs = torch_run(lambda p: torch.optim.NAdam(p, lr=0.1), {}, theta, J).theta
    t, beta1 = np.arange(1, 3), 0.9
    mu, mu_next = beta1 * (1 - 0.5 * 0.96 ** (0.004 * t))
    first = 1 + mu_next * (1 - beta1) / (1 - mu * mu_next)
    assert theta - theirs[0] == pytest.approx(0.1 * first * np.sign(J.grad(theta)), rel=1e-6)
    first = 1 + beta1 * (1 - beta1) / (1 - beta1**2)
    assert theta - ours[0] == pytest.approx(0.1 * first * np.sign(J.grad(theta)), rel=1e-6)
    assert np.abs(ours - theirs).max() > 0.01
