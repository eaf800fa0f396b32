"""The PyTorch peer of a gpt that is trained on a real text: the same first weights, batches and settings, read from
a file that bench/corpus.ts writes, and the nats of its test windows after the last step.

    python3 bench/peer/corpus.py FILE SETTINGS [--threads N]

SETTINGS is JSON. With "prompt" and "count" in it nothing is trained: the weights of the file continue the prompt.
"""

import argparse
import json
import math
import time

import torch
import torch.nn.functional as F

from gpt import Gpt, Sizes, likeliest
from training import adam, read_safetensors


def own_name(path):
    """Where the library's parameter at `path` is here."""
    part, *rest = path.split(".")
    if part not in ("attention", "feedForward"):
        return path.replace("scale", "weight").replace("offset", "bias")
    layer, kind, *names = rest
    at = f"layers.{layer}."
    if kind == "norm":
        norm = "norm1" if part == "attention" else "norm2"
        return at + f"{norm}.{'weight' if names[0] == 'scale' else 'bias'}"
    return at + ".".join((["attention"] if part == "attention" else []) + names)


@torch.no_grad()
def load(model, numbers):
    own = dict(model.named_parameters())
    for name, value in numbers.items():
        if not name.startswith("param:"):
            continue
        path = own_name(name.removeprefix("param:"))
        # Weights of linear layers are [inputs, outputs] on the other side.
        linear = value.ndim == 2 and path.startswith("layers")
        own.pop(path).copy_(value.T if linear else value)
    if own:
        raise SystemExit(f"the file lacks {', '.join(own)}")


def rate(step, s):
    """The library's warm-up, and a cosine to a tenth after it."""
    share = min((step + 1) / (s["warmupSteps"] + 1), 1)
    if s["decaySteps"] == 0:
        return share
    done = min(max(step - s["warmupSteps"], 0) / s["decaySteps"], 1)
    return share * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


def train(model, batches, s):
    decays = [p for p in model.parameters() if p.ndim == 2]
    rest = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": decays, "weight_decay": s["weightDecay"]}, {"params": rest, "weight_decay": 0}]
    optimizer = adam(groups, True, kind=torch.optim.AdamW, lr=s["learningRate"], betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, s))
    marks = []
    for tokens in batches:
        tokens = tokens.long()
        optimizer.zero_grad(set_to_none=True)
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), s["clip"])
        optimizer.step()
        schedule.step()
        loss.item()
        marks.append((time.perf_counter(), time.process_time()))
    (wall, cpu), (last_wall, last_cpu) = marks[0], marks[-1]
    count = len(marks) - 1
    return {"wall": (last_wall - wall) / count, "cpu": (last_cpu - cpu) / count}


@torch.inference_mode()
def nats(model, windows):
    total = 0.0
    for tokens in windows.long().split(64):
        logits = model(tokens[:, :-1])
        total += F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="sum").item()
    return total / (len(windows) * (windows.shape[1] - 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("settings")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    s = json.loads(args.settings)
    numbers = read_safetensors(args.file)
    sizes = Sizes(**s["sizes"], tied=True)
    model = Gpt(sizes)
    load(model, numbers)
    if "prompt" in s:
        model.eval()
        prompt = torch.tensor([s["prompt"]])
        times = []
        for _ in range(s["repeats"]):
            start = time.perf_counter()
            tokens = likeliest(model, prompt, sizes, s["count"])
            times.append(time.perf_counter() - start)
        print(json.dumps({"tokens": tokens, "seconds": min(times)}))
        return
    start = time.perf_counter()
    per_step = train(model, numbers["batches"], s)
    seconds = time.perf_counter() - start
    model.eval()
    print(json.dumps({"nats": nats(model, numbers["test"]), "seconds": seconds, "perStep": per_step}))


if __name__ == "__main__":
    main()
