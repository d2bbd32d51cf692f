"""Matplotlib pictures: each function takes the Axes first, draws, computes no step, returns it.

They suit the paper they are drawn on: `with plots.theme("dark"):` makes it dark.
"""

from lecopt.plots import describe
from lecopt.plots.curves import losses, neuron
from lecopt.plots.maps import contours, grid, path
from lecopt.plots.solid import landscape, path_on_surface, surface
from lecopt.plots.steps import around, arrow, first_moment, look_ahead, rates, second_moment
from lecopt.plots.styles import CMAP, MAP, STYLES, Paper, Style, paper, style, theme
from lecopt.plots.sweeps import basin, robustness

__all__ = [
    "CMAP",
    "MAP",
    "STYLES",
    "Paper",
    "Style",
    "around",
    "arrow",
    "basin",
    "contours",
    "describe",
    "first_moment",
    "grid",
    "landscape",
    "look_ahead",
    "losses",
    "neuron",
    "paper",
    "path",
    "path_on_surface",
    "rates",
    "robustness",
    "second_moment",
    "style",
    "surface",
    "theme",
]
