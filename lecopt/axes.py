"""Named axes: where the runs of a sweep start, and how its results are looked up by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

Axes: TypeAlias = Mapping[str, np.ndarray[Any, Any]]


def start_axes(theta: ArrayLike | Mapping[str, ArrayLike], J: Any) -> tuple[Any, dict[str, Any]]:
    """Return the starts (D, ...) and their axes, in the order in which they were given."""
    if not isinstance(theta, Mapping):
        theta = np.asarray(theta)
        if theta.ndim not in (1, 2):
            raise ValueError(
                f"sweep: theta has shape {theta.shape}; expected (D,), (D, S) for S starts, or "
                "the values of each coordinate by its name"
            )
        return theta, {"start": np.arange(theta.shape[1])} if theta.ndim == 2 else {}
    labels = getattr(J, "labels", tuple(theta))
    if set(theta) != set(labels):
        raise ValueError(
            f"sweep: the grid of starts has values of {', '.join(theta)}; expected the coordinates "
            f"of {type(J).__name__}: {', '.join(labels)}"
        )
    axes = {name: np.atleast_1d(np.asarray(values, float)) for name, values in theta.items()}
    grid = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
    return np.stack([grid[label] for label in labels]), axes


def position(axes: Axes, name: str, value: Any) -> int:
    """Return where a coordinate is on its axis.

    Raises
    ------
    ValueError
        If there is no such axis, or no such coordinate on it.
    """
    if name not in axes:
        raise ValueError(f"there is no axis {name!r}; the axes are {', '.join(axes) or 'none'}")
    coordinates = axes[name]
    if coordinates.dtype.kind == "U":
        nearest = int(np.argmax(coordinates == value))
        same, instead = coordinates[nearest] == value, f"it has {', '.join(coordinates)}"
    else:
        nearest = int(np.argmin(np.abs(coordinates - value)))
        same = np.isclose(coordinates[nearest], value, rtol=1e-9, atol=0.0)
        instead = f"the nearest is {coordinates[nearest]!s}"
    if not same:
        raise ValueError(f"{name} has no coordinate {value!r}; {instead}")
    return nearest


def dataset(axes: Axes, variables: Mapping[str, tuple[Any, Any]], about: Mapping[str, Any]) -> Any:
    """Return an `xarray.Dataset` of variables, each with the names of its dimensions.

    Raises
    ------
    ModuleNotFoundError
        If xarray is not installed.
    """
    try:
        import xarray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "to_xarray needs xarray: install it with `pip install xarray`", name="xarray"
        ) from error
    return xarray.Dataset(dict(variables), coords=dict(axes), attrs=dict(about))
