"""Deep InfoMax (Hjelm et al. 2019, equation 8, the Jensen-Shannon form) with a Gaussian encoder: the loss, its terms
and its gradients from given weights, noise and images. z = 8 channels and latents, images 1 x 16 x 16, batch 5."""

import numpy as np
import torch
import torch.nn.functional as F

from store import normal, save

Z, BATCH = 8, 5
GLOBAL, LOCAL, PRIOR = 0.5, 1.5, 0.01


def weights():
    channels = [1, Z // 4, Z // 2, Z, Z, Z]
    made, seed = {}, 700
    def draw(key, *shape, scale):
        nonlocal seed
        seed += 1
        made[key] = (scale * normal(seed, *shape)).requires_grad_()
    for i, (a, b) in enumerate(zip(channels, channels[1:])):
        draw(f"encoder.blocks.{i}.convolution.weight", b, a, 3, 3, scale=(2 / (9 * a)) ** 0.5)
        draw(f"encoder.blocks.{i}.norm.scale", b, scale=0.3)
        draw(f"encoder.blocks.{i}.norm.offset", b, scale=0.1)
    for head in ("mean", "logVariance"):
        draw(f"encoder.{head}.weight", Z, Z, scale=0.5)
        draw(f"encoder.{head}.bias", Z, scale=0.1)
    widths = [2 * Z, Z, Z, Z, 1]
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        draw(f"global.{i}.weight", a, b, scale=(2 / a) ** 0.5)
        draw(f"global.{i}.bias", b, scale=0.1)
        draw(f"local.{i}.weight", b, a, 1, 1, scale=(2 / a) ** 0.5)
        draw(f"local.{i}.bias", b, scale=0.1)
    return made


def encode(w, x):
    for i in range(5):
        key = f"encoder.blocks.{i}"
        x = F.conv2d(x, w[f"{key}.convolution.weight"], padding=1)
        x = F.batch_norm(x, None, None, w[f"{key}.norm.scale"], w[f"{key}.norm.offset"], True)
        x = F.leaky_relu(x, 0.2)
        if i < 3:
            x = F.max_pool2d(x, 2)
        if i == 2:
            local = x
    features = x.amax((2, 3))
    heads = [features @ w[f"encoder.{h}.weight"] + w[f"encoder.{h}.bias"] for h in ("mean", "logVariance")]
    return *heads, local


def discriminate(w, part, x):
    for i in range(4):
        weight, bias = w[f"{part}.{i}.weight"], w[f"{part}.{i}.bias"]
        if i > 0:
            x = F.relu(x)
        x = x @ weight + bias if part == "global" else F.conv2d(x, weight, bias)
    return x


def jensen_shannon(positive, negative):
    return F.softplus(-positive).mean() + F.softplus(negative).mean()


def make(name):
    w = weights()
    image = torch.randint(256, (BATCH, 1, 16, 16), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
    noise = normal(799, BATCH, Z)
    mean, log_variance, local_map = encode(w, image.float() / 255)
    z = mean + (log_variance / 2).exp() * noise
    other = z.roll(-1, 0)
    everywhere = z[:, :, None, None].expand_as(local_map)
    terms = {
        "global": jensen_shannon(discriminate(w, "global", torch.cat([z, z], 1)),
                                 discriminate(w, "global", torch.cat([z, other], 1))),
        "local": jensen_shannon(discriminate(w, "local", torch.cat([everywhere, local_map], 1)),
                                discriminate(w, "local", torch.cat([everywhere, local_map.roll(-1, 0)], 1))),
        "prior": 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean(),
    }  # fmt: skip
    loss = GLOBAL * terms["global"] + LOCAL * terms["local"] + PRIOR * terms["prior"]
    loss.backward()
    arrays = {"image": image, "noise": noise, "loss": loss, "mean": mean, "map": local_map}
    arrays |= {f"term.{key}": value for key, value in terms.items()}
    arrays |= {f"weight.{key}": value for key, value in w.items()}
    arrays |= {f"gradient.{key}": value.grad for key, value in w.items()}
    save(name, arrays, {"weights": {"global": GLOBAL, "local": LOCAL, "prior": PRIOR}})


if __name__ == "__main__":
    make("infomax")
