"""Prove an exercise: the right answer gets all, a blank nothing, each mistake what it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lecopt.grading.exercise import Exercise, Ran, Task
from lecopt.grading.feedback import TaskVerdict, judge_task
from lecopt.grading.outputs import BLANK, SOLUTION, faults, outputs_of, run_variants, variants
from lecopt.grading.release import notebook_text
from lecopt.grading.source import read_source

ENOUGH_MUTANTS = 4


@dataclass(frozen=True)
class Proof:
    """What one known answer gets on one seed, by all checks and by the public ones."""

    seed: int
    task: str
    variant: str
    graded: TaskVerdict
    checked: TaskVerdict

    def faults(self) -> Iterator[str]:
        """Say what is wrong with it."""
        for how, verdict in (("graded", self.graded), ("checked", self.checked)):
            where = f"seed {self.seed}: {self.variant}, {how}, gets {verdict.earned} of "
            where += f"{verdict.points} points of {self.task}"
            if self.variant == SOLUTION:
                wrong = not verdict.passed
            else:
                wrong = verdict.passed or (self.variant == BLANK and verdict.earned > 0)
            if wrong:
                yield where
            elif self.variant not in (SOLUTION, BLANK, verdict.mistake):
                yield f"{where} and is taken for {verdict.mistake or 'no known mistake'}"


def prove_task(
    exercise: Exercise, task: Task, runs: Mapping[str, Mapping[str, Ran]], seed: int
) -> Iterator[Proof]:
    """Judge each known answer to a task, as `lecopt grade` does and as `lecopt check` does."""
    outputs = outputs_of(exercise, runs)
    public = replace(task, checks=tuple(c for c in task.checks if c.role == "check"))
    for name in variants(exercise, task):
        results = [
            replace(runs[name][c.id], passed=runs[name][c.id].text == outputs.solution[c.id])
            for c in task.checks
        ]
        graded, checked = (judge_task(some, results, outputs) for some in (task, public))
        yield Proof(seed, task.id, name, graded, checked)


def prove(path: Path, seeds: list[int], kind: str) -> tuple[list[Proof], list[str]]:
    """Return what every known answer gets on each seed (and on the public one); what is wrong."""
    source = read_source(path)
    exercise = source.exercise
    proofs: list[Proof] = []
    wrong = [
        f"task {task.id} has {len(task.mistakes)} mutants; it needs {ENOUGH_MUTANTS} or more"
        for task in exercise.tasks
        if len(task.mistakes) < ENOUGH_MUTANTS
    ]
    for seed in (exercise.seed, *seeds):
        runs = run_variants(exercise, seed, kind)
        if seed == exercise.seed:
            notebook_text(path, source, outputs_of(exercise, runs))  # raises on a leak
        wrong += [f"seed {seed}: {fault}" for fault in faults(exercise, runs)]
        for task in exercise.tasks:
            proofs += prove_task(exercise, task, runs, seed)
    wrong += [fault for proof in proofs for fault in proof.faults()]
    return proofs, wrong
