"""Values and gradients of transformer blocks, one for each option.

Written head by head, query by query and key by key from the papers' sums, with PyTorch's own norms and
activations: nothing of the tensor algebra that the library uses for the same. Parameters are named by their
paths in the library, and laid out as there: x times [inputs, outputs].
"""

import math

import torch
import torch.nn.functional as F

from ops import Cases
from store import save

BASE = {"heads": 2, "groups": 2, "key": 4, "value": 3, "norm": "layer", "placement": "pre",
        "feedForward": "gelu", "positions": "learned", "talking": "none", "softmax": None,
        "mask": "causal", "offset": 0}  # fmt: skip
FEATURES, HIDDEN = 6, 5


def normed(p, part, x, o):
    scale, width = p[f"{part}.norm.scale"], x.shape[-1:]
    if o["norm"] == "rms":
        return F.rms_norm(x, width, scale, 1e-6)
    return F.layer_norm(x, width, scale, p.get(f"{part}.norm.offset"), 1e-5)


def turned(v, position, base=10000.0):
    """Pairs (i, i + k/2) as complex numbers, turned by position / base^(2i/k)."""
    half = v.shape[-1] // 2
    z = torch.complex(v[..., :half], v[..., half:])
    angle = position * base ** (-torch.arange(half, dtype=torch.float64) / half)
    z = z * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([z.real, z.imag], -1)


def sinusoids(distance):
    parts = []
    for i in range(FEATURES // 2):
        angle = distance * 10000.0 ** (-2 * i / FEATURES)
        parts += [math.sin(angle), math.cos(angle)]
    return torch.tensor(parts, dtype=torch.float64)


def columns(p, x, memory, o):
    weight, bias = p["attention.attention.project.weight"], p["attention.attention.project.bias"]
    h, g, k, d = o["heads"], o["groups"], o["key"], o["value"]
    both = lambda y: y @ weight + bias
    q = both(x)[..., : h * k].unflatten(-1, (h, k))
    keys = both(memory)[..., h * k : (h + g) * k].unflatten(-1, (g, k))
    values = both(memory)[..., (h + g) * k :].unflatten(-1, (g, d))
    return q, keys, values


def logit(p, q, key, head, distance, o):
    """Of one query and one key of a head; distance: how far back the key lies."""
    total = q @ key
    if o["positions"] == "relative":
        at = "attention.attention.relative."
        part = slice(head * o["key"], (head + 1) * o["key"])
        r = (sinusoids(distance) @ p[at + "project.weight"])[part]
        total = total + q @ r + p[at + "content"][part] @ key + p[at + "position"][part] @ r
    total = total / math.sqrt(o["key"])
    if o["positions"] == "alibi":
        total = total - 2.0 ** (-8 * (head + 1) / o["heads"]) * abs(distance)
    return total


def attention(p, x, memory, o):
    q, keys, values = columns(p, x, memory, o)
    (batch, T), S, h = x.shape[:2], memory.shape[1], o["heads"]
    rows = []
    for b in range(batch):
        for i in range(T):
            place = S - T + i
            logits = torch.stack([torch.stack([
                logit(p, *(turned(v, at) if o["positions"] == "rotary" else v for v, at in
                           ((q[b, i, head], place), (keys[b, j, head * o["groups"] // h], j))),
                      head, place - j, o) for j in range(S)]) for head in range(h)])  # fmt: skip
            if o["talking"] != "none":
                logits = p["attention.attention.mix"] @ logits
            if o["mask"] == "causal":
                logits = logits[:, : place + 1]
            weights = torch.softmax(logits, -1)
            if o["talking"] == "logits+weights":
                weights = p["attention.attention.mixWeights"] @ weights
            seen = values[b, : weights.shape[1]]
            rows.append(torch.cat([weights[head] @ seen[:, head * o["groups"] // h]
                                   for head in range(h)]))  # fmt: skip
    y = torch.stack(rows).unflatten(0, (batch, T))
    return y @ p["attention.attention.out.weight"] + p["attention.attention.out.bias"]


def feed_forward(p, x, o):
    at = "feedForward.network."
    y = x @ p[at + "wide.weight"] + p[at + "wide.bias"]
    gates = {"swiglu": F.silu, "geglu": F.gelu}
    if o["feedForward"] in gates:
        y = y[..., :HIDDEN] * gates[o["feedForward"]](y[..., HIDDEN:])
    else:
        y = {"gelu": F.gelu, "relu": F.relu}[o["feedForward"]](y)
    return y @ p[at + "narrow.weight"] + p[at + "narrow.bias"]


def block(p, o):
    x, memory = p["x"], p.get("memory")
    if o["placement"] == "pre":
        kept = normed(p, "attention", x if memory is None else memory, o)
        x = x + attention(p, normed(p, "attention", x, o), kept, o)
        return x + feed_forward(p, normed(p, "feedForward", x, o), o)
    x = normed(p, "attention", x + attention(p, x, x if memory is None else memory, o), o)
    return normed(p, "feedForward", x + feed_forward(p, x, o), o)


def parameters(c, o, length=4, remembered=0):
    h, g, k, d, n = o["heads"], o["groups"], o["key"], o["value"], FEATURES
    softmax = o["softmax"] or h
    total = h * k + g * k + g * d
    wide = 2 * HIDDEN if o["feedForward"] in ("swiglu", "geglu") else HIDDEN
    p = {"x": c.draw(2, length, n)}
    if remembered:
        p["memory"] = c.draw(2, length + remembered, n)
    for part in ("attention", "feedForward"):
        p[f"{part}.norm.scale"] = 1 + c.draw(n, scale=0.3)
        if o["norm"] == "layer":
            p[f"{part}.norm.offset"] = c.draw(n, scale=0.3)
    layers = {"attention.attention.project": (n, total), "attention.attention.out": (h * d, n),
              "feedForward.network.wide": (n, wide), "feedForward.network.narrow": (HIDDEN, n)}  # fmt: skip
    for name, (inputs, outputs) in layers.items():
        p[f"{name}.weight"] = c.draw(inputs, outputs, scale=0.6)
        p[f"{name}.bias"] = c.draw(outputs, scale=0.3)
    if o["talking"] != "none":
        p["attention.attention.mix"] = c.draw(softmax, h)
    if o["talking"] == "logits+weights":
        p["attention.attention.mixWeights"] = c.draw(h, softmax)
    if o["positions"] == "relative":
        p["attention.attention.relative.project.weight"] = c.draw(n, h * k, scale=0.6)
        p["attention.attention.relative.content"] = c.draw(h * k)
        p["attention.attention.relative.position"] = c.draw(h * k)
    return p


CASES = {
    "plain": {},
    "postRms": {"placement": "post", "norm": "rms", "feedForward": "relu", "mask": "none"},
    "noBiasSwiglu": {"norm": "layer-no-bias", "feedForward": "swiglu", "mask": "none"},
    "postGeglu": {"placement": "post", "feedForward": "geglu"},
    "wideKeysNarrowValues": {"key": 6, "value": 3},
    "grouped": {"heads": 4, "groups": 2, "key": 2, "value": 2, "positions": "rotary"},
    "multiQuery": {"heads": 4, "groups": 1, "key": 2, "value": 2, "positions": "alibi"},
    "alibiBothSides": {"positions": "alibi", "mask": "none"},
    "rotaryBothSides": {"positions": "rotary", "mask": "none"},
    "talkingLogits": {"talking": "logits"},
    "talkingBoth": {"talking": "logits+weights", "softmax": 3, "positions": "alibi"},
    "talkingFewer": {"talking": "logits+weights", "heads": 4, "groups": 4, "key": 2, "value": 2,
                     "softmax": 2, "mask": "none"},
    "relative": {"positions": "relative"},
    "relativeBothSides": {"positions": "relative", "mask": "none"},
    "relativeGroupedTalking": {"positions": "relative", "heads": 4, "groups": 2, "key": 2,
                               "value": 2, "talking": "logits+weights", "softmax": 5},
    "relativeMemory": {"positions": "relative", "remembered": 3},
    "rotaryMemory": {"positions": "rotary", "placement": "post", "remembered": 2},
}  # fmt: skip


def make(name):
    c = Cases()
    c.seed = 3000
    for case, chosen in CASES.items():
        o = BASE | chosen
        given = parameters(c, o, remembered=chosen.get("remembered", 0))
        names = list(given)
        c.add(case, "transformerBlock", lambda *values: block(dict(zip(names, values)), o), given, **o)
    save(name, c.arrays, {"torch": torch.__version__.split("+")[0], "cases": c.cases})


# Training of whole language models. Weights and tokens are formulas, so that no file need hold them.

SIZES = {"vocabulary": 11, "context": 12, "width": 16, "heads": 4, "layers": 2, "rows": 6}
MODELS = {
    "learned": {"positions": "learned", "norm": "layer", "feedForward": "gelu", "groups": 4,
                "tied": True, "decaySteps": 0},
    "rotary": {"positions": "rotary", "norm": "rms", "feedForward": "swiglu", "groups": 1,
               "tied": False, "decaySteps": 10},
}  # fmt: skip
TRAINING = {"learningRate": 0.02, "warmupSteps": 5, "weightDecay": 0.1, "clip": 1.0, "steps": 20}


def shapes(m):
    """In the order of the library's tree."""
    n, h, k = SIZES["width"], SIZES["heads"], SIZES["width"] // SIZES["heads"]
    hidden = 8 * -(-n // 3) if m["feedForward"] == "swiglu" else 4 * n
    wide = 2 * hidden if m["feedForward"] == "swiglu" else hidden
    columns = (h + 2 * m["groups"]) * k
    norm = {"scale": (n,)} | ({"offset": (n,)} if m["norm"] == "layer" else {})
    parts = {"attention": {"attention.project": (n, columns), "attention.out": (n, n)},
             "feedForward": {"network.wide": (n, wide), "network.narrow": (hidden, n)}}  # fmt: skip
    result = {"tokens.weight": (SIZES["vocabulary"], n)}
    if m["positions"] == "learned":
        result["positions.weight"] = (SIZES["context"], n)
    for part, layers in parts.items():
        for i in range(SIZES["layers"]):
            result |= {f"{part}.{i}.norm.{key}": shape for key, shape in norm.items()}
            for name, (inputs, outputs) in layers.items():
                result |= {f"{part}.{i}.{name}.weight": (inputs, outputs)}
                result |= {f"{part}.{i}.{name}.bias": (outputs,)}
    result |= {f"norm.{key}": shape for key, shape in norm.items()}
    return result if m["tied"] else result | {"head.weight": (n, SIZES["vocabulary"])}


def made_weight(number, path, shape):
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    wave = torch.sin(12.9898 * (i + 1) + 78.233 * (number + 1)).reshape(shape)
    return (1 + 0.1 * wave if path.endswith("scale") else 0.15 * wave).requires_grad_()


def language_logits(p, m, tokens):
    h, k = SIZES["heads"], SIZES["width"] // SIZES["heads"]
    width, T = (SIZES["width"],), tokens.shape[1]

    def norm(at, x):
        if m["norm"] == "rms":
            return F.rms_norm(x, width, p[f"{at}.scale"], 1e-6)
        return F.layer_norm(x, width, p[f"{at}.scale"], p[f"{at}.offset"], 1e-5)

    linear = lambda at, x: x @ p[f"{at}.weight"] + p[f"{at}.bias"]
    x = F.embedding(tokens, p["tokens.weight"])
    if m["positions"] == "learned":
        x = x + p["positions.weight"][:T]
    for i in range(SIZES["layers"]):
        at = f"attention.{i}"
        parts = linear(f"{at}.attention.project", norm(f"{at}.norm", x))
        q, keys, values = parts.unflatten(-1, (-1, k)).transpose(1, 2).split([h, m["groups"], m["groups"]], 1)
        if m["positions"] == "rotary":
            turn = lambda y: torch.stack([turned(y[:, :, t], t) for t in range(T)], 2)
            q, keys = turn(q), turn(keys)
        y = F.scaled_dot_product_attention(q, keys, values, is_causal=True, enable_gqa=True)
        x = x + linear(f"{at}.attention.out", y.transpose(1, 2).flatten(2))
        at = f"feedForward.{i}"
        y = linear(f"{at}.network.wide", norm(f"{at}.norm", x))
        if m["feedForward"] == "swiglu":
            value, gate = y.chunk(2, -1)
            y = value * F.silu(gate)
        else:
            y = F.gelu(y)
        x = x + linear(f"{at}.network.narrow", y)
    x = norm("norm", x)
    return x @ (p["tokens.weight"].T if m["tied"] else p["head.weight"])


def rate(step, m):
    warmup = TRAINING["warmupSteps"]
    share = min((step + 1) / (warmup + 1), 1)
    if m["decaySteps"] == 0:
        return share
    done = min(max(step - warmup, 0) / m["decaySteps"], 1)
    return share * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


def losses(m):
    p = {path: made_weight(n, path, shape) for n, (path, shape) in enumerate(shapes(m).items())}
    i = torch.arange(SIZES["rows"] * (SIZES["context"] + 1))
    tokens = ((i * i * 7 + 3 * i) % SIZES["vocabulary"]).reshape(SIZES["rows"], -1)
    decays = [v for path, v in p.items() if path.endswith(".weight")]
    rest = [v for path, v in p.items() if not path.endswith(".weight")]
    optimizer = torch.optim.AdamW(
        [{"params": decays, "weight_decay": TRAINING["weightDecay"]}, {"params": rest, "weight_decay": 0}],
        lr=TRAINING["learningRate"], betas=(0.9, 0.95), eps=1e-8)  # fmt: skip
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, m))
    found = []
    for _ in range(TRAINING["steps"]):
        logits = language_logits(p, m, tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(p.values()), TRAINING["clip"])
        optimizer.step()
        schedule.step()
        found.append(loss.item())
    return torch.tensor(found, dtype=torch.float64)


def make_training(name):
    arrays = {model: losses(m) for model, m in MODELS.items()}
    save(name, arrays, {"torch": torch.__version__.split("+")[0], "sizes": SIZES,
                        "models": MODELS, "training": TRAINING})  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    make("transformer")
    make_training("transformer-training")
