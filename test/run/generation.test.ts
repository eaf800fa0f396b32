import { afterAll, describe, expect, it } from "vitest";
import { cast, concat, constant, floor, range, reshape, sum } from "../../src/ops/index.ts";
import { type Generator, openGenerator } from "../../src/run/index.ts";
import type { Method, ModelFunction } from "../../src/step/index.ts";
import { dim, scalar } from "../../src/tensor/index.ts";
import { openTokenizer, trainTokenizer } from "../../src/text/index.ts";
import type { Value } from "../../src/trace/index.ts";

const tokenizer = openTokenizer(trainTokenizer(["abcdefgh"]));
const { vocabulary, special } = tokenizer;
const [B, T, P] = [dim("B"), dim("T"), dim("P")];

/** A model that remembers its tokens, and of which the next one is their sum (plus `shift`) modulo 8. */
function summing(longest: number | undefined, shift = 0): Method {
  const next: ModelFunction = {
    summary: "the sum",
    inputs: {
      token: { dtype: "int32", shape: [B, T] },
      pastKeys0: { dtype: "float32", shape: [B, 1, P, 1] },
    },
    exported: true,
    ...(longest === undefined ? {} : { longest }),
    build: (weights, { token, pastKeys0 }) => {
      const { one } = weights as { one: Value };
      const fresh = reshape(cast(token as Value, "float32"), [B, 1, T, 1]).mul(one);
      const all = concat([pastKeys0 as Value, fresh], 2);
      const total = reshape(sum(all, [1, 2, 3]).add(shift), [B, 1]);
      const wanted = total.sub(floor(total.div(8)).mul(8));
      const logits = range(vocabulary, "float32").sub(wanted).square().neg().mul(constant(2));
      return { logits, presentKeys0: all };
    },
  };
  return { name: "summing", phases: [], weights: (state) => state, functions: { next } };
}

const opened: Generator[] = [];
async function open(longest?: number, shift?: number): Promise<Generator> {
  const generator = await openGenerator(summing(longest, shift), { one: scalar(1) }, tokenizer);
  opened.push(generator);
  return generator;
}
afterAll(async () => {
  for (const generator of opened) await generator.release();
});

async function all<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}

describe("a text", () => {
  it("goes on from everything before it, one token at a time", async () => {
    const generator = await open();
    const tokens = await all(generator.tokens([1, 2], { tokens: 6, temperature: 0 }));
    expect(tokens).toEqual([3, 6, 4, 0, 0, 0]);
    expect(generator.longest).toBe(Number.POSITIVE_INFINITY);
    // Ids are places in the alphabet.
    expect(await all(generator.text("bc", { tokens: 3, temperature: 0 }))).toEqual(["d", "g", "e"]);
  });

  it("beyond what the model can see goes on from the later half of it", async () => {
    const generator = await open(4);
    const tokens = await all(generator.tokens([1, 1, 1], { tokens: 6, temperature: 0 }));
    // 1 1 1 → 3; 1 1 1 3 → 6; full: 3 6 → 1; 3 6 1 → 2; 3 6 1 2 → 4; full: 2 4 → 6.
    expect(tokens).toEqual([3, 6, 1, 2, 4, 6]);
    // Of a longer prompt the last four tokens are seen.
    expect(await all(generator.tokens([7, 7, 1, 1, 1, 0], { tokens: 1, temperature: 0 }))).toEqual([
      3,
    ]);
  });

  it("begins after the end of another one where there is no prompt", async () => {
    const generator = await open();
    const [first] = await all(generator.tokens([], { tokens: 1, temperature: 0 }));
    expect(first).toBe(special.end % 8);
  });

  it("ends with the token for it", async () => {
    const generator = await open();
    const never = await all(generator.tokens([0], { tokens: 12, temperature: 0 }));
    expect(never).toHaveLength(12);
    // At this heat every id comes, the end among them.
    const some = await all(generator.tokens([0], { tokens: 4000, temperature: 1e6, seed: 1 }));
    expect(some.length).toBeLessThan(4000);
    expect(some).not.toContain(special.end);
  });

  it("is chosen by its seed", async () => {
    const generator = await open(undefined, 3);
    const draw = (seed: number, tokens = 40) =>
      all(generator.tokens([1], { tokens, temperature: 40, seed }));
    const first = await draw(5);
    expect(await draw(5)).toEqual(first);
    expect(await draw(5, 7)).toEqual(first.slice(0, 7));
    expect(await draw(6)).not.toEqual(first);
  });

  it("can be left off at any piece", async () => {
    const generator = await open();
    let count = 0;
    for await (const _ of generator.tokens([1], { tokens: 1e9, temperature: 0 })) {
      if (++count === 5) break;
    }
    expect(count).toBe(5);
  });

  it("is refused where prompt or options make no sense", async () => {
    const generator = await open();
    await expect(all(generator.text("xyz"))).rejects.toThrow(/lacks "x" \(U\+0078\)/);
    await expect(async () => all(generator.tokens([vocabulary]))).rejects.toThrow(/no token 14/);
    await expect(all(generator.tokens([1], { topP: 2 }))).rejects.toThrow(/topP/);
    const { next: _, ...none } = summing(4).functions;
    await expect(
      openGenerator({ ...summing(4), functions: none }, { one: scalar(1) }, tokenizer),
    ).rejects.toThrow(/has no function "next"/);
  });
});
