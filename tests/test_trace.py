"""The tape: what a program computes is what the Python code computes, and refusals say where.

The programs are run here by a small interpreter of the tape's operations, written from their
description alone; the page has another one, in JavaScript.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import textwrap
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import (
    OBJECTIVES,
    every_objective,
    every_rule,
    law,
    law_of_pairs,
    mid_run,
    points,
    rules,
    steps_and_seeds,
)

from lecopt import Adam, Nesterov, Neuron
from lecopt.optimizers import MomentumState
from lecopt.rule import Hyper
from lecopt.tape import Tape
from lecopt.trace import TraceError, trace_init, trace_objective, trace_step

FUNCTIONS = {
    "neg": lambda a: -a, "exp": np.exp, "log": np.log, "log2": np.log2, "log1p": np.log1p,
    "log10": lambda a: np.log(a) / math.log(10), "expm1": np.expm1, "sqrt": np.sqrt,
    "cbrt": lambda a: np.sign(a) * np.abs(a) ** (1 / 3), "abs": np.abs, "sign": np.sign,
    "floor": np.floor, "ceil": np.ceil, "trunc": lambda a: np.sign(a) * np.floor(np.abs(a)),
    "rint": np.rint, "cos": np.cos, "sin": np.sin, "tan": lambda a: np.sin(a) / np.cos(a),
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": lambda a: (np.exp(a) - np.exp(-a)) / 2, "cosh": lambda a: (np.exp(a) + np.exp(-a)) / 2,
    "tanh": np.tanh, "asinh": lambda a: np.log(a + np.sqrt(a * a + 1)),
    "acosh": lambda a: np.log(a + np.sqrt(a * a - 1)),
    "atanh": lambda a: np.log((1 + a) / (1 - a)) / 2,
    "not": lambda a: np.where(a, 0.0, 1.0),
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "pow": lambda a, b: a**b, "min": np.minimum, "max": np.maximum,
    "mod": lambda a, b: a % b, "hypot": lambda a, b: np.sqrt(a * a + b * b),
    "atan2": np.arctan2,
    "lt": lambda a, b: 1.0 * (a < b), "le": lambda a, b: 1.0 * (a <= b),
    "gt": lambda a, b: 1.0 * (a > b), "ge": lambda a, b: 1.0 * (a >= b),
    "eq": lambda a, b: 1.0 * (a == b), "ne": lambda a, b: 1.0 * (a != b),
    "and": lambda a, b: np.where(a, np.where(b, 1.0, 0.0), 0.0),
    "or": lambda a, b: np.where(a, 1.0, np.where(b, 1.0, 0.0)),
    "matmul": lambda a, b: a @ b,
    "where": lambda c, a, b: np.where(c != 0, a, b),
}  # fmt: skip
REDUCTIONS = {"sum": np.sum, "mean": np.mean, "prod": np.prod, "amax": np.max, "amin": np.min}
SHAPES = {"get", "set", "reshape", "transpose", "stack", "concat"}


def plain_key(key):
    return slice(*key[1:]) if isinstance(key, list) else key


def run(program, inputs, J=None):
    """Return the values of all nodes of a program; inputs by name, J for the nodes that ask it."""
    nodes = program["nodes"]
    values = [None] * len(nodes)

    def evaluate(i):
        op, *args = nodes[i]
        if op == "in":
            return inputs[args[0]]
        if op == "const":
            return args[0]
        if op in {"stack", "concat"}:
            join = np.stack if op == "stack" else np.concatenate
            return join([values[k] for k in args[0]], args[1])
        a = values[args[0]]
        if op == "get":
            return a[tuple(plain_key(key) for key in args[1])]
        if op == "set":
            changed = a.copy()
            changed[tuple(plain_key(key) for key in args[1])] = values[args[2]]
            return changed
        if op == "reshape":
            return a.reshape(args[1])
        if op == "transpose":
            return a.transpose(*args[1:])
        if op in REDUCTIONS:
            return REDUCTIONS[op](a, axis=args[1])
        if op == "loss":
            return J(a)
        if op == "grad":
            return J.grad(a)
        if op == "until":
            return a
        return FUNCTIONS[op](*(values[k] for k in args))

    def go(i, end):
        while i < end:
            if nodes[i][0] == "candidate":
                i = search(i)
            values[i] = values[i] if nodes[i][0] == "first" else np.asarray(evaluate(i), float)
            i += 1

    def search(begin):
        """Run a loop, and return the number of the node that ends it."""
        _, start, tries = nodes[begin]
        end = next(i for i, n in enumerate(nodes) if n[0] == "first" and n[1] == begin)
        found, after = nodes[end][2:]
        until = next(i for i, n in enumerate(nodes) if i > found and n == ["until", found])
        x = values[start]
        for _ in range(tries):
            values[begin] = x
            go(begin + 1, until)
            if np.all(values[found] != 0):
                break
            go(until + 1, end)
            x = np.where(values[found] != 0, x, values[after])
        values[end] = x
        return end

    with np.errstate(all="ignore"):
        go(0, len(nodes))
    return values


def outputs(program, inputs, J=None):
    values = run(program, inputs, J)
    return {name: values[node] for name, node in program["out"].items()}


def step_inputs(rule, theta, state):
    hyper = {field.name: getattr(rule, field.name) for field in dataclasses.fields(rule)}
    return {"theta": theta, **hyper, **{f"state.{k}": v for k, v in state._asdict().items()}}


def close(a, b):
    return np.allclose(a, b, rtol=1e-13, atol=1e-300, equal_nan=True) and np.shape(a) == np.shape(b)


# ---- rules and objectives


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_the_program_of_a_rule_takes_the_rules_step(rule, J, data):
    r, theta = data.draw(rules(rule)), data.draw(points(J))
    state = mid_run(r, theta, *data.draw(steps_and_seeds))
    # Traced with other hyper-parameters: they are inputs, as the reader moves the sliders.
    program = json.loads(json.dumps(trace_step(rule())))
    new, new_state = r.step(theta, state, J)
    out = outputs(program, step_inputs(r, theta, state), J)
    assert close(out.pop("theta"), new)
    assert set(out) == {f"state.{name}" for name in new_state._fields}
    for name, value in new_state._asdict().items():
        assert close(out[f"state.{name}"], np.asarray(value)), name


@every_rule
@every_objective
@law_of_pairs
@given(data=st.data())
def test_the_program_of_a_rules_beginning_is_its_init(rule, J, data):
    r, theta = data.draw(rules(rule)), data.draw(points(J))
    program = json.loads(json.dumps(trace_init(rule())))
    state = r.init(theta)
    out = outputs(program, step_inputs(r, theta, state))
    assert list(out) == ["theta", *(f"state.{name}" for name in state._fields)]
    assert all(close(a, b) for a, b in zip(out.values(), (theta, *state), strict=True))


@every_rule
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_rule_can_be_traced_in_any_dimension(rule, dim):
    theta, g = np.linspace(-1, 1, dim), np.linspace(0.5, 2, dim)

    class Tilted:
        def grad(self, theta):
            return g * theta

    program = trace_step(rule(), dim)
    out = outputs(program, step_inputs(rule(), theta, rule().init(theta)), Tilted())
    assert close(out["theta"], rule().step(theta, rule().init(theta), Tilted())[0])


@every_rule
def test_the_program_asks_for_as_many_gradients_as_the_rule(rule):
    operations = [op for op, *_ in trace_step(rule())["nodes"]]
    assert operations.count("grad") == 1 and operations.count("loss") == 0


@every_objective
@law
@given(data=st.data())
def test_the_programs_of_an_objective_give_its_loss_and_gradient(J, data):
    theta = data.draw(points(J))
    traced = json.loads(json.dumps(trace_objective(J)))
    inputs = {"theta": theta} | {f"data.{k}": np.array(v) for k, v in traced["data"].items()}
    slack = 1e-12 * (1 + np.abs(J.grad(theta)).max() + abs(J(theta)))
    assert abs(outputs(traced["loss"], inputs)["value"] - J(theta)) < slack
    gradient = outputs(traced["grad"], inputs)["value"]
    assert gradient.shape == (2,) and np.abs(gradient - J.grad(theta)).max() < slack


def test_data_can_be_changed_without_tracing_anew():
    J = Neuron([0.5, 2.5], [0.2, 0.9])
    other = Neuron([1.0, -1.0, 3.0], [0.3, 0.6, 0.1])
    theta = np.array([0.4, -0.7])
    traced = trace_objective(J)
    assert traced["data"] == {"X": [0.5, 2.5], "y": [0.2, 0.9]}
    inputs = {"theta": theta, "data.X": other.X, "data.y": other.y}
    assert close(outputs(traced["loss"], inputs)["value"], other(theta))
    assert outputs(traced["grad"], inputs)["value"] == pytest.approx(other.grad(theta), rel=1e-13)


def test_a_neuron_of_several_features():
    J = Neuron(np.array([[0.5, 1.0, -1.0], [2.5, 0.0, 2.0]]), [0.2, 0.9])
    theta = np.array([0.4, -0.7, 0.2, 0.1])
    traced = trace_objective(J)
    inputs = {"theta": theta, "data.X": J.X, "data.y": J.y}
    assert outputs(traced["grad"], inputs)["value"] == pytest.approx(J.grad(theta), rel=1e-13)


def test_programs_are_short():
    assert len(trace_step(Adam())["nodes"]) < 50
    assert len(trace_objective(OBJECTIVES["Neuron"])["grad"]["nodes"]) < 40
    shared = trace_objective(OBJECTIVES["Beale"])["grad"]["nodes"]
    assert len({json.dumps(node) for node in shared}) == len(shared), "nothing is computed twice"


# ---- source and locals, for the code panel


@every_rule
@law
@given(data=st.data())
def test_the_locals_are_what_step_holds_when_it_returns(rule, data):
    J, r, theta = (
        OBJECTIVES["Neuron"],
        data.draw(rules(rule)),
        data.draw(points(OBJECTIVES["Neuron"])),
    )
    state = mid_run(r, theta, *data.draw(steps_and_seeds))
    program = trace_step(rule())
    values = run(program, step_inputs(r, theta, state), J)
    held = locals_of_step(r, theta, state, J)
    named = {name: values[node] for name, node, _ in program["locals"]}
    assert set(named) == set(held) - {"self", "state", "J"}
    for name, value in named.items():
        assert close(value, np.asarray(held[name])), name


def locals_of_step(rule, theta, state, J):
    """Run a step as plain source, and return all its names at the return."""
    lines = inspect.getsource(type(rule).step).splitlines()
    body = [line.strip() for line in lines[1:] if not line.strip().startswith("return")]
    held = {"self": rule, "theta": theta, "state": state, "J": J}
    exec("\n".join(body), {"np": np}, held)
    return held


@every_rule
def test_each_local_points_to_the_line_that_sets_it(rule):
    program = trace_step(rule())
    lines = program["source"].splitlines()
    assert lines[0].startswith("def step(self, theta")
    assert program["source"] == textwrap.dedent(inspect.getsource(rule.step))
    for name, _, line in program["locals"]:
        assert lines[line].strip().startswith(f"{name} = ")
    assert {name for name, _, _ in program["locals"]} >= {"theta", "g"}


# ---- random expressions

scalars = st.floats(-3, 3).map(lambda x: round(x, 3))
vectors = arrays(float, 3, elements=scalars)

LEAVES = ["x", "y", "s", "2.5", "np.array([1.0, -2.0, 0.5])", "x[0]", "y[-1]", "x[::-1]", "3"]
UNARY = [
    "-({})", "np.exp({})", "np.sin({})", "np.cos({})", "np.tanh({})", "np.abs({})",
    "np.sqrt(np.abs({}))", "np.log(1 + np.abs({}))", "np.log2(2 + np.abs({}))",
    "np.log1p(np.abs({}))", "np.expm1({})", "np.sign({})", "np.floor({})", "np.ceil({})",
    "({}) ** 2", "({}) ** 3", "(1 + np.abs({})) ** -0.5", "np.square({})", "abs({})",
    "np.sum({})", "np.mean({})", "np.max({})", "np.min({})", "np.copy({})",
    "np.linalg.norm({} + x)", "np.clip({}, -1, 0.5)", "(x + {}).sum()", "(x + {}).max()",
    "(x + {}).T", "(x + {})[None, 1:, None].mean(axis=1)[0, 0]", "(x + {})[..., 1]",
    "(x + {})[[1][0]]", "1 / (3 + ({}) ** 2)", "np.reciprocal(2 + np.abs({}))",
    "np.zeros_like(x + {})", "np.full_like(x, 2.0) * {}", "np.ones_like(x) - {}",
]  # fmt: skip
BINARY = [
    "({} + {})", "({} - {})", "({} * {})", "({}) / (4 + np.abs({}))", "np.maximum({}, {})",
    "np.minimum({}, {})", "(1 + np.abs({})) ** np.tanh({})", "1.0 * ({} < {})",
    "np.where({} > {}, x, s)", "np.where({} >= 0, {}, -y)", "np.where(({} < 1) & ({} > -1), s, y)",
    "np.where(({} < 1) | ({} != 0), 2.0, x)", "np.where(np.logical_not({} <= {}), x, y)",
    "np.stack([x + {}, y + {}], axis=1)[1]", "np.stack([x + {}, y * {}])[:, 2].sum()",
    "(np.outer(x + {}, y - {}) @ x)", "((x + {}) @ (y + {}))", "np.dot(x + {}, y + {})",
    "np.stack([x + {}, y + {}]).mean(axis=0)",
    "np.stack([x, y + {}]).T[0, 1] * (x + {})[..., None][..., 0]",
    "np.sum(np.stack([x + {}, y + {}]), axis=1).max()", "({} == {}) * 1.5",
]  # fmt: skip


def expressions():
    def grow(inner):
        one = st.tuples(st.sampled_from(UNARY), inner)
        two = st.tuples(st.sampled_from(BINARY), inner, inner)
        return st.one_of(one, two).map(lambda parts: parts[0].format(*parts[1:]))

    leaves = st.sampled_from(LEAVES)
    return st.recursive(leaves, grow, max_leaves=6).filter(is_traceable)


def is_traceable(text):
    """Leave out those that hold no symbol to trace, or that NumPy itself refuses."""
    try:
        with np.errstate(all="ignore"):
            eval(text, {"np": np, "x": np.ones(3), "y": np.ones(3), "s": np.float64(1)})
    except (IndexError, ValueError, TypeError):
        return False
    return True


def means_the_same_traced(text, x, y, s):
    """Whether an expression in x, y and s has the same value when its tape is run."""
    tape = Tape()
    example = {"x": np.full(3, 0.5), "y": np.full(3, 1.5), "s": np.array(0.7)}
    names = {"np": np} | {name: tape.input(name, value) for name, value in example.items()}
    traced = tape.symbol(eval(text, names))
    program = json.loads(json.dumps({"nodes": tape.nodes, "out": {"value": traced.index}}))
    got = outputs(program, {"x": x, "y": y, "s": s})["value"]
    with np.errstate(all="ignore"):
        expected = np.asarray(eval(text, {"np": np, "x": x, "y": y, "s": np.float64(s)}), float)
    same_shape = got.shape == expected.shape
    return same_shape and np.allclose(got, expected, rtol=1e-12, atol=1e-12, equal_nan=True)


@given(expressions(), vectors, vectors, scalars)
@settings(law, max_examples=100)
def test_random_expressions_mean_the_same_traced(text, x, y, s):
    assert means_the_same_traced(text, x, y, s)


@pytest.mark.parametrize("text", [*UNARY, *BINARY])
def test_each_operation_means_the_same_traced(text):
    numbers = np.random.default_rng(8).uniform(-2, 2, (5, 2, 3))
    for x, y in numbers:
        assert means_the_same_traced(text.format(*"xyxy"), x, y, -0.3)


def test_every_operation_of_the_interpreter_is_one_of_the_tape():
    """So the list above neither lacks nor invents an operation."""
    from lecopt import tape

    assert set(tape.OPERATIONS) == {*FUNCTIONS, *REDUCTIONS, *SHAPES}


# ---- a student's own rule


@dataclasses.dataclass(frozen=True)
class Own:
    """A student's rule; the tests below fill in the step."""

    eta: Hyper = 0.1

    def init(self, theta):
        return MomentumState(u=np.zeros_like(theta))


def test_a_students_rule_with_where_is_traced():
    @dataclasses.dataclass(frozen=True)
    class SignOrSlope(Own):
        def step(self, theta, state, J):
            g = J.grad(theta)
            u = np.where(np.abs(g) > 1, np.sign(g), g)
            return theta - self.eta * u, MomentumState(u)

    J, theta = OBJECTIVES["Quadratic"], np.array([0.5, -2.0])
    rule = SignOrSlope(0.3)
    out = outputs(trace_step(rule), step_inputs(rule, theta, rule.init(theta)), J)
    assert close(out["theta"], rule.step(theta, rule.init(theta), J)[0])


def test_a_state_without_names_is_refused():
    class Tuple(Own):
        def step(self, theta, state, J):
            return theta, (state.u,)

    class NoInit(Own):
        def init(self, theta):
            return {"u": theta}

        def step(self, theta, state, J):
            return theta, state

    with pytest.raises(TraceError, match="step gives a tuple as the state; expected a NamedTuple"):
        trace_step(Tuple())
    with pytest.raises(TraceError, match="init gives a dict as the state; expected a NamedTuple"):
        trace_step(NoInit())


def test_a_rule_that_is_no_dataclass_is_refused():
    class Plain:
        def init(self, theta):
            return MomentumState(theta)

        def step(self, theta, state, J):
            return theta, state

    with pytest.raises(TraceError, match="Plain is not a dataclass; write @dataclass above it"):
        trace_step(Plain())


def test_a_state_of_another_shape_than_theta():
    class Norms(NamedTuple):
        total: float

    @dataclasses.dataclass(frozen=True)
    class Normalised(Own):
        def init(self, theta):
            return Norms(0.0)

        def step(self, theta, state, J):
            g = J.grad(theta)
            total = state.total + np.linalg.norm(g)
            theta = theta - self.eta * g / total
            return theta, Norms(total)

    J, theta, rule = OBJECTIVES["Beale"], np.array([1.0, 2.0]), Normalised()
    out = outputs(trace_step(rule), step_inputs(rule, theta, Norms(3.0)), J)
    new, state = rule.step(theta, Norms(3.0), J)
    assert close(out["theta"], new) and close(out["state.total"], np.asarray(state.total))


def test_a_name_set_twice_points_to_its_last_line():
    class Twice(Own):
        def step(self, theta, state, J):
            g = J.grad(theta)
            g = g / 2
            theta = theta - self.eta * g
            return theta, state

    lines = {name: line for name, _, line in trace_step(Twice())["locals"]}
    assert lines == {"g": 2, "theta": 3}


def test_nesterovs_look_ahead_is_shown():
    names = [name for name, _, _ in trace_step(Nesterov())["locals"]]
    assert "theta_look" in names
