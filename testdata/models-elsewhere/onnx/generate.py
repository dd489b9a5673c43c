"""Writes the files of this folder that skl2onnx makes, and what onnxruntime answers to manifest.json.

    python generate.py TESTDATA

TESTDATA is the folder with datasets/iris.csv and oracles/digits.csv (../..). The versions of the packages are in README.md.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import onnxruntime
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, OneHotEncoder, StandardScaler

warnings.simplefilter("ignore")
here = pathlib.Path(__file__).parent
data = pathlib.Path(sys.argv[1])
table = np.genfromtxt(data / "datasets" / "iris.csv", delimiter=",", skip_header=1, usecols=range(4))
X, y = table, np.repeat([0, 1, 2], 50)
words = np.array(["setosa", "versicolor", "virginica"])[y]
two = y > 0
holes = X.copy()
holes[::7, 1] = np.nan
holes[3::11, 3] = np.nan
manifest = json.loads((here / "manifest.json").read_text())
# What an earlier run answered goes.
manifest = {name: answer for name, answer in manifest.items() if not name.startswith("skl_")}


def softmax_regression(**options):
    return LogisticRegression(max_iter=1000, **options)


def write(name, model, labels, rows=X, kind=FloatTensorType, inputs=None, refused=False, opset=17, ml=1, step=15, avoid=None, **options):
    model.fit(rows, labels)
    if kind is DoubleTensorType:
        options["zipmap"] = False  # it takes float32 only
    steps = {id(model): options} if options else None
    if options and hasattr(model, "steps") and "zipmap" not in options:
        steps = {id(step): options for _, step in model.steps if type(step) is StandardScaler}
    proto = convert_sklearn(
        model, initial_types=inputs or [("X", kind([None, rows.shape[1]]))], options=steps,
        target_opset={"": opset, "ai.onnx.ml": ml}, black_op=avoid)
    file = name + ".onnx"
    (here / file).write_bytes(proto.SerializeToString())
    if refused:
        return
    asked = rows[::step][:20]
    session = onnxruntime.InferenceSession(str(here / file), providers=["CPUExecutionProvider"])
    number = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(int64)": np.int64}
    feed = {}
    at = 0
    for one in session.get_inputs():
        feed[one.name] = asked[:, at:at + one.shape[1]].astype(number[one.type])
        at += one.shape[1]
    answers = session.run(None, feed)
    probabilities = answers[1]
    if options.get("zipmap") == "columns":
        probabilities = np.column_stack(answers[1:])
    elif isinstance(probabilities, list):
        probabilities = [list(row.values()) for row in probabilities]
    probabilities = np.asarray(probabilities, float)
    off = np.abs(probabilities - model.predict_proba(asked)).max()
    assert off < (1e-12 if kind is DoubleTensorType else 2e-6), name
    manifest[file] = {
        "X": [[None if np.isnan(v) else v for v in row] for row in asked.tolist()],
        "ort_label": [str(int(v)) if isinstance(v, (int, np.integer, bool, np.bool_)) else str(v) for v in answers[0]],
        "ort_probs": probabilities.tolist(),
        "ort": onnxruntime.__version__,
        "precise": kind is DoubleTensorType,
    }


def pipe(*steps, **options):
    return make_pipeline(*steps, softmax_regression(**options))


write("skl_multinomial", softmax_regression(), words)
write("skl_multinomial_opset9", softmax_regression(), y, opset=9)
write("skl_multinomial_array", softmax_regression(), words, zipmap=False)
write("skl_multinomial_columns", softmax_regression(), words, zipmap="columns")
write("skl_binary", softmax_regression(), two.astype(int))
write("skl_binary_bool", softmax_regression(), two)
write("skl_binary_nointercept", softmax_regression(fit_intercept=False), np.where(two, "yes", "no"))
write("skl_binary_double", softmax_regression(), two.astype(int), kind=DoubleTensorType)
write("skl_multinomial_double", softmax_regression(), words, kind=DoubleTensorType)
write("skl_multinomial_double_opset9", softmax_regression(), y, kind=DoubleTensorType, opset=9)
write("skl_multinomial_int64", softmax_regression(), y, rows=np.round(X), kind=Int64TensorType)
write("skl_standard", pipe(StandardScaler()), words)
write("skl_standard_div", pipe(StandardScaler()), words, div="div")
write("skl_standard_div_cast", pipe(StandardScaler()), words, div="div_cast")
write("skl_standard_nomean", pipe(StandardScaler(with_mean=False)), y)
write("skl_standard_nostd", pipe(StandardScaler(with_std=False)), y)
write("skl_standard_double", pipe(StandardScaler()), words, kind=DoubleTensorType)
write("skl_standard_binary_double", pipe(StandardScaler()), two.astype(int), kind=DoubleTensorType)
write("skl_minmax", pipe(MinMaxScaler()), y)
write("skl_minmax_double", pipe(MinMaxScaler()), y, kind=DoubleTensorType)
write("skl_imputer", pipe(SimpleImputer()), words, rows=holes)
write("skl_imputer_standard", pipe(SimpleImputer(), StandardScaler()), words, rows=holes)
write("skl_standard_imputer", pipe(StandardScaler(), SimpleImputer(strategy="median")), words, rows=holes)
write("skl_imputer_minmax_binary", pipe(SimpleImputer(), MinMaxScaler()), two.astype(int), rows=holes)
names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
write("skl_named_columns", pipe(StandardScaler()), words, inputs=[(n, FloatTensorType([None, 1])) for n in names])
write("skl_column_transformer",
      pipe(ColumnTransformer([("a", StandardScaler(), [2, 0]), ("b", MinMaxScaler(), [1]), ("c", "passthrough", [3])])), words)
write("skl_named_imputer", pipe(SimpleImputer(), StandardScaler()), two.astype(int), rows=holes,
      inputs=[(n, FloatTensorType([None, 1])) for n in names])
write("skl_class_labels", softmax_regression(), words, zipmap=False, ml=3, output_class_labels=True)
write("skl_negative_labels", softmax_regression(), np.where(two, 1, -1), zipmap=False)



def ovr(**options):
    return softmax_regression(multi_class="ovr", **options)


write("skl_ovr", ovr(), words, step=7)
write("skl_ovr_double", ovr(), words, kind=DoubleTensorType, step=7)
write("skl_ovr_opset9", softmax_regression(solver="liblinear"), y, opset=9, zipmap=False, step=7)
write("skl_ovr_double_opset9", softmax_regression(solver="liblinear"), y, kind=DoubleTensorType, opset=9, step=7)
write("skl_ovr_columns", ovr(), words, zipmap="columns", step=7)
write("skl_ovr_class_labels", ovr(), words, zipmap=False, ml=3, output_class_labels=True, opset=21, step=7)
write("skl_ovr_nointercept", softmax_regression(solver="liblinear", fit_intercept=False), y, step=7)
write("skl_ovr_cholesky", softmax_regression(solver="newton-cholesky"), y, step=7)
write("skl_ovr_standard", make_pipeline(StandardScaler(), ovr()), words, step=7)
write("skl_ovr_standard_double", make_pipeline(StandardScaler(), ovr()), words, kind=DoubleTensorType, step=7)
write("skl_ovr_reduced", ovr(), words, avoid={"Normalizer"}, step=7)
write("skl_ovr_matmul", ovr(), words, avoid={"LinearClassifier", "Normalizer"}, step=7)
table = np.genfromtxt(data / "oracles" / "digits.csv", delimiter=",", skip_header=1)[:600]
digits, figures = table[:, :-1], table[:, -1].astype(int)
write("skl_ovr_digits", ovr(C=0.01), figures, rows=digits, step=30)
write("skl_ovr_digits_double", ovr(C=0.01), figures, rows=digits, kind=DoubleTensorType, step=30)

write("skl_ovr_raw_scores", ovr(), words, refused=True, raw_scores=True, zipmap=False)
write("skl_raw_scores", softmax_regression(), words, refused=True, raw_scores=True)
write("skl_onevsrest", OneVsRestClassifier(softmax_regression()), y, refused=True)
write("skl_norm", pipe(Normalizer()), words, refused=True)
write("skl_clip", pipe(MinMaxScaler(clip=True)), words, refused=True)
write("skl_pca", pipe(PCA(2)), words, refused=True)
write("skl_forest", RandomForestClassifier(3, max_depth=2, random_state=0), words, refused=True)
write("skl_onehot", pipe(OneHotEncoder(handle_unknown="ignore")), words, rows=np.round(X), kind=Int64TensorType, refused=True)
write("skl_sentinel", pipe(SimpleImputer(missing_values=0.2)), words, refused=True)

(here / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
