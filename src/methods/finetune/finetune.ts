/**
 * Fine-tuning of a model that was read from an ONNX file: all weights or some of them, with learning rates by name, a
 * new last layer, or low-rank adapters (Hu et al., "LoRA: low-rank adaptation of large language models", 2022):
 *
 *   h = W₀x + (α/r)·B A x,   A [r, m] ~ N(0, 1/m), B [n, r] = 0 at the start                        (equation 3)
 *
 * Batch normalization keeps the statistics of the file, dropout does nothing. Exports have the adapters added to the
 * weights, and the inputs and outputs of the file.
 */
import { initLinear, type LinearParams, linear } from "../../nn/index.ts";
import type { ImportedModel } from "../../onnx-import/index.ts";
import { flatten, mean } from "../../ops/index.ts";
import { adamW, type Optimizer, onlyPaths, parallel } from "../../optim/index.ts";
import {
  type DataShape,
  defineMethod,
  gradientStep,
  type Method,
  type ModelFunction,
} from "../../step/index.ts";
import { elementCount, formatShape, ReparamError, type Tree } from "../../tensor/index.ts";
import { type Key, trace, type Value } from "../../trace/index.ts";
import { type Adapter, adapted, adaptedNames, initAdapters, stored } from "./adapters.ts";
import { type InputRule, inputRule } from "./inputs.ts";
import { lossName, type RowFigures, rowFigures } from "./losses.ts";
import { type Options, options, patternFilter } from "./options.ts";

/** What is trained, and what is kept beside it. Parts that a model has none of are absent. */
type Params = {
  readonly base: Readonly<Record<string, Value>>;
  readonly statistics?: Readonly<Record<string, Value>>;
  readonly adapters?: Readonly<Record<string, Adapter>>;
  readonly head?: LinearParams;
};

function create(o: Options, data: DataShape): Method {
  const model = data.importedModel;
  if (model === undefined) {
    throw new ReparamError(
      "finetune wants a model beside the data set: reparam finetune MODEL.onnx --data NAME",
    );
  }
  const rule = inputRule(model, data, o);
  const names = adaptedNames(model, o);
  const output = outputName(model, o);
  const score = (params: Params, input: Value): Value => {
    const weights = {
      params: adapted(params.base, params.adapters, o),
      buffers: params.statistics ?? {},
    };
    const inputs = { [rule.name]: input, ...rule.others(input) };
    const y = model.apply(weights, inputs, [output])[output] as Value;
    return params.head === undefined ? y : linear(params.head, y.rank === 2 ? y : flatten(y));
  };
  const paths = trainedPaths(o, model, names);
  const figures = rowFigures[lossName(o, rule, data)];
  const init = (key: Key): Params => ({
    base: stored(model.weights.params),
    statistics: stored(model.weights.buffers),
    adapters: initAdapters(key.at("lora"), model, names, o.loraRank),
    ...(o.newHead && {
      head: initHead(key.at("head"), model, output, { rule, data, unnamed: o.classes }),
    }),
  });
  const batch = {
    [rule.column]: data.columns[rule.column] as DataShape["columns"][string],
    ...(data.columns.label !== undefined && { label: data.columns.label }),
  };
  return {
    name: "finetune",
    phases: [
      gradientStep<Params>({
        ...{ batch, init, frozen: (path) => !paths.includes(path) },
        loss: (params, rows) => {
          const input = rule.of(rows[rule.column] as Value);
          const { loss, ...rest } = figures(score(params, input), input, rows);
          const means = Object.entries(rest).map(([name, value]) => [name, mean(value)]);
          return { loss: mean(loss), ...(Object.fromEntries(means) as Record<string, Value>) };
        },
        optimizer: optimizerOf(o, paths),
      }),
    ],
    weights: (state) => {
      const { params } = state as unknown as { readonly params: Params };
      const { adapters, ...rest } = params;
      return { ...rest, base: adapted(params.base, adapters, o) } as unknown as Tree<Value>;
    },
    functions: functionsOf({ rule, figures, score, output, batch }),
    ...(model.metadata.preprocessing === undefined
      ? {}
      : { preprocessing: model.metadata.preprocessing }),
  };
}

function outputName({ outputs, file }: ImportedModel, { output }: Options): string {
  const made = file.graph.nodes.flatMap((node) => node.outputs);
  const name = output === "" ? (Object.keys(outputs)[0] as string) : output;
  if (made.includes(name)) return name;
  throw new ReparamError(
    `finetune: the model makes no "${name}". Its outputs are ${Object.keys(outputs).join(", ")}; reparam inspect lists all tensors.`,
  );
}

/** A linear layer from the output, all of its axes in one, to the classes of the data. */
function initHead(
  key: Key,
  model: ImportedModel,
  output: string,
  {
    rule,
    data,
    unnamed,
  }: { readonly rule: InputRule; readonly data: DataShape; readonly unnamed: number },
): LinearParams {
  const classes = data.columns.label && (data.classes?.length ?? unnamed);
  if (classes === undefined)
    throw new ReparamError("finetune: --new-head wants data with classes.");
  const traced = trace(
    ({ input, weights }) =>
      model.apply(weights, { [rule.name]: input, ...rule.others(input) }, [output]),
    { input: rule.spec, weights: model.weights },
  );
  const { shape } = traced.outputs[output] as Value;
  const features = shape.slice(1);
  if (!features.every((size) => typeof size === "number")) {
    throw new ReparamError(
      `finetune: --new-head wants an output of fixed size, "${output}" is ${formatShape(shape)}.`,
    );
  }
  return initLinear(key, elementCount(features as number[]), classes);
}

/**
 * Paths of what is trained, which begin with their part of the parameters: base.NAME, adapters.NAME.a, head.weight.
 * @throws ReparamError where --train names no weight.
 */
function trainedPaths(o: Options, { weights }: ImportedModel, names: readonly string[]): string[] {
  const everything = o.lora === "" ? "*" : "";
  const none = o.train === "none" && (o.newHead || o.lora !== "");
  const chosen = patternFilter(none ? "" : o.train || everything);
  const known = Object.keys(weights.params);
  const trained = known.filter((name) => chosen(name) && !names.includes(name));
  if (o.train !== "" && !none && trained.length === 0) {
    throw new ReparamError(
      `finetune: --train ${o.train} names no weight. There are: ${known.join(", ")}.`,
    );
  }
  return [
    ...trained.map((name) => `base.${name}`),
    ...names.flatMap((name) => [`adapters.${name}.a`, `adapters.${name}.b`]),
    ...(o.newHead ? ["head.weight", "head.bias"] : []),
  ];
}

/** Every rate has its weights: those of --rates, the new layer, and the others. */
function optimizerOf(o: Options, paths: readonly string[]): Optimizer {
  const special = o.rates.split(",").flatMap((part) => {
    if (part.trim() === "") return [];
    const [pattern = "", rate = ""] = part.split("=");
    const learningRate = Number(rate);
    if (!(learningRate > 0)) {
      throw new ReparamError(
        `finetune: --rates ${part}: write PATTERN=RATE, such as encoder*=1e-5.`,
      );
    }
    const fits = patternFilter(pattern);
    return [{ learningRate, of: (path: string) => fits(path.replace(/^(base|adapters)\./, "")) }];
  });
  const groups = [
    ...special,
    { learningRate: o.headLearningRate, of: (path: string) => path.startsWith("head.") },
    { learningRate: o.learningRate, of: () => true },
  ];
  const first = (path: string): number => groups.findIndex(({ of }) => of(path));
  const used = groups.map((group, i) => ({ ...group, mine: (path: string) => first(path) === i }));
  return parallel(
    ...used
      .filter(({ mine }) => paths.some(mine))
      .map(({ mine, learningRate }) =>
        onlyPaths(mine, adamW({ learningRate, weightDecay: o.weightDecay })),
      ),
  );
}

function functionsOf({
  rule,
  figures,
  score,
  output,
  batch,
}: {
  readonly rule: InputRule;
  readonly figures: RowFigures;
  readonly score: (params: Params, input: Value) => Value;
  readonly output: string;
  readonly batch: DataShape["columns"];
}): Method["functions"] {
  const paramsOf = (weights: Tree<Value>): Params => weights as unknown as Params;
  const predict: ModelFunction = {
    summary: "the model's output, with its weights as they are trained",
    inputs: { [rule.name]: rule.spec },
    exported: true,
    build: (weights, inputs) => ({
      [output]: score(paramsOf(weights), inputs[rule.name] as Value),
    }),
  };
  const evaluate: ModelFunction = {
    summary: "the loss of each row, and whether its class or tokens are right",
    inputs: batch,
    exported: false,
    build: (weights, rows) => {
      const input = rule.of(rows[rule.column] as Value);
      return figures(score(paramsOf(weights), input), input, rows);
    },
  };
  return { predict, evaluate };
}

export const finetune = defineMethod({
  name: "finetune",
  summary: "Training of a model read from an ONNX file, or of low-rank adapters to it",
  paper:
    "Hu et al., LoRA: low-rank adaptation of large language models (2022), equation 3, for the adapters",
  options,
  training: { batchSize: 64, epochs: 3, data: "mnist" },
  create,
});
