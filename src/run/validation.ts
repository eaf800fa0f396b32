import { weightsOf } from "../step/index.ts";
import type { Tensor, Tree } from "../tensor/index.ts";
import { type CompiledFunction, compileFunction } from "./compile-function.ts";
import type { FitOptions } from "./fit.ts";
import { type Evaluation, evaluateSplit } from "./functions.ts";

/** Evaluations of the validation split during a training, by one compiled program. */
export class Validation {
  readonly #options: FitOptions;
  #compiled: CompiledFunction | undefined;

  constructor(options: FitOptions) {
    this.#options = options;
  }

  /** Undefined without a validation split, or where the method cannot be evaluated. */
  async evaluate(state: () => Tree<Tensor>): Promise<Evaluation | undefined> {
    const { method, validation, seed, threads = 2 } = this.#options;
    if (validation === undefined || validation.length === 0) return undefined;
    if (method.functions.evaluate === undefined) return undefined;
    const weights = weightsOf(method, state());
    this.#compiled =
      this.#compiled?.withWeights(weights) ??
      (await compileFunction(method, "evaluate", weights, { threads }));
    return evaluateSplit(this.#compiled, validation, { seed });
  }

  async release(): Promise<void> {
    await this.#compiled?.release();
  }
}
