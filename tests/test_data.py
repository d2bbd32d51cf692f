"""The book's data sets: what is in them, the same at each call."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from strategies import same_bits

from lecopt import (
    Neuron,
    data,
    digits,
    four_features,
    narrow_valley,
    noisy_wave,
    sparse_points,
    two_points,
)

SETS = [f for name, f in vars(data).items() if getattr(f, "__module__", "") == data.__name__]


@pytest.mark.parametrize("make", SETS, ids=lambda f: f.__name__)
def test_each_has_its_own_seed(make):
    np.random.seed(0)  # noqa: NPY002 - what a notebook may have done
    one = make()
    np.random.seed(1)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    other = make()
    assert all(same_bits(a, b) and a is not b for a, b in zip(one, other, strict=True))
    assert same_bits(np.random.get_state()[1], state)  # noqa: NPY002
    assert len(SETS) == 6


def test_two_points_and_a_narrow_valley():
    assert [a.tolist() for a in two_points()] == [[0.5, 2.5], [0.2, 0.9]]
    assert [a.tolist() for a in narrow_valley()] == [[1.75, 2.75], [0.3, 0.8]]


def test_sparse_points_lie_on_a_curve():
    X, y = sparse_points()
    assert X.shape == y.shape == (100,) and (X == 0).sum() == 76
    assert Neuron(X, y).minima[0] == pytest.approx([2, 1])


def test_of_four_features_the_rare_one_counts_most():
    X, y = four_features()
    assert X.shape == (100, 4) and (X == 0).sum(axis=0).tolist() == [0, 0, 0, 92]
    *w, b = Neuron(X, y).minima[0]
    assert (w, b) == (pytest.approx([1, -1, 1, 3]), pytest.approx(-1))
    start = np.zeros(5)
    slope = np.abs(Neuron(X, y).grad(start))
    assert slope[3] < slope[0], "and yet its gradient is smaller than that of another"


def test_a_noisy_wave():
    time, wave = noisy_wave()
    assert time.shape == wave.shape == (120,) and (np.diff(time) > 0).all()
    noise = wave - 2 - np.sin(2 * np.pi * time)
    assert np.std(noise) == pytest.approx(0.35, rel=0.2) and abs(np.mean(noise)) < 0.1
    assert np.ptp(noisy_wave(50, noise=0.0)[1] - 2 - np.sin(2 * np.pi * noisy_wave(50)[0])) < 1e-12


def test_digits_are_split_once_and_nothing_is_lost():
    from sklearn.datasets import load_digits

    X, y, X_test, y_test = digits()
    assert X.shape == (1437, 64) and X_test.shape == (360, 64)
    assert X.min() == 0 and X.max() == 1 and X.dtype == float
    assert set(y) == set(y_test) == set(range(10))
    images, which = load_digits(return_X_y=True)
    rows = {(tuple(x), int(k)) for x, k in zip(images / 16, which, strict=True)}
    ours = [
        (tuple(x), int(k))
        for x, k in zip(np.vstack([X, X_test]), np.append(y, y_test), strict=True)
    ]
    assert set(ours) == rows and len(ours) == len(images)
    assert np.bincount(y_test).min() > 25, "the test holds enough of each"


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(
        ImportError, match=r"digits: .*scikit-learn.*pip install 'lecopt\[extras\]'"
    ):
        digits()
