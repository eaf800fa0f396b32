"""Makes every golden file of this folder from seeds, with PyTorch as the reference.

    python3 test/golden/make.py [NAME ...]

needs torch, numpy, mpmath, scipy and scikit-learn; without names it makes all. The files are committed, so the tests
need no Python. Runs on one thread, so that a second run gives the same bytes.
"""

import sys

import torch

import derivatives
import diffusion_transformer
import diffusion
import distributions
import divergences
import embedding
import gan
import gan_layers
import infomax
import initializers
import introvae
import ksg
import layers
import metrics
import ops
import optimizers
import quantizers
import recurrent
import special
import special_distributions
import trajectories
import unet

MAKERS = {
    "trajectory-mlp": trajectories.make_mlp,
    "trajectory-cnn": trajectories.make_cnn,
    "trajectory-optimizers": optimizers.make,
    "second-derivative": derivatives.make,
    "ops": ops.make,
    "diffusion": diffusion.make,
    "distributions": distributions.make,
    "divergences": divergences.make,
    "gan": gan.make,
    "gan-layers": gan_layers.make,
    "embedding": embedding.make,
    "infomax": infomax.make,
    "ksg": ksg.make,
    "initializers": initializers.make,
    "introvae": introvae.make,
    "layers": layers.make,
    "quantizers": quantizers.make,
    "recurrent": recurrent.make,
    "metrics": metrics.make,
    "special": special.make,
    "special-distributions": special_distributions.make,
    "unet": unet.make,
    "diffusion-transformer": diffusion_transformer.make,
}


def main():
    torch.set_num_threads(1)
    names = sys.argv[1:] or list(MAKERS)
    unknown = [name for name in names if name not in MAKERS]
    if unknown:
        sys.exit(f"No golden file {unknown[0]}. Choose from {', '.join(MAKERS)}.")
    for name in names:
        MAKERS[name](name)


if __name__ == "__main__":
    main()
