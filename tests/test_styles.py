"""The colours of paths: they stand out from their paper, and stay apart for every reader."""

from __future__ import annotations

import itertools
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lecopt import plots
from lecopt.plots.styles import DARK, LIGHT, Paper, luminance

PAPERS = {"light": LIGHT, "dark": DARK}
both_papers = pytest.mark.parametrize("name", PAPERS)

# What a reader without one kind of cones sees, in linear RGB: G. M. Machado, M. M. Oliveira and
# L. A. F. Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# IEEE TVCG 15 (2009), severity 1.
SIGHTS = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array(
    [[0.412391, 0.357584, 0.180481], [0.212639, 0.715169, 0.072192], [0.019331, 0.119195, 0.950532]]
)  # sRGB, D65


def linear(color: str) -> np.ndarray:
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of a linear RGB colour; a distance of 2 is just noticeable."""
    x = XYZ @ np.clip(rgb, 0, 1) / (XYZ @ np.ones(3))
    f = np.where(x > (6 / 29) ** 3, np.cbrt(x), x / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_luminance_and_distance_are_those_of_the_standards():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert lab(linear("white")) == pytest.approx([100, 0, 0], abs=0.01)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.05)


@both_papers
def test_paths_stand_out_from_their_paper_and_words_more(name):
    paper = PAPERS[name]
    for style in paper.styles:
        assert contrast(style.color, paper.paper) >= 4.5, style  # labels at their ends are text
    assert contrast(paper.ink, paper.paper) >= 7
    assert contrast(paper.soft, paper.paper) >= 4.5
    for ground in (paper.low, paper.high):
        assert contrast(paper.ink, ground) >= 4.5
    assert max(contrast(paper.contour, ground) for ground in (paper.low, paper.high)) >= 2.5


@both_papers
@pytest.mark.parametrize("sight", SIGHTS)
def test_paths_stay_apart_for_every_reader(name, sight):
    seen = [lab(SIGHTS[sight] @ linear(style.color)) for style in PAPERS[name].styles]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest >= (40 if sight == "full" else 19)


@both_papers
def test_paths_are_told_apart_by_more_than_colour(name):
    styles = PAPERS[name].styles
    assert len(styles) == 6
    for part in ("color", "dashes", "marker"):
        assert len({getattr(style, part) for style in styles}) == 6


@both_papers
def test_the_page_has_the_same_colours(name, root):
    css = (root / "js/src/css/theme.css").read_text()
    found = re.findall(r"--lec-c(\d): (#\w{6});", css)
    palettes = [[color for _, color in found[i : i + 6]] for i in range(0, len(found), 6)]
    assert [n for n, _ in found] == [*"012345"] * 3
    ours = [style.color for style in PAPERS[name].styles]
    assert ours in palettes
    assert all(p in ([s.color for s in paper.styles] for paper in (LIGHT, DARK)) for p in palettes)


@both_papers
def test_inside_a_theme_all_is_drawn_on_its_paper(name):
    before = dict(mpl.rcParams)
    paper = PAPERS[name]
    with plots.theme(name):
        figure, ax = plt.subplots()
        (line,) = ax.plot([0, 1])
        assert plots.paper() is plots.paper(ax) is paper
    assert dict(mpl.rcParams) == before
    for part in (figure, ax):
        assert to_rgb(part.get_facecolor()) == to_rgb(paper.paper)
    assert to_rgb(ax.xaxis.label.get_color()) == to_rgb(paper.ink)
    assert line.get_color() == paper.styles[0].color
    for k, style in enumerate(paper.styles):
        assert plots.style(k, ax)["color"] == style.color
    plt.close(figure)


@both_papers
def test_a_style_sheet_that_matplotlib_finds_by_name(name):
    with plt.style.context(f"lecopt.plots.{name}"):
        assert plots.paper() is PAPERS[name]
        colors = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
        assert colors == [style.color for style in PAPERS[name].styles]


@pytest.mark.parametrize(
    ("behind", "axes", "expected"),
    [
        ("white", "white", LIGHT),
        ("white", "black", DARK),
        ("black", "white", LIGHT),
        ("black", "none", DARK),
        ("white", "none", LIGHT),
        ("none", "none", LIGHT),
        ("white", "#222222", DARK),
        ("black", "#f2e9d8", LIGHT),
    ],
)
def test_a_picture_looks_at_its_paper(behind, axes, expected):
    figure, ax = plt.subplots(facecolor=behind, subplot_kw={"facecolor": axes})
    assert plots.paper(ax) is expected
    with mpl.rc_context({"figure.facecolor": behind, "axes.facecolor": axes}):
        assert plots.paper() is expected
    plt.close(figure)


def test_without_a_theme_it_is_the_light_paper():
    assert plots.paper() is LIGHT
    assert LIGHT.styles is plots.STYLES
    assert isinstance(LIGHT, Paper)


def test_a_theme_that_does_not_exist():
    with pytest.raises(ValueError, match=r'no theme .sepia.; there are "light" and "dark"'):
        plots.theme("sepia")


@both_papers
def test_the_better_the_more_it_stands_out(name):
    paper = PAPERS[name]
    contrasts = [contrast(paper.scale(x), paper.paper) for x in np.linspace(0, 1, 9)]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[0] > 10
