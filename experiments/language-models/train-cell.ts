// One language model, trained, and what it reaches on text that it has not seen.
import { findMethod, ReparamError, train, weightsOf } from "reparam";
import type { Dataset } from "reparam/data";
import { dataShape } from "reparam/run";
import { initialState } from "reparam/step";
import { elementCount, leaves, type Tensor, type Tree } from "reparam/tensor";
import { fileOf, kept } from "../figures/cells.ts";
import { full, quick, seeds, threads } from "../figures/command-line.ts";
import { meanOf } from "../figures/spread.ts";

/** A training whose rate falls along a cosine to its end. */
export interface Recipe {
  readonly batchSize: number;
  readonly steps: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Tokens that are read at once. */
export const context = quick ? 16 : full ? 128 : 32;

/** The gpt that key sizes and mixings of heads are compared in: two layers, rotary positions. */
export function smallGpt(options: Readonly<Record<string, unknown>>): Recipe {
  const steps = quick ? 4 : full ? 4000 : 600;
  return {
    ...{ batchSize: quick ? 4 : 16, steps },
    options: {
      ...{ layers: 2, width: quick ? 16 : full ? 128 : 64, positions: "rotary" },
      ...{ learningRate: 6e-3, warmupSteps: Math.min(50, steps), decaySteps: steps },
      ...options,
    },
  };
}

export interface Cell {
  /** Of the test text; of a training that ended in numbers that are not finite those of equal chances. */
  readonly bitsPerCharacter: number;
  readonly finite: boolean;
  readonly parameters: number;
  readonly seconds: number;
}

const countOf = (weights: Tree<Tensor>): number =>
  leaves(weights).reduce((sum, { shape }) => sum + elementCount(shape), 0);

/** Parameters of a gpt of these options. */
async function parametersOf(data: Dataset, { batchSize, options }: Recipe): Promise<number> {
  const { create, options: schema } = await findMethod("gpt");
  const method = create(schema.parse(options), dataShape(data, batchSize));
  const [phase] = method.phases;
  if (phase === undefined) throw new Error("gpt has no phase");
  return countOf(weightsOf(method, initialState(phase, 0)));
}

/** Feed-forward networks as wide as they must be for a gpt to have as many parameters as another, nearly. */
export async function matchedWidth(
  data: Dataset,
  recipe: Recipe,
  reference: Recipe,
): Promise<number> {
  const at = (feedForwardWidth: number): Promise<number> =>
    parametersOf(data, { ...recipe, options: { ...recipe.options, feedForwardWidth } });
  const [wanted, none, slope] = [
    await parametersOf(data, reference),
    await at(1),
    (await at(2)) - (await at(1)),
  ];
  const width = 1 + Math.round((wanted - none) / slope);
  if (width < 1) {
    throw new Error(`no feed-forward width is left: ${none} parameters without, ${wanted} wanted`);
  }
  return width;
}

/** Trains a gpt, or reads the cell of the one that was trained. */
export const trainCell = (
  root: string,
  name: string,
  seed: number,
  { data, recipe }: { readonly data: Dataset; readonly recipe: Recipe },
): Promise<Cell> =>
  kept(fileOf(root, `${name} seed ${seed}`), async () => {
    const { batchSize, steps, options } = recipe;
    const parameters = await parametersOf(data, recipe);
    const start = performance.now();
    let reached = Number.NaN;
    try {
      const model = await train("gpt", { data, batchSize, steps, seed, threads, options });
      reached = (await model.evaluate("test")).metrics.bitsPerCharacter ?? Number.NaN;
    } catch (error) {
      if (!(error instanceof ReparamError && error.message.includes("not finite"))) throw error;
    }
    const finite = Number.isFinite(reached);
    const bitsPerCharacter = finite ? reached : Math.log2(data.tokenizer?.vocabulary ?? Number.NaN);
    return { bitsPerCharacter, finite, parameters, seconds: (performance.now() - start) / 1000 };
  });

/** What stands below a table of such cells. */
export function describeCells(cells: readonly Cell[], { steps }: Pick<Recipe, "steps">): string {
  const counts = cells.map(({ parameters }) => parameters);
  const seconds = meanOf(cells.map((each) => each.seconds)).toFixed(0);
  return `bits a character of the test text after ${steps} steps, mean ± standard deviation over seeds ${seeds.join(", ")}; ${Math.min(...counts)} to ${Math.max(...counts)} parameters; ${seconds} s a cell on ${threads} threads`;
}
