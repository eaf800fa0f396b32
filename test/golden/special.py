"""Special functions at 40 digits by mpmath, over grids that reach into the tails.

Entries are FUNCTION.ARGUMENT and FUNCTION.y, and for derivatives FUNCTION.d_ARGUMENT. Derivatives
towards shapes are numerical at that precision. gammaVariate.slope and betaVariate.slope are
dx/da of a variable at a fixed value of its distribution function, checked here against the
approximations of PyTorch (to 1e-3, what they hold within four standard deviations).
"""

import mpmath as mp
import torch

from store import save

F8 = torch.float64


def column(values):
    return torch.tensor([float(v) for v in values], dtype=F8)


def tabulate(name, arguments, function):
    rows = [tuple(mp.mpf(float(v)) for v in row) for row in zip(*arguments.values())]
    arrays = {f"{name}.{key}": column(values) for key, values in arguments.items()}
    return arrays | {f"{name}.y": column([function(*row) for row in rows])}


def derivative(name, argument, arguments, function):
    rows = [tuple(mp.mpf(float(v)) for v in row) for row in zip(*arguments.values())]
    at = list(arguments).index(argument)
    found = []
    for row in rows:
        one = lambda v, row=row: function(*row[:at], v, *row[at + 1 :])
        found.append(mp.diff(one, row[at], h=row[at] * mp.mpf(10) ** -12))
    return {f"{name}.d_{argument}": column(found)}


def grid(first, second):
    pairs = [(a, x) for a in first for x in (second(a) if callable(second) else second) if x > 0]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def lower(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def upper(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def gamma_points(a):
    s = a**0.5
    return [1e-10, 1e-3 * a, 0.3 * a, a - 6 * s, a - s, a, a + s, a + 1.5, a + 8 * s, 5 * a + 30]


def beta_triples():
    shapes = [1e-3, 0.1, 0.7, 1.0, 3.0, 40.0, 900.0]
    for a in shapes:
        for b in shapes:
            mean, total = a / (a + b), a + b
            sd = (mean * (1 - mean) / (total + 1)) ** 0.5
            for x in (1e-8, 0.2, mean - 3 * sd, mean, mean + 2 * sd, 0.9, 1 - 2.0**-26):
                if 0 < x < 1:
                    yield a, b, x


def in_upper_half(a, b, x):
    return x > (a + 1) / (a + b + 2)


def beta_tail(a, b, x, is_upper):
    """I_x(a, b), or what it lacks to 1: the series converges fast on the smaller side."""
    first, second, end = (b, a, 1 - x) if is_upper else (a, b, x)
    return mp.betainc(first, second, 0, end, regularized=True)


def beta_cdf(a, b, x):
    is_upper = in_upper_half(a, b, x)
    value = beta_tail(a, b, x, is_upper)
    return 1 - value if is_upper else value


def beta_slope(a, b, x, towards):
    """d I_x(a, b)/da or /db, and how x moves where I stays."""
    is_upper = in_upper_half(a, b, x)
    at = (a, b)[towards]
    shapes = lambda v: (v, b) if towards == 0 else (a, v)
    moved = mp.diff(lambda v: beta_tail(*shapes(v), x, is_upper), at, h=at * mp.mpf(10) ** -12)
    moved = -moved if is_upper else moved
    density = mp.exp((a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x)) / mp.beta(a, b)
    return moved, -moved / density


def simple_entries():
    positive = [1e-30, 1e-8, 1e-3, 0.1, 0.5, 0.9, 1.0, 1.1, 1.4616, 1.9, 2.0, 2.5, 3.7, 5, 7.9, 8.0,
                8.1, 12, 33.3, 170, 1e4, 1e8]  # fmt: skip
    arrays = tabulate("logGamma", {"x": positive}, mp.loggamma)
    arrays |= tabulate("digamma", {"x": positive[1:]}, mp.digamma)
    for m in (1, 2, 5):
        arrays |= tabulate(f"polygamma{m}", {"x": positive[2:]}, lambda x, m=m: mp.polygamma(m, x))
    a, b = grid([1e-6, 0.3, 1, 7.5, 40, 1e3, 1e6], [1e-6, 0.5, 2, 9, 300, 1e6])
    arrays |= tabulate("logBeta", {"a": a, "b": b}, lambda a, b: mp.log(mp.beta(a, b)))
    line = [-30, -8, -5, -2.3, -1, -0.5, -0.1, -1e-8, 0, 1e-8, 0.1, 0.5, 1, 2.3, 4, 5.5, 9, 26, 40, 300]
    arrays |= tabulate("logErfc", {"x": line}, lambda x: mp.log(mp.erfc(x)))
    arrays |= tabulate("erfc", {"x": line[:-3]}, mp.erfc)
    arrays |= tabulate("logNormalCdf", {"x": [-v for v in line]},
                       lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2))  # fmt: skip
    ys = [-1 + 2.0**-50, -0.99, -0.5, -0.1, -0.02, -1e-3, 1e-12, 1e-5, 0.029, 0.031, 0.3, 0.8, 0.9999]
    arrays |= tabulate("erfInverse", {"y": ys}, mp.erfinv)
    arrays["erfInverse.x"] = arrays["erfInverse.y"]
    arrays |= {"erfInverse.argument": column(ys)}
    quantiles = [-5, -4.2, -3, -1.5, -0.6, -0.1, 0.01, 0.7, 1.9, 3.3, 5.1]
    probabilities = [float(mp.ncdf(z)) for z in quantiles] + [1e-300, 1e-100, 1e-20, 0.5]
    arrays |= tabulate("normalQuantile", {"p": probabilities}, quantile)
    logs = [-1e6, -5e3, -800, -60, -3, -0.8, -0.6931, -0.5, -0.01, -1e-6, -1e-15]
    arrays |= tabulate("normalQuantileOfLog", {"l": logs}, log_quantile)
    xs = [-700, -40, -3, -0.7, -0.6, -1e-3, -1e-12]
    return arrays | tabulate("logOneMinusExp", {"x": xs}, lambda x: mp.log1p(-mp.exp(x)))


def quantile(p):
    return -mp.sqrt(2) * (mp.erfinv(1 - 2 * p) if p > 1e-10 else tail_root(mp.log(p)))


def tail_root(l):
    """z / sqrt 2 with log erfc(z)/2 = l."""
    start = mp.sqrt(-l - mp.log(2) / 2 - mp.log(mp.sqrt(-4 * mp.pi * l)))
    return mp.findroot(lambda z: mp.log(mp.erfc(z) / 2) - l, start)


def log_quantile(l):
    if l > -mp.log(2):
        return -log_quantile(mp.log(-mp.expm1(l)))
    return -mp.sqrt(2) * (mp.erfinv(1 - 2 * mp.exp(l)) if l > -20 else tail_root(l))


def gamma_entries():
    shapes = [1e-3, 0.1, 0.5, 1, 2.3, 7, 30, 400, 1e4]
    a, x = grid(shapes, gamma_points)
    points = {"a": a, "x": x}
    arrays = tabulate("lowerIncompleteGamma", points, lower)
    arrays |= tabulate("upperIncompleteGamma", points, upper)
    arrays |= derivative("lowerIncompleteGamma", "a", points, lower)
    arrays |= derivative("upperIncompleteGamma", "x", points, upper)
    rows = list(zip(a, x))
    slopes = []
    for shape, value in rows:
        shape, value = mp.mpf(shape), mp.mpf(value)
        use = upper if value > shape else lower
        step = shape * mp.mpf(10) ** -12
        moved = mp.diff(lambda s, v=value, u=use: u(s, v), shape, h=step)
        density = mp.exp((shape - 1) * mp.log(value) - value - mp.loggamma(shape))
        slopes.append((moved if use is upper else -moved) / density)
    arrays |= {"gammaVariate.a": column(a), "gammaVariate.x": column(x),
               "gammaVariate.slope": column(slopes)}  # fmt: skip
    found, exact = torch._standard_gamma_grad(column(a), column(x)), column(slopes)
    spread = column(a).sqrt()
    bulk = ((column(x) - column(a)).abs() < 4 * spread) & (column(a) < 1e3)
    torch.testing.assert_close(found[bulk], exact[bulk], rtol=1e-3, atol=1e-6)
    return arrays


def beta_entries():
    a, b, x = (list(c) for c in zip(*beta_triples()))
    points = {"a": a, "b": b, "x": x}
    arrays = tabulate("incompleteBeta", points, beta_cdf)
    few = {key: values[::2] for key, values in points.items()}
    arrays |= {f"betaVariate.{key}": column(values) for key, values in few.items()}
    rows = [tuple(mp.mpf(v) for v in row) for row in zip(*few.values())]
    for towards, shape in enumerate("ab"):
        slopes = [beta_slope(*row, towards) for row in rows]
        arrays[f"betaVariate.d_{shape}"] = column([s[0] for s in slopes])
        arrays[f"betaVariate.slope_{shape}"] = column([s[1] for s in slopes])
    a, b, x = (column(few[key]) for key in "abx")
    found = torch._dirichlet_grad(x, a, a + b)
    exact = arrays["betaVariate.slope_a"] / (1 - x)
    mean = a / (a + b)
    bulk = (a > 0.05) & (b > 0.05) & (a + b < 200)
    bulk &= (x - mean).abs() < 4 * (mean * (1 - mean) / (a + b + 1)).sqrt()
    torch.testing.assert_close(found[bulk], exact[bulk], rtol=1e-3, atol=1e-6)
    return arrays


def make(name):
    with mp.workdps(40):
        arrays = simple_entries() | gamma_entries() | beta_entries()
    broken = [key for key, value in arrays.items() if not value.isfinite().all()]
    assert not broken, broken
    save(name, arrays, {"digits": 40})
