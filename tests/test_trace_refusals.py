"""What cannot be traced is refused, in words that name the file, the line and the remedy."""

from __future__ import annotations

import dataclasses
import inspect
import math
import sys

import numpy as np
import pytest
from strategies import OBJECTIVES

from lecopt import Momentum, first_that
from lecopt.optimizers import MomentumState
from lecopt.rule import Hyper
from lecopt.trace import TraceError, trace_init, trace_objective, trace_schedule, trace_step

DICE = np.random.default_rng(1)


@dataclasses.dataclass
class Own:
    """A student's rule; the table below fills in the step."""

    eta: Hyper = 0.1

    def init(self, theta):
        return MomentumState(u=np.zeros_like(theta))


def made(step, **more):
    return dataclasses.dataclass(type("Student", (Own,), {"step": step, **more}))()


# Each is refused in the line that ends in "# here".


def branch(self, theta, state, J):
    g = J.grad(theta)
    if np.sum(g) > 0:  # here
        theta = theta - self.eta * g
    return theta, state


def loop(self, theta, state, J):
    while J(theta) > 1:  # here
        theta = theta - self.eta * J.grad(theta)
    return theta, state


def either(self, theta, state, J):
    return theta - self.eta * (J.grad(theta)[0] or 1.0), state  # here


def chain(self, theta, state, J):
    g = J.grad(theta)
    u = np.where(-1 < g < 1, g, np.sign(g))  # here
    return theta - self.eta * u, state


def largest(self, theta, state, J):
    return theta - self.eta * max(J.grad(theta)), state  # here


def square_root(self, theta, state, J):
    return theta - self.eta / math.sqrt(J(theta)), state  # here


def exponential(self, theta, state, J):
    return theta - math.exp(-self.eta) * J.grad(theta), state  # here


def as_float(self, theta, state, J):
    return theta - self.eta * float(J(theta)), state  # here


def counted(self, theta, state, J):
    for _ in range(state.u[0]):  # here
        theta = theta - self.eta * J.grad(theta)
    return theta, state


def from_a_list(self, theta, state, J):
    return theta - [0.1, 0.2][np.argmax(theta)] * J.grad(theta), state  # here


def in_place(self, theta, state, J):
    theta -= self.eta * J.grad(theta)  # here
    return theta, state


def assignment(self, theta, state, J):
    theta[0] = 0  # here
    return theta, state


def state_in_place(self, theta, state, J):
    u = state.u
    u *= 0.9  # here
    return theta - u, MomentumState(u)


def part_in_place(self, theta, state, J):
    part = theta[:1]
    part += 1  # here
    return theta, state


def by_out(self, theta, state, J):
    np.multiply(state.u, 0.9, out=state.u)  # here
    return theta - state.u, state


def transposed_in_place(self, theta, state, J):
    u = theta.copy()
    rows = u.reshape(1, -1)
    rows += 1  # here
    return u, state


def into_zeros(self, theta, state, J):
    u = np.zeros(2)
    u[:] = J.grad(theta)  # here
    return theta - self.eta * u, state


def zeros_in_place(self, theta, state, J):
    u = np.zeros(2)
    u += J.grad(theta)  # here
    return theta - self.eta * u, state


def fractions_into_whole_numbers(self, theta, state, J):
    u = np.zeros_like(theta, dtype=int)
    u[0] = 0.5 * theta[0]  # here
    return theta - self.eta * u, state


def too_long(self, theta, state, J):
    u = J.grad(theta) * 1
    u += np.ones((2, 1))  # here
    return theta - self.eta * u, state


def masked(self, theta, state, J):
    g = J.grad(theta)
    return theta - self.eta * np.sum(g[g > 0]), state  # here


def masked_in_place(self, theta, state, J):
    u = J.grad(theta) * 1
    u[u > 0] *= 0.5  # here
    return theta - self.eta * u, state


def masked_assignment(self, theta, state, J):
    u = J.grad(theta) * 1
    u[u > 0] = np.ones(2)  # here
    return theta - self.eta * u, state


def by_values(self, theta, state, J):
    g = J.grad(theta)
    return theta - self.eta * g[g], state  # here


def twice_indexed(self, theta, state, J):
    g = np.outer(theta, theta)
    return theta - self.eta * g[[0, 1], [1, 0]], state  # here


def unknown(self, theta, state, J):
    return theta - self.eta * np.median(J.grad(theta)), state  # here


def unknown_ufunc(self, theta, state, J):
    return theta - self.eta * np.spacing(J.grad(theta)), state  # here


def options(self, theta, state, J):
    return theta - self.eta * np.sum(J.grad(theta), dtype=float), state  # here


def where_option(self, theta, state, J):
    g = J.grad(theta)
    return theta - np.divide(g, theta, where=theta != 0), state  # here


def cumulated(self, theta, state, J):
    return theta - self.eta * np.add.accumulate(J.grad(theta)), state  # here


def method(self, theta, state, J):
    return theta - self.eta * J.grad(theta).argsort(), state  # here


def other_norm(self, theta, state, J):
    return theta / np.linalg.norm(theta, 3), state  # here


def dotted(self, theta, state, J):
    return theta - np.einsum("...i,i->i", theta, theta), state  # here


def stacked_matrices(self, theta, state, J):
    return theta - (np.ones((3, 2, 2)) @ theta)[0], state  # here


def bits(self, theta, state, J):
    return theta - (np.argmax(theta) & 1), state  # here


def words(self, theta, state, J):
    return theta - self.eta * J.grad(theta) * "2", state  # here


def random_step(self, theta, state, J):
    return theta - self.eta * np.random.normal(size=2), state  # noqa: NPY002  # here


def random_draw(self, theta, state, J):
    g = J.grad(theta)
    noise = DICE.normal(size=2)
    return theta - self.eta * (g + noise), state  # here


def kept_on_self(self, theta, state, J):
    self.u = 0.9 * getattr(self, "u", 0) + J.grad(theta)  # here
    return theta - self.eta * self.u, state


def own_rate(self, theta, state, J):
    self.eta *= 0.99  # here
    return theta - self.eta * J.grad(theta), state


def rows_inside(self, theta, state, J):
    return theta - self.eta * J.on([0]).grad(theta), state  # here


def two_truths(self, theta, state, J):
    eta = first_that(lambda eta: theta - eta > 0, self.eta, lambda eta: eta / 2, 9)  # here
    return theta - eta, state


def other_shape(self, theta, state, J):
    eta = first_that(lambda eta: J(eta) < 1, self.eta, lambda eta: eta * theta, 9)  # here
    return theta - eta, state


def out_of_the_loop(self, theta, state, J):
    seen = []

    def enough(eta):
        seen.append(2 * eta)
        return J(theta - eta) < 1

    first_that(enough, self.eta, lambda eta: eta / 2, 9)
    return theta - seen[0], state  # here


DECISION = ("a decision (if, while, and, or, max, min) on a value", "np.where(condition, a, b)")
NUMBER = ("a conversion to a Python number", "NumPy's function (np.exp)")
CALLERS = ("a change in place of what belongs to the caller", "theta = theta.copy()")
KNOWN = "NumPy functions that can be: abs"
TABLE = {
    branch: DECISION,
    loop: DECISION,
    either: DECISION,
    chain: DECISION,
    largest: DECISION,
    square_root: NUMBER,
    exponential: NUMBER,
    as_float: NUMBER,
    counted: ("a count or an index of Python", "np.where"),
    from_a_list: ("a count or an index of Python", "np.where"),
    in_place: CALLERS,
    assignment: CALLERS,
    state_in_place: CALLERS,
    part_in_place: CALLERS,
    by_out: CALLERS,
    transposed_in_place: ("an array seen in another shape", "a copy"),
    into_zeros: ("a value put into a plain array", "np.zeros_like(theta)"),
    zeros_in_place: ("a change in place of a plain array", "np.zeros_like(theta)"),
    fractions_into_whole_numbers: ("float64 numbers put into an array of int64", "np.zeros_like"),
    too_long: ("a value of shape (2, 2) put into (2,)", "a = a + b"),
    masked: ("an index by a condition", "np.where(condition, a, b)"),
    masked_in_place: ("an index by a condition", "np.where(condition, a, b)"),
    masked_assignment: ("an assignment of an array by a condition", "np.where"),
    by_values: ("an index by arrays or values", "np.where(condition, a, b)"),
    twice_indexed: ("an index by arrays or values", "np.where(condition, a, b)"),
    unknown: ("np.median", KNOWN),
    unknown_ufunc: ("np.spacing", KNOWN),
    options: ("np.sum with other options", "np.sum(a"),
    where_option: ("np.divide with where", "the plain call, and np.where"),
    cumulated: ("np.add with accumulate", "the plain call"),
    method: ("an array's .argsort", KNOWN),
    other_norm: ("np.linalg.norm with ord=3", "1, 2 or np.inf"),
    dotted: ("np.einsum('...i,i->i')", "a term without dots"),
    stacked_matrices: ("a product of stacks of matrices", "np.einsum"),
    bits: ("&, |, ^ or ~ between numbers", "(a > 0) & (b > 0)"),
    words: ("a str among numbers", "numbers and NumPy arrays of them"),
    random_step: ("something else each time it runs, as a random draw", "it is given rows"),
    random_draw: ("something else each time it runs, as a random draw", "it is given rows"),
    kept_on_self: ("a value kept on the object itself, as .u", "return theta, State(u=...)"),
    own_rate: ("a value kept on the object itself, as .eta", "the next state"),
    rows_inside: ("the objective's .on", "J(theta) and J.grad(theta)"),
    two_truths: ("a test of shape (2,)", "one truth value"),
    other_shape: ("a candidate of shape (), then one of (2,)", "candidates of one shape"),
    out_of_the_loop: ("a value from inside `first_that`", "what first_that returns"),
}


@pytest.mark.parametrize(("step", "words"), TABLE.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_a_refusal_names_the_file_the_line_and_the_remedy(step, words):
    source, first = inspect.getsourcelines(step)
    line = next(i for i, text in enumerate(source) if text.rstrip().endswith("# here"))
    with pytest.raises(TraceError) as caught:
        trace_step(made(step))
    message = str(caught.value)
    where = f"test_trace_refusals.py, line {first + line}, in {step.__name__}: "
    assert message.startswith(where + source[line].strip()), message
    what, remedy = words
    assert what in message.splitlines()[1], message
    assert remedy in message.split("Write instead: ")[1], message


def test_init_objectives_and_schedules_are_refused_alike():
    def init(self, theta):
        return MomentumState(u=np.sort(theta))

    with pytest.raises(TraceError, match=r"line \d+, in init: .*\n.*np.sort"):
        trace_init(made(branch, init=init))

    class Steep(type(OBJECTIVES["Beale"])):
        def grad(self, theta):
            return np.sort(theta)

    with pytest.raises(TraceError, match=r"line \d+, in grad: return np.sort\(theta\)\n.*np.sort"):
        trace_objective(Steep())
    with pytest.raises(TraceError, match=r"in <lambda>: .*if t < 10.*\n.*np.where\(condition"):
        trace_schedule(lambda t: 0.1 if t < 10 else 0.01)
    with pytest.raises(TraceError, match=r"in <lambda>: .*math.exp.*\n.*NumPy's function"):
        trace_schedule(lambda t: math.exp(-t))
    with pytest.raises(TraceError, match=r"values of shape \(2,\).*give a schedule of one number"):
        trace_schedule(lambda t: t * np.ones(2))


def test_tracing_leaves_rule_objective_numpy_and_profiler_as_they_were():
    rule, J = Momentum(0.3, 0.8), OBJECTIVES["Neuron"]
    X, plain = J.X.copy(), (np.array, np.asarray)
    before = sys.getprofile()
    trace_step(rule), trace_objective(J)
    assert rule == Momentum(0.3, 0.8) and (J.X == X).all() and isinstance(J.X, np.ndarray)
    assert sys.getprofile() is before
    with pytest.raises(TraceError):
        trace_step(made(branch))
    assert sys.getprofile() is before and (np.array, np.asarray) == plain
