// The Dirac-GAN: which ways of training reach the equilibrium of the smallest game there is. Eigenvalues at the
// equilibrium, from the library's own losses and penalties by automatic differentiation, against those derived by
// hand; trajectories from (1, 1) with step size 0.2, updates in turns and at once, and the continuous flow.
// npx tsx experiments/dirac-gan.ts [--quick] [--json]
// Without --quick it writes docs/results/dirac-gan.md and its pictures.
import { mkdirSync, writeFileSync } from "node:fs";
import {
  compileField,
  diracField,
  fieldEigenvalues,
  flowOf,
  type Linearization,
  updateEigenvalues,
} from "reparam/methods/gan";
import { fieldPlot, markdownTable, svgToPng, textTable } from "reparam/report";
import { type Point, trajectory } from "./dirac-gan/trajectory.ts";
import { linearizable, others, type Variant } from "./dirac-gan/variants.ts";
import { printJson, quick } from "./figures/command-line.ts";

const folder = quick ? "runs/experiments/dirac-gan-quick" : "docs/results";
const [h, steps] = [0.2, quick ? 50 : 500];
const start: Point = [1, 1];
mkdirSync(folder, { recursive: true });

type Complexes = ReturnType<typeof fieldEigenvalues>;
const modulus = (values: Complexes): number =>
  Math.max(...values.map(({ re, im }) => Math.hypot(re, im)));
const show = ({ re, im }: Complexes[number]): string => {
  const parts = [re.toFixed(6), `${Math.abs(im).toFixed(6)}i`];
  return Math.abs(im) < 1e-12 ? (parts[0] as string) : `${parts[0]} ± ${parts[1]}`;
};
const shown = (values: Complexes): string => [...new Set(values.map(show))].join(", ");

/** Largest distance between two sets of two numbers, whatever their order. */
function gap(a: Complexes, b: Complexes): number {
  const order = (list: Complexes): Complexes =>
    [...list].sort((p, q) => p.re - q.re || p.im - q.im);
  const [left, right] = [order(a), order(b)];
  return Math.max(
    ...left.map(({ re, im }, i) =>
      Math.hypot(re - (right[i]?.re ?? NaN), im - (right[i]?.im ?? NaN)),
    ),
  );
}

const norm = ([psi, theta]: Point): number => Math.hypot(psi, theta);
const figures: Record<string, object> = {};

const columns = [
  ...["", "eigenvalues by hand", "computed", "gap"],
  ...["modulus, at once", "in turns", "distance after, at once", "in turns"],
];
const rows: (string | number)[][] = [];
const drawn: { name: string; field: (at: Point) => Linearization; variant: Variant }[] = [];
for (const variant of [...linearizable, ...others]) {
  const field = compileField(diracField(variant.options), 2);
  drawn.push({ name: variant.name, field, variant });
  const after = (turns: "simultaneous" | "alternating"): number =>
    norm(trajectory(field, { start, h, steps, turns, clip: variant.clip }).at(-1) as Point);
  const [atOnce, inTurns] = [after("simultaneous"), after("alternating")];
  const ends = [atOnce, inTurns].map((value) => value.toPrecision(3));
  if (variant.eigenvalues === undefined) {
    rows.push([variant.name, "not differentiable there", "", "", "", "", ...ends]);
    figures[variant.name] = { atOnce, inTurns };
    continue;
  }
  const at = field([0, 0]);
  const computed = fieldEigenvalues(at);
  const moduli = (["simultaneous", "alternating"] as const).map((turns) =>
    modulus(updateEigenvalues(at, { discriminator: 1 }, h, turns)),
  );
  const difference = gap(computed, variant.eigenvalues);
  rows.push([
    variant.name,
    `${variant.formula} = ${shown(variant.eigenvalues)}`,
    shown(computed),
    difference.toExponential(0),
    ...moduli.map((value) => value.toFixed(5)),
    ...ends,
  ]);
  figures[variant.name] = { computed, gap: difference, moduli, atOnce, inTurns };
}
console.log(textTable(columns, rows));

/** Both kinds of turns and the flow of one variant. */
async function picture(
  file: string,
  { name, field, variant }: (typeof drawn)[number],
): Promise<void> {
  const end = h * steps;
  const flow = flowOf(field as never, start, end);
  const followed = Array.from({ length: 4 * steps + 1 }, (_, i): Point => {
    const [psi, theta] = flow.at((end * i) / (4 * steps)) as unknown as Point;
    return [psi, theta];
  });
  const path = (label: string, points: readonly Point[], dots = false) => ({
    ...{ name: label, dots },
    x: points.map(([, theta]) => theta),
    y: points.map(([psi]) => psi),
  });
  const walk = (turns: "simultaneous" | "alternating"): Point[] =>
    trajectory(field, { start, h, steps, turns, clip: variant.clip });
  const svg = fieldPlot({
    title: name,
    x: { label: "θ, where the generator is", domain: [-2.5, 2.5] },
    y: { label: "ψ, slope of the discriminator", domain: [-2.5, 2.5] },
    velocity: (theta, psi) => {
      const { velocity } = field([psi, theta]);
      return [velocity[1] as number, velocity[0] as number];
    },
    paths: [
      path("at once", walk("simultaneous"), true),
      path("in turns", walk("alternating"), true),
      ...(variant.clip === undefined ? [path("flow", followed)] : []),
    ],
  });
  writeFileSync(`${folder}/${file}`, await svgToPng(svg));
}

const pictures: string[] = [];
const inPictures = ["none", "non-saturating", "r1", "r1-strong", "clip", "gp"];
for (const each of drawn.filter(({ variant }) => inPictures.includes(variant.file))) {
  const file = `dirac-gan-${each.variant.file}.png`;
  await picture(file, each);
  pictures.push(`![${each.name}](${file})`);
}

const page = `# The Dirac-GAN

\`\`\`
npx tsx experiments/dirac-gan.ts
\`\`\`

The data is a point at 0, the generator a point at θ, the discriminator D(x) = ψx; the equilibrium is θ = ψ = 0
(Mescheder, Geiger, Nowozin, "Which training methods for GANs do actually converge?", 2018, section 2). Players go down
the gradients of their losses with step size ${h}; *in turns* the discriminator moves first. Eigenvalues are those of
the Jacobian of (ψ, θ) ↦ velocity at the equilibrium, from the losses and penalties that \`reparam train gan\` uses,
differentiated automatically; *modulus* is the largest of an update's eigenvalues: below 1 it attracts. *Distance*
is that from the equilibrium after ${steps} steps from (1, 1), where it was 1.41. Nothing here is random.

${markdownTable(columns, rows)}

- Without regularization the flow of the saturating and the Wasserstein objective turns around the equilibrium for ever.
  Updates at once leave it by √(1 + h²f'(0)²) a step; updates in turns have modulus exactly 1 and neither leave nor
  arrive. The non-saturating objective has the same eigenvalues and comes nearer all the same, by terms of higher order:
  ever more slowly, as the paper's section 3 says of it.
- R1, R2, the JS regularizer, instance noise and consensus optimization turn the spiral inwards. With γ above 2f'(0) = 1
  R1 is overdamped: both eigenvalues are real, and the slower one decides. The JS regularizer of weight γ acts as R1
  of weight γ/2, since (1 − σ(0))² + σ(0)² = ½.
- Clipping and the penalty of WGAN-GP do not arrive: their update does not vanish at the equilibrium, which it circles at
  a distance set by the step size. Spectral normalization leaves D(x) = ±x, which has no slope to learn; there is
  nothing to follow.

${pictures.join("\n")}
`;
writeFileSync(`${folder}/dirac-gan.md`, page);
printJson({ cells: figures });
