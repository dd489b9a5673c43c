"""Writes the files of this folder whose names stand in manifest_ovr_sk*.json, and that manifest: classifiers of three
classes or more that were fitted one against the rest.

    python generate_ovr.py TESTDATA

TESTDATA is the folder with datasets/iris.csv and oracles/digits.csv (../..). The versions of scikit-learn that the
files are from are in README.md; since 1.8 it fits no such classifier.
"""

import json
import pathlib
import pickle
import sys
import warnings

import joblib
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")
here = pathlib.Path(__file__).parent
data = pathlib.Path(sys.argv[1])
iris = np.genfromtxt(data / "datasets" / "iris.csv", delimiter=",", skip_header=1, usecols=range(4))
kinds = np.repeat([0, 1, 2], 50)
table = np.genfromtxt(data / "oracles" / "digits.csv", delimiter=",", skip_header=1)[:600]
digits, figures = table[:, :-1], table[:, -1].astype(int)
# Of the last rows, some have sigmoids that are 1, or nearly 0.
flowers = np.vstack([iris[::9], 60 * iris[[10, 60, 110]]])
assert len(flowers) == 20
manifest = {}


def write(name, model, rows, protocol=4):
    file = f"{name}_sk{sklearn.__version__}." + ("pkl" if protocol else "joblib")
    if protocol:
        (here / file).write_bytes(pickle.dumps(model, protocol=protocol))
    else:
        joblib.dump(model, here / file)
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    probabilities = model.predict_proba(rows)
    assert np.isfinite(probabilities).all() and len(last.classes_) > 2
    manifest[file] = {
        "X": rows.tolist(),
        "proba": probabilities.tolist(),
        "pred": [str(p) for p in model.predict(rows)],
        "classes": [str(c) for c in model.classes_],
        "coef": last.coef_.tolist(),
        # A float where liblinear fits none.
        "intercept": np.broadcast_to(last.intercept_, len(last.classes_)).tolist(),
    }


def ovr(**options):
    return LogisticRegression(multi_class="ovr", max_iter=1000, **options)


write("ovr_lbfgs", ovr().fit(iris, kinds), flowers)
write("ovr_saga", ovr(solver="saga", random_state=0).fit(iris, kinds), flowers, protocol=0)
write("ovr_liblinear", LogisticRegression(solver="liblinear").fit(iris, kinds), flowers, protocol=0)
write("ovr_nointercept", LogisticRegression(solver="liblinear", fit_intercept=False).fit(iris, kinds), flowers, protocol=2)
write("ovr_sharp", ovr(C=1e4).fit(iris, kinds), flowers)
write("ovr_labels", ovr(solver="liblinear").fit(iris, np.array(["größe", "b,c", "日本"])[kinds]), flowers, protocol=2)
write("ovr_pipe", make_pipeline(StandardScaler(), ovr()).fit(iris, kinds), flowers, protocol=5)
write("ovr_liblinear_pipe", make_pipeline(StandardScaler(), LogisticRegression(solver="liblinear")).fit(iris, kinds), flowers,
      protocol=0)
write("ovr_digits", ovr(C=0.01).fit(digits, figures), digits[::30])

(here / f"manifest_ovr_sk{sklearn.__version__}.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
