"""Second and third derivatives through an MLP 5-7-1 with tanh, in float64.

D(x) = tanh(x w1 + b1) w2 + b2;  penalty = mean((||dD/dx||_2 - 1)^2), the gradient penalty of
Gulrajani et al., "Improved Training of Wasserstein GANs", equation 3.
"""

import torch

from store import normal, save

NAMES = ["w1", "b1", "w2", "b2"]


def critic(x, w1, b1, w2, b2):
    return torch.tanh(x @ w1 + b1) @ w2 + b2


def products(loss, weights, vectors):
    """The Hessian of loss times vectors."""
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    inner = sum((g * v).sum() for g, v in zip(gradients, vectors))
    found = torch.autograd.grad(inner, weights, retain_graph=True, allow_unused=True)
    return gradients, [torch.zeros_like(w) if f is None else f for f, w in zip(found, weights)]


def make(name):
    f8 = torch.float64
    shapes = [(5, 7), (7,), (7, 1), (1,)]
    weights = [normal(301 + i, *s, dtype=f8).requires_grad_() for i, s in enumerate(shapes)]
    vectors = [normal(311 + i, *s, dtype=f8) for i, s in enumerate(shapes)]
    x = normal(321, 4, 5, dtype=f8).requires_grad_()
    scores = critic(x, *weights)
    mean_gradients, mean_products = products(scores.mean(), weights, vectors)
    (slope,) = torch.autograd.grad(critic(x, *weights).sum(), x, create_graph=True)
    penalty = (slope.norm(dim=1) - 1).square().mean()
    # the penalty does not depend on b2, so its gradient is a zero that autograd leaves out
    gradients, penalty_products = products(penalty, weights[:3], vectors[:3])
    (penalty_x,) = torch.autograd.grad(penalty, x)
    arrays = {"x": x, "scores": scores, "inputGradient": slope, "penalty": penalty,
              "penaltyGradient.x": penalty_x}  # fmt: skip
    zero = [torch.zeros_like(weights[3])]
    groups = {
        "weights": weights,
        "vectors": vectors,
        "meanGradient": mean_gradients,
        "meanHessianVector": mean_products,
        "penaltyGradient": [*gradients, *zero],
        "penaltyHessianVector": [*penalty_products, *zero],
    }
    for group, tensors in groups.items():
        arrays |= {f"{group}.{key}": value for key, value in zip(NAMES, tensors)}
    save(name, arrays, {"critic": "D(x) = tanh(x w1 + b1) w2 + b2, weights [in, out]",
                        "penalty": "mean((||dD/dx||_2 - 1)^2)",
                        "hessianVector": "over all four weights jointly"})  # fmt: skip
