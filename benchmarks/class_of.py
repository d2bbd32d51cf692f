"""Measure what a class costs beside running its code: store, pages and exports; seconds and MB.

python benchmarks/class_of.py [STUDENTS]
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1] / "tests")  # not here, where grading.py is

from grading.classes import fill_store, handed_in  # noqa: E402

from lecopt.grading.exports import fill, write_csv, write_gradescope, write_json  # noqa: E402
from lecopt.grading.report import write_reports  # noqa: E402
from lecopt.grading.results import results  # noqa: E402
from lecopt.grading.store import Store  # noqa: E402


def main() -> None:
    """Print the figures, as JSON."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    figures: dict[str, float] = {}

    def timed(what: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        figures[what] = round(time.perf_counter() - start, 2)

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        store = Store(out / "results.sqlite")
        names = [f"student {number:05d}" for number in range(count)]
        book = out / "gradebook.csv"
        lines = (f'"{name}",{i + 1},{name},A,\n' for i, name in enumerate(names))
        book.write_text("Student,ID,SIS Login ID,Section,Momentum (1)\n" + "".join(lines))
        timed("store", lambda: fill_store(store, (handed_in(n, (len(n) % 7, 4)) for n in names)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        timed("pages and grades.csv", lambda: write_reports(store, out))
        timed("nothing changed", lambda: write_reports(store, out))
        timed("csv", lambda: write_csv(results(store), out / "all.csv"))
        timed("json", lambda: write_json(results(store), out / "all.jsonl"))
        timed("canvas", lambda: (out / "filled.csv").write_bytes(fill(book, results(store))[0]))
        timed("gradescope", lambda: write_gradescope(results(store), names, out / "gs"))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        store.close()
    figures["seconds in all"] = round(sum(figures.values()), 2)
    figures["MB more for reports and exports"] = round((after - before) / 1024, 1)
    print(json.dumps({f"{what}, {count} students": x for what, x in figures.items()}, indent=2))


if __name__ == "__main__":
    main()
