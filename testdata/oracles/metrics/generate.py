"""Writes metrics_sklearn_1.9.0.json: what scikit-learn says of predictions that are made up."""

import json
import sys

import numpy as np
import sklearn
from sklearn.calibration import _TemperatureScaling, calibration_curve
from sklearn.metrics import (
    accuracy_score, brier_score_loss, confusion_matrix, f1_score, log_loss, roc_auc_score, roc_curve,
)


def case(name, probabilities, labels):
    n, k = probabilities.shape
    classes = np.arange(k)
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right = (predicted == labels).astype(float)
    out = {
        "name": name,
        "labels": labels.tolist(),
        "probabilities": probabilities.tolist(),
        "accuracy": accuracy_score(labels, predicted),
        "log_loss": log_loss(labels, probabilities, labels=classes),
        "macro_f1": f1_score(labels, predicted, labels=classes, average="macro", zero_division=0.0),
        "brier": brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False),
        "mean_confidence": confidence.mean(),
        "confusion": confusion_matrix(labels, predicted, labels=classes).ravel().tolist(),
    }
    if len(set(labels.tolist())) == k:
        if k == 2:
            out["roc_auc"] = roc_auc_score(labels, probabilities[:, 1])
        else:
            out["roc_auc"] = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro", labels=classes)
        out["areas"] = [roc_auc_score(labels == c, probabilities[:, c]) for c in (classes if k > 2 else [1])]
        first = classes[-1]
        fpr, tpr, _ = roc_curve(labels == first, probabilities[:, first], drop_intermediate=True)
        out["last_curve"] = np.column_stack([fpr, tpr]).tolist()
    # calibration_curve leaves empty bins out; its bins include their upper edges.
    edges = np.linspace(0.0, 1.0, 11)
    at = np.searchsorted(edges[1:-1], confidence)
    counts = np.bincount(at, minlength=10)
    share_right, mean_confidence = calibration_curve(right, confidence, n_bins=10, strategy="uniform")
    full = counts > 0
    out["bin_rows"] = counts.tolist()
    out["bin_confidence"] = np.zeros(10)
    out["bin_confidence"][full] = mean_confidence
    out["bin_accuracy"] = np.zeros(10)
    out["bin_accuracy"][full] = share_right
    out["calibration_error"] = float(np.sum(counts / n * np.abs(out["bin_accuracy"] - out["bin_confidence"])))
    # The temperature of CalibratedClassifierCV(method="temperature").
    out["temperature"] = float(1 / _TemperatureScaling().fit(np.log(probabilities), labels).beta_)
    out["bin_confidence"] = out["bin_confidence"].tolist()
    out["bin_accuracy"] = out["bin_accuracy"].tolist()
    return out


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def made_up(random, n, k, sharpness, digits=None):
    labels = random.integers(0, k, n)
    z = random.normal(size=(n, k)) * sharpness
    z[np.arange(n), labels] += sharpness
    p = softmax(z)
    if digits is not None:  # ties
        p = np.round(p, digits)
        p[:, 0] += 1 - p.sum(axis=1)
    return p, labels


def main():
    assert sklearn.__version__ == "1.9.0", sklearn.__version__
    random = np.random.default_rng(20260101)
    cases = [case("binary", *made_up(random, 60, 2, 1.0))]
    p = np.round(made_up(random, 50, 2, 0.8)[0][:, 1] * 8) / 8  # eighths are exact: ties are ties
    p = np.clip(p, 1 / 8, 7 / 8)
    cases.append(case("binary with ties", np.column_stack([1 - p, p]), (random.random(50) < p).astype(int)))
    cases.append(case("four classes", *made_up(random, 80, 4, 1.3)))
    sixteenths = random.multinomial(12, [0.25] * 3, size=70) + np.array([2, 1, 1])
    q = sixteenths / 16
    labels = np.array([random.choice(3, p=row) for row in q])
    cases.append(case("three classes with ties", q, labels))
    p, labels = made_up(random, 40, 3, 0.4)
    labels[labels == 2] = 0
    p[:, 2] = 0.5 * np.minimum(p[:, 0], p[:, 1])
    p /= p.sum(axis=1, keepdims=True)
    cases.append(case("a class that is neither there nor predicted", p, labels))
    json.dump({"sklearn": sklearn.__version__, "cases": cases}, sys.stdout, indent=None)
    print()


main()
