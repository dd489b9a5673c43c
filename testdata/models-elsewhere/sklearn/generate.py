"""Writes the files of this folder whose names stand in manifest_more_sk*.json, and those manifests.

    python generate.py DATASETS

DATASETS is the folder with iris.csv (../../datasets). The versions of scikit-learn that the files are from are in
README.md.
"""

import json
import pathlib
import pickle
import sys
import warnings

import joblib
import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
)

warnings.simplefilter("ignore")
version = sklearn.__version__
release = tuple(int(part) for part in version.split(".")[:2])
here = pathlib.Path(__file__).parent
table = np.genfromtxt(pathlib.Path(sys.argv[1]) / "iris.csv", delimiter=",", skip_header=1, usecols=range(4))
X, y = table, np.repeat([0, 1, 2], 50)
two = y > 0
holes = X.copy()
holes[::7, 1] = np.nan
holes[3::11, 3] = np.nan
manifest = {}


# What the versions in between changed.
changed = ["minmax", "imputer_std", "cholesky", "binary_multinomial", "ovr", "liblinear", "frame"]
if release < (0, 22):
    from sklearn.externals import joblib


def write(name, model, rows=None, how="pkl", refused=None, tolerance=None):
    if release in [(1, 5), (1, 6)] and name not in changed:
        return
    file = f"{name}_sk{version}." + ("joblib" if how == "joblib" else "pkl")
    if how == "joblib":
        joblib.dump(model, here / file)
    else:
        (here / file).write_bytes(pickle.dumps(model, protocol=4 if how == "pkl" else min(how, pickle.HIGHEST_PROTOCOL)))
    entry = {"refused": refused} if refused else {
        "X": [[None if np.isnan(v) else v for v in row] for row in np.asarray(rows, float).tolist()],
        "proba": model.predict_proba(rows).tolist(),
        "pred": [str(p) for p in model.predict(rows)],
        "classes": [str(c) for c in model.classes_],
    }
    if tolerance:
        entry["tolerance"] = tolerance
    manifest[file] = entry


def logistic(**options):
    defaults = {"max_iter": 2000}
    if release < (0, 22):  # as since then
        defaults.update(solver="lbfgs", multi_class="auto")
    return LogisticRegression(**{**defaults, **options})


def pipe(*steps, X=X, y=y, **options):
    parts = [(type(s).__name__.lower() if not isinstance(s, str) else s, s) for s in steps]
    return Pipeline(parts + [("clf", logistic(**options))]).fit(X, y)


some, gaps = X[::15], holes[::7]
write("minmax", pipe(MinMaxScaler()), some)
write("minmax_range", pipe(MinMaxScaler(feature_range=(-3, 7))), some, how="joblib")
write("std_nomean", pipe(StandardScaler(with_mean=False)), some)
write("std_nostd", pipe(StandardScaler(with_std=False)), some, how=5)
write("std_nothing", pipe(StandardScaler(with_mean=False, with_std=False)), some)
write("imputer", pipe(SimpleImputer(), X=holes), gaps)
write("imputer_std", pipe(SimpleImputer(strategy="median"), StandardScaler(), X=holes), gaps, how="joblib")
write("imputer_minmax", pipe(SimpleImputer(strategy="constant", fill_value=2.5), MinMaxScaler(), X=holes), gaps, how=2)
write("imputer_frequent_std_minmax",
      pipe(SimpleImputer(strategy="most_frequent"), StandardScaler(), MinMaxScaler(), X=holes), gaps, how=5)
write("passthrough", pipe("passthrough" if release >= (0, 21) else None, StandardScaler()), some)
write("binary", logistic().fit(X[two], y[two]), some, how=2)
write("binary_pipe", pipe(MinMaxScaler(), X=X[two], y=y[two]), some, how="joblib")
for name, labels in {
    "float_labels": np.array([-1e-7, 0.5, 1e16]),
    "float32_labels": np.array([0, 0.1, 3e20], dtype=np.float32),
    "mixed_labels": np.array([None, 2**70, np.float64(2.5)], dtype=object),
}.items():
    model = logistic().fit(X, y)
    model.classes_ = labels
    write(name, model, some)
write("text_labels", logistic().fit(X, np.array(["größe", "b,c", "日本"])[y]), some, how=2)
write("uint8_labels", logistic().fit(X, y.astype(np.uint8) + 254 - 1), some)
write("randomstate", logistic(random_state=np.random.RandomState(3), solver="saga", tol=0.1).fit(X, y), some)
write("class_weight", logistic(class_weight={0: 1.5, 1: np.float64(2), 2: 1}).fit(X, y), some, how="joblib")
write("float32", logistic().fit(X.astype(np.float32), y), some)

write("unconverged", logistic(max_iter=3).fit(X, y), some)
write("far", pipe(StandardScaler(), X=X + 1e4), some + 1e4, tolerance=1e-11)  # the weights of raw values have fewer digits

swapped = logistic().fit(X, y)
swapped.coef_, swapped.intercept_ = swapped.coef_.astype(">f8"), swapped.intercept_.astype(">f8")
swapped.classes_ = swapped.classes_.astype(">i4")
write("bigendian", swapped, some)
write("bigendian_p2", swapped, some, how=2)
single = logistic().fit(X, y)
single.coef_ = np.asfortranarray(single.coef_.astype(np.float16))
write("fortran_float16", single, some)
strided = logistic().fit(X, y)
strided.coef_ = np.repeat(strided.coef_, 2, axis=1)[:, ::2]
write("strided", strided, some, how=5)
try:
    import pandas

    frame = pandas.DataFrame(holes, columns=["sepal länge", "b", "c", "d"])
    model = pipe(SimpleImputer(), StandardScaler(), X=frame, y=np.array(["x", "y", "z"], dtype=object)[y])
    write("frame", model, frame[::7], how="joblib")
    write("frame_p5", model, frame[::7], how=5)
except ImportError:
    pass

if release < (1, 8):
    write("binary_multinomial", logistic(multi_class="multinomial").fit(X[two], y[two]), some)
    write("binary_multinomial_pipe", pipe(StandardScaler(), X=X[two], y=y[two], multi_class="multinomial"), some)
    write("binary_ovr", logistic(multi_class="ovr").fit(X[two], y[two]), some)
    write("ovr", logistic(multi_class="ovr").fit(X, y), some)
    write("liblinear", logistic(solver="liblinear").fit(X, y), some)
    write("liblinear_pipe", pipe(StandardScaler(), solver="liblinear"), some, how="joblib")
if release >= (1, 2):
    write("cholesky", logistic(solver="newton-cholesky").fit(X, y), some)

if release < (0, 22):
    write("warn", LogisticRegression(solver="lbfgs", max_iter=2000).fit(X, y), some)
if release >= (1, 9):
    fit = logistic().fit(X, y)
    write("protocol0", fit, how=0, refused="protocol")
    write("protocol1", fit, how=1, refused="protocol")
    write("sparse", logistic().fit(X, y).sparsify(), refused="densify")
    write("clip", pipe(MinMaxScaler(clip=True)), refused="clip=True")
    write("indicator", pipe(SimpleImputer(add_indicator=True), X=holes), refused="add_indicator=False")
    write("sentinel", pipe(SimpleImputer(missing_values=-1)), refused="missing_values is -1")
    write("late_imputer", pipe(StandardScaler(), SimpleImputer(), X=holes), refused="first step")
    write("unfitted", LogisticRegression(), refused="not fitted")
    write("unfitted_pipeline", Pipeline([("s", StandardScaler()), ("c", LogisticRegression())]), refused="not fitted")
    write("scaler", StandardScaler().fit(X), refused="StandardScaler")
    write("dictionary", {"model": fit}, refused="a dict", how="joblib")
    broken = logistic().fit(X, y)
    broken.coef_[1, 2] = np.nan
    write("nan_weight", broken, refused="NaN")
    broken = logistic().fit(X, y)
    broken.n_features_in_ = 5
    write("wrong_features", broken, refused="n_features_in_")
    write("forest", RandomForestClassifier(1, max_depth=1, random_state=0).fit(X, y), refused="RandomForestClassifier")
    write("grid", GridSearchCV(logistic(), {"C": [1]}, cv=2).fit(X, y), refused="best_estimator_")
    write("onevsrest", OneVsRestClassifier(logistic()).fit(X, y), refused="OneVsRestClassifier")
    write("calibrated", CalibratedClassifierCV(logistic(), cv=2).fit(X, y), refused="CalibratedClassifierCV")
    write("cv", LogisticRegressionCV(Cs=1, cv=2).fit(X, y), refused="LogisticRegressionCV")
    write("sgd", SGDClassifier(max_iter=5, random_state=0).fit(X, y), refused="SGDClassifier")
    write("normalizer", pipe(Normalizer()), refused="Normalizer")
    write("maxabs", pipe(MaxAbsScaler()), refused="MaxAbsScaler")
    write("pca", pipe(PCA(2)), refused="PCA")
    write("function", pipe(FunctionTransformer(np.log1p)), refused="FunctionTransformer")
    write("columns", pipe(ColumnTransformer([("a", StandardScaler(), [0, 1])])), refused="ColumnTransformer")
    write("onehot", pipe(OneHotEncoder(handle_unknown="ignore")), refused="OneHotEncoder")

(here / f"manifest_more_sk{version}.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
