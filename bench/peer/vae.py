"""The PyTorch peer of the Gaussian VAE 784-400-20 on MNIST's real-valued pixels.

    python3 bench/peer/vae.py --epochs 10 --data FOLDER_OF_IDX
    python3 bench/peer/vae.py --bench 500

Kingma and Welling, "Auto-Encoding Variational Bayes", equation 10: the negative bound is the
Bernoulli cross-entropy of one posterior sample plus KL(q(z|x) || N(0, I)) in closed form, in nats,
summed over pixels and latents, averaged over the batch. Adam 1e-3, PyTorch's default
initialisation, two threads, no data loader: batches are indexed from one preloaded byte tensor.
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn

import harness


class GaussianVae(nn.Module):
    def __init__(self, pixels=784, hidden=400, latents=20):
        super().__init__()
        self.hidden = nn.Linear(pixels, hidden)
        self.mean = nn.Linear(hidden, latents)
        self.log_variance = nn.Linear(hidden, latents)
        self.decoder = nn.Sequential(
            nn.Linear(latents, hidden), nn.ReLU(), nn.Linear(hidden, pixels)
        )

    def forward(self, x):
        """The negative bound of x [B, 784], averaged over the batch, in nats."""
        h = F.relu(self.hidden(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        cross_entropy = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return (cross_entropy + divergence) / x.shape[0]


def main():
    parser = argparse.ArgumentParser(description="PyTorch peer: Gaussian VAE 784-400-20")
    harness.add_arguments(parser, batch=128)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = GaussianVae()
    optimizer = harness.make_adam(model.parameters(), not args.no_fused)

    def step(images):
        optimizer.zero_grad(set_to_none=True)
        loss = model(images.float().div_(255))
        loss.backward()
        optimizer.step()
        return loss

    def evaluate(images):
        return {"testNegativeElbo": model(images.float().div_(255)).item()}

    settings = {"model": "gaussian-vae", "fused": bool(optimizer.defaults.get("fused"))}
    harness.run(args, model, step, evaluate, settings)


if __name__ == "__main__":
    main()
