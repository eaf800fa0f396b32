"""Deep InfoMax with a Gaussian encoder: Hjelm et al. 2019, equation 8, and its options: the bounds InfoNCE and
Donsker-Varadhan, encode-and-dot critics, maps of several scales, the term between places, the prediction of
coordinates and the adversarial prior. The loss, its terms and its gradients from given weights, noise and images.
z = 8 channels and latents, images 1 x 16 x 16, batch 5. Nothing is shuffled: the negative k of an image is the image
k places behind it."""

import torch
import torch.nn.functional as F

from store import normal, save

Z, BATCH = 8, 5
CHANNELS = [Z // 4, Z // 2, Z]
PUBLISHED = {"global": 0.5, "local": 1.5, "localLocal": 0, "coordinates": 0, "prior": 0.01, "objective": "jsd",
             "critic": "concat", "negatives": 1, "halvings": 3, "scales": 1, "priorKind": "kl"}  # fmt: skip
CASES = {
    "published": {},
    "infonce": {"objective": "infonce", "negatives": 3},
    "dv": {"objective": "dv", "negatives": 2},
    "dot": {"critic": "dot"},
    "dot-infonce": {"critic": "dot", "objective": "infonce", "localLocal": 0.7},
    "dot-dv": {"critic": "dot", "objective": "dv", "global": 0},
    "local-local": {"localLocal": 0.8, "coordinates": 0.6},
    "scales": {"scales": 2, "halvings": 2, "localLocal": 0.4, "coordinates": 0.3},
    "dot-scales": {"critic": "dot", "objective": "infonce", "scales": 3},
    "adversarial": {"priorKind": "adversarial", "prior": 0.5},
}
PLACE = 0.4  # uniform: places are moved on by 1 + floor(0.4 (places - 1))


class Weights(dict):
    """Weights by name, drawn when they are first asked for: equal names and shapes are equal numbers."""

    def draw(self, key, *shape, scale):
        if key not in self:
            seed = 700 + sum((i + 1) * ord(c) for i, c in enumerate(key)) + sum(shape)
            self[key] = (scale * normal(seed, *shape)).requires_grad_()
        return self[key]

    def layer(self, key, a, b, kernel=None, scale=None):
        scale = scale or (2 / (a * (kernel or 1) ** 2)) ** 0.5
        shape = (a, b) if kernel is None else (b, a, kernel, kernel)
        return self.draw(f"{key}.weight", *shape, scale=scale), self.draw(f"{key}.bias", b, scale=0.1)


def encode(w, x):
    maps = []
    for i, outputs in enumerate([*CHANNELS, Z, Z]):
        key, inputs = f"encoder.blocks.{i}", x.shape[1]
        kernel = w.draw(f"{key}.convolution.weight", outputs, inputs, 3, 3, scale=(2 / (9 * inputs)) ** 0.5)
        scale, offset = w.draw(f"{key}.norm.scale", outputs, scale=0.3), w.draw(f"{key}.norm.offset", outputs, scale=0.1)
        x = F.leaky_relu(F.batch_norm(F.conv2d(x, kernel, padding=1), None, None, scale, offset, True), 0.2)
        if i < 3:
            x = F.max_pool2d(x, 2)
            maps.append(x)
    features = x.amax((2, 3))
    heads = []
    for head in ("mean", "logVariance"):
        weight, bias = w.layer(f"encoder.{head}", Z, Z, scale=0.5)
        heads.append(features @ weight + bias)
    return *heads, maps


def dense(w, key, x, widths):
    for i, width in enumerate(widths):
        weight, bias = w.layer(f"{key}.{i}", x.shape[-1], width)
        x = (F.relu(x) if i > 0 else x) @ weight + bias
    return x


def network(w, key, x, outputs=1):
    """1 x 1 convolutions on a map."""
    for i, width in enumerate([Z, Z, Z, outputs]):
        weight, bias = w.layer(f"{key}.{i}", x.shape[1], width, kernel=1)
        x = F.conv2d(F.relu(x) if i > 0 else x, weight, bias)
    return x.flatten(2)  # (B, outputs, places)


def spread(z, like):
    return z[:, :, None, None].expand(-1, -1, *like.shape[2:]) if z.dim() == 2 else z


def scores(w, key, here, there, case):
    """Of true pairs [B, P] and of others [B, K, P]."""
    if case["critic"] == "dot":
        rows = lambda x: (x[:, :, None] if x.dim() == 2 else x.flatten(2)).permute(2, 0, 1)  # (P, B, C)
        left, right = dense(w, f"{key}.latent", rows(here), [Z, Z]), dense(w, f"{key}.feature", rows(there), [Z, Z])
        products = torch.einsum("pic,pjc->ijp", *torch.broadcast_tensors(left, right))
        own = torch.eye(BATCH, dtype=torch.bool)
        return products[own], products[~own].reshape(BATCH, BATCH - 1, -1)
    if there.dim() == 2:
        score = lambda other: dense(w, key, torch.cat([here, other], 1), [Z, Z, Z, 1])
    else:
        score = lambda other: network(w, key, torch.cat([spread(here, there), other], 1))[:, 0]
    return score(there), torch.stack([score(there.roll(-k, 0)) for k in range(1, case["negatives"] + 1)], 1)


def bound(objective, positive, negative):
    if objective == "jsd":
        return F.softplus(-positive).mean() + F.softplus(negative).mean()
    if objective == "dv":
        return negative.exp().mean().log() - positive.mean()
    logits = torch.cat([positive[:, None], negative], 1)
    return F.cross_entropy(logits, torch.zeros(positive.shape, dtype=torch.long))


def terms(w, case, image, noise, drawn):
    mean, log_variance, maps = encode(w, image.float() / 255)
    z = mean + (log_variance / 2).exp() * noise
    maps = [maps[case["halvings"] - 1 - i] for i in range(case["scales"])]
    information = lambda key, here, there: bound(case["objective"], *scores(w, key, here, there, case))
    found, places = {}, maps[0].flatten(2).shape[2]
    if case["global"]:
        found["global"] = information("global", z, z)
    keys = ["local"] + [f"finer.{i}" for i in range(case["scales"] - 1)]
    found["local"] = sum(information(key, z, each) for key, each in zip(keys, maps)) / case["scales"]
    if case["localLocal"]:
        moved = maps[0].flatten(2).roll(-1 - int(PLACE * (places - 1)), 2).reshape(maps[0].shape)
        found["localLocal"] = information("localLocal", moved, maps[0])
    if case["coordinates"]:
        logits = network(w, "coordinates", torch.cat([spread(z, maps[0]), maps[0]], 1), places)
        found["coordinates"] = F.cross_entropy(logits, torch.arange(places).expand(BATCH, -1))
    if case["priorKind"] == "kl":
        found["prior"] = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    else:
        real, made = dense(w, "prior", drawn, [Z, 1]), dense(w, "prior", z.detach(), [Z, 1])
        found["discriminator"] = F.softplus(-real).mean() + F.softplus(made).mean()
        fixed = Weights({key: value.detach() for key, value in w.items()})
        found["prior"] = F.softplus(-dense(fixed, "prior", z, [Z, 1])).mean()
    return found


def make(name):
    image = torch.randint(256, (BATCH, 1, 16, 16), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
    noise, drawn = normal(799, BATCH, Z), normal(798, BATCH, Z)
    arrays = {"image": image, "noise": noise, "drawn": drawn, "place": torch.tensor([PLACE])}
    cases, paths = {key: PUBLISHED | options for key, options in CASES.items()}, {}
    for key, case in cases.items():
        w = Weights()
        found = terms(w, case, image, noise, drawn)
        loss = sum(case.get(term, 1) * value for term, value in found.items())
        loss.backward()
        arrays[f"{key}.loss"] = loss
        arrays |= {f"{key}.term.{term}": value for term, value in found.items()}
        # Weights of one name are the same in every case but where their sizes differ.
        arrays |= {f"weight.{path}.{'x'.join(map(str, value.shape))}": value for path, value in w.items()}
        paths[key] = list(w)
        arrays[f"{key}.gradient"] = torch.cat([value.grad.flatten() for value in w.values()])
    save(name, arrays, {"cases": cases, "paths": paths})


if __name__ == "__main__":
    make("infomax")
