"""How fast the core is, beside its peers: Adam on the running example, all recording the path.

    python benchmarks/core.py [--json] [--repeats N]

The contenders take turns, so that a busy moment of the machine hits all of them alike; each row
gives the least and the median time, and the median ratio to lecopt's time in the same round.
`--json` also writes benchmarks/results/core.json.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from lecopt import Adam, Neuron, descend, two_points

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

START, ETA, BETA1, BETA2, EPS = (-2.0, -2.0), 0.1, 0.9, 0.999, 1e-8
STEPS, SWEEP_STEPS, RUNS = 1000, 100, 10_000
X, Y = (a.tolist() for a in two_points())
J = Neuron(*two_points())
ETAS = np.geomspace(0.01, 1.0, RUNS)

Contender = Callable[[], np.ndarray]


# ---- one trajectory: each returns its points, shape (STEPS + 1, 2)


def ours() -> np.ndarray:
    return descend(Adam(ETA), START, J, STEPS).theta


def plain_python() -> np.ndarray:
    (w, b), mw, mb, vw, vb = START, 0.0, 0.0, 0.0, 0.0
    points, losses = [(w, b)], []
    for t in range(1, STEPS + 1):
        loss = gw = gb = 0.0
        for x, y in zip(X, Y, strict=True):
            f = 1 / (1 + math.exp(-(w * x + b)))
            delta = (f - y) * f * (1 - f)
            loss, gw, gb = loss + (f - y) ** 2 / 2, gw + delta * x, gb + delta
        losses.append(loss)
        mw, mb = BETA1 * mw + (1 - BETA1) * gw, BETA1 * mb + (1 - BETA1) * gb
        vw, vb = BETA2 * vw + (1 - BETA2) * gw * gw, BETA2 * vb + (1 - BETA2) * gb * gb
        c1, c2 = 1 - BETA1**t, 1 - BETA2**t
        w -= ETA * (mw / c1) / (math.sqrt(vw / c2) + EPS)
        b -= ETA * (mb / c1) / (math.sqrt(vb / c2) + EPS)
        points.append((w, b))
    return np.array(points)


def torch_autograd() -> np.ndarray:
    theta = torch.tensor(START, requires_grad=True)
    x, y = torch.tensor(X), torch.tensor(Y)
    optimizer = torch.optim.Adam([theta], lr=ETA)
    points, losses = [theta.detach().numpy().copy()], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = 0.5 * ((torch.sigmoid(theta[0] * x + theta[1]) - y) ** 2).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        points.append(theta.detach().numpy().copy())
    return np.array(points)


def jax_loss(theta: jax.Array) -> jax.Array:
    f = jax.nn.sigmoid(theta[0] * jnp.array(X) + theta[1])
    return 0.5 * jnp.sum((f - jnp.array(Y)) ** 2)


OPTAX = optax.adam(ETA)


@jax.jit
def optax_step(theta, state):
    loss, gradient = jax.value_and_grad(jax_loss)(theta)
    update, state = OPTAX.update(gradient, state)
    return optax.apply_updates(theta, update), state, loss


def optax_jitted() -> np.ndarray:
    theta = jnp.array(START)
    state, points, losses = OPTAX.init(theta), [theta], []
    for _ in range(STEPS):
        theta, state, loss = optax_step(theta, state)
        points.append(theta)
        losses.append(loss)
    return np.array(points)


# ---- a sweep over RUNS learning rates: each returns its last points, shape (2, RUNS)


def our_sweep() -> np.ndarray:
    return descend(Adam(ETAS), START, J, SWEEP_STEPS).theta[-1]


@torch.no_grad()
def torch_manual_gradient() -> np.ndarray:
    theta = torch.tensor(START)[:, None].repeat(1, RUNS)
    m, v, etas = torch.zeros_like(theta), torch.zeros_like(theta), torch.tensor(ETAS)
    points, losses, memory = [theta], [], []
    for t in range(1, SWEEP_STEPS + 1):
        g, loss = torch.zeros_like(theta), torch.zeros(RUNS)
        for x, y in zip(X, Y, strict=True):
            f = torch.sigmoid(theta[0] * x + theta[1])
            delta = (f - y) * f * (1 - f)
            g += torch.stack([delta * x, delta])
            loss += 0.5 * (f - y) ** 2
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        theta = theta - etas * (m / (1 - BETA1**t)) / ((v / (1 - BETA2**t)).sqrt() + EPS)
        points.append(theta)
        losses.append(loss)
        memory.append((m, v))
    return torch.stack(points)[-1].numpy()


@jax.jit
def jax_scan(etas):
    rule = optax.scale_by_adam()

    def run(eta):
        def step(carry, _):
            theta, state = carry
            loss, gradient = jax.value_and_grad(jax_loss)(theta)
            update, state = rule.update(gradient, state)
            theta = theta - eta * update
            return (theta, state), (theta, loss, state.mu, state.nu)

        theta = jnp.array(START)
        return jax.lax.scan(step, (theta, rule.init(theta)), length=SWEEP_STEPS)[1]

    return jax.vmap(run)(etas)


def jax_vmap_scan() -> np.ndarray:
    history = jax.block_until_ready(jax_scan(jnp.array(ETAS)))
    return np.asarray(history[0][:, -1]).T


# ---- the comparison


def measure(contenders: dict[str, Contender], units: float, repeats: int) -> dict[str, dict]:
    """Time the contenders in turn, after a warm-up that also checks that they agree."""
    answers = [run() for run in contenders.values()]
    for name, answer in zip(contenders, answers, strict=True):
        if not np.abs(answer - answers[0]).max() < 1e-9:
            raise SystemExit(f"{name} does not end where lecopt does: no comparison")
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            begin = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begin)
    first = seconds[next(iter(contenders))]
    return {
        name: {
            "least": min(times) * units,
            "median": statistics.median(times) * units,
            "ratio": statistics.median(t / o for t, o in zip(times, first, strict=True)),
        }
        for name, times in seconds.items()
    }


def table(title: str, unit: str, rows: dict[str, dict]) -> str:
    """Return the results as a Markdown table."""
    lines = [f"{title}, {unit}", "", "| | least | median | times lecopt |", "|---|---|---|---|"]
    for name, row in rows.items():
        lines.append(f"| {name} | {row['least']:.1f} | {row['median']:.1f} | {row['ratio']:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="also write results/core.json")
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: %(default)s)")
    arguments = parser.parse_args()
    one = measure(
        {
            "lecopt `descend`": ours,
            "plain Python loop": plain_python,
            "torch.optim, autograd": torch_autograd,
            "optax, jitted step": optax_jitted,
        },
        1e6 / STEPS,
        arguments.repeats,
    )
    sweep = measure(
        {
            "lecopt `descend`": our_sweep,
            "torch, gradient by hand": torch_manual_gradient,
            "jax, vmap and scan": jax_vmap_scan,
        },
        1e9 / (SWEEP_STEPS * RUNS),
        arguments.repeats,
    )
    print(table("Adam, one trajectory on two points, recorded", "µs a step", one))
    print(table(f"Adam, {RUNS} rates at once, recorded", "ns a step of one run", sweep))
    if arguments.json:
        target = Path(__file__).parent / "results" / "core.json"
        target.parent.mkdir(exist_ok=True)
        machine = {"python": platform.python_version(), "numpy": np.__version__}
        results = {"machine": machine, "one, µs": one, "sweep, ns": sweep}
        target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        print(f"written: {target}")


if __name__ == "__main__":
    main()
