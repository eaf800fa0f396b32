// Components of penguins, with and without a fifth of the values.
import { writeFile } from "node:fs/promises";
import { train } from "reparam";
import { loadDataset, makeSplit } from "reparam/data";
import { scatterPlot, svgToPng } from "reparam/report";
import { rowsOf } from "reparam/run";
import { fillNormal, type Tensor } from "reparam/tensor";

export interface Clustering {
  /** Agreement of components and species, which the model does not see: 1 at best, 0 by chance. */
  readonly adjustedRand: number;
  readonly testNats: number;
}

const size = 4;

/** Three components of a common covariance, ten starts; `file`, if given, shows those of the first seed. */
export async function penguins(missing: boolean, file?: string): Promise<readonly Clustering[]> {
  const dataset = await loadDataset("penguins", { validation: 0 });
  const found: Clustering[] = [];
  for (const seed of [0, 1, 2]) {
    const { x, label } = rowsOf(dataset.train, 0, dataset.train.length) as Record<string, Tensor>;
    const whole = x?.data as Float64Array<ArrayBuffer>;
    const data = missing ? withoutFifth(whole, seed) : whole;
    const split = makeSplit({ x: { dtype: "float64", shape: [size], data } });
    const options = { components: 3, covariance: "tied", starts: 10 };
    const model = await train("gaussian-mixture", {
      data: { ...dataset, train: split },
      seed,
      options,
    });
    const input = { dtype: "float64", shape: [split.length, size], data } as const;
    const { latent } = await model.call<"latent">("encode", { x: input });
    const components = Array.from({ length: split.length }, (_, n) => {
      const row = (latent.data as Float64Array).subarray(3 * n, 3 * n + 3);
      return row.indexOf(Math.max(...row));
    });
    if (seed === 0 && file !== undefined) {
      await drawEllipses(file, whole, components, model.weights as never);
    }
    const { metrics } = await model.evaluate("test");
    found.push({
      adjustedRand: adjustedRand(components, Array.from(label?.data as Int32Array)),
      testNats: metrics.negativeLogLikelihood as number,
    });
  }
  return found;
}

function withoutFifth(values: Float64Array<ArrayBuffer>, seed: number): Float64Array<ArrayBuffer> {
  const noise = new Float64Array(values.length);
  fillNormal(noise, { seed, step: 0, path: "missing" });
  const cut = 0.8416; // a fifth of N(0, 1) lies above
  return values.map((v, i) => ((noise[i] as number) > cut ? Number.NaN : v));
}

/** Hubert, Arabie, "Comparing partitions" (1985). */
function adjustedRand(a: readonly number[], b: readonly number[]): number {
  const pairs = (n: number): number => (n * (n - 1)) / 2;
  const count = (keys: readonly string[]): number => {
    const found = new Map<string, number>();
    for (const key of keys) found.set(key, (found.get(key) ?? 0) + 1);
    return [...found.values()].reduce((sum, n) => sum + pairs(n), 0);
  };
  const both = count(a.map((v, i) => `${v} ${b[i]}`));
  const [left, right] = [count(a.map(String)), count(b.map(String))];
  const expected = (left * right) / pairs(a.length);
  return (both - expected) / ((left + right) / 2 - expected);
}

/** Bill length and depth by component, and two standard deviations around the means. */
async function drawEllipses(
  file: string,
  values: Float64Array,
  components: readonly number[],
  { means, covariances }: Readonly<Record<"means" | "covariances", Tensor>>,
): Promise<void> {
  const [m, c] = [means.data as Float64Array, covariances.data as Float64Array];
  const [a, b, d] = [c[0], c[1], c[5]] as [number, number, number];
  const [left, below] = [Math.sqrt(a), b / Math.sqrt(a)];
  const right = Math.sqrt(d - below * below);
  const rows = components.map((k, n) => [values[size * n], values[size * n + 1], k] as number[]);
  const outlines = [0, 1, 2].flatMap((k) =>
    Array.from({ length: 400 }, (_, i) => {
      const [u, v] = [2 * Math.cos((i * Math.PI) / 200), 2 * Math.sin((i * Math.PI) / 200)];
      return [
        (m[size * k] as number) + left * u,
        (m[size * k + 1] as number) + below * u + right * v,
        k,
      ];
    }),
  );
  const all = [...rows, ...outlines].filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const column = (i: number): number[] => all.map((row) => row[i] as number);
  const range = (v: number[]): [number, number] => [Math.min(...v) - 0.5, Math.max(...v) + 0.5];
  const svg = scatterPlot({
    x: { label: "bill length, mm", domain: range(column(0)) },
    y: { label: "bill depth, mm", domain: range(column(1)) },
    points: { x: column(0), y: column(1) },
    classes: column(2).map((k) => `component ${k}`),
  });
  await writeFile(file, await svgToPng(svg));
}
