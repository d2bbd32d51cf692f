"""Record what is done to values, by NumPy's own protocols: see `lecopt.trace`."""

from lecopt.tape.operations import BINARY, OPERATIONS, REDUCTIONS, UNARY, evaluate
from lecopt.tape.refusal import TraceError
from lecopt.tape.tape import Tape
from lecopt.tape.traced import Traced

__all__ = [
    "BINARY",
    "OPERATIONS",
    "REDUCTIONS",
    "UNARY",
    "Tape",
    "TraceError",
    "Traced",
    "evaluate",
]
