"""Fits a set with scikit-learn's solvers, and says how long each took until the objective was low
enough: it is looked at whenever a solver evaluates it, so no solver pays for its own stopping rule.

Arguments: the folder of the set, C, the objective to reach, rounds, seconds that a fit may take.
"""

import json
import os
import signal
import statistics
import sys
import time
import warnings

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import _linear_loss

folder, c, target, rounds, limit = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
warnings.filterwarnings("ignore")


def load(name):
    return np.load(os.path.join(folder, name + ".npy"))


y = load("y")
if os.path.exists(os.path.join(folder, "x.npy")):
    x = load("x")
else:
    x = sparse.csr_matrix((load("values"), load("index"), load("start")), shape=(len(y), int(load("columns")[0])))
classes = int(y.max()) + 1

trace = []


class Reached(Exception):
    """The objective is low enough."""


class Late(Exception):
    """The fit took too long."""


def scale():
    """Newer versions divide the objective by the number of rows. All weights are 0 at first."""
    return round(len(y) * np.log(classes) / trace[0][1])


def watched(method):
    def call(self, *args, **kwargs):
        result = method(self, *args, **kwargs)
        value = result[0] if isinstance(result, tuple) else result
        trace.append((time.perf_counter(), float(value)))
        if value * scale() <= target:
            raise Reached
        return result

    return call


for name in ("loss", "loss_gradient"):
    setattr(_linear_loss.LinearModelLoss, name, watched(getattr(_linear_loss.LinearModelLoss, name)))


def late(*_):
    raise Late


signal.signal(signal.SIGALRM, late)


def objective(model):
    scores = x @ model.coef_.T + model.intercept_
    if classes == 2:
        scores = np.hstack([np.zeros_like(scores), scores])
    highest = scores.max(axis=1)
    loss = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1)) - scores[np.arange(len(y)), y]
    return float(loss.sum() + (model.coef_**2).sum() / (2 * c))


def once(solver):
    """Returns the seconds until the target (None: not reached), and those until the end."""
    trace.clear()
    model = LogisticRegression(C=c, solver=solver, tol=1e-10, max_iter=100_000)
    signal.alarm(limit)
    began = time.perf_counter()
    reached = False
    try:
        model.fit(x, y)
        signal.alarm(0)
        reached = objective(model) <= target
    except Reached:
        reached = True
    except Late:
        pass
    signal.alarm(0)
    stop = time.perf_counter() - began
    return (trace[-1][0] - began if reached else None), stop


answers = []
for solver in ("lbfgs", "newton-cg", "newton-cholesky"):
    if solver == "newton-cholesky" and ((x.shape[1] + 1) * classes > 2000 or sparse.issparse(x)):
        continue  # its matrix would not fit, or not be done today
    runs = []
    for _ in range(rounds):
        try:
            runs.append(once(solver))
        except Exception as problem:  # such as a version without this solver
            print(f"  {solver}: {problem}", file=sys.stderr)
            break
        if runs[-1][1] > 3:
            break
    if not runs:
        continue
    times = [r[0] for r in runs if r[0] is not None]
    answers.append({
        "solver": solver,
        "seconds": statistics.median(times) if times else 0,
        "stop_seconds": statistics.median(r[1] for r in runs),
    })

target = -np.inf  # nothing to reach any more
rows_per_second = 0
if not sparse.issparse(x):
    rows = x
    while len(rows) < 50_000:
        rows = np.vstack([rows, x])
    model = LogisticRegression(max_iter=1)
    keep = np.concatenate([np.flatnonzero(y == k)[:3] for k in range(classes)])
    model.fit(x[keep], y[keep])
    weights, intercept = load("weights"), load("intercept")
    if classes == 2:
        weights, intercept = weights[1:] - weights[:1], intercept[1:] - intercept[:1]
    model.coef_, model.intercept_ = weights, intercept
    for _ in range(10):
        began = time.perf_counter()
        model.predict_proba(rows)
        rows_per_second = max(rows_per_second, len(rows) / (time.perf_counter() - began))

print(json.dumps({"solvers": answers, "rows_per_second": rows_per_second}))
