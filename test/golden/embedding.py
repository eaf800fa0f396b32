"""Skip-gram by negative sampling (Mikolov et al. 2013, equation 4) and by noise contrast (Gutmann, Hyvarinen 2010),
losses and gradients by PyTorch with explicit loops over pairs; document vectors (Le, Mikolov 2014, section 2.3) as
minima found by SciPy."""

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize

from store import normal, save

WORDS, SIZE, BATCH, LENGTH = 9, 4, 2, 6
WINDOW, NEGATIVES, EXPONENT, SUBSAMPLE = 2, 3.0, 0.75, 0.05
DOCUMENTS, TERMS, DECAY = 5, 12, 0.05


def skip_gram(u, v, tokens, counts, noise, objective):
    q = counts**EXPONENT
    q = q / q.sum()
    shift = (NEGATIVES * q).log() if objective == "nce" else torch.zeros(WORDS)
    kept = (SUBSAMPLE * counts.sum() / counts).sqrt().clamp(max=1)
    total, pairs = 0.0, 0.0
    for row in tokens.tolist():
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                distance = abs(i - j)
                if distance == 0 or distance > WINDOW:
                    continue
                weight = (WINDOW - distance + 1) / WINDOW * kept[a] * kept[b]
                near = F.logsigmoid(u[a] @ v[b] - shift[b])
                far = torch.stack([F.logsigmoid(-(u[a] @ v[n] - shift[n])) for n in noise.tolist()]).mean()
                total = total - weight * (near + NEGATIVES * far)
                pairs = pairs + weight
    return total / pairs


def document_vectors(counts, words):
    q = counts.sum(0) ** EXPONENT
    noise = NEGATIVES * q / q.sum()
    found = []
    for row in counts:
        shares = row / row.sum()
        def loss(x):
            scores = words @ x
            return shares @ np.logaddexp(0, -scores) + noise @ np.logaddexp(0, scores) + DECAY / 2 * x @ x
        found.append(minimize(loss, np.zeros(SIZE), method="BFGS", options={"gtol": 1e-10}))
    return np.array([f.x for f in found]), np.array([f.fun for f in found])


def make(name):
    generator = torch.Generator().manual_seed(11)
    u = (0.8 * normal(901, WORDS, SIZE)).requires_grad_()
    v = (0.8 * normal(902, WORDS, SIZE)).requires_grad_()
    tokens = torch.randint(WORDS, (BATCH, LENGTH), generator=generator, dtype=torch.int32)
    counts = torch.arange(1, WORDS + 1).float() * 3
    noise = torch.randint(WORDS, (5,), generator=generator, dtype=torch.int32)
    arrays = {"u": u, "v": v, "tokens": tokens, "counts": counts, "noise": noise}
    for objective in ("negative-sampling", "nce"):
        u.grad = v.grad = None
        loss = skip_gram(u, v, tokens, counts, noise, objective)
        loss.backward()
        arrays |= {f"{objective}.loss": loss, f"{objective}.u": u.grad.clone(), f"{objective}.v": v.grad.clone()}
    documents = torch.randint(7, (DOCUMENTS, TERMS), generator=generator).double()
    words = 0.7 * normal(903, TERMS, SIZE)
    x, minima = document_vectors(documents.numpy(), words.double().numpy())
    arrays |= {"documents": documents, "words": words, "vectors": torch.tensor(x), "minima": torch.tensor(minima)}
    save(name, arrays, {"window": WINDOW, "negatives": NEGATIVES, "subsample": SUBSAMPLE, "decay": DECAY})


if __name__ == "__main__":
    make("embedding")
