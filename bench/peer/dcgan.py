"""The PyTorch peer of DCGAN on 32×32×3 images: widths 64, 128, 256, 4×4 convolutions of stride 2, batch
norm, the non-saturating loss, Adam 2e-4 with beta1 0.5. A step is one of the discriminator and one of
the generator, each with latents of its own; with `--gamma` that of the discriminator alone, with the
R1 penalty gamma/2·|∇D|² at real images."""

import torch
import torch.nn.functional as F
from torch import nn

import training

WIDTH, LATENTS = 64, 100


class Discriminator(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, 2 * WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * WIDTH), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * WIDTH, 4 * WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4 * WIDTH), nn.LeakyReLU(0.2),
            nn.Conv2d(4 * WIDTH, 1, 4, bias=False), nn.Flatten(0),
        )  # fmt: skip


class Generator(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Linear(LATENTS, 4 * WIDTH * 16, bias=False), nn.Unflatten(1, (4 * WIDTH, 4, 4)),
            nn.BatchNorm2d(4 * WIDTH), nn.ReLU(),
            nn.ConvTranspose2d(4 * WIDTH, 2 * WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * WIDTH), nn.ReLU(),
            nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH), nn.ReLU(),
            nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1, bias=False), nn.Tanh(),
        )  # fmt: skip


def make(args):
    layout = training.layout_of(args)
    discriminator = Discriminator().to(memory_format=layout)
    generator = Generator().to(memory_format=layout)
    options = {"lr": 2e-4, "betas": (0.5, 0.999)}
    fused = not args.no_fused
    discriminator_adam = training.adam(discriminator.parameters(), fused, **options)
    generator_adam = training.adam(generator.parameters(), fused, **options)
    score = training.maybe_compiled(args, discriminator)
    paint = training.maybe_compiled(args, generator)

    def discriminator_step(image, z):
        discriminator_adam.zero_grad(set_to_none=True)
        real = image.to(torch.float32, memory_format=layout).mul_(2 / 255).sub_(1)
        real.requires_grad_(args.gamma > 0)
        with torch.no_grad():
            fake = paint(z)
        real_logits = score(real)
        loss = F.softplus(-real_logits).mean() + F.softplus(score(fake)).mean()
        if args.gamma > 0:
            (slope,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
            loss = loss + args.gamma / 2 * slope.square().sum((1, 2, 3)).mean()
        # Only the discriminator's parameters ask for gradients: none for real's.
        loss.backward(inputs=list(discriminator.parameters()))
        discriminator_adam.step()
        return loss.detach()

    def generator_step(z):
        generator_adam.zero_grad(set_to_none=True)
        discriminator.requires_grad_(False)
        loss = F.softplus(-score(paint(z))).mean()
        loss.backward()
        discriminator.requires_grad_(True)
        generator_adam.step()
        return loss.detach()

    def step(batch, draw):
        image = batch["image"]
        z = draw("normal", "discriminator.generator.latent", len(image), LATENTS)
        losses = {"discriminator": discriminator_step(image, z)}
        if args.gamma == 0:
            z = draw("normal", "generator.latent", len(image), LATENTS)
            losses["generator"] = generator_step(z)
        return losses

    source = torch.Generator().manual_seed(args.seed)
    columns = {"image": training.pixels(source, 16 * args.batch, 3, 32, 32)}
    return training.Training([discriminator, generator], columns, step)


if __name__ == "__main__":
    training.main(
        "PyTorch peer: DCGAN", make, batch=64,
        add_arguments=lambda parser: parser.add_argument("--gamma", type=float, default=0.0),
    )  # fmt: skip
