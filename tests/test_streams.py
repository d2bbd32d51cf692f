"""Rows recorded and replayed, runs continued, Polyak's averages, the progress bar."""

from __future__ import annotations

import itertools
import os
import pty
import subprocess
import sys
import termios

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import every_rule, law, points, rules, same_bits

from lecopt import (
    Adam,
    Backtracking,
    GradientDescent,
    HalveWhenWorse,
    LineSearch,
    Momentum,
    Neuron,
    Path,
    Quadratic,
    RMSProp,
    cosine,
    descend,
    iterates,
    minibatches,
    replay,
    running_averages,
    sparse_points,
    two_points,
)

TEN = Neuron(np.linspace(-2, 2, 10), np.linspace(0.1, 0.9, 10))
FIELDS = ("theta", "loss", "grad_evals", "loss_evals", "diverged_at")


def same_path(one, other):
    """Whether two paths are the same to the last bit, in every field."""
    same = all(same_bits(getattr(one, f), getattr(other, f)) for f in FIELDS)
    assert one.states._fields == other.states._fields
    same = same and same_bits(tuple(one.states), tuple(other.states))
    if one.rows is None or other.rows is None:
        return same and one.rows is other.rows
    return same and same_bits(one.rows, other.rows)


streams = st.tuples(st.integers(1, 10), st.integers(0, 2**32 - 1), st.booleans())


def stream_of(size, seed, replace):
    return minibatches(TEN, size, np.random.default_rng(seed), replace=replace)


# ---- rows


@given(streams, st.integers(0, 25))
@law
def test_a_path_knows_the_rows_of_each_step(drawn, steps):
    path = descend(GradientDescent(0.5), [1.0, 1.0], TEN, steps, objectives=stream_of(*drawn))
    assert len(path.rows) == path.steps == steps
    for t, rows in enumerate(path.rows):
        assert rows.dtype == np.int64
        step = path.theta[t] - 0.5 * TEN.on(rows).grad(path.theta[t])
        assert same_bits(path.theta[t + 1], step)


def test_the_last_batch_of_an_epoch_is_recorded_as_short_as_it_is():
    path = descend(
        GradientDescent(0.5), [1.0, 1.0], TEN, 9, objectives=stream_of(4, seed=0, replace=False)
    )
    assert [len(rows) for rows in path.rows] == [4, 4, 2] * 3
    for epoch in range(3):
        seen = np.concatenate(path.rows[3 * epoch : 3 * epoch + 3])
        assert sorted(seen.tolist()) == list(range(10))


def test_a_path_that_saw_all_rows_names_none():
    assert descend(GradientDescent(0.5), [1.0, 1.0], TEN, 3).rows is None
    by_hand = [TEN.on([3]), TEN.on([1])]
    assert descend(GradientDescent(0.5), [1.0, 1.0], TEN, 3, objectives=by_hand).rows is None


@every_rule
@given(drawn=streams)
@law
def test_replayed_rows_give_the_same_path(rule, drawn):
    path = descend(rule(), [1.0, -1.0], TEN, 12, objectives=stream_of(*drawn))
    again = descend(rule(), [1.0, -1.0], TEN, 12, objectives=replay(TEN, path.rows))
    assert same_path(again, path)


def test_rows_that_run_out_end_the_run():
    path = descend(GradientDescent(), [1.0, 1.0], TEN, 50, objectives=replay(TEN, [[3], [0, 0]]))
    assert path.steps == 2 and [rows.tolist() for rows in path.rows] == [[3], [0, 0]]


def test_a_run_that_stops_early_records_the_rows_it_saw():
    steep = Quadratic(1.0, 1.0)
    steep_on = type("Steep", (), {"n": 5, "on": lambda _, rows: steep})()
    stream = minibatches(steep_on, 2, np.random.default_rng(0))
    path = descend(GradientDescent(3.0), [1.0, 0.0], steep, 600, objectives=stream)
    assert path.diverged_at == 512 and len(path.rows) == path.steps == 512


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_rows_are_kept_in_a_file(size, steps, tmp_path):
    stream = stream_of(size, seed=1, replace=False)
    path = descend(Momentum(0.5), [1.0, 1.0], TEN, steps, objectives=stream)
    path.save(tmp_path / "path.npz")
    assert same_path(Path.load(tmp_path / "path.npz"), path)
    full = descend(Momentum(0.5), [1.0, 1.0], TEN, steps)
    full.save(tmp_path / "full.npz")
    assert Path.load(tmp_path / "full.npz").rows is None


def test_a_path_without_rows_cannot_be_replayed():
    with pytest.raises(ValueError, match=r"^replay: rows is None: the path did not descend"):
        replay(TEN, descend(GradientDescent(), [1.0, 1.0], TEN, 3).rows)


# ---- a run that goes on


@every_rule
@given(data=st.data())
@law
def test_a_continued_path_is_an_unbroken_one(rule, data):
    J, r = Neuron(*two_points()), data.draw(rules(rule))
    theta, cut = data.draw(points(J)), data.draw(st.integers(0, 25))
    start = data.draw(st.sampled_from([theta, theta.astype(np.float32), np.stack([theta] * 3, 1)]))
    whole = descend(r, start, J, 25)
    part = descend(r, start, J, cut)
    kept = part.theta.copy(), tuple(np.copy(column) for column in part.states)
    assert same_path(descend(r, part, J, 25 - cut), whole)
    assert same_bits(kept, (part.theta, tuple(part.states))), "the path it goes on from is kept"


@every_rule
@given(drawn=streams, cut=st.integers(0, 20))
@law
def test_a_continued_stream_goes_on_where_it_stopped(rule, drawn, cut):
    whole = descend(rule(), [1.0, -1.0], TEN, 20, objectives=stream_of(*drawn))
    stream = stream_of(*drawn)
    part = descend(rule(), [1.0, -1.0], TEN, cut, objectives=stream)
    assert same_path(descend(rule(), part, TEN, 20 - cut, objectives=stream), whole)


@pytest.mark.parametrize("watch", [None, TEN.on([0, 1, 2])])
@pytest.mark.parametrize("cut", [0, 1, 7, 20])
def test_schedules_go_on_being_counted(cut, watch):
    schedules = {"eta": HalveWhenWorse(40.0), "gamma": cosine(0.9, 15, warm_up=4)}

    def run(theta, steps, stream):
        return descend(
            Momentum(), theta, TEN, steps, objectives=stream, schedules=schedules, watch=watch
        )

    starts = ([1.0, 2.0], [-1.0, 0.5])
    whole = run(starts, 20, stream_of(3, 0, False))
    seen = np.stack([(watch or TEN)(theta) for theta in whole.theta])
    assert (np.diff(seen, axis=0)[:6] > 0).any(), "the rate is halved before the run is cut"
    stream = stream_of(3, 0, False)
    assert same_path(run(run(starts, cut, stream), 20 - cut, stream), whole)


@pytest.mark.parametrize("rule", [LineSearch(), Backtracking()])
def test_a_line_search_goes_on_and_its_evaluations_are_counted_on(rule):
    whole = descend(rule, [2.0, 2.0], TEN, 20)
    assert same_path(descend(rule, descend(rule, [2.0, 2.0], TEN, 8), TEN, 12), whole)
    assert whole.loss_evals[-1] > 20


def test_a_path_from_a_file_goes_on(tmp_path):
    sweep = Momentum(np.array([0.1, 1.0, 5.0]))
    descend(sweep, [1.0, -1.0], TEN, 6).save(tmp_path / "path.npz")
    again = descend(sweep, Path.load(tmp_path / "path.npz"), TEN, 4)
    assert same_path(again, descend(sweep, [1.0, -1.0], TEN, 10))


@pytest.mark.parametrize("cut", [3, 511, 512, 530])
def test_what_had_diverged_stays_so(cut):
    def run(theta, steps, rates):
        return descend(GradientDescent(rates), theta, Quadratic(1.0, 1.0), steps)

    one = run([1.0, 0.0], 600, 3.0)
    assert one.diverged_at == 512
    assert same_path(run(run([1.0, 0.0], cut, 3.0), 600 - cut, 3.0), one)
    rates = np.array([0.1, 3.0, 0.5])
    batch = run([1.0, 0.0], 600, rates)
    assert batch.diverged_at.tolist() == [-1, 512, -1]
    assert same_path(run(run([1.0, 0.0], cut, rates), 600 - cut, rates), batch)


def test_iterates_go_on_from_a_path_too():
    whole = list(iterates(Momentum(0.5), np.ones(2), itertools.repeat(TEN, 9)))
    path = descend(Momentum(0.5), np.ones(2), TEN, 4)
    rest = list(iterates(Momentum(0.5), path, itertools.repeat(TEN, 5)))
    assert same_bits(tuple(rest), tuple(whole[4:]))


def test_half_recorded_rows_are_none():
    path = descend(GradientDescent(), [1.0, 1.0], TEN, 3, objectives=stream_of(4, 0, False))
    assert descend(GradientDescent(), path, TEN, 3).rows is None


def test_another_rule_or_other_runs_cannot_go_on():
    path = descend(Momentum(0.5), np.ones(2), TEN, 4)
    with pytest.raises(ValueError, match="holds MomentumState, and GradientDescent goes on from"):
        descend(GradientDescent(0.5), path, TEN, 4)
    with pytest.raises(ValueError, match=r"runs of shape \(\), and the rule asks for \(3,\)"):
        descend(Momentum(np.ones(3)), path, TEN, 4)


# ---- Polyak's averages


@given(st.integers(0, 12), st.sampled_from([(2,), (2, 3)]))
@law
def test_averages_are_means_of_the_points(begin, shape):
    start = np.random.default_rng(0).normal(size=shape)
    path = descend(GradientDescent(0.15), start, Quadratic(), 10)
    averages = path.averages(begin)
    assert averages.shape == path.theta.shape
    for t in range(11):
        if t <= begin:
            assert same_bits(averages[t], path.theta[t])
        else:
            assert averages[t] == pytest.approx(path.theta[begin : t + 1].mean(axis=0), abs=1e-14)


def test_averages_need_no_history():
    walk = iterates(GradientDescent(0.15), np.ones(2), itertools.repeat(Quadratic(), 10))
    online = list(running_averages((theta for theta, _ in walk), begin=3))
    path = descend(GradientDescent(0.15), np.ones(2), Quadratic(), 10)
    assert same_bits(np.stack(online), path.averages(3))
    single = descend(GradientDescent(0.15), np.ones(2, np.float32), Quadratic(), 10)
    assert single.averages().dtype == np.float32


def test_averages_of_a_point_that_moves_in_place_stay_where_they_were():
    def moving():
        theta = np.zeros(2)
        for _ in range(4):
            yield theta
            theta += 1

    means = list(running_averages(moving(), begin=1))
    assert [mean.tolist() for mean in means] == [[0, 0], [1, 1], [1.5, 1.5], [2, 2]]


def test_what_was_before_the_beginning_leaves_no_trace():
    far, near = np.array([1e17, -1e17]), np.array([1.0, 2.0])
    assert same_bits(list(running_averages([far, near, near], begin=1))[1:], [near, near])


def test_averages_are_those_of_pytorch():
    t0, eta, J, seen = 4, 0.15, Quadratic(1.0, 6.0), []
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # else its weights are rounded to single precision
    try:
        x = torch.tensor([2.0, -1.0], requires_grad=True)
        peer = torch.optim.ASGD([x], lr=eta, lambd=0.0, alpha=0.0, t0=t0)
        for _ in range(20):
            x.grad = torch.tensor(J.grad(x.detach().numpy()))
            peer.step()
            seen.append(peer.state[x]["ax"].numpy().copy())
    finally:
        torch.set_default_dtype(default)
    path = descend(GradientDescent(eta), [2.0, -1.0], J, 20)
    # PyTorch uses the weight it computed a step ago: its first mean is of points t0 + 2 and t0 + 3.
    assert np.abs(np.stack(seen) - path.averages(t0 + 2)[1:]).max() < 1e-14


@pytest.mark.parametrize("begin", [-1, 1.5])
def test_a_bad_beginning_is_refused(begin):
    with pytest.raises(ValueError, match=f"begin is {begin}; expected a step's number"):
        list(running_averages([np.ones(2)], begin))


def test_6_8_the_average_of_noisy_points_is_nearer_to_the_minimum_than_the_last():
    """Noisy data, constant eta: SGD swings around the minimum, its average settles there."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, 60)
    y = np.clip(1 / (1 + np.exp(-(1.5 * X - 0.5))) + 0.15 * rng.normal(size=60), 0, 1)
    J = Neuron(X, y)
    best = descend(Momentum(0.1), [1.5, -0.5], J, 2000).theta[-1]
    assert np.abs(J.grad(best)).max() < 1e-12
    far = []
    for seed in range(10):
        stream = minibatches(J, 1, np.random.default_rng(seed), replace=True)
        path = descend(GradientDescent(0.3), best, J, 5000, objectives=stream)
        ends = np.stack([path.theta[-1], path.averages()[-1]])
        far.append(np.sqrt(np.sum((ends - best) ** 2, axis=1)))
    last, mean = np.array(far).T
    assert (mean < last).sum() >= 9
    assert 4 * np.sqrt(np.mean(mean**2)) < np.sqrt(np.mean(last**2))


def test_10_3_the_average_settles_where_rmsprop_swings():
    """On the sparse data; and where nothing swings, as with Adam, the last point is the better."""
    sparse = Neuron(*sparse_points())
    path = descend(RMSProp(0.1), (-2.0, -4.0), sparse, 1000)
    assert np.abs(path.theta[-1] - [1.96, 0.95]).max() < 2e-3, "half of eta below (2, 1)"
    assert 400 * sparse(path.averages(100)[-1]) < path.loss[-1]
    assert sparse(path.averages()[-1]) > path.loss[-1], "the way there must not be averaged in"
    adam = descend(Adam(0.1), (-2.0, -4.0), sparse, 1000)
    assert adam.loss[-1] < 1e-29 and sparse(adam.averages(500)[-1]) > 1e-11


# ---- the progress bar

SLOW = """
import time
from lecopt import GradientDescent, Quadratic, descend
class Slow(Quadratic):
    def grad(self, theta):
        time.sleep({nap})
        return super().grad(theta)
path = descend(GradientDescent(0.1), [1.0, 1.0], Slow(), 60{how})
print("steps", path.steps)
"""


def on_a_terminal(program, **environment):
    """Run a program whose stderr is a terminal, and return what it wrote there."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE, stderr=theirs, env=os.environ | environment, timeout=60,
            check=True,
        )  # fmt: skip
        os.close(theirs)
        assert done.stdout == b"steps 60\n"
        written = b""
        while piece := _read(ours):
            written += piece
    finally:
        os.close(ours)
    return written.decode()


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed and all has been read
        return b""


def test_a_long_run_in_a_terminal_shows_a_bar_and_a_short_one_does_not():
    assert "/60" in on_a_terminal(SLOW.format(nap=0.03, how=""))
    assert "/60" not in on_a_terminal(SLOW.format(nap=0, how=""))
    assert "/60" in on_a_terminal(SLOW.format(nap=0, how=", progress=True"))
    assert "/60" not in on_a_terminal(SLOW.format(nap=0.03, how=", progress=False"))


def test_a_page_of_the_site_shows_no_bar():
    assert "/60" not in on_a_terminal(SLOW.format(nap=0, how=", progress=True"), LECOPT_SITE="1")


def test_without_a_terminal_there_is_no_bar_unless_asked_for(capsys):
    long_run = [sys.executable, "-c", SLOW.format(nap=0.03, how="")]
    done = subprocess.run(long_run, capture_output=True, timeout=60, check=True)
    assert done.stderr == b"" and done.stdout == b"steps 60\n"
    descend(GradientDescent(0.1), [1.0, 1.0], Quadratic(), 60, progress=True)
    assert "60/60" in capsys.readouterr().err


def test_a_bar_changes_no_number(capsys):
    quiet = descend(Momentum(0.1), [1.0, 1.0], TEN, 60, objectives=stream_of(3, 0, False))
    stream = stream_of(3, 0, False)
    shown = descend(Momentum(0.1), [1.0, 1.0], TEN, 60, objectives=stream, progress=True)
    assert same_path(shown, quiet) and "60/60" in capsys.readouterr().err


def test_without_tqdm_a_bar_that_is_asked_for_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ModuleNotFoundError, match=r"progress=True needs tqdm: .*pip install tqdm"):
        descend(GradientDescent(0.1), [1.0, 1.0], Quadratic(), 3, progress=True)
