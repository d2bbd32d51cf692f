"""Turn what ran into points and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lecopt.grading.exercise import Exercise, Mistake, Outputs, Ran, Task, digest

IN_WORDS = {
    "NotImplementedError": "It is not written yet.",
    "the time was up": "It was still running when its time was up. Is there a loop without an end?",
    "the kernel died": "Python itself stopped. Does something call exit, or take all memory?",
    "the output was too much": "It printed more than the grader reads. Take out a print in a loop.",
}


@dataclass(frozen=True)
class CheckVerdict:
    """One check: what it looks at, whether it passed, and why not."""

    id: str
    says: str
    hidden: bool
    points: int
    passed: bool
    why: str = ""
    got: str = ""
    wanted: str = ""

    @property
    def earned(self) -> int:
        return self.points if self.passed else 0


@dataclass(frozen=True)
class TaskVerdict:
    """One task: its checks, the mistake it looks like, and cells of the student's that failed."""

    id: str
    title: str
    checks: tuple[CheckVerdict, ...]
    mistake: str = ""
    looks_like: str = ""
    hints: tuple[str, ...] = ()
    sure: bool = False
    cell_errors: tuple[str, ...] = ()

    @property
    def earned(self) -> int:
        return sum(check.earned for check in self.checks)

    @property
    def points(self) -> int:
        return sum(check.points for check in self.checks)

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


def recognise(task: Task, runs: Sequence[Ran], outputs: Outputs) -> tuple[Mistake | None, bool]:
    """Return the mistake that prints what this answer prints, and whether it explains it all."""
    failed = [ran for ran in runs if not ran.passed]
    scores = {}
    for mistake in task.mistakes:
        prints = outputs.mistakes[mistake.id]
        alike = sum(digest(ran.text) == prints.get(ran.check) for ran in failed)
        all_alike = sum(digest(ran.text) == prints.get(ran.check) for ran in runs)
        if alike:
            scores[mistake] = (alike, all_alike)
    best = [mistake for mistake, score in scores.items() if score == max(scores.values())]
    if len(best) != 1:
        return None, False
    return best[0], scores[best[0]] == (len(failed), len(runs))


def reason(ran: Ran, reveal: bool) -> str:
    """Say why a check failed. What an error says could give away the numbers of the check."""
    if not ran.error or ran.error in IN_WORDS:
        return IN_WORDS.get(ran.error, "")
    return f"{ran.error}: {ran.detail[:500]}" if reveal else ran.error[:80]


def judge(
    exercise: Exercise,
    results: Mapping[str, Sequence[Ran]],
    outputs: Outputs,
    *,
    reveal: bool = True,
) -> list[TaskVerdict]:
    """Give points and words for what came of a submission."""
    return [
        judge_task(task, results.get(task.id, ()), outputs, reveal=reveal)
        for task in exercise.tasks
    ]


def judge_task(
    task: Task, results: Sequence[Ran], outputs: Outputs, *, reveal: bool = True
) -> TaskVerdict:
    """Give points and words for one task.

    With `reveal`, say what was printed, what should have been and what errors said. That is for
    the public seed: on a private one it would tell the numbers of the checks, and the answers.
    """
    by_check = {ran.check: ran for ran in results if ran.check}
    runs = [by_check.get(c.id) or Ran(c.id, False, "", "it did not run") for c in task.checks]
    verdicts = []
    for check, ran in zip(task.checks, runs, strict=True):
        tell = reveal and check.role == "check" and not ran.passed
        verdicts.append(
            CheckVerdict(
                check.id,
                check.says,
                check.role == "hidden",
                check.points,
                ran.passed,
                why="" if ran.passed else reason(ran, tell),
                got=ran.lines[:2000] if tell else "",
                wanted=outputs.solution[check.id] if tell else "",
            )
        )
    mistake, sure = recognise(task, runs, outputs)
    return TaskVerdict(
        task.id,
        task.title,
        tuple(verdicts),
        mistake=mistake.id if mistake else "",
        looks_like=mistake.says if mistake else "",
        hints=mistake.hints if mistake else (),
        sure=sure,
        cell_errors=tuple(reason(ran, reveal) for ran in results if not ran.check),
    )
