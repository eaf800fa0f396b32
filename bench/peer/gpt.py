"""The PyTorch peer of the GPT: 6 layers of 192 features, 6 heads, context 128, 256 tokens, learned
positions, pre-norm, causal attention, GELU of 4 times the width, AdamW 3e-4. `--generate` is 64 tokens
after a prompt of 64, one at a time, with a cache of keys and values."""

import torch
import torch.nn.functional as F
from torch import nn

import training

LAYERS, FEATURES, HEADS, CONTEXT, VOCABULARY = 6, 192, 6, 128, 256
PROMPT = 64


class Attention(nn.Module):
    def __init__(self, rate):
        super().__init__()
        self.project = nn.Linear(FEATURES, 3 * FEATURES)
        self.out = nn.Linear(FEATURES, FEATURES)
        self.rate = rate

    def forward(self, x, cache, past):
        batch, length, _ = x.shape
        heads = self.project(x).view(batch, length, 3, HEADS, FEATURES // HEADS)
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
    def __init__(self, rate):
        super().__init__()
        self.norm1 = nn.LayerNorm(FEATURES)
        self.attention = Attention(rate)
        self.norm2 = nn.LayerNorm(FEATURES)
        self.wide = nn.Linear(FEATURES, 4 * FEATURES)
        self.narrow = nn.Linear(4 * FEATURES, FEATURES)
        self.dropout = nn.Dropout(rate) if rate > 0 else nn.Identity()

    def forward(self, x, cache=None, past=0):
        x = x + self.dropout(self.attention(self.norm1(x), cache, past))
        return x + self.dropout(self.narrow(F.gelu(self.wide(self.norm2(x)))))


class Gpt(nn.Module):
    def __init__(self, rate):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, FEATURES)
        self.positions = nn.Embedding(CONTEXT, FEATURES)
        self.layers = nn.ModuleList(Layer(rate) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(FEATURES)
        self.head = nn.Linear(FEATURES, VOCABULARY, bias=False)
        self.dropout = nn.Dropout(rate) if rate > 0 else nn.Identity()

    def forward(self, tokens, caches=None, past=0):
        positions = self.positions.weight[past : past + tokens.shape[1]]
        x = self.dropout(self.tokens(tokens) + positions)
        for i, layer in enumerate(self.layers):
            x = layer(x, caches and caches[i], past)
        return self.head(self.norm(x))


def generator_of(model, run):
    """A step that continues a prompt by the likeliest tokens."""
    model.eval()
    prompt = torch.arange(PROMPT).mul(7).remainder(VOCABULARY).view(1, PROMPT)
    caches = [torch.zeros(2, 1, HEADS, CONTEXT, FEATURES // HEADS) for _ in range(LAYERS)]

    @torch.inference_mode()
    def generate(batch, draw):
        tokens, past, total = prompt, 0, 0
        while past < CONTEXT - 1:
            logits = run(tokens, caches, past)
            past += tokens.shape[1]
            tokens = logits[:, -1].argmax(-1, keepdim=True)
            total += tokens.item()
        return {"total": torch.tensor(total)}

    return generate


def make(args):
    model = Gpt(args.dropout)
    generator = torch.Generator().manual_seed(args.seed)
    samples = torch.randint(0, VOCABULARY, (8 * args.batch, CONTEXT + 1), generator=generator)
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
    chosen = generator_of(model, run) if args.generate else step
    return training.Training(model, columns, chosen)


def add_arguments(parser):
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--generate", action="store_true")


if __name__ == "__main__":
    training.main("PyTorch peer: GPT", make, batch=32, add_arguments=add_arguments)
