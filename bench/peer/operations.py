"""PyTorch peers of single operations.

    python3 bench/peer/operations.py matmul --bench 100

Convolutions try both memory layouts first and keep the faster one.
"""

import argparse
import time

import torch
import torch.nn.functional as F

import harness

LAYOUTS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


def matmul():
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    return lambda: a @ b


def softmax():
    x = torch.randn(64, 1000)
    return lambda: F.softmax(x, -1)


def convolution_in(layout, training):
    """Forward pass of x [64, 32, 28, 28] to 64 channels, or that and both gradients."""
    x = torch.randn(64, 32, 28, 28).contiguous(memory_format=layout)
    w = torch.randn(64, 32, 3, 3).contiguous(memory_format=layout)
    dy = torch.randn(64, 64, 28, 28).contiguous(memory_format=layout)
    if not training:
        return lambda: F.conv2d(x, w, padding=1)
    x.requires_grad_()
    w.requires_grad_()
    return lambda: torch.autograd.grad(F.conv2d(x, w, padding=1), [x, w], dy)


def convolution(training):
    found = {}
    for name, layout in LAYOUTS.items():
        step = convolution_in(layout, training)
        times = []
        for _ in range(8):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        found[name] = (min(times), step)
    best = min(found, key=lambda name: found[name][0])
    return found[best][1], {"layout": best}


def adam(fused):
    """2M parameters in 30 matrices and 30 vectors, with gradients that stay the same."""
    shapes = [(256, 256)] * 30 + [(1024,)] * 30
    parameters = [torch.randn(shape, requires_grad=True) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    return harness.make_adam(parameters, fused).step


def make_step(name, fused):
    if name == "conv" or name == "conv-training":
        return convolution(training=name == "conv-training")
    if name == "adam":
        return adam(fused), {}
    return {"matmul": matmul, "softmax": softmax}[name](), {}


def main():
    parser = argparse.ArgumentParser(description="PyTorch peer: single operations")
    parser.add_argument("operation", choices=["matmul", "conv", "conv-training", "adam", "softmax"])
    harness.add_arguments(parser, batch=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    step, settings = make_step(args.operation, not args.no_fused)
    harness.run_operation(args, step, {"operation": args.operation, **settings})


if __name__ == "__main__":
    main()
