"""Writes customers.csv and pipelines_sklearn_1.9.0.json: what scikit-learn's pipelines make of it."""

import csv
import json

import numpy as np
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["age", "income", "rate"]
TEXTS = ["city", "plan"]
N = 240


def table():
    random = np.random.default_rng(7)
    cities = ["lyon", "oslo", "graz", "faro", "kiel", "bern", "riga", "nice"]
    city = random.choice(cities, N, p=[0.34, 0.25, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01])
    plan = random.choice(["basic", "plus", "pro"], N, p=[0.5, 0.3, 0.2])
    age = np.round(random.normal(45, 12, N), 0)
    income = np.round(np.exp(random.normal(10, 0.5, N)), -1)
    rate = np.round(random.gamma(2.0, 0.004, N), 5)
    logits = np.column_stack([
        0.05 * (45 - age) + (plan == "basic"),
        (income - 22000) / 9000 + (city == "oslo") * 0.8,
        (rate - 0.008) * 180 + (plan == "pro") * 1.2 + (city == "kiel"),
    ]) + random.gumbel(size=(N, 3))
    frame = {
        "age": age, "income": income, "rate": rate, "city": city, "plan": plan,
        "copies": random.integers(1, 4, N),
        "segment": np.array(["calm", "grow", "risk"])[logits.argmax(axis=1)],
        "left": np.where(logits[:, 2] + random.normal(size=N) > logits[:, 1], "yes", "no"),
    }
    frame["city"] = frame["city"].astype(object)
    frame["plan"] = frame["plan"].astype(object)
    for name, share in [("age", 0.06), ("income", 0.04), ("city", 0.05)]:
        frame[name][random.random(N) < share] = np.nan
    return frame


def write(frame):
    def cell(v):
        if isinstance(v, float):
            return "" if np.isnan(v) else repr(float(v)).removesuffix(".0")
        return str(v)

    with open("customers.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(frame)
        for row in zip(*frame.values()):
            out.writerow([cell(v) for v in row])


def probes(numbers_only):
    rows = [
        {"age": 30.0, "income": 21000.0, "rate": 0.004, "city": "oslo", "plan": "pro"},
        {"age": None, "income": 40000.0, "rate": 0.02, "city": "graz", "plan": "basic"},
        {"age": 61.0, "income": None, "rate": 0.0, "city": None, "plan": "plus"},
        {"age": 44.0, "income": 18000.0, "rate": 0.009, "city": "riga", "plan": "plus"},
        {"age": 44.0, "income": 18000.0, "rate": 0.009, "city": "atlantis", "plan": "plus"},
        {"age": None, "income": None, "rate": 0.03, "city": "nice", "plan": "pro"},
        {"age": 90.0, "income": 250000.0, "rate": 0.001, "city": "lyon", "plan": "basic"},
    ]
    return [{k: v for k, v in row.items() if not numbers_only or k in NUMBERS} for row in rows]


def fit(frame, case):
    number = Pipeline([("impute", SimpleImputer(strategy="median")), *([("scale", StandardScaler())] if case["standardise"] else [])])
    text = Pipeline([
        ("impute", SimpleImputer(strategy="most_frequent")),
        ("encode", OneHotEncoder(min_frequency=case["rare_below"], handle_unknown="infrequent_if_exist", sparse_output=False)),
    ])

    def numbers(rows):
        return np.array([[np.nan if row[n] is None else row[n] for n in NUMBERS] for row in rows], float)

    def texts(rows):
        return np.array([[np.nan if row[n] is None else row[n] for n in TEXTS] for row in rows], object)

    trained = [{n: frame[n][i] for n in NUMBERS + TEXTS} for i in range(N)]
    number.fit(numbers(trained))
    columns = list(NUMBERS)
    if not case["numbers_only"]:
        text.fit(texts(trained))
        columns += text[-1].get_feature_names_out(TEXTS).tolist()

    def prepared(rows):
        parts = [number.transform(numbers(rows))]
        if not case["numbers_only"]:
            parts.append(text.transform(texts(rows)))
        return np.hstack(parts)

    classifier = LogisticRegression(C=case["c"], solver="newton-cholesky", tol=1e-12, max_iter=1000,
                                    class_weight="balanced" if case["balanced"] else None)
    weights = frame[case["weight"]].astype(float) if case["weight"] else None
    labels = frame[case["label"]]
    classifier.fit(prepared(trained), labels, sample_weight=weights)
    rows = probes(case["numbers_only"])
    coef = classifier.coef_.copy()
    if case["standardise"]:
        coef[:, : len(NUMBERS)] /= number.named_steps["scale"].scale_
    at = np.searchsorted(classifier.classes_, labels)
    return {
        **case,
        "classes": classifier.classes_.tolist(),
        "columns": columns,
        "coef": coef.tolist(),
        "rows": rows,
        "proba": classifier.predict_proba(prepared(rows)).tolist(),
        "train_log_loss": float(-np.mean(np.log(classifier.predict_proba(prepared(trained))[np.arange(N), at]))),
    }


def main():
    assert sklearn.__version__ == "1.9.0", sklearn.__version__
    frame = table()
    write(frame)
    base = {"label": "segment", "numbers_only": False, "standardise": True, "c": 1.0, "rare_below": 10, "balanced": False, "weight": ""}
    cases = [
        {**base, "name": "numbers, standardised", "numbers_only": True, "c": 0.3},
        {**base, "name": "numbers, as they are", "numbers_only": True, "standardise": False, "c": 0.3},
        {**base, "name": "all, standardised"},
        {**base, "name": "all, as they are", "standardise": False, "c": 4.0},
        {**base, "name": "all, two classes", "label": "left", "c": 0.1},
        {**base, "name": "all, two classes, as they are", "label": "left", "standardise": False},
        {**base, "name": "all, balanced and weighted", "balanced": True, "weight": "copies", "c": 0.5},
    ]
    with open("pipelines_sklearn_1.9.0.json", "w") as file:
        json.dump({"sklearn": sklearn.__version__, "cases": [fit(frame, case) for case in cases]}, file)
        file.write("\n")


main()
