"""The two-layer network: formula, backpropagation, peers, training, bad data."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from strategies import each, every_rule, law, same_bits

from lecopt import (
    Adam,
    AdaMax,
    GradientDescent,
    Momentum,
    Network,
    Neuron,
    RMSProp,
    Sigmoid,
    Softmax,
    Tanh,
    descend,
    digits,
    iterates,
    minibatches,
    numerical_gradient,
)

RNG = np.random.default_rng(7)
X = RNG.normal(size=(9, 3))
CLASSES = RNG.integers(0, 4, 9)
SHARES = RNG.uniform(size=(9, 2))
NETWORKS = {
    f"{type(hidden).__name__}, {type(output).__name__}": Network(X, y, 5, hidden, output)
    for hidden in (Tanh(), Sigmoid())
    for output, y in ((Softmax(), CLASSES), (Sigmoid(), SHARES))
}
every_network = each(NETWORKS)
numbers = st.floats(-3, 3)


@st.composite
def networks(draw):
    """Draw a network on random data."""
    n, n_x, n_h, n_y = (draw(st.integers(1, 4)) for _ in range(4))
    inputs = draw(arrays(float, (n, n_x), elements=numbers))
    hidden = draw(st.sampled_from([Tanh(), Sigmoid()]))
    if draw(st.booleans()):
        y = draw(arrays(float, (n, n_y), elements=st.floats(0, 1)))
        return Network(inputs, y, n_h, hidden, Sigmoid())
    return Network(inputs, draw(arrays(int, n, elements=st.integers(0, 3))), n_h, hidden)


def thetas(J, *shape):
    return arrays(float, (J.D, *shape), elements=numbers)


def loss_by_hand(J, theta):
    """Return the loss by plain loops over rows and units."""
    W1, b1, W2, b2 = (a.tolist() for a in J.unpack(theta))
    curve = math.tanh if isinstance(J.hidden, Tanh) else lambda z: 1 / (1 + math.exp(-z))
    total = 0.0
    for x, y in zip(J.X.tolist(), J.y.tolist(), strict=True):
        a1 = [curve(sum(map(math.prod, zip(w, x))) + b[0]) for w, b in zip(W1, b1)]  # noqa: B905
        z2 = [sum(map(math.prod, zip(w, a1))) + b[0] for w, b in zip(W2, b2)]  # noqa: B905
        for j, z in enumerate(z2):
            if isinstance(J.output, Softmax):
                total -= y[j] * (z - math.log(sum(map(math.exp, z2))))
            else:
                total += 0.5 * (1 / (1 + math.exp(-z)) - y[j]) ** 2
    return total


class Peer(torch.nn.Module):
    """The same network in PyTorch."""

    def __init__(self, J, theta):
        super().__init__()
        W1, b1, W2, b2 = (torch.tensor(a) for a in J.unpack(theta))
        self.J = J
        self.first, self.last = (torch.nn.Linear(*W.T.shape, dtype=torch.float64) for W in (W1, W2))
        with torch.no_grad():
            for layer, W, b in ((self.first, W1, b1), (self.last, W2, b2)):
                layer.weight.copy_(W)
                layer.bias.copy_(b[:, 0])

    def loss(self, J):
        curve = torch.tanh if isinstance(J.hidden, Tanh) else torch.sigmoid
        z = self.last(curve(self.first(torch.tensor(J.X))))
        y = torch.tensor(J.y)
        if isinstance(J.output, Softmax):
            return torch.nn.functional.cross_entropy(z, y, reduction="sum")
        return 0.5 * torch.nn.functional.mse_loss(torch.sigmoid(z), y, reduction="sum")

    def packed(self, read):
        W1, b1, W2, b2 = (read(p).detach().numpy() for p in self.parameters())
        return self.J.pack(W1, b1[:, None], W2, b2[:, None])


# ---- loss and gradient


@given(st.data())
@law
def test_the_loss_is_the_formula(data):
    J = data.draw(networks())
    theta = data.draw(thetas(J))
    assert J(theta) == pytest.approx(loss_by_hand(J, theta), rel=1e-12, abs=1e-14)


@given(st.data())
@law
def test_backpropagation_gives_the_slope_of_the_loss(data):
    J = data.draw(networks())
    theta = data.draw(thetas(J))
    assert J.grad(theta) == pytest.approx(numerical_gradient(J, theta), abs=1e-7)


@every_network
@law
@given(data=st.data())
def test_loss_and_gradient_are_what_pytorch_gives(J, data):
    theta = data.draw(thetas(J))
    peer = Peer(J, theta)
    loss = peer.loss(J)
    loss.backward()
    theirs = peer.packed(lambda p: p.grad)
    assert abs(J(theta) - loss.item()) <= 1e-12 * (1 + abs(loss.item()))
    assert np.abs(J.grad(theta) - theirs).max() <= 1e-12 * (1 + np.abs(theirs).max())


@given(st.data())
@law
def test_many_thetas_at_once_are_each_alone(data):
    J = data.draw(networks())
    theta = data.draw(thetas(J, 2, 3))
    loss, grad, f = J(theta), J.grad(theta), J.predict(theta, J.X)
    hits = J.accuracy(theta, J.X, np.argmax(J.y, axis=1))
    assert loss.shape == hits.shape == (2, 3) and grad.shape == theta.shape
    assert f.shape == (*J.y.shape, 2, 3)
    for k in np.ndindex(2, 3):
        one = theta[(..., *k)]
        assert loss[k] == pytest.approx(J(one), rel=1e-12, abs=1e-14)
        assert grad[(..., *k)] == pytest.approx(J.grad(one), rel=1e-12, abs=1e-13)
        assert f[(..., *k)] == pytest.approx(J.predict(one, J.X), rel=1e-13)
        assert hits[k] == J.accuracy(one, J.X, np.argmax(J.y, axis=1))


@given(st.data())
@law
def test_loss_and_gradient_of_two_halves_add_up(data):
    J = data.draw(networks())
    assume(J.n > 1)
    theta = data.draw(thetas(J))
    cut = data.draw(st.integers(1, J.n - 1))
    order = np.random.default_rng(cut).permutation(J.n)
    parts = J.on(order[:cut]), J.on(order[cut:])
    assert [part.n for part in parts] == [cut, J.n - cut]
    assert sum(part(theta) for part in parts) == pytest.approx(J(theta), rel=1e-12, abs=1e-13)
    whole = J.grad(theta)
    assert sum(part.grad(theta) for part in parts) == pytest.approx(whole, rel=1e-11, abs=1e-12)


def test_a_class_that_a_part_lacks_keeps_its_output():
    part = NETWORKS["Tanh, Softmax"].on([0])
    assert part.y.shape == (1, 4) and part.D == NETWORKS["Tanh, Softmax"].D


@every_network
def test_single_precision_stays_single(J):
    theta = J.start(np.random.default_rng(0)).astype(np.float32)
    for value in (J(theta), J.grad(theta), J.predict(theta, J.X)):
        assert value.dtype == np.float32
    assert J.grad(theta) == pytest.approx(J.grad(theta.astype(float)), abs=1e-4)
    path = descend(Adam(0.01), np.stack([theta, theta], axis=1), J, 3)
    assert path.theta.dtype == path.loss.dtype == np.float32


@every_network
def test_whole_numbers_become_fractions(J):
    whole = np.arange(J.D) % 3 - 1
    assert J.grad(whole) == pytest.approx(J.grad(whole.astype(float)))
    assert descend(GradientDescent(0.01), whole, J, 2).theta.dtype == np.float64


@every_network
def test_points_are_not_changed(J):
    theta = J.start(np.random.default_rng(0))
    before, theta.flags.writeable = theta.copy(), False
    J(theta)
    assert not np.shares_memory(J.grad(theta), theta) and same_bits(theta, before)


# ---- its units


@pytest.mark.parametrize("units", [Tanh(), Sigmoid()])
def test_a_curve_has_the_slope_that_it_says(units):
    z, h = np.linspace(-4, 4, 41), 1e-6
    expected = (units(z + h) - units(z - h)) / (2 * h)
    assert units.slope(units(z)) == pytest.approx(expected, abs=1e-9)


@given(arrays(float, (3, 4), elements=st.floats(-30, 30)), st.floats(-500, 500))
@law
def test_softmax_shares_out_one_and_sees_differences_alone(z, shift):
    shares = Softmax()(z)
    assert shares.sum(axis=0) == pytest.approx(1, rel=1e-14) and (shares > 0).all()
    assert Softmax()(z + shift) == pytest.approx(shares, rel=1e-11)
    assert shares == pytest.approx(np.exp(z) / np.exp(z).sum(axis=0), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("output", [Softmax(), Sigmoid()], ids=["softmax", "sigmoid"])
def test_far_out_there_is_no_overflow(output, dtype):
    z = np.array([[1e4], [-1e4], [0.0]], dtype)
    y = np.array([[0.0], [1.0], [0.0]], dtype)
    with np.errstate(all="raise", under="ignore"):
        values = output(z), output.loss(z, y), output.delta(z, y)
    assert all(v.dtype == dtype and np.isfinite(v).all() for v in values)
    if isinstance(output, Softmax):
        assert values[1] == pytest.approx(2e4) and values[2][:, 0].tolist() == [1, -1, 0]


def test_two_softmax_units_are_one_neuron_of_their_difference():
    z = np.linspace(-5, 5, 11)
    assert Softmax()(np.stack([z, 0 * z]))[0] == pytest.approx(Sigmoid()(z), rel=1e-13)


def test_an_output_neuron_is_the_books_neuron_on_what_the_hidden_units_give():
    J = Network(X, SHARES[:, 0], 5, Tanh(), Sigmoid())
    theta = J.start(np.random.default_rng(1))
    W1, b1, W2, b2 = J.unpack(theta)
    neuron = Neuron(np.tanh(X @ W1.T + b1.T), SHARES[:, 0])
    last = np.concatenate([W2[0], b2[0]])
    assert J(theta) == pytest.approx(neuron(last), rel=1e-13)
    assert J.grad(theta)[-6:] == pytest.approx(neuron.grad(last), rel=1e-11, abs=1e-15)
    assert J.predict(theta, X)[:, 0] == pytest.approx(neuron.predict(last, neuron.X))


# ---- parameters


@every_network
def test_theta_holds_w1_b1_w2_b2_row_by_row(J):
    W1, b1, W2, b2 = J.unpack(np.arange(J.D))
    n_y = J.y.shape[1]
    assert [a.shape for a in (W1, b1, W2, b2)] == [(5, 3), (5, 1), (n_y, 5), (n_y, 1)]
    flat = [*W1.ravel(), *b1.ravel(), *W2.ravel(), *b2.ravel()]
    assert flat == list(range(J.D)) and len(J.labels) == J.D
    assert (J.labels[1], J.labels[3], J.labels[15], J.labels[20]) == (
        "W1[0,1]",
        "W1[1,0]",
        "b1[0,0]",
        "W2[0,0]",
    )
    assert J.minima.shape == (0, J.D)


@given(st.data())
@law
def test_pack_is_the_inverse_of_unpack(data):
    J = data.draw(networks())
    for shape in ((), (3,), (2, 3)):
        theta = np.random.default_rng(0).normal(size=(J.D, *shape))
        assert same_bits(J.pack(*J.unpack(theta)), theta)
        assert J.unpack(theta)[0].shape == (*shape[::-1], *J.shapes["W1"])


def test_a_start_has_a_seed_and_keeps_the_size_of_its_inputs():
    J = Network(np.random.default_rng(0).normal(size=(50, 400)), np.arange(50) % 10, 300)
    one, again, other = (J.start(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert same_bits(one, again) and not np.array_equal(one, other)
    W1, b1, W2, b2 = J.unpack(one)
    assert not b1.any() and not b2.any()
    assert np.std(W1) == pytest.approx(1 / np.sqrt(400), rel=0.02)
    assert np.std(W2) == pytest.approx(1 / np.sqrt(300), rel=0.05)
    assert np.std(W1 @ J.X.T) == pytest.approx(1, rel=0.1)


@every_rule
def test_equal_hidden_units_stay_equal(rule):
    J = NETWORKS["Tanh, Softmax"]
    W1, b1, W2, b2 = J.unpack(J.start(np.random.default_rng(0)))
    W1[1], W2[:, 1] = W1[0], W2[:, 0]
    end = descend(rule(eta=0.01), J.pack(W1, b1, W2, b2), J, 30).theta[-1]
    W1, b1, W2, b2 = J.unpack(end)
    assert W1[1] == pytest.approx(W1[0], abs=1e-9) and W2[:, 1] == pytest.approx(W2[:, 0], abs=1e-9)
    assert not np.allclose(W1[2], W1[0], atol=1e-3)


@every_network
def test_hidden_units_may_change_places(J):
    theta = J.start(np.random.default_rng(2))
    W1, b1, W2, b2 = J.unpack(theta)
    order = [3, 0, 4, 1, 2]
    swapped = J.pack(W1[order], b1[order], W2[:, order], b2)
    assert J(swapped) == pytest.approx(J(theta), rel=1e-13)
    mirrored = J.pack(-W1, -b1, -W2, b2)
    assert (J(mirrored) == pytest.approx(J(theta), rel=1e-13)) == isinstance(J.hidden, Tanh)


# ---- training


@every_rule
@every_network
def test_every_rule_learns(J, rule):
    eta = {AdaMax: 0.02, GradientDescent: 0.05}.get(rule, 0.01)
    if rule.__name__ == "AdaDelta":
        eta = 1.0
    theta = J.start(np.random.default_rng(0))
    path = descend(rule(eta=eta), theta, J, 300)
    assert path.diverged_at == -1 and path.loss[-1] < 0.9 * path.loss[0]


@pytest.mark.parametrize(
    ("ours", "make"),
    [
        (GradientDescent(0.01), lambda p: torch.optim.SGD(p, lr=0.01)),
        (Momentum(0.005, 0.9), lambda p: torch.optim.SGD(p, lr=0.005, momentum=0.9)),
        (RMSProp(0.01, eps=1e-6), lambda p: torch.optim.RMSprop(p, 0.01, 0.9, 1e-6)),
        (Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    ],
    ids=["gradient descent", "momentum", "rmsprop", "adam"],
)
def test_15_4_the_same_model_in_pytorch_has_the_same_curve(ours, make):
    images, which, _, _ = digits()
    J = Network(images[:300], which[:300], 12)
    theta = J.start(np.random.default_rng(0))
    stream = list(itertools.islice(minibatches(J, 32, np.random.default_rng(1)), 60))
    path = descend(ours, theta, J, 60, objectives=stream)
    peer = Peer(J, theta)
    optimizer = make(peer.parameters())
    curve = [peer.loss(J).item()]
    for batch in stream:
        optimizer.zero_grad()
        peer.loss(batch).backward()
        optimizer.step()
        curve.append(peer.loss(J).item())
    assert path.loss == pytest.approx(np.array(curve), rel=1e-9)
    assert path.theta[-1] == pytest.approx(peer.packed(lambda p: p), abs=1e-9)
    assert path.loss[-1] < path.loss[0] / 2


@pytest.mark.parametrize(
    ("hidden", "output", "least"),
    [
        (Tanh(), Softmax(), 0.95),
        (Sigmoid(), Softmax(), 0.95),
        (Tanh(), Sigmoid(), 0.95),
        (Sigmoid(), Sigmoid(), 0.94),
    ],
)
def test_15_2_it_learns_to_read_digits(hidden, output, least):
    images, which, images_test, which_test = digits()
    y = which if isinstance(output, Softmax) else np.eye(10)[which]
    J = Network(images, y, 32, hidden, output)
    theta = J.start(np.random.default_rng(0))
    assert J.accuracy(theta, images_test, which_test) < 0.3, "before it learns it guesses"
    stream = itertools.islice(minibatches(J, 32, np.random.default_rng(1)), 20 * 45)
    *_, (learnt, _) = iterates(Adam(0.005), theta, stream)
    assert J.accuracy(learnt, images_test, which_test) > least


# ---- prediction


def test_accuracy_is_the_share_of_rows_that_are_right():
    J = NETWORKS["Tanh, Softmax"]
    theta = J.start(np.random.default_rng(0))
    shares = J.predict(theta, X)
    assert shares.shape == (9, 4) and shares.sum(axis=1) == pytest.approx(1)
    guess = shares.argmax(axis=1)
    assert J.accuracy(theta, X, guess) == 1
    wrong = np.where(np.arange(9) < 3, (guess + 1) % 4, guess)
    assert J.accuracy(theta, X, wrong) == pytest.approx(6 / 9)
    one = Network(X, SHARES[:, 0], 2, output=Sigmoid())
    theta = one.start(np.random.default_rng(0))
    assert one.accuracy(theta, X, one.predict(theta, X)[:, 0] > 0.5) == 1


def test_one_input_may_come_as_a_plain_list():
    J = Network([0.5, 2.5], [0.2, 0.9], 2, output=Sigmoid())
    assert J.X.shape == J.y.shape == (2, 1) and J.D == 7
    assert J.predict(np.zeros(7), [1.0, 2.0, 3.0]).tolist() == [[0.5], [0.5], [0.5]]
    assert Network([0, 1], [0, 0], 1).y.tolist() == [[1, 0], [1, 0]], "at least two classes"
    assert Network([0, 1], [[1, 0], [0.25, 0.75]], 1).y.tolist() == [[1, 0], [0.25, 0.75]]


# ---- bad input


TWO_ROWS = [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("inputs", "y", "words"),
    [
        ([[1, 2], [3, np.nan]], [0, 1], ["row 1", "nan", "finite", "drop that row"]),
        ([[1, np.inf], [3, 4]], [0, 1], ["row 0", "inf", "finite"]),
        (TWO_ROWS, [0, 1, 1], ["X has 2 rows and y 3"]),
        ([], [], ["(0,)", "at least one row"]),
        (np.ones((2, 0)), [0, 1], ["(2, 0)", "one input"]),
        (np.ones((2, 2, 2)), [0, 1], ["(2, 2, 2)", "(N, n_x)"]),
        (TWO_ROWS, [0, -1], ["Softmax: row 1 has y = -1", "a class, 0 or 1 or 2"]),
        (TWO_ROWS, [0.5, 1], ["Softmax: row 0 has y = 0.5", "a class"]),
        (TWO_ROWS, [0, np.nan], ["Softmax: row 1 has y = nan", "a class"]),
        (TWO_ROWS, [0, np.inf], ["Softmax: row 1 has y = inf", "a class"]),
        (TWO_ROWS, [[1, 0], [1, 1]], ["Softmax: row 1", "[1. 1.]", "add up to 1"]),
        (TWO_ROWS, [[1, 0], [2, -1]], ["Softmax: row 1", "add up to 1"]),
        (TWO_ROWS, [[1, 0], [np.nan, 1]], ["Softmax: row 1", "add up to 1"]),
        (TWO_ROWS, [[0], [1]], ["Softmax: y has shape (2, 1)", "expected shape (N,)"]),
        (TWO_ROWS, ["3", "5"], ["Softmax: y has shape (2,)", "expected numbers"]),
        (TWO_ROWS, 1, ["Softmax: y has shape ()", "(N, n_y)"]),
    ],
)
def test_bad_data_is_refused_by_name(inputs, y, words):
    with pytest.raises(ValueError, match=r"^(Network|Softmax): ") as caught:
        Network(inputs, y, 3)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([0, 7], ["Sigmoid: row 1 has y = 7", "from 0 to 1", "np.eye(n)[y]", "Softmax()"]),
        ([[0.1, 0.2], [0.3, -0.1]], ["Sigmoid: row 1", "from 0 to 1"]),
        ([0.1, np.nan], ["Sigmoid: row 1 has y = nan"]),
    ],
)
def test_a_target_that_a_sigmoid_cannot_give_is_refused(y, words):
    with pytest.raises(ValueError, match="Sigmoid: ") as caught:
        Network(TWO_ROWS, y, 3, output=Sigmoid())
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("n_h", [0, -3, 2.0, "many", None])
def test_a_layer_without_units_is_refused(n_h):
    with pytest.raises(ValueError, match=f"n_h is {n_h!r}; expected a whole number, 1 or more"):
        Network(TWO_ROWS, [0, 1], n_h)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hidden": "tanh"}, "hidden is 'tanh'; expected Tanh.. or Sigmoid"),
        ({"hidden": Softmax()}, "hidden is Softmax.*expected Tanh"),
        ({"hidden": Tanh}, "hidden is <class .*expected Tanh"),
        ({"output": Tanh()}, "output is Tanh.*expected Softmax.. or Sigmoid"),
        ({"output": np.tanh}, "output is <ufunc 'tanh'>; expected Softmax"),
    ],
)
def test_what_are_no_units_is_refused(given, words):
    with pytest.raises(TypeError, match=f"Network: {words}"):
        Network(TWO_ROWS, [0, 1], 3, **given)


def test_a_theta_of_the_wrong_length_names_the_layers():
    J = Network(TWO_ROWS, [0, 2], 5)
    words = r"theta has 30 parameters; expected D = 33 for 2 inputs, 5 hidden units and 3 outputs"
    for ask in (J, J.grad, J.unpack, lambda theta: J.predict(theta, TWO_ROWS)):
        with pytest.raises(ValueError, match=words):
            ask(np.zeros(30))
    with pytest.raises(ValueError, match=rf"descend: Network cannot take .*\(30,\).*{words}"):
        descend(Adam(), np.zeros(30), J, 3)


def test_a_weight_of_the_wrong_shape_is_refused():
    J = Network(TWO_ROWS, [0, 2], 5)
    W1, b1, W2, b2 = J.unpack(np.zeros(33))
    with pytest.raises(ValueError, match=r"b1 has shape \(5,\); expected \(5, 1\)"):
        J.pack(W1, b1[:, 0], W2, b2)
    with pytest.raises(ValueError, match=r"W2 has shape \(5, 3\); expected \(3, 5\)"):
        J.pack(W1, b1, W2.T, b2)


def test_predictions_for_other_inputs_are_checked_too():
    J = Network(TWO_ROWS, [0, 2], 5)
    with pytest.raises(ValueError, match=r"X has 3 inputs a row; expected 2"):
        J.predict(np.zeros(33), np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"X has 2 rows and y shape \(3,\)"):
        J.accuracy(np.zeros(33), TWO_ROWS, [0, 1, 2])


@pytest.mark.parametrize("size", [0, 3])
def test_a_bad_batch_size_is_refused(size):
    with pytest.raises(ValueError, match=f"batch_size is {size}; expected .* from 1 to 2"):
        minibatches(Network(TWO_ROWS, [0, 1], 3), size, np.random.default_rng(0))
