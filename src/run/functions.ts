import { readRows, type Split } from "../data/index.ts";
import { codebookUse } from "../metrics/codebook.ts";
import type { FunctionDescription, FunctionInput } from "../step/index.ts";
import {
  allocate,
  bindShape,
  elementCount,
  evaluateShape,
  fillNormal,
  fillUniform,
  ReparamError,
  scalar,
  type Tensor,
  zeros,
} from "../tensor/index.ts";
import type { CompiledFunction } from "./compile-function.ts";

export type NamedTensors = Readonly<Record<string, Tensor>>;

/** How a function fills what the caller leaves open. */
export interface FillOptions {
  /** Value of the free axis `B` where no given input has it. Default 1. */
  readonly count?: number;
  /** Of the random numbers. Default 0. */
  readonly seed?: number;
  /** Which chunk of a longer computation this is. Default 0. */
  readonly step?: number;
}

/** Rows that go through a function at once: enough to be fast, few enough for the memory. */
const defaultChunk = 256;
/** A bound multiplies every row by its number of samples. */
const boundChunk = 16;

const chunkOf = ({ name, definition }: CompiledFunction): number =>
  definition.rowsAtOnce ?? (name === "bound" ? boundChunk : defaultChunk);

/**
 * All inputs of a function: those given, random numbers and defaults for the rest.
 * Throws if something that only the caller can know is missing, or if given shapes do not fit.
 */
export function fillInputs(
  name: string,
  { inputs: wanted, longest }: Pick<FunctionDescription, "inputs" | "longest">,
  given: NamedTensors,
  { count = 1, seed = 0, step = 0 }: FillOptions = {},
): Record<string, Tensor> {
  const bindings = new Map<string, number>();
  for (const [input, { dtype, shape }] of Object.entries(wanted)) {
    const got = given[input];
    if (got === undefined || isClassOfAll(wanted[input], got)) continue;
    if (got.dtype !== dtype) {
      throw new ReparamError(`${name}: ${input} must be ${dtype}, got ${got.dtype}.`);
    }
    const problem = bindShape(shape, got.shape, bindings);
    if (problem !== undefined) throw new ReparamError(`${name}: ${input} ${problem}.`);
    checkBelow(`${name}: ${input}`, wanted[input]?.below, got);
    checkRange(`${name}: ${input}`, wanted[input]?.range, got);
  }
  const positions = (bindings.get("T") ?? 0) + (bindings.get("P") ?? 0);
  if (longest !== undefined && positions > longest) {
    throw new ReparamError(
      `${name}: ${positions} positions are more than the ${longest} that it knows. Give fewer tokens.`,
    );
  }
  if (!bindings.has("B")) bindings.set("B", count);
  const filled: Record<string, Tensor> = {};
  for (const [input, spec] of Object.entries(wanted)) {
    const got = given[input];
    if (spec.classes !== undefined && (got === undefined || isClassOfAll(spec, got))) {
      filled[input] = classesInTurn(name, input, spec, bindings, got);
      continue;
    }
    if (got !== undefined) {
      filled[input] = got;
      continue;
    }
    if (spec.noise === undefined && spec.default === undefined) {
      throw new ReparamError(`${name}: the input "${input}" is missing.`);
    }
    const tensor = zeros(evaluateShape(spec.shape, bindings), spec.dtype);
    if (spec.noise !== undefined) {
      const fill = spec.noise === "normal" ? fillNormal : fillUniform;
      fill(tensor.data as Float32Array, { seed, step, path: `function.${name}.${input}` });
    } else {
      tensor.data.fill(scalar(spec.default as number, spec.dtype).data[0] as never);
    }
    filled[input] = tensor;
  }
  return filled;
}

/** Throws for an integer outside of its range: in the graph it would be taken for another. */
function checkBelow(what: string, below: FunctionInput["below"], { data }: Tensor): void {
  if (below === undefined) return;
  const tops = typeof below === "number" ? [below] : below;
  for (const [i, value] of data.entries()) {
    const top = tops[i % tops.length] as number;
    if (value >= 0 && value < top) continue;
    throw new ReparamError(`${what} must be integers from 0 to ${top - 1}, got ${value}.`);
  }
}

function checkRange(what: string, range: FunctionInput["range"], { data }: Tensor): void {
  if (range === undefined) return;
  for (const value of data) {
    if (Number(value) >= range[0] && Number(value) <= range[1]) continue;
    throw new ReparamError(`${what} must be from ${range[0]} to ${range[1]}, got ${value}.`);
  }
}

const isClassOfAll = (spec: FunctionInput | undefined, got: Tensor): boolean =>
  spec?.classes !== undefined && got.shape.length === 0;

/** Every class in turn, or the one that was given for all rows. */
function classesInTurn(
  name: string,
  input: string,
  { dtype, shape, classes = 1 }: FunctionInput,
  bindings: ReadonlyMap<string, number>,
  all: Tensor | undefined,
): Tensor {
  const tensor = zeros(evaluateShape(shape, bindings), dtype);
  const chosen = all === undefined ? undefined : Number(all.data[0]);
  if (chosen !== undefined && !(Number.isInteger(chosen) && chosen >= 0 && chosen < classes)) {
    throw new ReparamError(
      `${name}: ${input} must be a whole number from 0 to ${classes - 1}, got ${chosen}.`,
    );
  }
  for (let i = 0; i < tensor.data.length; i++) {
    tensor.data[i] = scalar(chosen ?? i % classes, dtype).data[0] as never;
  }
  return tensor;
}

/** Rows `from` … `to` − 1 of every column of a split. */
export function rowsOf(split: Split, from: number, to: number): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(split.columns).map(([name, column]) => [name, readRows(column, from, to)]),
  );
}

/** The columns of a batch that a function takes. */
const inputsOf = ({ inputs }: FunctionDescription, columns: NamedTensors): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(columns).filter(([name]) => name in inputs));

export interface MapOptions {
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Runs a function over all rows of a split, a chunk at a time; the last chunk may be short. */
export async function mapSplit(
  compiled: CompiledFunction,
  split: Split,
  { seed = 0, onProgress }: MapOptions = {},
): Promise<Record<string, Tensor>> {
  const chunk = chunkOf(compiled);
  const parts: Record<string, Tensor>[] = [];
  for (let at = 0; at < split.length; at += chunk) {
    const to = Math.min(at + chunk, split.length);
    const inputs = inputsOf(compiled.definition, rowsOf(split, at, to));
    parts.push(await compiled.run(inputs, { seed, step: at / chunk }));
    onProgress?.(to, split.length);
  }
  return joinRows(compiled.name, parts);
}

/** Inputs of rows `from` … `to` − 1. */
export type RowInputs = (from: number, to: number) => NamedTensors;

/** Runs a function that needs no data until it has made `count` rows. */
export async function sampleRows(
  compiled: CompiledFunction,
  count: number,
  {
    seed = 0,
    inputs = {},
  }: { readonly seed?: number; readonly inputs?: NamedTensors | RowInputs } = {},
): Promise<Record<string, Tensor>> {
  const chunk = chunkOf(compiled);
  const parts: Record<string, Tensor>[] = [];
  for (let at = 0; at < count; at += chunk) {
    const rows = Math.min(chunk, count - at);
    const given = typeof inputs === "function" ? inputs(at, at + rows) : inputs;
    parts.push(await compiled.run(given, { count: rows, seed, step: at / chunk }));
  }
  return joinRows(compiled.name, parts);
}

function joinRows(name: string, parts: readonly Record<string, Tensor>[]): Record<string, Tensor> {
  const [first] = parts;
  if (first === undefined) throw new ReparamError(`${name}: there are no rows. Use another split.`);
  const joined: Record<string, Tensor> = {};
  for (const [output, { dtype, shape }] of Object.entries(first)) {
    const tensors = parts.map((part) => part[output] as Tensor);
    const rows = tensors.reduce((n, tensor) => n + (tensor.shape[0] ?? 1), 0);
    const data = allocate(dtype, rows * elementCount(shape.slice(1)));
    let at = 0;
    for (const tensor of tensors) {
      // One cast serves every element type: the arrays are of one kind.
      (data as Float32Array).set(tensor.data as Float32Array, at);
      at += tensor.data.length;
    }
    joined[output] = { dtype, shape: [rows, ...shape.slice(1)], data };
  }
  return joined;
}

/** Means over a split, and their standard errors. */
export interface Evaluation {
  readonly samples: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly standardErrors: Readonly<Record<string, number>>;
}

/** Runs a function that gives one number a row (`evaluate`, `bound`) over a split. */
export async function evaluateSplit(
  compiled: CompiledFunction,
  split: Split,
  options: MapOptions = {},
): Promise<Evaluation> {
  const outputs = await mapSplit(compiled, split, options);
  const metrics: Record<string, number> = {};
  const standardErrors: Record<string, number> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    const { data } = tensor;
    const codes = compiled.definition.outputBelow?.[name];
    if (codes !== undefined) {
      // The mean of tokens says nothing; how all rows together use their codebook does.
      const { use, perplexity } = codebookUse(tensor, codes);
      Object.assign(metrics, { codebookUse: use, perplexity });
      continue;
    }
    const values = Float64Array.from(data as Float32Array);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    metrics[name] = mean;
    standardErrors[name] =
      values.length > 1 ? Math.sqrt(squares / (values.length - 1) / values.length) : 0;
  }
  const evaluation = { samples: split.length, metrics, standardErrors };
  return withTextFigures(evaluation, split.charactersPerToken);
}

/**
 * Of a model that gives `bitsPerToken` for text: its perplexity, and bits a character, which models of
 * different tokenizers can be compared by. Errors are those of the mean, carried over to first order.
 */
function withTextFigures(
  { samples, metrics, standardErrors }: Evaluation,
  charactersPerToken: number | undefined,
): Evaluation {
  const { bitsPerToken: bits } = metrics;
  if (bits === undefined || charactersPerToken === undefined) {
    return { samples, metrics, standardErrors };
  }
  const error = standardErrors.bitsPerToken ?? 0;
  const perplexity = 2 ** bits;
  return {
    samples,
    metrics: { ...metrics, bitsPerCharacter: bits / charactersPerToken, perplexity },
    standardErrors: {
      ...standardErrors,
      bitsPerCharacter: error / charactersPerToken,
      perplexity: Math.LN2 * perplexity * error,
    },
  };
}
