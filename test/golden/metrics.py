"""Peak signal-to-noise ratio, structural similarity and Fréchet distance from their definitions, in float64.

SSIM: windows cut out one by one, weighted by a Gaussian of standard deviation 1.5 over 11 x 11 pixels (Wang, Bovik,
Sheikh, Simoncelli 2004), and averaged over the windows that lie inside of the image and over channels.
"""

import numpy as np
import scipy
import scipy.linalg
import scipy.ndimage

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
    save(name, arrays, meta)
