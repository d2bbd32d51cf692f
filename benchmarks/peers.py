"""Adam on the running example by other means: each records theta, loss, m and v at every step.

A function for one run takes the number of steps, one for a sweep the starts, shape (2, K), too;
all return theta at the end.
"""

from __future__ import annotations

import ctypes
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["XLA_FLAGS"] = (  # one thread for jax, as for all others
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from lecopt import two_points

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

START, ETA, BETA1, BETA2, EPS = (-2.0, -2.0), 0.1, 0.9, 0.999, 1e-8
X, Y = (a.tolist() for a in two_points())


# ---- one run


def plain_python(steps: int) -> np.ndarray:
    """Loop over Python floats, as the lectures do."""
    (w, b), mw, mb, vw, vb = START, 0.0, 0.0, 0.0, 0.0
    history = []
    for t in range(1, steps + 2):
        loss = gw = gb = 0.0
        for x, y in zip(X, Y, strict=True):
            f = 1 / (1 + math.exp(-(w * x + b)))
            delta = (f - y) * f * (1 - f)
            loss, gw, gb = loss + (f - y) ** 2 / 2, gw + delta * x, gb + delta
        history.append((w, b, loss, mw, mb, vw, vb))
        mw, mb = BETA1 * mw + (1 - BETA1) * gw, BETA1 * mb + (1 - BETA1) * gb
        vw, vb = BETA2 * vw + (1 - BETA2) * gw * gw, BETA2 * vb + (1 - BETA2) * gb * gb
        c1, c2 = 1 - BETA1**t, 1 - BETA2**t
        w -= ETA * (mw / c1) / (math.sqrt(vw / c2) + EPS)
        b -= ETA * (mb / c1) / (math.sqrt(vb / c2) + EPS)
    return np.array(history)[-1, :2]


def torch_autograd(steps: int) -> np.ndarray:
    """Run torch.optim, with its gradient."""
    theta = torch.tensor(START, requires_grad=True)
    x, y = torch.tensor(X), torch.tensor(Y)
    optimizer = torch.optim.Adam([theta], lr=ETA, betas=(BETA1, BETA2), eps=EPS)
    history = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = 0.5 * ((torch.sigmoid(theta[0] * x + theta[1]) - y) ** 2).sum()
        loss.backward()
        optimizer.step()
        memory = optimizer.state[theta]
        moments = memory["exp_avg"].clone(), memory["exp_avg_sq"].clone()
        history.append((theta.detach().clone(), loss.item(), *moments))
    return history[-1][0].numpy()


def jax_loss(theta: jax.Array) -> jax.Array:
    f = jax.nn.sigmoid(theta[0] * jnp.array(X) + theta[1])
    return 0.5 * jnp.sum((f - jnp.array(Y)) ** 2)


OPTAX = optax.adam(ETA, b1=BETA1, b2=BETA2, eps=EPS)


@jax.jit
def optax_step(theta, state):
    loss, gradient = jax.value_and_grad(jax_loss)(theta)
    update, state = OPTAX.update(gradient, state)
    return optax.apply_updates(theta, update), state, loss


def optax_jitted(steps: int) -> np.ndarray:
    """Call a jitted step of optax."""
    theta = jnp.array(START)
    state, history = OPTAX.init(theta), []
    for _ in range(steps):
        theta, state, loss = optax_step(theta, state)
        history.append((theta, loss, state[0].mu, state[0].nu))
    return np.array(jax.block_until_ready(history)[-1][0])


# ---- many runs at once


@torch.no_grad()
def torch_fused(starts: np.ndarray, steps: int) -> np.ndarray:
    """Run torch's fused Adam, with the gradient by hand."""
    theta = torch.tensor(starts, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=ETA, betas=(BETA1, BETA2), eps=EPS, fused=True)
    history = []
    for _ in range(steps):
        w, b = theta
        loss = gw = gb = torch.zeros(())
        for x, y in zip(X, Y, strict=True):
            f = torch.sigmoid(w * x + b)
            delta = (f - y) * f * (1 - f)
            loss, gw, gb = loss + 0.5 * (f - y) ** 2, gw + delta * x, gb + delta
        theta.grad = torch.stack([gw, gb])
        optimizer.step()
        memory = optimizer.state[theta]
        moments = memory["exp_avg"].clone(), memory["exp_avg_sq"].clone()
        history.append((theta.detach().clone(), loss, *moments))
    return history[-1][0].numpy()


def _scanned(start: jax.Array, steps: int) -> tuple[jax.Array, ...]:
    def step(carry, _):
        theta, state = carry
        after, state, loss = optax_step(theta, state)
        return (after, state), (after, loss, state[0].mu, state[0].nu)

    return jax.lax.scan(step, (start, OPTAX.init(start)), length=steps)[1]


JAX_SWEEP = jax.jit(jax.vmap(_scanned, in_axes=(1, None)), static_argnums=1)


def jax_scan(starts: np.ndarray, steps: int) -> np.ndarray:
    """Run optax inside lax.scan inside vmap."""
    history = jax.block_until_ready(JAX_SWEEP(jnp.asarray(starts), steps))
    return np.asarray(history[0][:, -1]).T


def c_loop() -> Callable[[np.ndarray, int], np.ndarray] | None:
    """Compile adam.c with the system's compiler, for this processor; None where there is none."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    flags = ["-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512"]
    source = Path(__file__).with_name("adam.c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "adam.so")
        made = [[compiler, *flags], [compiler, *flags[:-1]], [compiler, "-O3", "-ffast-math"]]
        for command in made:
            arguments = [*command, "-shared", "-fPIC", str(source), "-o", str(library), "-lm"]
            if subprocess.run(arguments, capture_output=True, check=False).returncode == 0:
                break
        function = ctypes.CDLL(str(library)).adam
    array, number, size = (
        np.ctypeslib.ndpointer(float, flags="C"),
        ctypes.c_double,
        ctypes.c_ssize_t,
    )
    function.argtypes = [size, size, array, array, *[number] * 4, *[array] * 4]
    function.restype = None
    x, y = np.array(X), np.array(Y)

    def run(starts: np.ndarray, steps: int) -> np.ndarray:
        theta, m, v = (np.empty((steps + 1, *starts.shape)) for _ in range(3))
        loss = np.empty((steps + 1, starts.shape[1]))
        theta[0], m[0], v[0] = starts, 0, 0
        function(starts.shape[1], steps, x, y, ETA, BETA1, BETA2, EPS, theta, loss, m, v)
        return theta[-1]

    return run
