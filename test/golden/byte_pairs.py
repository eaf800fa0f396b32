"""Byte-pair encoding by the Python package `tokenizers`: what it learns from a text, and its ids of others.

    python3 test/golden/byte_pairs.py

needs that package (0.23) and nothing else of this folder.
"""

import json
import pathlib

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).parent
SIZE = 600

VERSES = """The river runs where the river ran, under the bridge and under the town;
the miller's mill and the miller's man, they've turned the water up and down.
It's 1790 now, it's 1800 then, and 1801's the year of the flood;
"we'll build," they say, "we'll build again: a better bridge of better wood."

\tÜber die Brücke, über den Fluß; naïve façades, ÅNGSTRÖM.   Three   spaces…
日本語の川、橋の下の水。 🙂🙂 water water-wheel water-wheels waterwheel's
"""
OTHERS = [
    "The river runs under the bridge.",
    "they've  we'll\n\n  it's\t'llamas' 1790s 42",
    "Brückenbau: ÅÅÅ ßß naïveté",
    "水の下 🙂🙃 𝔘𝔫𝔦",
    "trailing spaces   ",
    "   leading",
    "aaaaaaaa bbbbb abababab",
    "<|endoftext|>[MASK]",
    "",
]


def main():
    text = VERSES * 3 + VERSES.upper() * 2
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab = sorted(model["vocab"], key=model["vocab"].get)
    golden = {
        "made by": f"tokenizers {tokenizers.__version__}",
        "text": text,
        "size": SIZE,
        "tokens": vocab,
        "merges": model["merges"],
        "encodings": [{"text": t, "ids": tokenizer.encode(t).ids} for t in OTHERS],
    }
    path = FOLDER / "byte-pairs.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n")
    print(path.name, path.stat().st_size, len(vocab), len(model["merges"]))


if __name__ == "__main__":
    main()
