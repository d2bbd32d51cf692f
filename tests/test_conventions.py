"""Appendix A1 against what it speaks of: our rules, PyTorch and optax as they are installed."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest
import torch
from strategies import RULES, Slope

from lecopt import (
    AdaGrad,
    Adam,
    GradientDescent,
    Momentum,
    MomentumEMA,
    Neuron,
    RMSProp,
    Rprop,
    descend,
    exponential,
    two_points,
)

jax.config.update("jax_enable_x64", True)

PAGE = (Path(__file__).parents[1] / "book" / "conventions.md").read_text(encoding="utf-8")
HERE_ALONE = {"AdaGradNoRoot", "AdamUncorrected"}
J, START = Neuron(*two_points()), np.array([-2.0, -2.0])
BY_NAME = {rule.__name__: rule for rule in RULES}


@functools.cache
def computed() -> dict[str, Any]:
    """Run the page's cells, and return what they have defined."""
    names: dict[str, Any] = {}
    for cell in re.findall(r"```\{code-cell\}\n(?::[^\n]*\n)*(.*?)```", PAGE, re.DOTALL):
        exec(cell, names)
    return names


def tables() -> list[list[list[str]]]:
    """Return the page's tables, as rows of cells, without their heads."""
    blocks = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in rows[2:]]
        for rows in (block.splitlines() for block in blocks)
    ]


LETTERS, NAMES, NUMBERS, SLIPS = tables()
PEERS = {
    "GradientDescent": ("SGD", "sgd"),
    "Momentum": ("SGD", "sgd"),
    "Nesterov": ("SGD", "sgd"),
    "NesterovShifted": ("SGD", "sgd"),
    "MomentumEMA": ("SGD", "ema"),
    "Rprop": ("Rprop", "rprop"),
    "AdaGrad": ("Adagrad", "adagrad"),
    "AdaDelta": ("Adadelta", "adadelta"),
    "RMSProp": ("RMSprop", "rmsprop"),
    "Adam": ("Adam", "adam"),
    "AdaMax": ("Adamax", "adamax"),
    "Nadam": ("NAdam", "nadam"),
    "AMSGrad": ("Adam", "amsgrad"),
    "AdamW": ("AdamW", "adamw"),
}


def settings() -> list[tuple[str, str, str, str]]:
    """Return the rows of the second table: rule, and the cells for us, PyTorch and optax."""
    rows, rules = [], []
    for ours, of_torch, _, of_optax in NUMBERS:
        if ours.startswith("**"):
            rules = ours.strip("*").split(", ")
        else:
            rows += [(rule, ours, of_torch, of_optax) for rule in rules]
    return rows


def each_setting(cell: str) -> list[tuple[str, str]]:
    """Return the names of a cell and their values as written, "" for none."""
    return [] if cell == "–" else re.findall(r"`([\w\[\]]+)` ?([^,]*)", cell)


def default(make: Any, name: str) -> Any:
    """Return the default value of a parameter, or of one part of it, as betas[0]."""
    name, part = re.fullmatch(r"(\w+)(?:\[(\d)\])?", name).groups()
    value = inspect.signature(make).parameters[name].default
    return value if part is None else value[int(part)]


# ---- the two tables


def test_every_rule_and_every_hyper_parameter_is_there():
    assert {row[0].strip("`") for row in NAMES} == set(BY_NAME)
    listed = {(rule, name) for rule, ours, *_ in settings() for name, _ in each_setting(ours)}
    declared = {
        (rule.__name__, field.name)
        for rule in RULES
        if rule.__name__ not in HERE_ALONE
        for field in dataclasses.fields(rule)
    }
    assert listed == declared
    for alone, other in (("AdaGradNoRoot", "AdaGrad"), ("AdamUncorrected", "Adam")):
        for field in dataclasses.fields(BY_NAME[alone]):
            assert field.default == BY_NAME[other].__dataclass_fields__[field.name].default


@pytest.mark.parametrize("row", settings(), ids=lambda row: f"{row[0]} {row[1]}")
def test_names_and_values_are_those_of_the_libraries(row):
    rule, ours, of_torch, of_optax = row
    in_torch, in_optax = PEERS[rule]
    makers = BY_NAME[rule], getattr(torch.optim, in_torch), getattr(optax, in_optax)
    for make, cell in zip(makers, (ours, of_torch, of_optax), strict=True):
        for name, written in each_setting(cell):
            if make is optax.ema and name == "learning_rate":
                continue  # it is chained to a step of its own
            value = default(make, name)
            if written in ("", "None"):
                assert value is (None if written else inspect.Parameter.empty)
            else:
                assert value == float(written)


def test_what_has_no_namesake_here():
    assert default(torch.optim.Adagrad, "initial_accumulator_value") == 0
    assert default(optax.adagrad, "initial_accumulator_value") == 0.1
    assert default(torch.optim.NAdam, "momentum_decay") == 0.004


# ---- the first steps, with equal numbers


def torch_first(make: Any) -> float:
    """Return how far the first step of a torch optimizer takes w, on the page's example."""
    p = torch.tensor(START, requires_grad=True)
    optimizer = make([p])
    p.grad = torch.tensor(J.grad(START))
    optimizer.step()
    return START[0] - p.detach().numpy()[0]


def optax_first(transformation: Any) -> float:
    """Return how far the first step of an optax transformation takes w."""
    g = J.grad(START)
    update, _ = transformation.update(g, transformation.init(START), START)
    return -float(np.asarray(update)[0])


def optax_pair(rule: Any) -> Any:
    """Return the optax transformation with the numbers of a rule, but for its ε."""
    name, eta = type(rule).__name__, rule.eta
    make = getattr(optax, PEERS[name][1])
    if name == "MomentumEMA":
        return optax.chain(make(rule.beta, debias=False), optax.scale_by_learning_rate(eta))
    fields = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)}
    words = {
        written[0][0]: fields[each_setting(ours)[0][0]]
        for of, ours, _, of_optax in settings()
        if of == name and (written := each_setting(of_optax))
    }
    if name in ("AdaGrad", "RMSProp"):
        words["eps"] = 1e-8
    if name in ("Nesterov", "NesterovShifted"):
        words["nesterov"] = True
    return make(**words)


def torch_pair(rule: Any) -> Any:
    """Return how to make the torch optimizer with the numbers of a rule."""
    name = type(rule).__name__
    words: dict[str, Any] = {}
    for of, ours, of_torch, _ in settings():
        for written, _ in each_setting(of_torch) if of == name else ():
            value = getattr(rule, each_setting(ours)[0][0])
            if written.endswith("]"):
                pair = words.setdefault(written[:-3], [None, None])
                pair[int(written[-2])] = value
            else:
                words[written] = value
    if name in ("Nesterov", "NesterovShifted"):
        words["nesterov"] = True
    if name == "AMSGrad":
        words["amsgrad"] = True
    return lambda p: getattr(torch.optim, PEERS[name][0])(p, **words)


def told(cell: str) -> float:
    """Return the ratio of first steps that a cell of the first table tells, 1 if none."""
    found = re.search(r": (?:\{n\}`(.*?):[^:]*`|(\d))$", cell)
    if found is None:
        return 1.0
    return float(eval(found[1], computed()) if found[1] else found[2])


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row[0].strip("`"))
def test_the_first_steps_are_as_long_as_told(row):
    name, of_torch, _, of_optax = row
    name = name.strip("`")
    if name in HERE_ALONE:
        assert of_torch == of_optax == "–"
        return
    rule = BY_NAME[name](eta=0.1)
    ours = START[0] - descend(rule, START, J, 1).theta[1, 0]
    assert torch_first(torch_pair(rule)) / ours == pytest.approx(told(of_torch), rel=1e-6)
    assert optax_first(optax_pair(rule)) / ours == pytest.approx(told(of_optax), rel=1e-6)


def test_the_options_that_make_them_equal():
    for rule, peer in (
        (AdaGrad(0.1, eps=0.0, eps_root=1e-8), optax.adagrad(0.1, 0.0, 1e-8)),
        (RMSProp(0.1), optax.rmsprop(0.1, 0.9, 1e-8, eps_in_sqrt=False)),
    ):
        ours = START[0] - descend(rule, START, J, 1).theta[1, 0]
        assert optax_first(peer) == pytest.approx(ours, rel=1e-12), rule


def test_optax_adadelta_left_alone_goes_uphill():
    assert optax_first(optax.adadelta()) * J.grad(START)[0] < 0
    assert optax_first(optax.adadelta(1.0)) * J.grad(START)[0] > 0


# ---- what the page says in words


def test_the_forms_of_momentum_and_nesterov_walk_one_path():
    names = computed()
    assert max(names["apart_outside"], names["apart_ema"], names["apart_nesterov"]) < 1e-12
    assert names["first"][1] / names["first"][0] == pytest.approx(0.1)


def test_the_hat_of_epsilon_is_one_over_the_root_of_what_beta2_leaves():
    """Dividing by sqrt(v) + e and correcting the whole step, as Keras says it does."""
    eta, e, g = 0.1, 1e-3, 0.02
    m, v, theta, state = 0.0, 0.0, np.zeros(1), Adam().init(np.zeros(1))
    for t in range(1, 6):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        theirs = eta * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + e)
        rule = Adam(eta, eps=e / np.sqrt(1 - 0.999**t))
        before = theta
        theta, state = rule.step(theta, state, Slope([g]))
        assert before[0] - theta[0] == pytest.approx(theirs, rel=1e-12)


def test_the_slips_of_the_sources_are_slips():
    printed = [0.1 ** (-0.05 * t) for t in range(40)]
    assert (np.diff(printed) > 0).all(), "a rate that grows is no decay"
    meant = [exponential(0.1, 0.05)(t) for t in range(40)]
    assert (np.diff(meant) < 0).all()
    names = computed()
    assert names["as_printed"] == printed[20] and names["as_meant"] == meant[20]
    # A moving average without beta before its memory grows for ever.
    V = 0.0
    for _ in range(1000):
        V = (1 - 0.9) * 1.0 + V
    assert pytest.approx(100) == V
    # Adam's first moment without 1 - beta1 is 1 / (1 - beta1) times as large, at any time.
    g = np.random.default_rng(0).normal(size=30)
    without, with_it = 0.0, MomentumEMA(beta=0.9).init(np.zeros(1))
    for slope in g:
        without = 0.9 * without + slope
        _, with_it = MomentumEMA(beta=0.9).step(np.zeros(1), with_it, Slope([slope]))
    assert without == pytest.approx(names["without_weight"] * with_it.m[0])
    assert (Rprop().up, Rprop().down) == (1.2, 0.5) and Rprop(down=0.6).down == 0.6


def test_without_the_half_the_same_path_needs_half_the_rate():
    class Double:
        def __call__(self, theta):
            return 2 * J(theta)

        def grad(self, theta):
            return 2 * J.grad(theta)

    whole = descend(GradientDescent(0.5), START, Double(), 50)
    assert np.array_equal(whole.theta, descend(GradientDescent(1.0), START, J, 50).theta)
    whole = descend(Momentum(0.5, 0.9), START, Double(), 50)
    assert np.array_equal(whole.theta, descend(Momentum(1.0, 0.9), START, J, 50).theta)
