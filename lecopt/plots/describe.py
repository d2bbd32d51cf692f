"""What a picture shows, in words: `plots.describe.losses(walks)` for `plots.losses(ax, walks)`.

For the alt text of a figure, and for readers who cannot see it. All numbers are computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lecopt.basins import DIVERGED, ELSEWHERE, Basin
from lecopt.measures import Moments, StepVectors
from lecopt.objectives import Surface, Window
from lecopt.path import Path
from lecopt.plots.sweeps import borders, decades, ranking, success
from lecopt.rule import Array
from lecopt.sweeps import Sweep
from lecopt.words import listed, number, point


def contours(J: Surface, *, window: Window | None = None) -> str:
    """Describe the map: what it spans and where its minima are."""
    (x_lo, x_hi), (y_lo, y_hi) = window or J.window
    x, y = J.labels[:2]
    found = [point(minimum) for minimum in J.minima]
    stars = (
        f", with {'a star at' if len(found) == 1 else 'stars at'} {listed(found)}" if found else ""
    )
    return (
        f"Contour map of the loss over {x} from {number(x_lo)} to {number(x_hi)} and {y} from "
        f"{number(y_lo)} to {number(y_hi)}{stars}."
    )


def path(walk: Path, *, label: str = "The path") -> str:
    """Describe a path: where it starts, and where it ends or that it diverges."""
    start = f"{label} starts at {point(walk.theta[0])}, where the loss is {number(walk.loss[0])}"
    if walk.diverged_at >= 0:
        return f"{start}, and diverges at step {int(walk.diverged_at)}."
    return (
        f"{start}, and is at {point(walk.theta[-1])} after {walk.steps} steps, "
        f"with a loss of {number(walk.loss[-1])}."
    )


def losses(walks: Mapping[str, Path], *, evaluations: bool = False) -> str:
    """Describe loss curves: what each run comes to, the lowest first."""

    def fate(name: str, walk: Path) -> str:
        spent = int(walk.grad_evals[-1]) if evaluations else walk.steps
        if walk.diverged_at >= 0:
            return f"{name} diverges at step {int(walk.diverged_at)}"
        return f"{name} {number(walk.loss[-1])} after {spent}"

    order = sorted(walks, key=lambda name: _last(walks[name]))
    across = "gradient evaluations" if evaluations else "steps"
    fates = [fate(name, walks[name]) for name in order]
    order_of = "the lowest at its end first"
    return f"Loss on a logarithmic scale against {across}, {order_of}: {listed(fates)}."


def race(J: Surface, walks: Mapping[str, Path]) -> str:
    """Describe a race: the map, the start, and what each run comes to."""
    starts = dict.fromkeys(point(walk.theta[0]) for walk in walks.values())
    return f"{contours(J)} Paths grow on it from {listed([*starts])}. Beside it: " + losses(
        walks, evaluations=True
    )


def _last(walk: Path) -> float:
    return float(walk.loss[-1]) if np.isfinite(walk.loss[-1]) else np.inf


def rates(rates: Mapping[str, Array], *, labels: Sequence[str] = ("w", "b")) -> str:
    """Describe effective learning rates: first, last, and whether they ever rise."""

    def course(name: str, label: str, rate: Array) -> str:
        rate = rate[np.isfinite(rate)]
        way = "never rising" if (np.diff(rate) <= 0).all() else "rising at times"
        return f"{name} for {label} from {number(rate[0])} to {number(rate[-1])}, {way}"

    parts = [course(n, label, r[:, k]) for n, r in rates.items() for k, label in enumerate(labels)]
    steps = max(len(rate) for rate in rates.values())
    return (
        f"Effective learning rates over {steps} steps, on a logarithmic scale: {'; '.join(parts)}."
    )


def first_moment(moments: Moments, *, coordinate: int = 0) -> str:
    """Describe m and m_hat of one coordinate."""
    return _pair("m", "mean gradient", moments.m[:, coordinate], moments.m_hat[:, coordinate])


def second_moment(moments: Moments, *, coordinate: int = 0) -> str:
    """Describe v and v_hat of one coordinate."""
    what = "mean squared gradient, on a logarithmic scale"
    return _pair("v", what, moments.v[:, coordinate], moments.v_hat[:, coordinate])


def _pair(letter: str, what: str, raw: Array, corrected: Array) -> str:
    return (
        f"Adam's {what}, over {len(raw)} steps. At step 1 {letter} is {number(raw[0])} and "
        f"{number(corrected[0])} with its bias corrected; at the last step {number(raw[-1])} and "
        f"{number(corrected[-1])}."
    )


def look_ahead(vectors: StepVectors) -> str:
    """Describe one step of Nesterov and of momentum."""
    s = vectors
    lengths = [number(float(np.hypot(*v))) for v in (s.jump, s.correction, s.slope)]
    return (
        f"Arrows from {point(s.theta)}: a jump of length {lengths[0]} to the look-ahead point "
        f"{point(s.look)}; from there Nesterov's correction of length {lengths[1]} to "
        f"{point(s.nesterov)}, and momentum's, the slope at the start, of length {lengths[2]} to "
        f"{point(s.momentum)}."
    )


def basin(falls: Basin) -> str:
    """Describe a basin map: what share of the starts ends where, and how long it takes."""
    shares = [
        f"{share} at {point(minimum)}"
        for k, minimum in enumerate(falls.minima)
        if (share := _share(falls.ends == k))
    ]
    for end, words in ((DIVERGED, "diverge"), (ELSEWHERE, "end elsewhere")):
        if share := _share(falls.ends == end):
            shares.append(f"{share} {words}")
    (y_name, y), (x_name, x) = falls.axes.items()
    steps = falls.arrived[falls.ends >= 0]
    time = f" It takes {steps.min()} to {steps.max()} steps." if len(steps) else ""
    return (
        f"Map of starts over {x_name} from {number(x[0])} to {number(x[-1])} and {y_name} from "
        f"{number(y[0])} to {number(y[-1])}, coloured by the minimum that a run from there ends "
        f"at: {listed(shares)}.{time}"
    )


def _share(there: Array) -> str:
    return f"{number(100 * float(np.mean(there)))}\u00a0%" if np.any(there) else ""


def robustness(strip: Sweep, *, below: float | None = None, axis: str = "eta") -> str:
    """Describe a robustness strip: over how many powers of ten each rule succeeds."""
    below, rates = success(strip, below), np.asarray(strip.axes[axis], float)
    names = strip.axes["rule"]
    parts = [
        f"{names[k]} over {decades(strip.loss[k], borders(rates), below):.1f}"
        for k in ranking(strip.loss, below)
    ]
    return (
        f"A strip for each rule: its final loss against {axis} from {number(rates[0])} to "
        f"{number(rates[-1])}. Powers of ten with a loss below {number(below)}: {listed(parts)}."
    )
