"""What the PyTorch peers share: reading IDX files, timing steps and epochs, JSON lines out."""

import json
import pathlib
import resource
import statistics
import sys
import time

import torch


def read_idx(path):
    """An IDX file of unsigned bytes as a uint8 tensor of the shape that its header names."""
    raw = pathlib.Path(path).read_bytes()
    if raw[:3] != b"\x00\x00\x08":
        raise SystemExit(f"{path}: not an IDX file of unsigned bytes. Unpack it first.")
    rank = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return torch.frombuffer(bytearray(raw[4 + 4 * rank :]), dtype=torch.uint8).reshape(shape)


def load_mnist(folder):
    """Train and test images as uint8 [count, 784]."""
    folder = pathlib.Path(folder)
    names = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")
    return [read_idx(folder / name).flatten(1) for name in names]


def synthetic_images(count, seed=0):
    """Bytes about as sparse as MNIST: four fifths background, uint8 [count, 784]."""
    generator = torch.Generator().manual_seed(seed)
    ink = torch.randint(1, 256, (count, 784), generator=generator, dtype=torch.uint8)
    return ink * (torch.rand(count, 784, generator=generator) < 0.2)


def add_arguments(parser, batch):
    parser.add_argument("--epochs", type=int, default=0, help="train on MNIST this many epochs")
    parser.add_argument("--data", help="folder with the four unpacked IDX files")
    parser.add_argument("--bench", type=int, default=0, metavar="STEPS", help="time steps only")
    parser.add_argument("--serve", action="store_true", help="read numbers of steps, answer times")
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-fused", action="store_true", help="the optimizer's default loop")


def make_adam(parameters, fused):
    """Adam 1e-3 in its fastest form; PyTorch before 2.4 has no fused kernel on the CPU."""
    parameters = list(parameters)
    if fused:
        try:
            return torch.optim.Adam(parameters, lr=1e-3, fused=True)
        except RuntimeError:
            pass
    return torch.optim.Adam(parameters, lr=1e-3)


def over_batches(step, batch):
    """Steps over a preloaded synthetic set; batches are gathered inside the time."""
    data = synthetic_images(batch * 32)

    def epochs():
        while True:
            yield from torch.randperm(len(data)).split(batch)

    batches = epochs()
    return lambda: step(data[next(batches)])


def timed(step, count):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def bench(step, steps, warm_up=20):
    """Milliseconds a step."""
    timed(step, warm_up)
    times = sorted(timed(step, steps))
    return {
        "msPerStepMedian": statistics.median(times),
        "msPerStepMin": times[0],
        "msPerStepP90": times[int(0.9 * (len(times) - 1))],
        "steps": steps,
    }


def peak_bytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def serve(step, settings):
    """A line of settings; then for every number of steps read a line with the time of each."""
    print(json.dumps(settings), flush=True)
    for line in sys.stdin:
        times = timed(step, int(line))
        print(json.dumps({"times": times, "peakBytes": peak_bytes()}), flush=True)


def train(step, images, batch, epochs):
    """Seconds of each epoch; every image once an epoch, the short last batch included."""
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for index in torch.randperm(len(images)).split(batch):
            loss = step(images[index])
        seconds.append(time.perf_counter() - start)
    return {"secondsPerEpoch": statistics.median(seconds), "epochSeconds": seconds,
            "lastBatchLoss": loss.item()}


def describe(args, settings):
    return {"torch": torch.__version__, "threads": args.threads, "seed": args.seed, **settings}


def run_operation(args, step, settings):
    """As `run`, of something that has no data to train on."""
    settings = describe(args, settings)
    if args.serve:
        serve(step, settings)
    elif args.bench:
        print(json.dumps(settings | bench(step, args.bench)))
    else:
        raise SystemExit("Nothing to do. Give --bench STEPS, --serve, or --epochs N --data FOLDER.")


def run(args, model, step, evaluate, settings):
    """Does what the command line asked for and prints it as the last line of standard output."""
    settings["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    if not (args.epochs and args.data):
        run_operation(args, over_batches(step, args.batch), {"batch": args.batch, **settings})
        return
    train_images, test_images = load_mnist(args.data)
    result = describe(args, {"batch": args.batch, "epochs": args.epochs, **settings})
    result |= train(step, train_images, args.batch, args.epochs)
    model.eval()
    with torch.no_grad():
        result |= evaluate(test_images)
    print(json.dumps(result))
