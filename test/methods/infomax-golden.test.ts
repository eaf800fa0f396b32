// The loss of Deep InfoMax, its terms and every gradient against PyTorch, from the same weights: as published, and by
// each option.
import { describe, expect, it } from "vitest";
import { gradientTree } from "../../src/autodiff/index.ts";
import { deepInfomax, weighted } from "../../src/methods/mi/deep-infomax.ts";
import {
  type InfomaxModel,
  infomaxTerms,
  initInfomax,
} from "../../src/methods/mi/infomax-terms.ts";
import { assemble, Scope, variablesOf } from "../../src/nn/index.ts";
import { compile } from "../../src/onnx/index.ts";
import { cast, mean } from "../../src/ops/index.ts";
import { leafMap, mapTree, type Tensor, type Tree } from "../../src/tensor/index.ts";
import { evaluate, Key, trace, type Value } from "../../src/trace/index.ts";
import { readGolden, readGoldenMeta } from "../golden/read.ts";

const golden = readGolden("infomax");
const meta = readGoldenMeta("infomax") as unknown as {
  readonly cases: Record<string, Record<string, string | number>>;
  readonly paths: Record<string, string[]>;
};

const optionsOf = (given: Record<string, string | number>) =>
  deepInfomax.options.parse({
    latents: 8,
    globalWeight: given.global,
    localWeight: given.local,
    localLocalWeight: given.localLocal,
    coordinateWeight: given.coordinates,
    priorWeight: given.prior,
    objective: given.objective,
    critic: given.critic,
    negativeCount: given.negatives,
    mapHalvings: given.halvings,
    scales: given.scales,
    prior: given.priorKind,
  });
type Options = ReturnType<typeof optionsOf>;

const goldenTensor = (name: string): Tensor => {
  const found = golden[name];
  if (found === undefined) throw new Error(`the golden file has no ${name}`);
  return found as unknown as Tensor;
};

type Variables<T> = { readonly params: Tree<T>; readonly buffers: Tree<T> };

/** Weights of a case, by name and shape. */
function weightsOf(options: Options): Variables<Tensor> {
  const start = evaluate(
    trace(() => ({ ...variablesOf(initInfomax(new Key("init"), [1, 16, 16], options)) }), {}),
    {},
  ) as unknown as Variables<Tensor>;
  const params = mapTree<Tensor, Tensor, Tree<Tensor>>(start.params, (leaf, path) =>
    goldenTensor(`weight.${path}.${leaf.shape.join("x")}`),
  );
  return { params: params as Tree<Tensor>, buffers: start.buffers };
}

async function lossAndGradient(options: Options): Promise<{
  readonly shown: Record<string, Tensor>;
  readonly gradient: ReadonlyMap<string, Tensor>;
}> {
  const drawn = {
    latent: goldenTensor("noise"),
    prior: goldenTensor("drawn"),
    place: goldenTensor("place"),
  };
  const given = { ...weightsOf(options), drawn, image: goldenTensor("image") };
  const program = await compile(
    (x) => {
      const { drawn, image, ...variables } = x as unknown as Variables<Value> & {
        readonly drawn: Record<keyof typeof given.drawn, Value>;
        readonly image: Value;
      };
      const model = assemble<InfomaxModel>(variables as never);
      const scope = new Scope({ key: new Key("step"), train: true });
      const pixels = cast(image, "float32").mul(1 / 255);
      const terms = infomaxTerms(model, options, { x: pixels, drawn, scope });
      const shown = weighted(terms, options, (rows) => mean(rows));
      return { shown, gradient: gradientTree(shown.loss, variables.params) };
    },
    given as never,
    { threads: 1 },
  );
  const { shown, gradient } = (await program.run(given as never)) as unknown as {
    readonly shown: Record<string, Tensor>;
    readonly gradient: Tree<Tensor>;
  };
  await program.release();
  return { shown, gradient: leafMap(gradient) };
}

const largest = (x: Float32Array): number => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

function expectNear(found: Float32Array, wanted: Float32Array, name: string): void {
  expect(found.length, name).toBe(wanted.length);
  const scale = Math.max(largest(wanted), 1e-3);
  for (const [i, w] of wanted.entries()) {
    expect(Math.abs(Number(found[i]) - w), `${name}[${i}]`).toBeLessThan(2e-5 * scale);
  }
}

describe("Deep InfoMax has the loss, terms and gradients of PyTorch", () => {
  it.each(Object.keys(meta.cases))("%s", async (name) => {
    const { shown, gradient } = await lossAndGradient(optionsOf(meta.cases[name] as never));
    const { loss, ...terms } = shown as { readonly loss: Tensor } & Record<string, Tensor>;
    const wanted = Object.keys(golden).filter((key) => key.startsWith(`${name}.term.`));
    expect(Object.keys(terms).map((term) => `${name}.term.${term}`)).toEqual(
      expect.arrayContaining(wanted),
    );
    expect(Object.keys(terms)).toHaveLength(wanted.length);
    for (const [term, value] of Object.entries({ loss, ...terms })) {
      const key = term === "loss" ? `${name}.loss` : `${name}.term.${term}`;
      expectNear(value.data as Float32Array, goldenTensor(key).data as Float32Array, term);
    }
    const paths = meta.paths[name] as string[];
    expect([...gradient.keys()].sort()).toEqual([...paths].sort());
    const all = goldenTensor(`${name}.gradient`).data as Float32Array;
    let at = 0;
    for (const path of paths) {
      const { data } = gradient.get(path) as Tensor;
      const found = data as Float32Array;
      const part = all.subarray(at, at + data.length);
      // A number added to all scores is no change of InfoNCE and DV: its derivative is 0, but for rounding.
      if (largest(part) < 1e-6 * largest(all)) {
        expect(largest(found), path).toBeLessThan(1e-6 * largest(all));
      } else {
        expectNear(found, part, `gradient of ${path}`);
      }
      at += data.length;
    }
    expect(at).toBe(all.length);
  });
});
