"""Seconds of every iteration of scikit-learn's GaussianMixture (full covariance) on rows of a file.

    python3 bench/peer/em.py FILE ROWS FEATURES COMPONENTS ITERATIONS

FILE has the rows as little-endian float64, then weights [K] and means [K, D]; every covariance starts as
the identity. Prints one line of JSON: seconds and mean log-likelihood of each iteration. The start and
the E-step after the last iteration are not timed.
"""

import json
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.mixture import GaussianMixture


class Timed(GaussianMixture):
    def _e_step(self, *args, **kwargs):
        self.began = time.perf_counter()
        return super()._e_step(*args, **kwargs)

    def _m_step(self, *args, **kwargs):
        super()._m_step(*args, **kwargs)
        self.seconds.append(time.perf_counter() - self.began)


def main():
    path = sys.argv[1]
    rows, features, components, iterations = map(int, sys.argv[2:6])
    numbers = np.fromfile(path, dtype="<f8")
    x = numbers[: rows * features].reshape(rows, features)
    rest = numbers[rows * features :]
    model = Timed(
        components, tol=0, max_iter=iterations, weights_init=rest[:components],
        means_init=rest[components:].reshape(components, features), init_params="random",
        precisions_init=np.stack([np.eye(features)] * components),
    )  # fmt: skip
    model.seconds = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x)
    figures = {"seconds": model.seconds, "logLikelihood": list(map(float, model.lower_bounds_))}
    print(json.dumps(figures | {"version": sklearn.__version__}))


if __name__ == "__main__":
    main()
