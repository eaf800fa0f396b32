// Files that are no models: every one is refused by one line, or read, and takes little memory until then.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromOnnx } from "../../src/onnx-import/index.ts";
import { fillBits, ReparamError } from "../../src/tensor/index.ts";

const folder = new URL("../golden/imported/", import.meta.url);
const models = ["perceptron", "convolutional", "gpt", "recurrent"].map(
  (name) => new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder))),
);

/** A copy with a few bytes changed, cut off, doubled or removed, as the seed says. */
function damaged(seed: number): Uint8Array {
  const words = new Uint32Array(16);
  fillBits(words as never, { seed, step: 0, path: "damage" });
  const model = models[seed % models.length] as Uint8Array;
  const at = (i: number): number => (words[i] as number) % model.length;
  const kind = (words[0] as number) % 4;
  if (kind === 0) return model.slice(0, at(1));
  if (kind === 1) {
    const from = at(1);
    return Uint8Array.of(
      ...model.slice(0, from),
      ...model.slice(from + ((words[2] as number) % 64)),
    );
  }
  const copy = model.slice();
  // The structure stands before and between the numbers: changes near the ends hit it more often.
  const count = 1 + ((words[2] as number) % 6);
  for (let i = 0; i < count; i++) {
    const place = kind === 2 ? at(3 + i) % 2000 : at(3 + i);
    copy[place] = (words[9 + (i % 6)] as number) & 255;
  }
  return copy;
}

describe("damaged files", () => {
  it("are refused in one line, 500 of them, without great allocations", () => {
    let refused = 0;
    for (let seed = 0; seed < 500; seed++) {
      const bytes = damaged(seed);
      const before = process.memoryUsage().arrayBuffers;
      try {
        fromOnnx(bytes);
      } catch (error) {
        refused += 1;
        expect(error, `seed ${seed}: ${error}\n${(error as Error).stack}`).toBeInstanceOf(
          ReparamError,
        );
        expect((error as Error).message).not.toContain("\n");
      }
      // Weights are copied once; twice the file is the most that may be asked for.
      const grown = process.memoryUsage().arrayBuffers - before;
      expect(grown, `seed ${seed}`).toBeLessThan(2 * bytes.length + 100_000);
    }
    expect(refused).toBeGreaterThan(200);
  });

  it("with a shape beyond all memory are refused before anything is allocated", () => {
    // TensorProto: dims 2⁴⁰ and 2⁴⁰, float32, raw_data of 4 bytes, in a graph with the one initializer.
    const varint = (n: number): number[] => {
      const bytes: number[] = [];
      let rest = n;
      while (rest >= 128) {
        bytes.push((rest % 128) + 128);
        rest = Math.floor(rest / 128);
      }
      return [...bytes, rest];
    };
    const field = (number: number, bytes: number[]): number[] => [
      number * 8 + 2,
      ...varint(bytes.length),
      ...bytes,
    ];
    const size = [8, ...varint(2 ** 40)];
    const tensor = [...size, ...size, 16, 1, ...field(8, [119]), ...field(9, [0, 0, 0, 0])];
    const model = [8, 8, ...field(7, field(5, tensor)), ...field(8, [16, 18])];
    expect(() => fromOnnx(Uint8Array.from(model))).toThrow(/1 elements?|has 1\./);
  });

  it.each([
    [new Uint8Array(0), /no graph/],
    [new TextEncoder().encode("not a model at all"), /ONNX/],
    [Uint8Array.of(8), /ends in the middle/],
  ])("of a few bytes are refused: case %#", (bytes, message) => {
    expect(() => fromOnnx(bytes)).toThrow(message);
  });
});
