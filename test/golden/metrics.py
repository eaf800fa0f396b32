"""Image quality, and distances between sets of samples, from their definitions, in float64.

SSIM: windows cut out one by one, weighted by a Gaussian of standard deviation 1.5 over 11 x 11 pixels (Wang, Bovik,
Sheikh, Simoncelli 2004), and averaged over the windows that lie inside of the image and over channels.
"""

import numpy as np
import scipy
import scipy.linalg
import scipy.ndimage
import scipy.special
import scipy.stats
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from store import save

SIZE, SIGMA = 11, 1.5


def window():
    x = np.arange(SIZE) - SIZE // 2
    g = np.exp(-(x**2) / (2 * SIGMA**2))
    g = np.outer(g, g)
    return g / g.sum()


def ssim_plane(a, b, w=window(), c1=0.01**2, c2=0.03**2):
    values = []
    for i in range(a.shape[0] - SIZE + 1):
        for j in range(a.shape[1] - SIZE + 1):
            p, q = a[i : i + SIZE, j : j + SIZE], b[i : i + SIZE, j : j + SIZE]
            mp, mq = (w * p).sum(), (w * q).sum()
            vp, vq = (w * (p - mp) ** 2).sum(), (w * (q - mq) ** 2).sum()
            covariance = (w * (p - mp) * (q - mq)).sum()
            values.append((2 * mp * mq + c1) * (2 * covariance + c2)
                          / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))  # fmt: skip
    return np.mean(values)


def frechet(x, y):
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(a @ b)
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root.real)


def kernel_distance(x, y):
    """Unbiased MMD² under scikit-learn's polynomial kernel (Bińkowski et al. 2018)."""
    xx, yy, xy = (polynomial_kernel(a, b, degree=3, coef0=1) for a, b in ((x, x), (y, y), (x, y)))
    m, n = len(x), len(y)
    return ((xx.sum() - np.trace(xx)) / (m * (m - 1)) + (yy.sum() - np.trace(yy)) / (n * (n - 1))
            - 2 * xy.mean())  # fmt: skip


def manifold(real, fake, k):
    """Precision, recall (Kynkäänniemi et al. 2019), density, coverage (Naeem et al. 2020), pair by pair."""
    radius = [NearestNeighbors(n_neighbors=k + 1).fit(s).kneighbors(s)[0][:, k] for s in (real, fake)]
    inside = np.zeros((len(real), len(fake)), bool)
    backwards = np.zeros((len(fake), len(real)), bool)
    for i, r in enumerate(real):
        for j, f in enumerate(fake):
            distance = np.linalg.norm(r - f)
            inside[i, j] = distance <= radius[0][i]
            backwards[j, i] = distance <= radius[1][j]
    return np.array([inside.any(0).mean(), backwards.any(0).mean(),
                     inside.sum() / (k * len(fake)), inside.any(1).mean()])  # fmt: skip


def class_score(logits):
    p = scipy.special.softmax(logits, 1)
    return np.exp(np.mean([scipy.stats.entropy(row, p.mean(0)) for row in p]))


def sliced(x, y, directions, steps):
    """By quantile functions on a grid that all steps of both samples fall on."""
    level = (np.arange(steps) + 0.5) / steps
    total = 0
    for direction in directions:
        a, b = np.sort(x @ direction), np.sort(y @ direction)
        q = a[(level * len(a)).astype(int)] - b[(level * len(b)).astype(int)]
        total += (q**2).mean()
    return np.sqrt(total / len(directions))


def infinite(x, y, sizes):
    distances = [frechet(x, y[:n]) for n in sizes]
    return np.polyfit(1 / np.array(sizes), distances, 1)[1], np.array(distances)


def samples(arrays):
    rng = np.random.default_rng(11)
    mix = rng.normal(size=(6, 6))
    x = rng.normal(size=(60, 6)) @ mix
    y = 0.4 + rng.normal(size=(45, 6)) @ mix * rng.uniform(0.4, 1.2, 6)
    directions = rng.normal(size=(9, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    logits = 3 * rng.normal(size=(40, 5))
    sizes = [12, 20, 30, 45]
    line, distances = infinite(x, y, sizes)
    arrays |= {"samples.x": x, "samples.y": y, "samples.directions": directions}
    arrays |= {"samples.logits": logits, "samples.score": np.float64(class_score(logits))}
    arrays |= {f"samples.manifold.{k}": manifold(x, y, k) for k in (3, 5)}
    arrays["samples.kernel"] = np.float64(kernel_distance(x[:45], y))
    arrays["samples.sliced"] = np.float64(sliced(x, y, directions, 180))
    arrays |= {"samples.sizes": np.array(sizes), "samples.distances": distances}
    arrays["samples.infinite"] = np.float64(line)


def make(name):
    rng = np.random.default_rng(7)
    arrays, meta = {}, {"numpy": np.__version__, "scipy": scipy.__version__}
    for case, shape in {"grey": (3, 1, 16, 14), "colour": (2, 3, 13, 18)}.items():
        smooth = scipy.ndimage.gaussian_filter(rng.random(shape), (0, 0, 1, 1))
        a = (255 * np.clip((smooth - 0.5) * 3 + 0.5, 0, 1)).astype(np.uint8)
        noise = rng.normal(0, 20, shape) * np.arange(1, shape[0] + 1)[:, None, None, None]
        b = np.clip(a + noise, 0, 255).astype(np.uint8)
        x, y = a / 255, b / 255
        mse = ((x - y) ** 2).mean((1, 2, 3))
        arrays |= {f"{case}.a": a, f"{case}.b": b, f"{case}.psnr": -10 * np.log10(mse)}
        arrays[f"{case}.ssim"] = np.array(
            [np.mean([ssim_plane(p, q) for p, q in zip(u, v)]) for u, v in zip(x, y)]
        )
    for case, (n, d) in {"full": (60, 5), "few": (6, 9)}.items():
        mix = rng.normal(size=(d, d))
        x = rng.normal(size=(n, d)) @ mix
        y = 0.5 + rng.normal(size=(n + 9, d)) @ mix * rng.uniform(0.5, 1.5, d)
        arrays |= {f"frechet.{case}.x": x, f"frechet.{case}.y": y}
        arrays[f"frechet.{case}"] = np.float64(frechet(x, y))
    samples(arrays)
    save(name, arrays, meta)
