"""How fast the core is, beside its peers: Adam on the running example, all recording the path.

    python benchmarks/core.py [--write] [--rounds N]

Everything runs on one thread, and processor time is measured, which a busy machine changes less
than time on the clock. The contenders take turns, so that a slow moment hits all of them alike;
each row gives the least and the median time, and the median ratio to lecopt's time in the same
round. `--write` puts the tables and a plot into benchmarks/results/.
"""

from __future__ import annotations

import argparse
import itertools
import math
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import jax
import matplotlib.pyplot as plt
import numpy as np
import optax
import peers  # first: it tells jax to use one thread
import torch
from matplotlib.figure import Figure

from lecopt import (
    Adam,
    GradientDescent,
    Momentum,
    Neuron,
    Quadratic,
    compiled,
    descend,
    plots,
    sparse_points,
    two_points,
)

STEPS = 1000  # of one run
SWEEPS = {1_000: 500, 10_000: 100, 100_000: 20, 1_000_000: 5}  # runs: steps
J = Neuron(*two_points())
RESULTS = Path(__file__).parent / "results"

Contenders = dict[str, Callable[[], np.ndarray]]
Rows = dict[str, dict[str, float]]


def lecopt_run(steps: int) -> np.ndarray:
    return descend(Adam(peers.ETA), peers.START, J, steps).theta[-1]


def lecopt_sweep(starts: np.ndarray, steps: int) -> np.ndarray:
    return descend(Adam(peers.ETA), starts, J, steps).theta[-1]


def plainly(run: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Return a run that the plain loop walks."""
    return mock.patch.object(compiled, "WORTH", math.inf)(run)


def measure(contenders: Contenders, units: float, rounds: int) -> Rows:
    """Time the contenders in turn, after a warm-up that also checks that they agree."""
    answers = {name: run() for name, run in contenders.items()}
    first = next(iter(contenders))
    for name, answer in answers.items():
        if not np.abs(answer - answers[first]).max() < 1e-6:
            raise SystemExit(f"{name} does not end where {first} does: no comparison")
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            begin = time.process_time()
            run()
            seconds[name].append(time.process_time() - begin)
    return {
        name: {
            "least": min(times) * units,
            "median": statistics.median(times) * units,
            "ratio": statistics.median(t / o for t, o in zip(times, seconds[first], strict=True)),
        }
        for name, times in seconds.items()
    }


def one_run(rounds: int) -> Rows:
    """Adam, one run on two points: µs a step."""
    contenders = {
        "lecopt": lecopt_run,
        "lecopt, plain loop": plainly(lecopt_run),
        "floats in a loop, as in lectures": peers.plain_python,
        "optax, jitted step": peers.optax_jitted,
        "torch.optim, autograd": peers.torch_autograd,
    }
    calls: Contenders = {name: (lambda run=run: run(STEPS)) for name, run in contenders.items()}
    return measure(calls, 1e6 / STEPS, rounds)


def sweep(K: int, steps: int, rounds: int) -> Rows:
    """Adam from K starts: ns a step of one run."""
    w, b = np.random.default_rng(0).uniform(-4, 4, (2, K))
    contenders = {
        "lecopt": lecopt_sweep,
        "lecopt, plain loop": plainly(lecopt_sweep),
        "torch, fused, gradient by hand": peers.torch_fused,
        "jax, vmap of scan": peers.jax_scan,
    }
    c_loop = peers.c_loop()
    if c_loop is not None:
        contenders["C, vectorized"] = c_loop
    starts = np.stack([w, b])
    calls: Contenders = {
        name: (lambda run=run: run(starts, steps)) for name, run in contenders.items()
    }
    return measure(calls, 1e9 / (steps * K), rounds)


def other_runs(rounds: int) -> dict[str, Rows]:
    """Return the times of other rules and data: µs a step."""
    objectives = {
        "two points": J,
        "100 rows": Neuron(*sparse_points()),
        "quadratic": Quadratic(),
    }
    rules = (GradientDescent(0.1), Momentum(0.1), Adam(0.1))
    found = {}
    for (name, objective), rule in itertools.product(objectives.items(), rules):

        def run(rule=rule, objective=objective) -> np.ndarray:
            return descend(rule, (-1.0, -1.0), objective, STEPS).theta[-1]

        calls = {"lecopt": run, "lecopt, plain loop": plainly(run)}
        found[f"{type(rule).__name__}, {name}"] = measure(calls, 1e6 / STEPS, rounds)
    return found


# ---- what is written


def table(rows: Rows) -> str:
    """Return the results as a Markdown table."""
    lines = ["| | least | median | times lecopt |", "|---|--:|--:|--:|"]
    for name, row in rows.items():
        lines.append(f"| {name} | {row['least']:.2f} | {row['median']:.2f} | {row['ratio']:.2f} |")
    return "\n".join(lines)


def across(found: dict[str, Rows], unit: str) -> str:
    """Return the least times as a Markdown table, a column for each of several measurements."""
    names = list(next(iter(found.values())))
    lines = [f"| {unit} | {' | '.join(found)} |", "|---|" + "--:|" * len(found)]
    for name in names:
        cells = (
            f"{rows[name]['least']:.1f} ({rows[name]['ratio']:.2f})" for rows in found.values()
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """Return the processor's model and the versions of what ran."""
    info = Path("/proc/cpuinfo")
    model = platform.processor() or platform.machine()
    if info.is_file():
        lines = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        model = next(lines, f": {model}").partition(":")[2].strip()
    libraries = ", ".join(f"{m.__name__} {m.__version__}" for m in (np, torch, jax, optax))
    return f"{model}; Python {platform.python_version()}, {libraries}"


def report(single: Rows, sweeps: dict[int, Rows], others: dict[str, Rows], rounds: int) -> str:
    """Return everything as Markdown."""
    columns = {f"K = {K:,}, {SWEEPS[K]} steps": rows for K, rows in sweeps.items()}
    without = "" if peers.c_loop() else "\nThere is no C compiler here: the row for C is missing.\n"
    turned = {
        name: {rule: rows[name] for rule, rows in others.items()}
        for name in ("lecopt", "lecopt, plain loop")
    }
    return f"""# How fast the core is

Written by `python benchmarks/core.py --write --rounds {rounds}`, on {machine()}.

Processor time on one thread, all in float64, all recording theta, loss, m and v at every step; the
contenders took turns. "Times lecopt" is the median of the ratios within a round.

## Adam, one run of {STEPS} steps on two points: µs a step

{table(single)}

## Adam from K starts: ns a step of one run; in brackets, times lecopt

{across(columns, "ns")}
{without}
## Other rules and data, one run of {STEPS} steps: µs a step; in brackets, times lecopt

{across(turned, "µs")}

![Time for a step of one run, for 1,000 to 1,000,000 runs at once](core.svg)
"""


def picture(single: Rows, sweeps: dict[int, Rows]) -> Figure:
    """Return the plot: one run as bars, sweeps as lines over K."""
    with plots.theme("light"), plt.rc_context({"svg.hashsalt": "lecopt"}):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
        names = list(single)[::-1]
        left.barh(names, [single[name]["least"] for name in names], color=plots.STYLES[0].color)
        left.set(xscale="log", xlim=(1, None), xlabel="µs a step", title="One run")
        for index, name in enumerate(next(iter(sweeps.values()))):
            times = [rows[name]["least"] for rows in sweeps.values()]
            right.plot(list(sweeps), times, label=name, **plots.style(index, right))
        right.set(xscale="log", yscale="log", xlabel="runs at once", title="Sweeps")
        right.set_ylabel("ns a step of one run")
        right.set_ylim(0.5)  # room for the legend
        right.legend(fontsize="small", loc="lower right")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="also write results/core.md and .svg")
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    arguments = parser.parse_args()
    single = one_run(arguments.rounds)
    sweeps = {K: sweep(K, steps, arguments.rounds) for K, steps in SWEEPS.items()}
    text = report(single, sweeps, other_runs(arguments.rounds), arguments.rounds)
    print(text)
    if arguments.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "core.md").write_text(text)
        picture(single, sweeps).savefig(RESULTS / "core.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
