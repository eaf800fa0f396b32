/**
 * Every sampler of fixed steps, as a way to write a plan: what it does at a step, its order, and the options that it
 * takes. All work on x̂₀ of any network, so they fit every process and prediction.
 */
import { type ExponentialTableau, etdrk2, etdrk3, etdrk4, heun } from "../../ode/index.ts";
import { ReparamError } from "../../tensor/index.ts";
import { ancestral, ddimSplit, forwardSplit, renoised } from "./ancestral-steps.ts";
import {
  ask,
  dpmSolver2,
  dpmSolver3,
  type Known,
  type MultistepRule,
  multistep,
  rungeKutta,
} from "./exponential-steps.ts";
import type { NoiseLevel } from "./grid.ts";
import { type Plan, PlanWriter, type Register } from "./plan.ts";
import type { NoiseProcess } from "./process.ts";
import { churnedLevel, coordinateOf, rungeKuttaStep } from "./runge-kutta-steps.ts";
import type { SamplerSettings } from "./sampler-settings.ts";

/** What one step is told. */
interface StepContext {
  readonly plan: PlanWriter;
  readonly process: NoiseProcess;
  readonly levels: readonly NoiseLevel[];
  readonly index: number;
  readonly ends: readonly [from: NoiseLevel, to: NoiseLevel];
}

/** A step: x at its end, and the last x̂₀ of it. */
type Step = (x: Register, context: StepContext) => { x: Register; denoised: Register };

export type SettingName = Exclude<keyof SamplerSettings, "sampler">;

export interface Sampler {
  readonly summary: string;
  readonly source: string;
  /** The options besides the grid's that mean something to it. */
  readonly takes: readonly SettingName[];
  /** Order of convergence where it is deterministic. */
  readonly order: (settings: SamplerSettings) => number | undefined;
  /** Steps that remember what they need of those before. */
  readonly begin: (settings: SamplerSettings) => Step;
}

const oneEvaluation =
  (next: (x: Register, denoised: Register, context: StepContext) => Register): Step =>
  (x, context) => {
    const denoised = context.plan.denoise(x, context.ends[0]);
    return { x: next(x, denoised, context), denoised };
  };

/** Steps of DDIM with the noise η. */
const ddimSteps = (eta: number): Step =>
  oneEvaluation((x, denoised, { plan, ends }) => {
    const [from, to] = ends.map(({ alpha, sigma }) => sigma / alpha) as [number, number];
    return ancestral(plan, x, denoised, ends, ddimSplit(from, to, eta));
  });

const ddpmSteps = (variance: "posterior" | "forward"): Step =>
  oneEvaluation((x, denoised, { plan, ends }) => {
    const [from, to] = ends.map(({ alpha, sigma }) => sigma / alpha) as [number, number];
    const split = variance === "forward" ? forwardSplit(from, to) : ddimSplit(from, to, 1);
    return ancestral(plan, x, denoised, ends, split);
  });

function heunSteps({ churn, churnMin, churnMax, churnNoise, coordinate }: SamplerSettings): Step {
  const noise = { amount: churn, range: [churnMin, churnMax] as const, scale: churnNoise };
  return (x, { plan, process, levels, ends: [from, to] }) => {
    const about = { steps: levels.length - 1, process, first: levels[0]! };
    const level = churnedLevel(from, noise, about);
    const start = level === from ? x : renoised(plan, x, [from, level], churnNoise);
    const denoised = plan.denoise(start, level);
    const chosen = coordinateOf(process, coordinate);
    const options = { process, coordinate: chosen, tableau: heun };
    return { x: rungeKuttaStep(plan, start, denoised, [level, to], options), denoised };
  };
}

const singleSteps =
  (tableau: ExponentialTableau, continued: "data" | "noise"): Step =>
  (x, { plan, process, ends: [from, to] }) => {
    const first = ask(plan, continued, x, from);
    const next = rungeKutta(plan, x, first, to, { process, continued, tableau });
    return { x: next, denoised: first.denoised };
  };

const exponentialTableaux: Readonly<Record<number, ExponentialTableau>> = {
  2: etdrk2,
  3: etdrk3,
  4: etdrk4,
};

interface MultistepSettings extends MultistepRule {
  readonly order: number;
  /** Whether what is said at the end of a step corrects the step. */
  readonly corrector?: boolean;
  readonly startUp: SamplerSettings["startUp"];
}

/**
 * Steps that go on from up to `order` known points. While fewer are known, the order is lower, or with the start-up
 * "same-order" the steps are those of a Runge-Kutta method.
 */
function multistepSteps({ order, corrector = false, startUp, ...rule }: MultistepSettings): Step {
  const known: Known[] = [];
  let before: { x: Register; level: NoiseLevel; known: readonly Known[] } | undefined;
  return (given, { plan, process, ends }) => {
    const [from, to] = ends;
    const here = ask(plan, rule.continued, given, from);
    let x = given;
    if (before !== undefined && corrector) {
      const ends = [before.level, from] as const;
      // Two points of the corrector of order 1 are weighed as those of the predictor of order 2 are.
      x = multistep(plan, before.x, ends, [...before.known, here], { process, ...rule });
    }
    known.unshift(here);
    known.length = Math.min(known.length, order);
    const starting = startUp === "same-order" && known.length < order;
    const tableau = exponentialTableaux[order + (corrector ? 1 : 0)];
    if (starting && tableau !== undefined) {
      before = undefined;
      const options = { process, continued: rule.continued, tableau };
      return { x: rungeKutta(plan, x, here, to, options), denoised: here.denoised };
    }
    before = { x, level: from, known: [...known] };
    return { x: multistep(plan, x, ends, known, { process, ...rule }), denoised: here.denoised };
  };
}

const lu2022b = "Lu et al., DPM-Solver++ (2022)";

/** DPM-Solver++ of several steps. */
const plusPlus =
  (order: 2 | 3, eta: (settings: SamplerSettings) => number): Sampler["begin"] =>
  (settings) =>
    multistepSteps({
      continued: "data",
      variable: "log-snr",
      order,
      rule: order === 2 ? "midpoint" : settings.variant === "published" ? "halved" : "exact",
      eta: eta(settings),
      startUp: settings.startUp,
    });

export const samplers = {
  ddpm: {
    summary: "ancestral sampling: the posterior of every step",
    source: "Ho, Jain, Abbeel, Denoising diffusion probabilistic models (2020), algorithm 2",
    takes: ["variance"],
    order: () => undefined,
    begin: ({ variance }) => ddpmSteps(variance),
  },
  ddim: {
    summary: "the same marginals with noise of strength eta, without noise at 0",
    source: "Song, Meng, Ermon, Denoising diffusion implicit models (2021), equation 12",
    takes: ["eta"],
    order: ({ eta = 0 }) => (eta === 0 ? 1 : undefined),
    begin: ({ eta = 0 }) => ddimSteps(eta),
  },
  euler: {
    summary: "Euler's method; the step of ddim without noise",
    source:
      "Karras et al., Elucidating the design space (2022), algorithm 1 without its correction",
    takes: [],
    order: () => 1,
    begin: () => ddimSteps(0),
  },
  "euler-ancestral": {
    summary:
      "Euler's method to less noise than wanted, and noise again; the step of ddim with eta 1",
    source: "Song, Meng, Ermon, Denoising diffusion implicit models (2021), equation 16",
    takes: ["eta"],
    order: () => undefined,
    begin: ({ eta = 1 }) => ddimSteps(eta),
  },
  heun: {
    summary: "Heun's method, with noise churned in before every step where churn is above 0",
    source: "Karras et al., Elucidating the design space (2022), algorithm 2",
    takes: ["churn", "churnMin", "churnMax", "churnNoise", "coordinate"],
    order: ({ churn }) => (churn === 0 ? 2 : undefined),
    begin: heunSteps,
  },
  "dpm-solver-1": {
    summary: "exponential Euler; the step of ddim without noise",
    source: "Lu et al., DPM-Solver (2022), equation 3.7",
    takes: ["continued"],
    order: () => 1,
    begin: ({ continued = "noise", startUp }) =>
      multistepSteps({
        ...{ continued, order: 1, variable: "log-snr", rule: "exact", eta: 0, startUp },
      }),
  },
  "dpm-solver-2": {
    summary: "exponential midpoint method, two evaluations a step",
    source: "Lu et al., DPM-Solver (2022), algorithm 1",
    takes: ["continued", "midpoint"],
    order: ({ midpoint }) => (midpoint === 0.5 ? 2 : 1),
    begin: ({ continued = "noise", midpoint }) => singleSteps(dpmSolver2(midpoint), continued),
  },
  "dpm-solver-3": {
    summary: "exponential Runge-Kutta method of order 3, three evaluations a step",
    source: "Lu et al., DPM-Solver (2022), algorithm 2",
    takes: ["continued"],
    order: () => 3,
    begin: ({ continued = "noise" }) => singleSteps(dpmSolver3, continued),
  },
  "dpm-solver++2m": {
    summary: "exponential two-step method of the denoised data",
    source: `${lu2022b}, algorithm 2`,
    takes: ["startUp"],
    order: () => 2,
    begin: plusPlus(2, () => 0),
  },
  "dpm-solver++3m": {
    summary:
      "exponential three-step method of the denoised data; the variant published is of order 2",
    source: `${lu2022b}, section 4`,
    takes: ["startUp", "variant"],
    order: ({ variant }) => (variant === "published" ? 2 : 3),
    begin: plusPlus(3, () => 0),
  },
  "dpm-solver++2m-sde": {
    summary: "the two-step method with noise of strength eta",
    source: `${lu2022b}, equation 18`,
    takes: ["eta"],
    order: ({ eta = 1 }) => (eta === 0 ? 2 : undefined),
    begin: plusPlus(2, ({ eta = 1 }) => eta),
  },
  "dpm-solver++3m-sde": {
    summary: "the three-step method with noise of strength eta",
    source: `${lu2022b}, equation 18, with a third term`,
    takes: ["eta", "variant"],
    order: ({ eta = 1, variant }) => (eta > 0 ? undefined : variant === "published" ? 2 : 3),
    begin: plusPlus(3, ({ eta = 1 }) => eta),
  },
  unipc: {
    summary:
      "predictor of some order, corrected by what the next evaluation says at no further cost",
    source: "Zhao et al., UniPC (2023), algorithms 5 to 8",
    takes: ["order", "variant", "startUp"],
    order: ({ order = 3 }) => order + 1,
    begin: ({ order = 3, variant, startUp }) =>
      multistepSteps({
        ...{ continued: "data", variable: "log-snr", order, eta: 0, corrector: true, startUp },
        rule: variant === "bh1" ? "plain" : "midpoint",
      }),
  },
  deis: {
    summary: "exponential Adams-Bashforth method of the noise, a polynomial in t, σ or λ",
    source:
      "Zhang & Chen, Fast sampling of diffusion models with exponential integrator (2023), tAB",
    takes: ["order", "polynomial", "startUp"],
    order: ({ order = 3 }) => order,
    begin: ({ order = 3, polynomial = "time", startUp }) =>
      multistepSteps({
        ...{ continued: "noise", variable: polynomial, order, rule: "exact", eta: 0, startUp },
      }),
  },
  "exponential-rk": {
    summary: "exponential Runge-Kutta method of order 2, 3 or 4 of the denoised data",
    source: "Cox & Matthews, Exponential time differencing for stiff systems (2002)",
    takes: ["order", "continued"],
    order: ({ order = 4 }) => order,
    begin: ({ order = 4, continued = "data" }) => {
      const tableau = exponentialTableaux[order];
      if (tableau === undefined) {
        throw new ReparamError(`exponential-rk: order must be 2, 3 or 4, got ${order}.`);
      }
      return singleSteps(tableau, continued);
    },
  },
} as const satisfies Record<string, Sampler>;

export type SamplerName = keyof typeof samplers;

/** The plan of a sampler over the given levels. */
export function samplerPlan(
  process: NoiseProcess,
  levels: readonly NoiseLevel[],
  settings: SamplerSettings & { readonly sampler: SamplerName },
): Plan {
  const plan = new PlanWriter(levels);
  const step = (samplers[settings.sampler] as Sampler).begin(settings);
  let x: Register = 0;
  for (let index = 0; index + 1 < levels.length; index++) {
    const ends = [levels[index]!, levels[index + 1]!] as const;
    const done = step(x, { plan, process, levels, index, ends });
    x = done.x;
    plan.step(x, ends[1], done.denoised);
  }
  return plan.plan();
}
