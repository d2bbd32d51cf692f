"""The explorer: pictures of optimizers that move under the reader's hand.

Each function returns an `Explorer`, a Jupyter widget. With the environment variable
``LECOPT_SITE=1`` the same object displays as plain HTML, for pages without a kernel.

    explore(J, rules)            race update rules over a contour map
    guess(J)                     set the parameters by hand and see what the loss says
    direction_dial(J)            turn a step about a point: predicted and real change of the loss
    contour_quiz()               which surface has this contour map?
    fading_weights(gamma)        how much of each past gradient momentum still remembers
    moving_average(values)       smooth noisy values by an exponentially weighted average
"""

from lecopt.explorer.questions import Question, Wrong, book_questions
from lecopt.explorer.scenes import (
    contour_quiz,
    direction_dial,
    explore,
    fading_weights,
    guess,
    moving_average,
)
from lecopt.explorer.widget import Explorer

__all__ = [
    "Explorer",
    "Question",
    "Wrong",
    "book_questions",
    "contour_quiz",
    "direction_dial",
    "explore",
    "fading_weights",
    "guess",
    "moving_average",
]
