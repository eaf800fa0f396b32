"""The PyTorch peer of the convolutional classifier: 3×3 convolutions 1→32, 32→64 and 64→64 (the last
two of stride 2) with ReLU, a linear layer to 10 classes, cross-entropy, Adam 1e-3, 28×28 images."""

import torch
import torch.nn.functional as F
from torch import nn

import training


def make(args):
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 10),
    ).to(memory_format=training.layout_of(args))  # fmt: skip
    optimizer = training.adam(model.parameters(), not args.no_fused, lr=1e-3)
    generator = torch.Generator().manual_seed(args.seed)
    count = 32 * args.batch
    columns = {
        "image": training.pixels(generator, count, 1, 28, 28, sparse=True),
        "label": torch.randint(0, 10, (count,), generator=generator, dtype=torch.int32),
    }

    def loss_of(image, label):
        return F.cross_entropy(model(image.float().div_(255)), label.long())

    loss_of = training.maybe_compiled(args, loss_of)

    def step(batch, draw):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(batch["image"], batch["label"])
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    return training.Training(model, columns, step)


if __name__ == "__main__":
    training.main("PyTorch peer: convolutional classifier", make, batch=64)
