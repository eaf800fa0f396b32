"""The PyTorch peer of the U-Net that predicts the noise of a diffusion on 32×32×3 images: 64 channels
at 32², 128 at 16², 128 at 8² with attention, one residual block a level and way, two in the middle.
Adam 2e-4. `--infer` is the forward pass alone."""

import math

import torch
import torch.nn.functional as F
from torch import nn

import training

WIDTH, TIME, GROUPS, HEADS = 64, 256, 8, 4


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(TIME, outputs)
        self.norm2 = nn.GroupNorm(GROUPS, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, time):
        y = self.conv1(F.silu(self.norm1(x))) + self.time(time)[:, :, None, None]
        return self.conv2(F.silu(self.norm2(y))) + self.shortcut(x)


class Attention(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, features)
        self.project = nn.Linear(features, 3 * features)
        self.out = nn.Linear(features, features)

    def forward(self, x):
        batch, channels, height, width = x.shape
        rows = self.norm(x).flatten(2).transpose(1, 2)
        heads = self.project(rows).view(batch, height * width, 3, HEADS, channels // HEADS)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return x + self.out(y).transpose(1, 2).reshape(x.shape)


def sinusoidal(positions, features):
    rates = 10_000 ** (-torch.arange(features // 2) / (features // 2))
    angles = positions[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        wide = 2 * WIDTH
        self.time1 = nn.Linear(WIDTH, TIME)
        self.time2 = nn.Linear(TIME, TIME)
        self.image = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.down32 = Block(WIDTH, WIDTH)
        self.to16 = nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.down16 = Block(WIDTH, wide)
        self.to8 = nn.Conv2d(wide, wide, 3, stride=2, padding=1)
        self.middle1 = Block(wide, wide)
        self.attention = Attention(wide)
        self.middle2 = Block(wide, wide)
        self.from8 = nn.Conv2d(wide, wide, 3, padding=1)
        self.up16 = Block(2 * wide, wide)
        self.from16 = nn.Conv2d(wide, WIDTH, 3, padding=1)
        self.up32 = Block(wide, WIDTH)
        self.norm = nn.GroupNorm(GROUPS, WIDTH)
        self.noise = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, x, times):
        time = F.silu(self.time2(F.silu(self.time1(sinusoidal(times * 1000, WIDTH)))))
        skip32 = self.down32(self.image(x), time)
        skip16 = self.down16(self.to16(skip32), time)
        middle = self.middle2(self.attention(self.middle1(self.to8(skip16), time)), time)
        up = self.from8(F.interpolate(middle, scale_factor=2))
        at16 = self.up16(torch.cat([up, skip16], 1), time)
        up = self.from16(F.interpolate(at16, scale_factor=2))
        at32 = self.up32(torch.cat([up, skip32], 1), time)
        return self.noise(F.silu(self.norm(at32)))


def make(args):
    layout = training.layout_of(args)
    model = UNet().to(memory_format=layout)
    generator = torch.Generator().manual_seed(args.seed)
    columns = {"image": training.pixels(generator, 8 * args.batch, 3, 32, 32)}
    predict = training.maybe_compiled(args, model)
    optimizer = training.adam(model.parameters(), not args.no_fused, lr=2e-4)

    def step(batch, draw):
        optimizer.zero_grad(set_to_none=True)
        x = batch["image"].to(torch.float32, memory_format=layout).mul_(2 / 255).sub_(1)
        times = draw("uniform", "step.time", len(x))
        noise = draw("normal", "step.noise", *x.shape)
        angle = (times * (math.pi / 2)).view(-1, 1, 1, 1)
        noisy = x * angle.cos() + noise * angle.sin()
        loss = F.mse_loss(predict(noisy, times), noise)
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    x, times = torch.randn(args.batch, 3, 32, 32), torch.rand(args.batch)

    @torch.inference_mode()
    def infer(batch, draw):
        return {"mean": predict(x.contiguous(memory_format=layout), times).mean()}

    return training.Training(model, columns, infer if args.infer else step)


if __name__ == "__main__":
    training.main(
        "PyTorch peer: U-Net", make, batch=32,
        add_arguments=lambda parser: parser.add_argument("--infer", action="store_true"),
    )  # fmt: skip
