// Each form of src/ops/forms.ts against the plain operator that it replaces, in turns in one process.
import { gradientTree } from "../src/autodiff/index.ts";
import { compile, type Program } from "../src/onnx/index.ts";
import {
  cast,
  conv2d,
  convTranspose2d,
  type FormName,
  forms,
  gather,
  gelu,
  matmul,
  maxPool2d,
  mean,
  reshape,
  slice,
  sum,
} from "../src/ops/index.ts";
import { fillUniform, ReparamError, type Tensor, zeros } from "../src/tensor/index.ts";
import type { Value } from "../src/trace/index.ts";

/** A computation on uniform numbers of these shapes; a row of each result is fetched. */
interface Case {
  readonly title: string;
  readonly shapes: readonly (readonly number[])[];
  readonly build: (...xs: Value[]) => readonly Value[];
}

type Shape4 = readonly [number, number, number, number];

const forward = (x: Shape4, w: Shape4, options: Parameters<typeof conv2d>[2]): Case => ({
  title: `conv2d ${x.join("×")} by ${w.join("×")}, stride ${options?.stride ?? 1}`,
  shapes: [x, w],
  build: (a, b) => [conv2d(a as Value, b as Value, options)],
});

/** Forward pass and both gradients, as in training. */
const training = (x: Shape4, w: Shape4, options: Parameters<typeof conv2d>[2]): Case => ({
  title: `${forward(x, w, options).title}, with gradients`,
  shapes: [x, w],
  build: (a, b) => {
    const y = conv2d(a as Value, b as Value, options);
    const { x: dx, w: dw } = gradientTree(sum(y.square()), { x: a as Value, w: b as Value });
    return [y, dx as Value, dw as Value];
  },
});

const up = (x: Shape4, w: Shape4): Case => ({
  title: `convTranspose2d ${x.join("×")} by ${w.join("×")}, stride 2`,
  shapes: [x, w],
  build: (a, b) => [convTranspose2d(a as Value, b as Value, { stride: 2, padding: 1 })],
});

const same = { padding: 1 };
const down = { stride: 2, padding: 1 };

const cases: Readonly<Record<FormName, readonly Case[]>> = {
  columns: [
    training([64, 64, 8, 8], [64, 64, 3, 3], same),
    training([64, 32, 14, 14], [64, 32, 3, 3], same),
    training([64, 64, 16, 16], [128, 64, 4, 4], down),
    up([64, 128, 8, 8], [128, 64, 4, 4]),
  ],
  planes: [
    forward([64, 32, 28, 28], [1, 32, 3, 3], same),
    training([64, 3, 32, 32], [64, 3, 3, 3], same),
  ],
  blocked: [
    forward([32, 64, 32, 32], [64, 64, 3, 3], same),
    forward([32, 128, 16, 16], [128, 128, 3, 3], same),
    training([64, 32, 28, 28], [64, 32, 3, 3], same),
  ],
  turned: [training([32, 64, 32, 32], [64, 64, 3, 3], same)],
  crossed: [
    training([32, 64, 32, 32], [64, 64, 3, 3], same),
    training([32, 128, 32, 32], [64, 128, 3, 3], same),
  ],
  pointwise: [training([32, 128, 16, 16], [64, 128, 1, 1], {})],
  "fused-transpose": [
    {
      title: "192 products of 128×32 by 128×32, transposed",
      shapes: [
        [192, 128, 32],
        [192, 128, 32],
      ],
      build: (a, b) => [matmul(a as Value, b as Value, { transposeB: true })],
    },
  ],
  "turned-operand": [
    {
      title: "4096×768, transposed, by 4096×192",
      shapes: [
        [4096, 768],
        [4096, 192],
      ],
      build: (a, b) => [matmul(a as Value, b as Value, { transposeA: true })],
    },
  ],
  "fused-gelu": [
    { title: "gelu of 4096×768", shapes: [[4096, 768]], build: (x) => [gelu(x as Value)] },
  ],
  "one-hot-sums": [
    {
      title: "gradient of 4096 lookups in 128×192",
      shapes: [[128, 192], [4096]],
      build: (table, at) => {
        const rows = cast((at as Value).mul(128), "int32");
        const y = gather(table as Value, rows);
        return [gradientTree(sum(y.square()), { table: table as Value }).table as Value];
      },
    },
  ],
  staged: [
    {
      title: "sums of the columns of 4096×768",
      shapes: [[4096, 768]],
      build: (x) => [reshape(sum(x as Value, 0), [1, -1])],
    },
    {
      title: "means over all but the channels of 64×64×16×16",
      shapes: [[64, 64, 16, 16]],
      build: (x) => [reshape(mean(x as Value, [0, 2, 3]), [1, -1])],
    },
  ],
  unpooling: [
    {
      title: "maxima of 2×2 of 64×32×32×32, with the gradient",
      shapes: [[64, 32, 32, 32]],
      build: (x) => {
        const y = maxPool2d(x as Value, { size: 2 });
        return [y, gradientTree(sum(y.square()), { x: x as Value }).x as Value];
      },
    },
  ],
};

async function start(
  { shapes, build }: Case,
  threads: number,
  without: readonly FormName[],
): Promise<() => Promise<number>> {
  const xs = shapes.map((shape, i): Tensor => {
    const tensor = zeros(shape);
    fillUniform(tensor.data as Float32Array, { seed: 0, step: 0, path: `x${i}` });
    return tensor;
  });
  const program = (await compile(
    ({ xs: values }) => ({ ys: build(...(values as Value[])).map((y) => slice(y, 0, 0, 1)) }),
    { xs },
    { threads, without },
  )) as Program<{ ys: Value[] }>;
  return async () => {
    const before = performance.now();
    await program.run({ xs });
    return performance.now() - before;
  };
}

const formNames = Object.keys(forms) as FormName[];

/**
 * Prints, for every case of the forms (or of one), milliseconds without and with the form: the least of
 * `rounds` runs in turns.
 */
export async function compareForms(
  only: string | undefined,
  threads: number,
  rounds: number,
): Promise<void> {
  if (only !== undefined && !formNames.includes(only as FormName)) {
    throw new ReparamError(`there is no form "${only}". Use one of ${formNames.join(", ")}.`);
  }
  for (const form of formNames.filter((name) => only === undefined || name === only)) {
    console.log(`${form} in place of ${forms[form].instead}`);
    for (const each of cases[form]) {
      const sides = [await start(each, threads, [form]), await start(each, threads, [])];
      const times: number[][] = [[], []];
      for (let i = 0; i < rounds + 2; i++) {
        for (const [k, run] of sides.entries()) {
          const time = await run();
          if (i >= 2) times[k]?.push(time);
        }
      }
      const [plain, chosen] = times.map((list) => Math.min(...list)) as [number, number];
      const ratio = (chosen / plain).toFixed(2);
      console.log(`  ${plain.toFixed(2)} → ${chosen.toFixed(2)} ms (${ratio})  ${each.title}`);
    }
  }
}
