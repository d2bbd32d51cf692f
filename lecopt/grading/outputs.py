"""Find out what the right answer and each known mistake print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lecopt.grading.compare import compare
from lecopt.grading.exercise import Exercise, ExerciseError, Outputs, Ran, Task, digest
from lecopt.grading.limits import Limits
from lecopt.grading.merge import Group, Step
from lecopt.grading.sandbox import Sandbox

SOLUTION, BLANK = "solution", "blank"


def variants(exercise: Exercise, task: Task) -> Mapping[str, str]:
    """Return the answers to a task that we know: {name: source of the whole answer cell}."""
    mistakes = {mistake.id: mistake.source for mistake in task.mistakes}
    return {SOLUTION: exercise.solutions[task.id], BLANK: task.answer.source, **mistakes}


def everything(exercise: Exercise, task: Task, seed: int) -> Group:
    """Return one group that runs every variant of a task, one after another."""
    setup = f"{exercise.setup}\n\nseed = {seed}\n"
    steps = []
    for name, source in variants(exercise, task).items():
        steps += [Step("setup", setup), Step("setup", source)]
        for check in task.checks:
            steps.append(Step("check", setup + check.source, f"{name}|{check.id}"))
    return Group(task.id, tuple(steps))


def run_variants(exercise: Exercise, seed: int, kind: str) -> dict[str, dict[str, Ran]]:
    """Run every known answer: {variant: {check: what came of it}}. Our own code: trusted."""
    found: dict[str, dict[str, Ran]] = {}
    groups = [everything(exercise, task, seed) for task in exercise.tasks]
    with Sandbox(kind, replace(Limits(), notebook=1800, group=900, cell=300, cpu=900)) as place:
        for runs in compare(groups, {}, place).values():
            for ran in runs:
                variant, check = ran.check.split("|")
                found.setdefault(variant, {})[check] = replace(ran, check=check)
    return found


def expected_outputs(exercise: Exercise, seed: int, kind: str) -> Outputs:
    """Return what a seed's checks print, after making sure that they tell right from wrong."""
    runs = run_variants(exercise, seed, kind)
    wrong = list(faults(exercise, runs))
    if wrong:
        raise ExerciseError(f"{exercise.name}, seed {seed}: {'; '.join(wrong)}")
    return outputs_of(exercise, runs)


def outputs_of(exercise: Exercise, runs: Mapping[str, Mapping[str, Ran]]) -> Outputs:
    """Return what to compare with: the solution's outputs, and digests of each mistake's."""
    return Outputs(
        {check: ran.text for check, ran in runs[SOLUTION].items()},
        {m.id: {c: digest(ran.text) for c, ran in runs[m.id].items()} for m in exercise.mistakes},
    )


def faults(exercise: Exercise, runs: Mapping[str, Mapping[str, Ran]]) -> Iterator[str]:
    """Say what a seed cannot tell apart."""
    for check, ran in runs[SOLUTION].items():
        if ran.error:
            yield f"the solution fails {check}: {ran.error}: {ran.detail}"
        elif not ran.lines:
            yield f"{check} shows nothing: it must call show(name, value)"
        elif runs[BLANK][check].text == ran.text:
            yield f"the blank answer passes {check}"
    for task in exercise.tasks:
        seen: dict[tuple[str, ...], str] = {}
        for name in (SOLUTION, *(mistake.id for mistake in task.mistakes)):
            public = [check for check in task.checks if check.role == "check"]
            prints = tuple(runs[name][check.id].text for check in public)
            if prints in seen:
                yield f"the public checks cannot tell {name} from {seen[prints]}"
            seen[prints] = name
