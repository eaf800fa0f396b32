"""What the peers of whole trainings share: batches, random numbers, serving, and the check against
the numbers of the other side."""

import argparse
import json
import struct

import torch
from torch import nn

import harness

DTYPES = {"F32": torch.float32, "I32": torch.int32, "I64": torch.int64, "U8": torch.uint8}


class Draws:
    """Random numbers by name: drawn here, or those that a file holds for each step."""

    def __init__(self, recorded=None):
        self.recorded = recorded
        self.step = 0

    def __call__(self, kind, name, *shape):
        if self.recorded is not None:
            return self.recorded[f"noise:{self.step}:{name}"].view(shape)
        return torch.randn(shape) if kind == "normal" else torch.rand(shape)


class Training:
    """A model (or a list of models), samples by column, and the step on a batch of them.

    `step(batch, draw)` returns its losses by name. Steps read data as bytes or int32."""

    def __init__(self, models, columns, step):
        self.models = models if isinstance(models, list) else [models]
        self.columns = columns
        self.step = step

    def parameters(self):
        return [p for model in self.models for p in model.parameters()]


def adam(parameters, fused, kind=torch.optim.Adam, **options):
    """Adam in its fastest form; PyTorch before 2.4 has no fused kernel on the CPU."""
    parameters = list(parameters)
    if fused:
        try:
            return kind(parameters, fused=True, **options)
        except RuntimeError:
            pass
    return kind(parameters, foreach=True, **options)


def pixels(generator, count, *shape, sparse=False):
    """Bytes, uniform or about as sparse as MNIST."""
    ink = torch.randint(0, 256, (count, *shape), generator=generator, dtype=torch.uint8)
    if not sparse:
        return ink
    return ink * (torch.rand(count, *shape, generator=generator) < 0.2)


def batches(columns, batch):
    """Batches gathered from preloaded samples, in a new order every epoch."""
    length = len(next(iter(columns.values())))
    while True:
        for index in torch.randperm(length).split(batch):
            yield {name: column[index] for name, column in columns.items()}


def read_safetensors(path):
    with open(path, "rb") as file:
        raw = bytearray(file.read())
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    body = memoryview(raw)[8 + length :]
    return {
        name: torch.frombuffer(
            body[slice(*entry["data_offsets"])], dtype=DTYPES[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
    }


def transposed_weights(models):
    """Weights that the other side keeps as [inputs, outputs]."""
    layers = (module for model in models for module in model.modules())
    return {layer.weight for layer in layers if isinstance(layer, nn.Linear)}


@torch.no_grad()
def load_parameters(models, recorded):
    """Copies the other side's parameters in their order. Says which one does not fit."""
    given = sorted(name for name in recorded if name.startswith("param:"))
    own = [named for model in models for named in model.named_parameters()]
    transposed = transposed_weights(models)
    if len(given) != len(own):
        raise SystemExit(f"{len(given)} parameters against {len(own)}")
    for name, (path, parameter) in zip(given, own):
        value = recorded[name].T if parameter in transposed else recorded[name]
        if value.shape != parameter.shape:
            raise SystemExit(
                f"{name} {list(value.shape)} against {path} {list(parameter.shape)}"
            )
        parameter.copy_(value)


def verify(training, path):
    """The losses of a few steps from the weights, batch and random numbers of the other side."""
    recorded = read_safetensors(path)
    load_parameters(training.models, recorded)
    prefix = "batch:"
    batch = {n[len(prefix) :]: t for n, t in recorded.items() if n.startswith(prefix)}
    draw = Draws(recorded)
    losses = []
    for draw.step in range(int(recorded["steps"])):
        found = training.step(batch, draw)
        losses.append({name: value.item() for name, value in found.items()})
    return {"losses": losses}


def main(description, make, batch, add_arguments=None):
    """`make(args)` builds the training."""
    parser = argparse.ArgumentParser(description=description)
    harness.add_arguments(parser, batch=batch)
    parser.add_argument("--layout", choices=["first", "last"], default="last")
    parser.add_argument("--compile", action="store_true", help="by torch.compile")
    parser.add_argument("--verify", metavar="FILE", help="losses from recorded numbers")
    if add_arguments is not None:
        add_arguments(parser)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    training = make(args)
    if args.verify:
        print(json.dumps(verify(training, args.verify)))
        return
    source = batches(training.columns, args.batch)
    draw = Draws()
    settings = {"batch": args.batch, "compiled": args.compile, "layout": args.layout,
                "parameters": sum(p.numel() for p in training.parameters())}  # fmt: skip
    # The losses come to the host, as a log would read them.
    harness.run_operation(
        args, lambda: [loss.item() for loss in training.step(next(source), draw).values()], settings
    )


def layout_of(args):
    return torch.channels_last if args.layout == "last" else torch.contiguous_format


def maybe_compiled(args, function):
    return torch.compile(function) if args.compile else function
