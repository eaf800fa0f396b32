"""Mutual information by nearest neighbours (Kraskov, Stögbauer, Grassberger 2004, estimator 1, equation 8), by
SciPy's trees; in one dimension scikit-learn's mutual_info_regression is the same estimator up to its added noise,
which is left out here. Also logistic regression and nearest-neighbour classification by scikit-learn."""

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from store import save


def kraskov(x, y, k):
    n = len(x)
    joint = cKDTree(np.hstack([x, y]))
    radius = joint.query(joint.data, k=[k + 1], p=np.inf)[0][:, 0]
    counts = []
    for side in (x, y):
        tree = cKDTree(side)
        # Strictly nearer than the radius; the point itself is among them.
        near = tree.query_ball_point(side, np.nextafter(radius, 0), p=np.inf, return_length=True)
        counts.append(near)
    return digamma(k) + digamma(n) - np.mean(digamma(counts[0]) + digamma(counts[1]))


def pairs(seed, n, d, rho):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, d))
    return x, rho * x + np.sqrt(1 - rho**2) * generator.normal(size=(n, d))


def make_classes(seed, n):
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=n)
    centres = np.array([[1.0, 0, 0, 0], [0, 1.2, 0, 0.3], [-0.4, 0, 0.9, 0]])
    return (centres[labels] + 0.7 * generator.normal(size=(n, 4))).astype("float32"), labels.astype("int32")


def make(name):
    arrays, meta = {}, {}
    for key, (seed, n, d, rho) in {"line": (1, 300, 1, 0.8), "plane": (2, 250, 2, 0.5)}.items():
        x, y = pairs(seed, n, d, rho)
        arrays |= {f"{key}.x": x, f"{key}.y": y}
        arrays[f"{key}.nats"] = np.array([kraskov(x, y, k) for k in (1, 3, 10)])
    meta["neighbours"] = [1, 3, 10]
    x, labels = make_classes(3, 240)
    test, truth = make_classes(4, 90)
    arrays |= {"train": x, "labels": labels, "test": test, "truth": truth}
    penalty = 1e-3  # mean loss + penalty/2 times the squared norm of the weights, biases left free
    probe = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-10, max_iter=5000)
    x64, test64 = x.astype("float64"), test.astype("float64")
    mean, std = x64.mean(0), x64.std(0)
    probe.fit((x64 - mean) / std, labels)
    logits = probe.decision_function((test64 - mean) / std)
    arrays["probe.logits"] = logits - logits.mean(1, keepdims=True)
    meta["probe"] = {"penalty": penalty, "accuracy": float(probe.score((test64 - mean) / std, truth))}
    for metric in ("cosine", "euclidean"):
        knn = KNeighborsClassifier(5, metric=metric).fit(x, labels)
        arrays[f"neighbours.{metric}"] = knn.kneighbors(test)[1].astype("int32")
    save(name, arrays, meta)


if __name__ == "__main__":
    make("ksg")
