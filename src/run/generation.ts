import { createSession, exportModel, type Session } from "../onnx/index.ts";
import { functionOf, functionProgram, type Method, type ModelFunction } from "../step/index.ts";
import {
  evaluateShape,
  fillUniform,
  ReparamError,
  type Tensor,
  type Tree,
  zeros,
} from "../tensor/index.ts";
import type { Tokenizer } from "../text/index.ts";
import { checkSampling, type SamplingOptions, sampleToken } from "./sampling.ts";

export interface GenerationOptions extends SamplingOptions {
  /** Most tokens to add; the token for the end of a text ends it before. Default 200. */
  readonly tokens?: number;
  /** Of the choice of tokens. Default 0. */
  readonly seed?: number;
}

/** A model that continues texts, loaded for one text at a time. */
export interface Generator {
  /** Ids that follow those of a prompt, each as soon as it is known. */
  tokens(prompt: readonly number[], options?: GenerationOptions): AsyncGenerator<number>;
  /** The continuation of a text, in pieces of whole characters. */
  text(prompt: string, options?: GenerationOptions): AsyncGenerator<string>;
  /** Most tokens that the model sees at once; older ones are forgotten beyond it. */
  readonly longest: number;
  release(): Promise<void>;
}

/**
 * Loads a method's function `next` for generation. What the layers need of earlier tokens is kept, so that a
 * token costs one pass over it alone. A text beyond `longest` goes on from the later half of what the model
 * saw. Throws if the method has no such function.
 */
export async function openGenerator(
  method: Method,
  weights: Tree<Tensor>,
  tokenizer: Tokenizer,
  { threads = 2 }: { readonly threads?: number } = {},
): Promise<Generator> {
  const definition = functionOf(method, "next");
  const { build, example } = functionProgram("next", definition, weights);
  // As an exported file the weights are constants, which the runtime puts in order once.
  const { bytes } = exportModel(build, example, { name: "next" });
  const session = await createSession(bytes, { threads });
  const { longest = Number.POSITIVE_INFINITY } = definition;
  const tokens = (prompt: readonly number[], options: GenerationOptions = {}) =>
    continued({ session, definition, longest }, startOf(prompt, tokenizer), tokenizer, options);
  return {
    tokens,
    async *text(prompt, options) {
      const decoder = tokenizer.decoder();
      for await (const id of tokens(tokenizer.encode(prompt), options)) {
        const piece = decoder.push(id);
        if (piece !== "") yield piece;
      }
      const rest = decoder.end();
      if (rest !== "") yield rest;
    },
    longest,
    release: () => session.release(),
  };
}

/** Without a prompt a text begins where another one ends. */
function startOf(prompt: readonly number[], { vocabulary, special }: Tokenizer): readonly number[] {
  const strange = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary));
  if (strange !== undefined) {
    throw new ReparamError(`there is no token ${strange}: ids are 0 to ${vocabulary - 1}.`);
  }
  return prompt.length === 0 ? [special.end] : prompt;
}

interface Loaded {
  readonly session: Session;
  readonly definition: ModelFunction;
  readonly longest: number;
}

async function* continued(
  loaded: Loaded,
  prompt: readonly number[],
  { special }: Tokenizer,
  { tokens: most = 200, seed = 0, ...sampling }: GenerationOptions,
): AsyncGenerator<number> {
  checkSampling(sampling);
  const { longest } = loaded;
  const written = [...prompt];
  let past = emptyPast(loaded.definition);
  let seen = 0;
  let fresh: readonly number[] = written.slice(-longest);
  for (let count = 0; count < most; count++) {
    if (seen + fresh.length > longest) {
      past = emptyPast(loaded.definition);
      fresh = written.slice(-Math.max(1, Math.floor(longest / 2)));
      seen = 0;
    }
    const outputs = await loaded.session.run(feedsOf(past, fresh));
    seen += fresh.length;
    past = presentOf(outputs);
    const logits = outputs.get("logits") as Tensor;
    const uniform = new Float64Array(1);
    fillUniform(uniform, { seed, step: count, path: "generate" });
    const data = logits.data as Float32Array;
    const id = sampleToken(data, uniform[0] as number, sampling, written);
    if (id === special.end) return;
    written.push(id);
    fresh = [id];
    yield id;
  }
}

type Past = ReadonlyMap<string, Tensor>;

/** Nothing before the first token: every axis but the positions has its size. */
function emptyPast({ inputs }: ModelFunction): Past {
  const sizes = new Map([
    ["B", 1],
    ["P", 0],
  ]);
  const names = Object.entries(inputs).filter(([name]) => name.startsWith("past"));
  return new Map(
    names.map(([name, { dtype, shape }]) => [name, zeros(evaluateShape(shape, sizes), dtype)]),
  );
}

const feedsOf = (past: Past, ids: readonly number[]): ReadonlyMap<string, Tensor> =>
  new Map([
    ...past,
    ["token", { dtype: "int32", shape: [1, ids.length], data: Int32Array.from(ids) }],
  ]);

/** What a call gave for the next one: presentKeys0 is its pastKeys0. */
function presentOf(outputs: ReadonlyMap<string, Tensor>): Past {
  const past = new Map<string, Tensor>();
  for (const [name, tensor] of outputs) {
    if (name.startsWith("present")) past.set(name.replace("present", "past"), tensor);
  }
  return past;
}
