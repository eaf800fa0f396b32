// Samplers of diffusion models on a mixture of Gaussians whose denoiser is known in closed form: the order that each
// converges with, the error it makes at few evaluations, and likelihoods against the exact density.
// npx tsx experiments/two-d.ts [--quick] [--json]
// Without --quick it writes docs/results/two-d.md and its pictures.
import { mkdirSync, writeFileSync } from "node:fs";
import { levelAt, logLikelihood, noiseProcess, type ProcessName } from "reparam/methods/diffusion";
import { linePlot, markdownTable, svgToPng, textTable } from "reparam/report";
import { printJson, quick } from "./figures/command-line.ts";
import {
  endOf,
  errorTo,
  exactEnd,
  likelihoodRows,
  mixture,
  type Sampler,
} from "./two-d/mixture.ts";
import { sampled, samplePicture } from "./two-d/pictures.ts";

const folder = quick ? "runs/experiments/two-d-quick" : "docs/results";
mkdirSync(folder, { recursive: true });

/** −slope of log error over log steps, by least squares. */
function fittedOrder(steps: readonly number[], errors: readonly number[]): number {
  const [x, y] = [steps.map(Math.log), errors.map(Math.log)];
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const above = x.reduce((sum, v, i) => sum + (v - mx) * (y[i]! - my), 0);
  return -above / x.reduce((sum, v) => sum + (v - mx) ** 2, 0);
}

const same = { startUp: "same-order" } as const;
const measured: readonly (readonly [ProcessName, Sampler, order: number])[] = [
  ["vp-linear", { sampler: "ddim" }, 1],
  ["flow", { sampler: "euler", spacing: "uniform" }, 1],
  ["edm", { sampler: "heun" }, 2],
  ["flow", { sampler: "heun", spacing: "uniform" }, 2],
  ["vp-linear", { sampler: "dpm-solver-1" }, 1],
  ["vp-linear", { sampler: "dpm-solver-2" }, 2],
  ["vp-linear", { sampler: "dpm-solver-3" }, 3],
  ["vp-linear", { sampler: "dpm-solver++2m", ...same }, 2],
  ["vp-linear", { sampler: "dpm-solver++3m", ...same }, 3],
  ["vp-linear", { sampler: "dpm-solver++3m", variant: "published", ...same }, 2],
  ["vp-linear", { sampler: "unipc", order: 1, ...same }, 2],
  ["vp-linear", { sampler: "unipc", order: 2, ...same }, 3],
  ["vp-linear", { sampler: "unipc", order: 3, ...same }, 4],
  ["vp-linear", { sampler: "deis", order: 2, ...same }, 2],
  ["vp-linear", { sampler: "deis", order: 3, ...same }, 3],
  ["edm", { sampler: "deis", order: 3, polynomial: "sigma", ...same }, 3],
  ["edm", { sampler: "exponential-rk", order: 3 }, 3],
  ["edm", { sampler: "exponential-rk", order: 4 }, 4],
];
const name = ({ sampler, startUp: _, spacing: __, ...rest }: Sampler): string =>
  [sampler, ...Object.values(rest)].join(" ");

const counts = quick ? [40, 80] : [40, 80, 160, 320];
const cells: Record<string, object> = {};
const orderRows: (string | number)[][] = [];
for (const [process, options, order] of quick ? measured.slice(0, 9) : measured) {
  const exact = await exactEnd(process, true);
  const errors: number[] = [];
  for (const steps of counts) {
    errors.push(
      errorTo(exact, (await endOf(process, { spacing: "log-snr", ...options, steps }, true)).x),
    );
  }
  // From the last two: what falls faster at first is not the order.
  const got = fittedOrder(counts.slice(-2), errors.slice(-2));
  orderRows.push([
    name(options),
    process,
    order,
    got.toFixed(2),
    ...errors.map((e) => e.toExponential(1)),
  ]);
  cells[`${process} ${name(options)}`] = { order, got, errors };
}
const orderColumns = [
  "sampler",
  "process",
  "order",
  "measured",
  ...counts.map((n) => `error, ${n} steps`),
];
console.log(textTable(orderColumns, orderRows));

// From the most noise to none, as it is used: errors at equal evaluations.
const used: readonly Sampler[] = [
  { sampler: "ddim" },
  { sampler: "heun" },
  { sampler: "dpm-solver-3" },
  { sampler: "dpm-solver++2m" },
  { sampler: "dpm-solver++3m" },
  { sampler: "dpm-solver++3m", variant: "published" },
  { sampler: "unipc", order: 2 },
  { sampler: "deis", order: 3 },
];
const perStep: Record<string, number> = { heun: 2, "dpm-solver-3": 3 };
const exact = await exactEnd("edm", false);
const curves: { name: string; x: number[]; y: number[] }[] = [];
for (const options of used) {
  const [x, y]: [number[], number[]] = [[], []];
  for (const evaluations of quick ? [6, 12] : [6, 9, 12, 18, 24, 36, 48, 72]) {
    const steps = Math.round(evaluations / (perStep[options.sampler] ?? 1));
    const end = await endOf("edm", { ...options, steps }, false);
    x.push(end.evaluations);
    y.push(errorTo(exact, end.x));
  }
  curves.push({ name: name(options), x, y });
  cells[`few evaluations, ${name(options)}`] = { x, y };
}
const plot = linePlot({
  title: "Distance from the exact end, edm, 80 to 0",
  x: { label: "evaluations of the denoiser", scale: "log" },
  y: { label: "root mean square error", scale: "log" },
  series: curves,
});
writeFileSync(`${folder}/two-d-evaluations.png`, await svgToPng(plot));
/** The error with as many evaluations as possible up to a count. */
const at = (count: number): number[] =>
  curves.map(({ x, y }) => y[x.findLastIndex((n) => n <= count)] ?? Number.NaN);
const fewColumns = ["evaluations, at most", ...curves.map((curve) => curve.name)];
const fewRows = (quick ? [6, 12] : [6, 12, 24, 48]).map((n) => [
  n,
  ...at(n).map((e) => e.toExponential(1)),
]);
console.log(textTable(fewColumns, fewRows));
writeFileSync(
  `${folder}/two-d-samples.png`,
  await samplePicture(await sampled(quick ? 200 : 1500)),
);

const likelihoodCells: (string | number)[][] = [];
for (const process of ["vp-linear", "vp-cosine", "sub-vp", "ve", "edm", "flow"] as const) {
  const noise = noiseProcess(process);
  const { alpha, sigma } = levelAt(noise, noise.interval[0]);
  const rows = likelihoodRows(quick ? 10 : 200);
  const { logDensity, evaluations } = await logLikelihood(
    async (x, level) => mixture(x, level),
    rows,
    { process: noise, tolerance: 1e-5, sigmaData: 1 },
  );
  const truth = mixture(rows, { alpha: 1, sigma: sigma / alpha }).logDensity.data;
  const worst = logDensity.reduce(
    (most, v, i) => Math.max(most, Math.abs(v - Number(truth[i]))),
    0,
  );
  likelihoodCells.push([process, worst.toExponential(1), evaluations]);
  cells[`likelihood ${process}`] = { worst, evaluations };
}
const likelihoodColumns = ["process", "largest error in nats", "evaluations"];
console.log(textTable(likelihoodColumns, likelihoodCells));

const page = `# Samplers on an exact mixture

\`\`\`
npx tsx experiments/two-d.ts
\`\`\`

Data are a mixture of three Gaussians in the plane, whose denoiser at any noise is known in closed form
(\`askMixture\` of \`reparam/methods/diffusion\`), in float64: all error is the sampler's. Nothing is trained, and
seeds matter for the last picture only.

## Orders of convergence

Six fixed points are taken from σ/α = 3 to 0.15, levels equally far apart in log(α/σ) (rectified flow: in t). Methods
of several steps start by Runge-Kutta steps of their own order, and no step ends at zero noise, where every sampler is of
first order. The reference is the adaptive sampler at a tolerance of 10⁻¹². *Measured* is the slope between the last two
numbers of steps.

${markdownTable(orderColumns, orderRows)}

The third-order form of DPM-Solver++ in its common implementations takes half of the second difference: with
\`variant: "published"\` the method here is that one, and of order 2. UniPC's corrector adds an order to its predictor at
no evaluation. \`deis\` is exponential Adams-Bashforth; by σ its polynomials are those of Adams and Bashforth.

## Few evaluations

As samplers are used: from σ = 80 to none, the spacing of Karras et al., starts of lower order, the last step to x₀.
Root mean square distance of 500 samples from where the exact flow takes the same noise:

${markdownTable(fewColumns, fewRows)}

The order says how the error falls in the end, not how large it is at few steps: the halved form of order 2 is the more
exact one here up to about 60 evaluations, and with six evaluations a third order is worse than a second.

![Error against evaluations](two-d-evaluations.png)

![Samples of six evaluations, and exact ones](two-d-samples.png)

## Likelihoods

Log-densities along the probability flow, at a relative tolerance of 10⁻⁵, against the exact density of the least noise
at 200 points of the data's distribution:

${markdownTable(likelihoodColumns, likelihoodCells)}
`;
writeFileSync(`${folder}/two-d.md`, page);
printJson({ cells });
