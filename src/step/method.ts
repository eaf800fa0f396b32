import type { Scope } from "../nn/index.ts";
import type { ImportedModel } from "../onnx-import/index.ts";
import type { Tensor, TensorSpec, Tree } from "../tensor/index.ts";
import type { SpecialTokens } from "../text/index.ts";
import type { Key, Value } from "../trace/index.ts";
import type { HuggingFaceModel } from "./hugging-face.ts";
import type { Portrait } from "./portrait.ts";
import type { Procedure } from "./procedure.ts";

/** Column name → tensor: one batch of data on the host. */
export type Batch = Readonly<Record<string, Tensor>>;

/** Column name → spec, with a free batch axis. */
export type BatchSpec = Readonly<Record<string, TensorSpec>>;

/** What a program is given besides its scope: the state, and whatever the iteration passes in. */
export interface ProgramInputs {
  readonly state: Tree<Value>;
  readonly [name: string]: Tree<Value>;
}

/** What a program returns: the next state, and scalar metrics or other values for the host. */
export interface ProgramOutputs {
  readonly state: Tree<Value>;
  readonly [name: string]: Tree<Value>;
}

/** A program of a phase: traced once, then run as often as the iteration asks. */
export interface PhaseProgram {
  /** Inputs besides the state, for example `{ batch: batchSpec }`. */
  readonly inputs: Readonly<Record<string, Tree<TensorSpec>>>;
  readonly build: (inputs: ProgramInputs, scope: Scope) => ProgramOutputs;
}

/** Scalars by name, as logged. `loss` comes first where there is one. */
export type Metrics = Readonly<Record<string, number>>;

/** What one iteration of a phase can do. Everything it does is repeatable from a checkpoint. */
export interface Iteration {
  /** 0-based count in this phase. */
  readonly index: number;
  /** The next training batch; epochs follow each other without a gap. */
  next(): Batch;
  /** Every batch of one pass through the training data, the last short one included. */
  epoch(): Iterable<Batch>;
  /** Runs a program on the phase's state, which moves on; returns its other outputs on the host. */
  run(
    program: string,
    inputs: Readonly<Record<string, Tree<Tensor>>>,
  ): Promise<Record<string, Tree<Tensor>>>;
}

/**
 * A stretch of training with one shape of state. Its iteration says which programs run on which data:
 * one program on one batch is the default; EM accumulates over an epoch and then updates; a GAN runs its
 * discriminator's program several times for one of its generator's; a host function may stand between two.
 */
export interface Phase {
  readonly name: string;
  /** The initial state; a later phase is given the final state of the one before. */
  readonly init: (key: Key, previous: Tree<Value> | undefined) => Tree<Value>;
  readonly programs: Readonly<Record<string, PhaseProgram>>;
  /** Default: runs the only program on the next batch, and returns its `metrics`. */
  readonly iterate?: (iteration: Iteration) => Promise<Metrics>;
  /** Ends the phase before its count of iterations is over. Sees the metrics of every iteration so far. */
  readonly done?: (history: readonly Metrics[]) => boolean;
  /** Length of the phase where the method decides it; else the run's settings do. */
  readonly iterations?: number;
  /**
   * Rows come in the order of the data after the first iteration: neighbours in memory are read much faster.
   * For phases that only add over whole passes. Default: a new random order in every epoch.
   */
  readonly inOrder?: boolean;
  /**
   * How the weights of this phase's state are sampled, where the method's own function does not fit: networks that
   * grow. Such a phase leaves a picture when it ends.
   */
  readonly sample?: ModelFunction;
}

/** An input of a model function: data, or something the caller may leave to chance or to a default. */
export interface FunctionInput extends TensorSpec {
  /** Filled with random numbers of this law where the caller gives none. */
  readonly noise?: "normal" | "uniform";
  /** Filled with this number where the caller gives none. */
  readonly default?: number;
  /** Class numbers [B] below this: 0, 1, … in turn where the caller gives none, or one for all rows as a scalar. */
  readonly classes?: number;
  /** Integers must be from 0 to this less one; with several, those of each place of the last axis. */
  readonly below?: number | readonly number[];
  /** Numbers must be from the first to the second of these. */
  readonly range?: readonly [least: number, most: number];
  readonly description?: string;
}

/** What the tools know of something that a trained model can do. */
export interface FunctionDescription {
  readonly summary: string;
  readonly inputs: Readonly<Record<string, FunctionInput>>;
  /** Width of the grid that its images are meant to be shown in. */
  readonly columns?: number;
  /** Rows of data that go through it together: fewer save memory. 256 by default, 16 of `bound`. */
  readonly rowsAtOnce?: number;
  /** Of `evaluate`: the size of the codebook of outputs that are tokens. */
  readonly outputBelow?: Readonly<Record<string, number>>;
  /** Of `next`: most positions that it may see, earlier ones included; any number if absent. */
  readonly longest?: number;
}

/**
 * Something a trained model can do: sample, encode, decode, reconstruct, evaluate. The same function is
 * run here and exported to ONNX; noise and knobs are inputs, so that any runtime can drive it.
 */
export interface ModelFunction extends FunctionDescription {
  readonly build: (
    weights: Tree<Value>,
    inputs: Readonly<Record<string, Value>>,
    scope: Scope,
  ) => Readonly<Record<string, Value>>;
  /** Written by `export`. Functions that only serve evaluation are not. */
  readonly exported: boolean;
}

/** Model functions that the tools know by name; a method offers those it can. */
export type FunctionName =
  | "sample"
  | "encode"
  | "decode"
  | "reconstruct"
  | "evaluate"
  | "predict"
  | "bound"
  | "traverse"
  | "next"
  | "fill"
  | "map"
  | "synthesize"
  | "denoise"
  | "likelihood"
  | "interpolate"
  | "inpaint";

/** A method made for one kind of data: what trains, and what the result can do. */
export interface Method {
  readonly name: string;
  readonly phases: readonly Phase[];
  /** The part of the last phase's state that the functions read. */
  readonly weights: (state: Tree<Value>) => Tree<Value>;
  readonly functions: Readonly<Partial<Record<FunctionName, ModelFunction>>>;
  /**
   * Between `image` and real `latent`, [B, D] or [B, C, h, w], where the method has such latents: what a model of
   * latents is trained on. A tokenizer's are vectors before they are quantized, which its decoder does.
   */
  readonly latents?: { readonly encode: ModelFunction; readonly decode: ModelFunction };
  /** What takes many runs of a graph, by the names of functions: the tools use both alike. */
  readonly procedures?: Readonly<Partial<Record<FunctionName, Procedure>>>;
  /** The model for Hugging Face's libraries, if it is of a kind that they know. Throws if its options are not. */
  readonly huggingFace?: (weights: Tree<Tensor>) => HuggingFaceModel;
  /** Sentences that a person who uses its functions should read. */
  readonly notes?: readonly string[];
  /** Written into exports: how inputs are to be prepared. */
  readonly preprocessing?: string;
  /** Parameters, drawings and notes of a finished training, from the metrics that each phase logged. */
  readonly portrait?: (weights: Tree<Tensor>, history: readonly (readonly Metrics[])[]) => Portrait;
}

/** A trained method that turns images into codes, which are tokens or latents, and back. */
export interface Autoencoder {
  readonly method: Method;
  readonly weights: Tree<Tensor>;
  /** Of latents: mean and standard deviation of each number [D], or channel [C] of a grid, over the training images. */
  readonly moments?: { readonly mean: readonly number[]; readonly deviation: readonly number[] };
}

/** What a method is told of the data it will see. */
export interface DataShape {
  readonly columns: BatchSpec;
  readonly trainSize: number;
  readonly batchSize: number;
  readonly classes: readonly string[] | undefined;
  /** Names of the entries of a column: the features of `x`, the terms of `counts`. */
  readonly names?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Of text, whose column is `tokens` int32 [B, context + 1]: ids are 0 … vocabulary − 1. */
  readonly vocabulary?: number | undefined;
  /** Of text: ids of the tokens that stand for no characters. They are the last ones. */
  readonly special?: SpecialTokens | undefined;
  /**
   * Of images as codes: what made these. The column is `tokens` int32 [B, h, w], or `latent` float32 [B, D] or
   * [B, C, h, w], standardised by its moments.
   */
  readonly autoencoder?: Autoencoder | undefined;
  /** Of a training that begins with a model read from an ONNX file. */
  readonly importedModel?: ImportedModel | undefined;
}
