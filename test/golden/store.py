"""Golden files: one JSON object of named arrays, and plain numbers and strings under "meta".

Arrays of at most 64 numbers are written as numbers, larger ones (and any with an infinity, which
JSON lacks) as base64 of their little-endian bytes. read.ts is the reader.
"""

import base64
import json
import pathlib

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent
DTYPES = {"float32": "<f4", "float64": "<f8", "int32": "<i4", "int64": "<i8", "uint8": "u1",
          "bool": "u1"}  # fmt: skip


def entry(value):
    array = value.detach().cpu().numpy() if torch.is_tensor(value) else np.asarray(value)
    dtype = str(array.dtype)
    head = {"shape": list(array.shape), "dtype": dtype}
    flat = np.ascontiguousarray(array).astype(DTYPES[dtype]).reshape(-1)
    if flat.size <= 64 and np.isfinite(flat).all():
        return head | {"data": flat.tolist()}
    return head | {"base64": base64.b64encode(flat.tobytes()).decode("ascii")}


def save(name, arrays, meta):
    """Writes NAME.json beside this file, an entry a line, so that a difference can be read."""
    lines = [f'"meta": {json.dumps(meta)}']
    lines += [f"{json.dumps(key)}: {json.dumps(entry(value))}" for key, value in arrays.items()]
    path = FOLDER / f"{name}.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB, {len(arrays)} arrays")


def normal(seed, *shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype)


def integers(seed, high, *shape):
    """int32, as labels and indices are stored; torch wants .long()."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(high, shape, generator=generator).int()
