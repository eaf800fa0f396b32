"""Values and gradients of attention, positions, norms and spectral normalisation.

The operations of PyTorch itself where it has them; rotary positions are written as complex numbers
times unit phases, which shares nothing with rotate-half but the result. Entries are those of ops.py.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from ops import Cases
from store import save


def attention(c):
    sdpa = F.scaled_dot_product_attention
    qkv = lambda h, g, t, s, k=4, d=3: {"q": c.draw(2, h, t, k), "k": c.draw(2, g, s, k),
                                        "v": c.draw(2, g, s, d)}  # fmt: skip
    c.add("attentionNone", "attention", sdpa, qkv(2, 2, 3, 5))
    c.add("attentionScale", "attention", lambda q, k, v: sdpa(q, k, v, scale=0.3), qkv(2, 2, 3, 5))
    c.add("attentionCausal", "attention", lambda q, k, v: sdpa(q, k, v, is_causal=True),
          qkv(3, 3, 5, 5))  # fmt: skip
    late = torch.ones(3, 5).tril(2).bool()
    c.add("attentionCache", "attention", lambda q, k, v: sdpa(q, k, v, attn_mask=late),
          qkv(2, 2, 3, 5))  # fmt: skip
    c.add("attentionGrouped", "attention",
          lambda q, k, v: sdpa(q, k, v, is_causal=True, enable_gqa=True), qkv(6, 2, 4, 4))  # fmt: skip
    c.add("attentionMultiQuery", "attention", lambda q, k, v: sdpa(q, k, v, enable_gqa=True),
          qkv(4, 1, 3, 5))  # fmt: skip
    c.add("attentionBias", "attention", lambda q, k, v, b: sdpa(q, k, v, attn_mask=b),
          qkv(3, 3, 4, 5) | {"bias": c.draw(3, 4, 5)})  # fmt: skip


def layer(c):
    """Its weights are those of torch.nn.MultiheadAttention, transposed as linear layers are here."""
    features, heads = 6, 3

    def run(x, weight, bias, out_weight, out_bias):
        y, _ = F.multi_head_attention_forward(
            x.transpose(0, 1), x.transpose(0, 1), x.transpose(0, 1), features, heads, weight.T, bias,
            None, None, False, 0.0, out_weight.T, out_bias, need_weights=False, is_causal=True,
            attn_mask=nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64),
        )  # fmt: skip
        return y.transpose(0, 1)

    inputs = {"x": c.draw(2, 4, features), "weight": c.draw(features, 3 * features, scale=0.5),
              "bias": c.draw(3 * features), "outWeight": c.draw(features, features, scale=0.5),
              "outBias": c.draw(features)}  # fmt: skip
    c.add("multiHeadAttention", "multiHeadAttention", run, inputs)


def rotary(x, offset=2, base=10000.0):
    half = x.shape[-1] // 2
    rates = base ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = (torch.arange(x.shape[-2]) + offset)[:, None] * rates
    turned = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], -1)


def norms(c):
    affine = lambda n: {"gamma": 1 + c.draw(n, scale=0.3), "beta": c.draw(n)}
    c.add("rotary", "rotary", rotary, {"x": c.draw(2, 2, 5, 6)}, offset=2)
    c.add("instanceNorm", "instanceNorm",
          lambda x, g, b: F.instance_norm(x, weight=g, bias=b, eps=1e-5),
          {"x": 2 * c.draw(2, 3, 4, 3) + 1} | affine(3))  # fmt: skip
    c.add("rmsNorm", "rmsNorm", lambda x, g: F.rms_norm(x, x.shape[-1:], g, 1e-6),
          {"x": 2 * c.draw(3, 4, 6) + 1, "gamma": 1 + c.draw(6, scale=0.3)})  # fmt: skip


def spectral(c, name, module, dim):
    """Three training steps of gradient descent at rate 0.5 on sum(normalised weight * r), then evaluation."""
    torch.manual_seed(3)
    module = parametrizations.spectral_norm(module.double(), dim=dim)
    norm = module.parametrizations.weight
    r = c.draw(*module.weight.shape)
    module.train()
    store = lambda key, value: c.arrays.__setitem__(f"{name}.{key}", value.detach().clone())
    store("r", r)
    store("weight", norm.original)
    store("u", norm[0]._u)
    store("v", norm[0]._v)
    for step in range(3):
        weight = module.weight
        (gradient,) = torch.autograd.grad((weight * r.double()).sum(), [norm.original])
        store(f"{step}.y", weight)
        store(f"{step}.u", norm[0]._u)
        store(f"{step}.v", norm[0]._v)
        with torch.no_grad():
            norm.original -= 0.5 * gradient
    module.eval()
    store("final.weight", norm.original)
    store("final.y", module.weight)


def make(name):
    c = Cases()
    c.seed = 700
    for part in (attention, layer, norms):
        part(c)
    torch.manual_seed(2)
    spectral(c, "spectralConv", nn.Conv2d(2, 3, 3), 0)
    spectral(c, "spectralTransposed", nn.ConvTranspose2d(2, 3, 2), 1)
    save(name, c.arrays, {"torch": torch.__version__.split("+")[0], "cases": c.cases})
