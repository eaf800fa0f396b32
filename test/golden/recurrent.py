"""Values and gradients of recurrent layers by PyTorch. Entries are those of ops.py."""

import torch
from torch import nn

from ops import Cases
from store import save

INPUTS, FEATURES = 3, 4


def layer(c, name, module, gates):
    """The layer's weights are inputs, transposed as linear layers are here."""

    def run(x, weight, bias, hidden_weight, hidden_bias, *state):
        given = {"weight_ih_l0": weight.T, "bias_ih_l0": bias, "weight_hh_l0": hidden_weight.T,
                 "bias_hh_l0": hidden_bias}  # fmt: skip
        start = tuple(s[None] for s in state)
        start = start if len(start) == 2 else start[0]
        y, last = torch.func.functional_call(module.double(), given, (x, start))
        last = last if isinstance(last, tuple) else (last,)
        return torch.cat([y] + [s.transpose(0, 1) for s in last], 1)

    inputs = {"x": c.draw(2, 5, INPUTS), "weight": c.draw(INPUTS, gates * FEATURES, scale=0.7),
              "bias": c.draw(gates * FEATURES), "hiddenWeight": c.draw(FEATURES, gates * FEATURES, scale=0.7),
              "hiddenBias": c.draw(gates * FEATURES), "hidden": c.draw(2, FEATURES)}  # fmt: skip
    if gates == 4:
        inputs["cell"] = c.draw(2, FEATURES)
    c.add(name, name, run, inputs)


def make(name):
    c = Cases()
    layer(c, "lstm", nn.LSTM(INPUTS, FEATURES, batch_first=True), 4)
    layer(c, "gru", nn.GRU(INPUTS, FEATURES, batch_first=True), 3)
    meta = {"gradients": "of sum(y * r)", "y": "outputs of all steps, then the last state, joined along steps",
            "cases": c.cases}  # fmt: skip
    save(name, c.arrays, meta)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make("recurrent")
