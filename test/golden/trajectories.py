"""Twenty steps of Adam on two small classifiers: initial state, batches, losses, final state.

Linear weights are stored [in, out], the transpose of PyTorch's; convolutions [out, in, kh, kw].
"losses64" is the same run in float64: its distance from "losses" is what rounding alone does, and
meta.rounding is the same for the final state (largest absolute difference of each array).
"""

import copy
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from store import integers, normal, save

STEPS = 20
CAMEL = {"running_mean": "runningMean", "running_var": "runningVar"}


def snapshot(model, prefix):
    """Parameters and running statistics under PREFIX.layer.name."""
    linear = {name for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    state = {}
    for path, tensor in model.state_dict().items():
        layer, leaf = path.rsplit(".", 1)
        if leaf == "num_batches_tracked":
            continue
        value = tensor.T if layer in linear and leaf == "weight" else tensor
        state[f"{prefix}.{layer}.{CAMEL.get(leaf, leaf)}"] = value.clone().contiguous()
    return state


def descend(model, x, labels, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[step]), labels[step].long())
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def record(name, model, x, labels, lr, meta):
    arrays = {"x": x, "labels": labels} | snapshot(model, "initial")
    double = copy.deepcopy(model).double()
    arrays["losses"] = descend(model, x, labels, lr)
    arrays["losses64"] = descend(double, x.double(), labels, lr)
    final, exact = snapshot(model, "final"), snapshot(double, "final")
    settings = {"steps": STEPS, "lr": lr, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    settings["rounding"] = {key: (final[key] - exact[key]).abs().max().item() for key in final}
    save(name, arrays | final, meta | settings)


def make_mlp(name):
    torch.manual_seed(101)
    layers = [("hidden", nn.Linear(64, 48)), ("relu", nn.ReLU()), ("out", nn.Linear(48, 10))]
    x, labels = normal(102, STEPS, 16, 64), integers(103, 10, STEPS, 16)
    meta = {"model": "linear 64-48, relu, linear 48-10; mean softmax cross-entropy"}
    record(name, nn.Sequential(OrderedDict(layers)), x, labels, 1e-3, meta)


def make_cnn(name):
    torch.manual_seed(111)
    layers = [
        # no bias before a norm: its gradient is rounding noise, which Adam scales up to full steps
        ("conv1", nn.Conv2d(1, 6, 3, padding=1, bias=False)),
        ("norm1", nn.BatchNorm2d(6)),
        ("relu", nn.ReLU()),
        ("conv2", nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=False)),
        ("norm2", nn.BatchNorm2d(8)),
        ("leaky", nn.LeakyReLU(0.2)),
        ("flatten", nn.Flatten()),
        ("out", nn.Linear(8 * 6 * 6, 5)),
    ]
    x, labels = normal(112, STEPS, 8, 1, 12, 12), integers(113, 5, STEPS, 8)
    meta = {
        "model": "convolutions without bias: conv 1-6 k3 p1, batch norm, relu, conv 6-8 k3 s2 p1, batch norm, "
        "leaky relu 0.2, flatten (c,h,w), linear 288-5; mean softmax cross-entropy",
        "normEps": 1e-5,
        "normMomentum": 0.1,
        "runningVar": "running = 0.9 running + 0.1 batch, with the unbiased batch variance",
    }
    record(name, nn.Sequential(OrderedDict(layers)), x, labels, 1e-2, meta)
