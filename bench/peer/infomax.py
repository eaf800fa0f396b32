"""The PyTorch peer of Deep InfoMax on 32×32×3 images with a Gaussian encoder of 128 latents: five 3×3
convolutions with batch norm and leaky ReLU, max pooling after the first three; a global and a local
discriminator of three hidden layers; Jensen-Shannon losses against the next image of the batch; the
divergence as a mean over latents. Adam 1e-3."""

import torch
import torch.nn.functional as F
from torch import nn

import training

SIZE = 128
GLOBAL, LOCAL, PRIOR = 0.5, 1.5, 0.01


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        channels = [3, SIZE // 4, SIZE // 2, SIZE, SIZE, SIZE]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)
            )
            for a, b in zip(channels, channels[1:])
        )  # fmt: skip
        self.mean = nn.Linear(SIZE, SIZE)
        self.log_variance = nn.Linear(SIZE, SIZE)

    def forward(self, x):
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i < 3:
                x = F.max_pool2d(x, 2)
            if i == 2:
                local = x
        features = x.amax((2, 3))
        return self.mean(features), self.log_variance(features), local


def layers(make):
    widths = [2 * SIZE, SIZE, SIZE, SIZE, 1]
    parts = []
    for a, b in zip(widths, widths[1:]):
        parts += [make(a, b), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class InfoMax(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.glob = layers(nn.Linear)
        self.local = layers(lambda a, b: nn.Conv2d(a, b, 1))

    def forward(self, image, noise):
        """Loss of images [B, 3, 32, 32] in [0, 1] and normal numbers [B, 128]."""
        mean, log_variance, features = self.encoder(image)
        z = mean + (log_variance / 2).exp() * noise
        other = z.roll(-1, 0)
        everywhere = z[:, :, None, None].expand_as(features)
        glob = jensen_shannon(
            self.glob(torch.cat([z, z], 1)), self.glob(torch.cat([z, other], 1))
        )
        local = jensen_shannon(
            self.local(torch.cat([everywhere, features], 1)),
            self.local(torch.cat([everywhere, features.roll(-1, 0)], 1)),
        )
        prior = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return GLOBAL * glob + LOCAL * local + PRIOR * prior


def jensen_shannon(positive, negative):
    return F.softplus(-positive).mean() + F.softplus(negative).mean()


def make(args):
    layout = training.layout_of(args)
    model = InfoMax().to(memory_format=layout)
    optimizer = training.adam(model.parameters(), not args.no_fused, lr=1e-3)
    run = training.maybe_compiled(args, model)

    def step(batch, draw):
        optimizer.zero_grad(set_to_none=True)
        x = batch["image"].to(torch.float32, memory_format=layout).div_(255)
        loss = run(x, draw("normal", "step.latent", len(x), SIZE))
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    generator = torch.Generator().manual_seed(args.seed)
    columns = {"image": training.pixels(generator, 16 * args.batch, 3, 32, 32)}
    return training.Training(model, columns, step)


if __name__ == "__main__":
    training.main("PyTorch peer: Deep InfoMax", make, batch=64)
