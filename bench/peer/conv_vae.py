"""The PyTorch peer of the convolutional VAE with 32 categorical latents of 10 classes, on MNIST.

    python3 bench/peer/conv_vae.py --epochs 10 --data FOLDER_OF_IDX
    python3 bench/peer/conv_vae.py --bench 200

The network is the one published with Su Jianlin, "From reparameterization to Gumbel Softmax"
(Scientific Spaces, 2019-06-10): two strided convolutions of 32 and 64 channels, a hidden layer of
32 units on either side of the latents, and transposed convolutions back. Latents are relaxed by
the Gumbel softmax (Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax",
equation 2) with temperature max(0.01, 0.999^step); the prior is uniform and the divergence that of
the unrelaxed categorical, in closed form. Adam 1e-3, or the article's RMSprop as in Keras: 1e-3,
0.9, 1e-7.
"""

import argparse
import math

import torch
import torch.nn.functional as F
from torch import nn

import harness

LATENTS, CLASSES = 32, 10


def gumbel_softmax(logits, temperature):
    """F.gumbel_softmax draws from an exponential that can be 0; this uniform cannot be 0 or 1."""
    uniform = (torch.randint_like(logits, 2**23) + 0.5) * 2.0**-23
    return F.softmax((logits - torch.log(-torch.log(uniform))) / temperature, -1)


class CategoricalVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, stride=2, padding=1), nn.ReLU(),  # (B,32,14,14)
            nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(),  # (B,64,7,7)
            nn.Flatten(), nn.Linear(64 * 7 * 7, 32), nn.ReLU(),
            nn.Linear(32, LATENTS * CLASSES),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(LATENTS * CLASSES, 32), nn.ReLU(),
            nn.Linear(32, 64 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 64, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.Conv2d(32, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x, sample):
        """The negative bound of x [B, 1, 28, 28] in nats; sample maps logits to latents."""
        logits = self.encoder(x).unflatten(1, (LATENTS, CLASSES))
        pixels = self.decoder(sample(logits).flatten(1))
        cross_entropy = F.binary_cross_entropy_with_logits(pixels, x, reduction="sum")
        log_p = F.log_softmax(logits, -1)
        divergence = (log_p.exp() * (log_p + math.log(CLASSES))).sum()
        return (cross_entropy + divergence) / x.shape[0]


def one_hot_sample(logits):
    index = torch.distributions.Categorical(logits=logits).sample()
    return F.one_hot(index, CLASSES).to(logits.dtype)


def make_optimizer(name, parameters, fused):
    if name == "adam":
        return harness.make_adam(parameters, fused)
    return torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1e-7, foreach=fused)


def main():
    parser = argparse.ArgumentParser(description="PyTorch peer: categorical convolutional VAE")
    harness.add_arguments(parser, batch=100)
    parser.add_argument("--optimizer", choices=["adam", "rmsprop"], default="adam")
    parser.add_argument("--no-channels-last", action="store_true", help="slower on most processors")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = CategoricalVae()
    if not args.no_channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(args.optimizer, model.parameters(), not args.no_fused)
    steps = 0

    def images_of(bytes_):
        return bytes_.float().div_(255).view(-1, 1, 28, 28)

    def temperature():
        return max(0.01, 0.999**steps)

    def step(images):
        nonlocal steps
        optimizer.zero_grad(set_to_none=True)
        loss = model(images_of(images), lambda logits: gumbel_softmax(logits, temperature()))
        loss.backward()
        optimizer.step()
        steps += 1
        return loss

    def mean_bound(images, sample):
        parts = [model(images_of(part), sample) * len(part) for part in images.split(1000)]
        return (sum(parts) / len(images)).item()

    def evaluate(images):
        soft = mean_bound(images, lambda logits: gumbel_softmax(logits, temperature()))
        return {
            "testNegativeElbo": mean_bound(images, one_hot_sample),
            "testRelaxedNegativeElbo": soft,
            "temperature": temperature(),
        }

    settings = {"model": "categorical-vae", "optimizer": args.optimizer,
                "channelsLast": not args.no_channels_last}  # fmt: skip
    harness.run(args, model, step, evaluate, settings)


if __name__ == "__main__":
    main()
