"""The PyTorch peer of the image tokenizer by finite scalar quantization, with the defaults of the method fsq: 28×28
images, two halvings by 4×4 convolutions, width 64, two residual blocks on either side of 7×7 tokens, levels 8, 5, 5, 5
bounded by sigmoids, squared error over 0.1. Adam 1e-3."""

import torch
import torch.nn.functional as F
from torch import nn

import training

WIDTH, BLOCKS, LEVELS = 64, 2, (8, 5, 5, 5)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.thin = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x):
        return x + self.thin(F.relu(self.wide(F.relu(x))))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.halvings = nn.ModuleList(
            nn.Conv2d(inputs, WIDTH, 4, stride=2, padding=1) for inputs in (1, WIDTH)
        )
        self.middle = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.last = nn.Conv2d(WIDTH, len(LEVELS), 1)

    def forward(self, x):
        for halving in self.halvings:
            x = F.relu(halving(x))
        return self.last(F.relu(self.blocks(self.middle(x))))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(len(LEVELS), WIDTH, 3, padding=1)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.doublings = nn.ModuleList(
            nn.ConvTranspose2d(WIDTH, outputs, 4, stride=2, padding=1) for outputs in (WIDTH, 1)
        )

    def forward(self, z):
        x = F.relu(self.blocks(self.first(z)))
        return self.doublings[1](F.relu(self.doublings[0](x)))


class Tokenizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        steps = torch.tensor(LEVELS, dtype=torch.float32).view(1, -1, 1, 1) - 1
        self.register_buffer("steps", steps)

    def forward(self, x):
        """Squared error a pixel of images [B, 1, 28, 28] in [0, 1]."""
        soft = torch.sigmoid(self.encoder(x - 0.5)) * self.steps
        level = soft + (soft.round() - soft).detach()
        return F.mse_loss(self.decoder(2 * level / self.steps - 1) + 0.5, x)


def make(args):
    layout = training.layout_of(args)
    model = Tokenizer().to(memory_format=layout)
    optimizer = training.adam(model.parameters(), not args.no_fused, lr=1e-3)
    run = training.maybe_compiled(args, model)

    def step(batch, draw):
        optimizer.zero_grad(set_to_none=True)
        x = batch["image"].to(torch.float32, memory_format=layout).div_(255)
        error = run(x)
        loss = error / 0.1
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach(), "squaredError": error.detach()}

    generator = torch.Generator().manual_seed(args.seed)
    columns = {"image": training.pixels(generator, 32 * args.batch, 1, 28, 28, sparse=True)}
    return training.Training(model, columns, step)


if __name__ == "__main__":
    training.main("PyTorch peer: image tokenizer by finite scalar quantization", make, batch=64)
