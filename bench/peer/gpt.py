"""The PyTorch peer of the GPT: 6 layers of 192 features, 6 heads, context 128, 256 tokens, learned
positions, pre-norm, causal attention, GELU of 4 times the width, AdamW 3e-4. `--generate` is 64 tokens
after a prompt of 64, one at a time, with a cache of keys and values."""

import dataclasses

import torch
import torch.nn.functional as F
from torch import nn

import training


@dataclasses.dataclass(frozen=True)
class Sizes:
    layers: int = 6
    features: int = 192
    heads: int = 6
    context: int = 128
    vocabulary: int = 256
    # Whether tokens are predicted by the table that embeds them.
    tied: bool = False

    @property
    def key(self):
        return self.features // self.heads

    def empty_caches(self):
        """Room for keys and values of every layer."""
        shape = (2, 1, self.heads, self.context, self.key)
        return [torch.zeros(shape) for _ in range(self.layers)]


PROMPT = 64


class Attention(nn.Module):
    def __init__(self, sizes, rate):
        super().__init__()
        self.sizes = sizes
        self.project = nn.Linear(sizes.features, 3 * sizes.features)
        self.out = nn.Linear(sizes.features, sizes.features)
        self.rate = rate

    def forward(self, x, cache, past):
        batch, length, _ = x.shape
        heads = self.project(x).view(batch, length, 3, self.sizes.heads, self.sizes.key)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        if cache is not None:
            end = past + length
            cache[0, :, :, past:end] = k
            cache[1, :, :, past:end] = v
            k, v = cache[0, :, :, :end], cache[1, :, :, :end]
        rate = self.rate if self.training else 0.0
        # A single query is the last position: it sees every key.
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=rate, is_causal=length > 1)
        return self.out(y.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    def __init__(self, sizes, rate):
        super().__init__()
        features = sizes.features
        self.norm1 = nn.LayerNorm(features)
        self.attention = Attention(sizes, rate)
        self.norm2 = nn.LayerNorm(features)
        self.wide = nn.Linear(features, 4 * features)
        self.narrow = nn.Linear(4 * features, features)
        self.dropout = nn.Dropout(rate) if rate > 0 else nn.Identity()

    def forward(self, x, cache=None, past=0):
        x = x + self.dropout(self.attention(self.norm1(x), cache, past))
        return x + self.dropout(self.narrow(F.gelu(self.wide(self.norm2(x)))))


class Gpt(nn.Module):
    def __init__(self, sizes, rate=0.0):
        super().__init__()
        self.tokens = nn.Embedding(sizes.vocabulary, sizes.features)
        self.positions = nn.Embedding(sizes.context, sizes.features)
        self.layers = nn.ModuleList(Layer(sizes, rate) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(sizes.features)
        self.head = nn.Linear(sizes.features, sizes.vocabulary, bias=False)
        if sizes.tied:
            self.head.weight = self.tokens.weight
        self.dropout = nn.Dropout(rate) if rate > 0 else nn.Identity()

    def forward(self, tokens, caches=None, past=0):
        positions = self.positions.weight[past : past + tokens.shape[1]]
        x = self.dropout(self.tokens(tokens) + positions)
        for i, layer in enumerate(self.layers):
            x = layer(x, caches and caches[i], past)
        return self.head(self.norm(x))


@torch.inference_mode()
def likeliest(run, tokens, sizes, count):
    """Continues tokens [1, T] by the likeliest ones, one at a time: a list of `count` ids."""
    caches, past, found = sizes.empty_caches(), 0, []
    for _ in range(count):
        logits = run(tokens, caches, past)
        past += tokens.shape[1]
        tokens = logits[:, -1].argmax(-1, keepdim=True)
        found.append(tokens.item())
    return found


def generator_of(model, run, sizes):
    """A step that continues a prompt to the end of the context."""
    model.eval()
    prompt = torch.arange(PROMPT).mul(7).remainder(sizes.vocabulary).view(1, PROMPT)

    def generate(batch, draw):
        found = likeliest(run, prompt, sizes, sizes.context - PROMPT)
        return {"total": torch.tensor(sum(found))}

    return generate


def make(args):
    sizes = Sizes()
    model = Gpt(sizes, args.dropout)
    generator = torch.Generator().manual_seed(args.seed)
    shape = (8 * args.batch, sizes.context + 1)
    samples = torch.randint(0, sizes.vocabulary, shape, generator=generator)
    optimizer = training.adam(
        model.parameters(), not args.no_fused, kind=torch.optim.AdamW, lr=3e-4
    )
    run = training.maybe_compiled(args, model)

    def step(batch, draw):
        optimizer.zero_grad(set_to_none=True)
        tokens = batch["token"].long()
        logits = run(tokens[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    columns = {"token": samples.int()}
    chosen = generator_of(model, run, sizes) if args.generate else step
    return training.Training(model, columns, chosen)


def add_arguments(parser):
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--generate", action="store_true")


if __name__ == "__main__":
    training.main("PyTorch peer: GPT", make, batch=32, add_arguments=add_arguments)
