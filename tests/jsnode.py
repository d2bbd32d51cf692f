"""A Node process that runs the page's programs, and how its answers are compared."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Ask: TypeAlias = Callable[..., dict[str, Any]]


@contextlib.contextmanager
def answering(root: Path) -> Iterator[Ask]:
    """Keep one Node process that answers requests."""
    program = shutil.which("node")
    assert program, "Node is needed: make test installs it, or see https://nodejs.org"
    assert (root / "js/node_modules").is_dir(), "run `npm ci` in js/ first"
    command = [program, str(root / "js/test/serve.mjs")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin and process.stdout
        send, receive = process.stdin, process.stdout

        def ask(what: str, **request: Any) -> dict[str, Any]:
            send.write(json.dumps({"ask": what, **request}) + "\n")
            answer: dict[str, Any] = json.loads(receive.readline())
            assert "error" not in answer, answer
            return answer

        yield ask
        send.close()


def numbers(values: list[Any]) -> np.ndarray:
    """Return numbers that came as JSON; those that JSON has not came as text."""
    return np.array([float(v) for v in values])


def same_path(answer: dict[str, Any], path: Any) -> None:
    """Compare points, losses and counts; Python goes on where the page stops, at 1e12."""
    length, D = len(answer["loss"]), path.theta.shape[1]
    assert length == len(path.loss) or not abs(path.loss[length]) <= 1e12
    theta = numbers(answer["history"]).reshape(length, -1)[:, :D]
    np.testing.assert_allclose(theta, path.theta[:length], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(numbers(answer["loss"]), path.loss[:length], rtol=1e-9, atol=1e-15)
    assert answer["gradEvals"] == path.grad_evals[:length].tolist()
    assert answer["lossEvals"] == path.loss_evals[:length].tolist()
