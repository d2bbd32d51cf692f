"""The progress bar of long runs, drawn by tqdm."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")


def with_progress(
    items: Iterable[Item], total: int, show: bool | None, unit: str = "step", each: float = 1
) -> Iterable[Item]:
    """Return the items, under a progress bar if that helps.

    Parameters
    ----------
    items, total
        What to go through, and how many of them.
    each
        How many steps an item stands for.
    show
        True for a bar, False for none; None for one after the first second, if someone sits
        before a terminal and tqdm is installed. A page of the site never has one.

    Raises
    ------
    ModuleNotFoundError
        If show is True and tqdm is not installed.
    """
    unseen = sys.stderr is None or not sys.stderr.isatty()
    if show is False or (show is None and unseen) or os.environ.get("LECOPT_SITE") == "1":
        return items
    try:
        from tqdm.auto import tqdm
    except ModuleNotFoundError as error:
        if show is None:
            return items
        raise ModuleNotFoundError(
            "progress=True needs tqdm: install it with `pip install tqdm`, or leave progress out",
            name="tqdm",
        ) from error
    options: dict[str, Any] = {"total": total, "unit": unit, "leave": show is True}
    options |= {} if each == 1 else {"unit_scale": each}
    return tqdm(items, delay=0 if show else 1.0, **options)
