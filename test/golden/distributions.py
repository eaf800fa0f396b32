"""Densities, entropies, moments and divergences of torch.distributions in float64, tails included.

Entries are DISTRIBUTION.PARAMETER, .value, .logProb, .entropy, .mean, .variance, and for
divergences DISTRIBUTION.other.PARAMETER and .kl (of the first from the second). Bernoulli is taken
from mpmath at 60 digits and checked against PyTorch where that is finite: at logits of 80 its 1 - p
rounds to 0, so it loses the entropy's tail and calls a divergence of 80 nats infinite.
"""

import mpmath
import torch
import torch.distributions as D

import families
from store import integers, normal, save

F8 = torch.float64


def moments(name, distribution, value):
    return {
        f"{name}.value": value,
        f"{name}.logProb": distribution.log_prob(value),
        f"{name}.entropy": distribution.entropy(),
        f"{name}.mean": distribution.mean,
        f"{name}.variance": distribution.variance,
    }


def tensor(numbers):
    return torch.tensor(numbers, dtype=F8)


def normal_entries():
    loc = torch.cat([normal(701, 6, dtype=F8), tensor([0.0, 2.0, -3.0, 1e3, 0.0])])
    scale = torch.cat([normal(702, 6, dtype=F8).exp(), tensor([1.0, 0.5, 1e-3, 10.0, 1e3])])
    steps = torch.cat([normal(703, 6, dtype=F8), tensor([30.0, -30.0, 30.0, -30.0, 0.0])])
    other = {"loc": normal(704, 11, dtype=F8), "scale": normal(705, 11, dtype=F8).exp()}
    first = D.Normal(loc, scale)
    arrays = {"normal.loc": loc, "normal.scale": scale}
    arrays |= moments("normal", first, loc + scale * steps)
    arrays |= {f"normal.other.{key}": value for key, value in other.items()}
    return arrays | {"normal.kl": D.kl_divergence(first, D.Normal(**other))}


def bernoulli_exact(logits, other, value):
    """log p(value), entropy, mean, variance and KL of one pair, as mpmath numbers."""
    a, b = mpmath.mpf(logits), mpmath.mpf(other)
    log_p, log_not_p = -mpmath.log1p(mpmath.exp(-a)), -mpmath.log1p(mpmath.exp(a))
    log_q, log_not_q = -mpmath.log1p(mpmath.exp(-b)), -mpmath.log1p(mpmath.exp(b))
    p, not_p = mpmath.exp(log_p), mpmath.exp(log_not_p)
    return {
        "logProb": log_p if value else log_not_p,
        "entropy": -(p * log_p + not_p * log_not_p),
        "mean": p,
        "variance": p * not_p,
        "kl": p * (log_p - log_q) + not_p * (log_not_p - log_not_q),
    }


def bernoulli_entries():
    logits = torch.cat([normal(711, 6, dtype=F8), tensor([80.0, 80.0, -80.0, -80.0, 0.0, 1e-9])])
    other = torch.cat([normal(712, 6, dtype=F8), tensor([-80.0, 80.0, 80.0, 1.0, -30.0, 0.5])])
    value = torch.cat([integers(713, 2, 6).to(F8), tensor([1.0, 0.0, 1.0, 0.0, 1.0, 0.0])])
    arrays = {"bernoulli.logits": logits, "bernoulli.value": value, "bernoulli.other.logits": other}
    first = D.Bernoulli(logits=logits)
    torch_values = moments("bernoulli", first, value)
    torch_values["bernoulli.kl"] = D.kl_divergence(first, D.Bernoulli(logits=other))
    with mpmath.workdps(60):
        columns = zip(logits.tolist(), other.tolist(), value.tolist())
        rows = [bernoulli_exact(*column) for column in columns]
    for key in rows[0]:
        exact = tensor([float(row[key]) for row in rows])
        found = torch_values[f"bernoulli.{key}"]
        finite = found.isfinite()
        torch.testing.assert_close(found[finite], exact[finite], rtol=1e-10, atol=1e-10)
        arrays[f"bernoulli.{key}"] = exact
    return arrays


def categorical_entries():
    logits, other = 2 * normal(721, 5, 6, dtype=F8), 2 * normal(722, 5, 6, dtype=F8)
    logits[1, 3], logits[2], other[3, 0] = -100.0, 0.0, -100.0
    logits[4] = tensor([100.0, 0.0, -100.0, 50.0, 99.0, 100.0])
    index = tensor([0, 3, 5, 0, 2]).int()
    first = D.Categorical(logits=logits)
    arrays = {
        "categorical.logits": logits,
        "categorical.value": index,
        "categorical.logProb": first.log_prob(index.long()),
        "categorical.entropy": first.entropy(),
        "categorical.other.logits": other,
        "categorical.kl": D.kl_divergence(first, D.Categorical(logits=other)),
    }
    one_hot = torch.nn.functional.one_hot(index.long(), 6).to(F8)
    arrays["oneHotCategorical.logits"] = logits
    return arrays | moments("oneHotCategorical", D.OneHotCategorical(logits=logits), one_hot)


def relaxed_entries():
    """The concrete densities, at draws and near a vertex, for four temperatures."""
    arrays = {}
    logits = 2 * normal(731, 6, 5, dtype=F8)
    points = torch.softmax(2 * normal(732, 6, 5, dtype=F8), -1)
    points[4] = torch.softmax(tensor([30.0, 0.0, 1.0, -2.0, 3.0]), -1)
    temperature = tensor([0.1, 0.5, 1.0, 2.0, 0.5, 1.0])
    found = [
        D.RelaxedOneHotCategorical(t, logits=row).log_prob(point)
        for t, row, point in zip(temperature, logits, points)
    ]
    name = "relaxedOneHotCategorical"
    arrays |= {f"{name}.temperature": temperature, f"{name}.logits": logits,
               f"{name}.value": points, f"{name}.logProb": torch.stack(found)}  # fmt: skip
    logits = torch.cat([normal(741, 5, dtype=F8), tensor([80.0, -80.0, 0.0])])
    value = torch.cat([normal(742, 5, dtype=F8).sigmoid(), tensor([0.3, 1e-6, 1 - 1e-6])])
    temperature = tensor([0.1, 0.5, 1.0, 2.0, 0.3, 1.0, 0.5, 0.5])
    found = [
        D.RelaxedBernoulli(t, logits=row).log_prob(point)
        for t, row, point in zip(temperature, logits, value)
    ]
    name = "relaxedBernoulli"
    return arrays | {f"{name}.temperature": temperature, f"{name}.logits": logits,
                     f"{name}.value": value, f"{name}.logProb": torch.stack(found)}  # fmt: skip


def make(name):
    arrays = normal_entries() | bernoulli_entries() | categorical_entries() | relaxed_entries()
    arrays |= families.entries()
    save(name, arrays, {"units": "nats", "variance": "elementwise for one-hot vectors"})
