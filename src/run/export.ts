import { join } from "node:path";
import { readRows, type Split } from "../data/index.ts";
import { createSession, type ExportedModel, exportModel, type Session } from "../onnx/index.ts";
import {
  type FunctionDescription,
  type FunctionName,
  functionProgram,
  type Method,
  type ModelFunction,
} from "../step/index.ts";
import {
  dim,
  evaluateShape,
  fillBits,
  fillNormal,
  fillUniform,
  formatShape,
  ReparamError,
  type Stream,
  type Tensor,
  type Tree,
  zeros,
} from "../tensor/index.ts";
import { writeAtomic } from "./atomic.ts";
import { compileDefinition, compileFunction } from "./compile-function.ts";
import { fillInputs, rowsOf } from "./functions.ts";
import type { ExportEntry } from "./run-folder.ts";

/** Sizes of the free axes at which every exported file is checked: B and, of `next`, tokens new and before. */
const checkedSizes = [
  { B: 1, T: 5, P: 0 },
  { B: 7, T: 1, P: 3 },
  { B: 64, T: 2, P: 1 },
] as const;
type CheckedSizes = Readonly<Record<"B" | "T" | "P", number>>;

export interface ExportFunctionsOptions {
  readonly threads?: number;
  /** Data for the check; random numbers where there is none. */
  readonly split?: Split;
  /** Goes into every file beside the function's own: data, seed, metrics, versions. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Also write the procedures that have fixed steps as one graph each, by these options. */
  readonly procedureOptions?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Writes `<function>.onnx` for every function that the method exports, after checking in ONNX Runtime that
 * the file gives the library's outputs. Only standard operators, weights as initializers by name, noise
 * and knobs as named inputs.
 */
export async function exportFunctions(
  method: Method,
  weights: Tree<Tensor>,
  folder: string,
  options: ExportFunctionsOptions = {},
): Promise<ExportEntry[]> {
  const entries: ExportEntry[] = [];
  for (const [key, definition] of exportedFunctions(method, options)) {
    const name = key as FunctionName;
    const { build, example } = functionProgram(name, definition, weights);
    const metadata = { ...options.metadata, ...describe(method, name, definition) };
    const rename = outputNames(definition);
    const model = exportModel((given) => renamed(build(given), rename), example, {
      name,
      metadata,
    });
    const maxDifference = await largestDifference(method, { name, definition }, weights, {
      model,
      options,
    });
    const file = `${name}.onnx`;
    await writeAtomic(join(folder, file), model.bytes);
    const { inputs, outputs } = model;
    entries.push({ file, bytes: model.bytes.length, inputs, outputs, maxDifference });
  }
  return entries;
}

/** What is written, by name: functions, and where options are given procedures with them. */
function exportedFunctions(
  { functions, procedures = {} }: Method,
  { procedureOptions }: ExportFunctionsOptions,
): readonly (readonly [string, ModelFunction])[] {
  const plain = Object.entries(functions).filter(([, { exported }]) => exported);
  if (procedureOptions === undefined) return plain;
  const baked = Object.entries(procedures).flatMap(([name, { baked: bake }]) =>
    bake === undefined ? [] : [[name, bake(procedureOptions)] as const],
  );
  return [...plain, ...baked];
}

/** A file's names are one space: an output called like an input gets `Out` after its name. */
const outputNames =
  ({ inputs }: FunctionDescription) =>
  (output: string): string =>
    output in inputs ? `${output}Out` : output;

const renamed = <T>(
  outputs: Readonly<Record<string, T>>,
  rename: (output: string) => string,
): Record<string, T> =>
  Object.fromEntries(Object.entries(outputs).map(([name, value]) => [rename(name), value]));

/** What the reader of the file should know of the function. */
function describe(
  method: Method,
  name: string,
  { summary, inputs }: ModelFunction,
): Record<string, string> {
  const described = Object.entries(inputs).map(([input, { dtype, shape, ...about }]) => [
    input,
    { dtype, shape: formatShape(shape), ...about },
  ]);
  return {
    method: method.name,
    function: name,
    summary,
    inputs: JSON.stringify(Object.fromEntries(described)),
    ...(method.preprocessing === undefined ? {} : { preprocessing: method.preprocessing }),
  };
}

/**
 * Largest absolute difference between a file's outputs and the library's, over three batch sizes. A procedure is run
 * step by step for it, unless it adds noise on its way, which then is an input of the file alone.
 */
async function largestDifference(
  method: Method,
  { name, definition }: { readonly name: FunctionName; readonly definition: ModelFunction },
  weights: Tree<Tensor>,
  {
    model,
    options: { threads = 2, split, procedureOptions },
  }: { readonly model: ExportedModel; readonly options: ExportFunctionsOptions },
): Promise<number> {
  const inputs = method.procedures?.[name]?.inputs;
  const stepwise = Object.keys(definition.inputs).every((input) => inputs?.[input] !== undefined);
  const compiled =
    stepwise && procedureOptions !== undefined
      ? await compileFunction(method, name, weights, { threads, options: procedureOptions })
      : await compileDefinition(name, definition, weights, { threads });
  const session = await createSession(model.bytes, { threads });
  try {
    let largest = 0;
    const [once] = checkedSizes;
    for (const sizes of freeAxis(compiled.definition) ? checkedSizes : [once]) {
      const inputs = checkInputs(name, compiled.definition, sizes, split);
      const ours = renamed(await compiled.run(inputs), outputNames(compiled.definition));
      largest = Math.max(largest, await difference(session, inputs, ours));
    }
    return largest;
  } finally {
    await session.release();
    await compiled.release();
  }
}

const freeAxis = ({ inputs }: FunctionDescription): boolean =>
  Object.values(inputs).some(({ shape }) => shape.some((size) => typeof size !== "number"));

async function difference(
  session: Session,
  inputs: Readonly<Record<string, Tensor>>,
  ours: Readonly<Record<string, Tensor>>,
): Promise<number> {
  const drawn = session.inputs.filter((name) => inputs[name] === undefined);
  if (drawn.length > 0) {
    throw new ReparamError(
      `an exported function draws its own noise (${drawn.join(", ")}). Make it an input of the function.`,
    );
  }
  const theirs = await session.run(new Map(Object.entries(inputs)));
  let largest = 0;
  for (const [name, { data, shape }] of Object.entries(ours)) {
    const other = theirs.get(name);
    if (other === undefined || formatShape(other.shape) !== formatShape(shape)) {
      return Number.POSITIVE_INFINITY;
    }
    for (let i = 0; i < data.length; i++) {
      const gap = Math.abs(Number(data[i]) - Number(other.data[i]));
      if (!(gap <= largest)) largest = gap;
    }
  }
  return largest;
}

/** Inputs for a check: data where there is some, else random numbers of the input's kind. */
function checkInputs(
  name: string,
  definition: FunctionDescription,
  { B: count, ...free }: CheckedSizes,
  split: Split | undefined,
): Record<string, Tensor> {
  const { longest = Number.POSITIVE_INFINITY } = definition;
  const T = Math.min(free.T, longest);
  const sizes = new Map(Object.entries({ B: count, T, P: Math.min(free.P, longest - T) }));
  const given: Record<string, Tensor> = {};
  const rows = split !== undefined && split.length >= count ? rowsOf(split, 0, count) : {};
  for (const [input, { dtype, shape, noise, classes, range, default: knob }] of Object.entries(
    definition.inputs,
  )) {
    if (noise !== undefined || knob !== undefined || classes !== undefined) continue;
    const row = rows[input];
    if (row !== undefined && shape[0] === dim("B")) {
      given[input] = row;
      continue;
    }
    const stream = { seed: 0, step: count, path: `check.${name}.${input}` };
    const tensor = zeros(evaluateShape(shape, sizes), dtype);
    if (input === "token") fillTokens(tensor, split);
    else if (range !== undefined) fillBetween(tensor, stream, range);
    else fillRandom(tensor, stream);
    given[input] = tensor;
  }
  return fillInputs(name, definition, given, { count });
}

function fillRandom({ data }: Tensor, stream: Stream): void {
  if (data instanceof Float32Array || data instanceof Float64Array) {
    fillNormal(data, stream);
  } else if (data instanceof Uint8Array) {
    const bits = new Uint32Array(data.length);
    fillBits(bits, stream);
    data.set(bits);
  }
}

function fillBetween(
  { data }: Tensor,
  stream: Stream,
  [least, most]: readonly [number, number],
): void {
  if (!(data instanceof Float32Array)) return;
  fillUniform(data, stream);
  for (const [i, share] of data.entries()) data[i] = least + share * (most - least);
}

/** Tokens of the split again and again; those of id 0 where it has none. */
function fillTokens(tensor: Tensor, split: Split | undefined): void {
  const { tokens } = split?.columns ?? {};
  if (tokens === undefined || split === undefined || split.length === 0) return;
  const { data } = readRows(tokens, 0, 1);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = data[i % data.length] as never;
}
