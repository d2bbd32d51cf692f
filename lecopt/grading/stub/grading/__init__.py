"""A student's cell may say `from lecopt.grading import check`; when graded, it is not an error."""


def check(*tasks: str, **options: object) -> None:
    """Do nothing: the grader runs the checks by itself."""
