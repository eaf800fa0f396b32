import type { ImportedModel } from "../../onnx-import/index.ts";
import { cast, concat, flatten, slice } from "../../ops/index.ts";
import type { DataShape } from "../../step/index.ts";
import { dim, formatShape, ReparamError, type Size, type TensorSpec } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import type { Options } from "./options.ts";

/** How rows of the data become the input of the model. */
export interface InputRule {
  /** Column of the data. */
  readonly column: "image" | "tokens" | "x";
  /** Name of the model's input, and what it takes, with the batch as its free axis B. */
  readonly name: string;
  readonly spec: TensorSpec;
  /** The input from a column; of windows of tokens all but the last. */
  readonly of: (column: Value) => Value;
  /** Inputs that follow from the first: masks of ones, segments of zeros. */
  readonly others: (input: Value) => Readonly<Record<string, Value>>;
}

const [B, T] = [dim("B"), dim("T")];

/** Inputs that a text model may have besides its tokens, and the number that fills them. */
const fillers: Readonly<Record<string, number>> = { attention_mask: 1, token_type_ids: 0 };

/** @throws ReparamError where the data and the model's input do not fit. */
export function inputRule(model: ImportedModel, data: DataShape, o: Options): InputRule {
  const names = Object.keys(model.inputs);
  const rest = names.slice(1).filter((name) => fillers[name] === undefined);
  const [name] = names;
  if (name === undefined || rest.length > 0) {
    throw new ReparamError(
      `finetune: the model has the inputs ${names.join(", ")}; one is fed, with attention_mask and token_type_ids. Take the others out of it first.`,
    );
  }
  const input = model.inputs[name] as TensorSpec;
  const others = (first: Value): Record<string, Value> =>
    Object.fromEntries(
      names.slice(1).map((other) => {
        const { dtype } = model.inputs[other] as TensorSpec;
        return [
          other,
          cast(first, dtype)
            .mul(0)
            .add(fillers[other] as number),
        ];
      }),
    );
  const { image, tokens, x } = data.columns;
  const common = { name, others };
  if (tokens !== undefined && input.shape.length === 2 && !input.dtype.startsWith("float")) {
    const spec: TensorSpec = { dtype: input.dtype, shape: [B, T] };
    const context = (tokens.shape[1] as number) - 1;
    return {
      ...{ ...common, column: "tokens", spec },
      of: (windows) => cast(slice(windows, 1, 0, context), input.dtype),
    };
  }
  if (image !== undefined) return { ...common, ...imageRule(input, image, o) };
  if (x !== undefined && input.shape.length === 2) {
    const spec: TensorSpec = { dtype: input.dtype, shape: [B, ...input.shape.slice(1)] };
    return { ...common, column: "x", spec, of: (rows) => cast(rows, input.dtype) };
  }
  throw new ReparamError(
    `finetune: the model takes ${input.dtype}${formatShape(input.shape)} as "${name}", for which the data have no column.`,
  );
}

/** Bytes [B, C, H, W] as they are, or as numbers; one channel stands for three, and a vector is an image row by row. */
function imageRule(
  input: TensorSpec,
  image: TensorSpec,
  { mean, std }: Options,
): Pick<InputRule, "column" | "spec" | "of"> {
  const [, channels, ...plane] = input.shape;
  const [, given, ...size] = image.shape as readonly Size[];
  const flat = input.shape.length === 2;
  const fits =
    flat ||
    (input.shape.length === 4 &&
      plane.every((n, i) => typeof n !== "number" || n === size[i]) &&
      (channels === given || (channels === 3 && given === 1)));
  if (!fits) {
    throw new ReparamError(
      `finetune: the model takes ${input.dtype}${formatShape(input.shape)}, the images are ${formatShape(image.shape.slice(1))}. Load them with --image-size or --channels.`,
    );
  }
  const shape = flat ? input.shape.slice(1) : [channels as Size, ...size];
  return {
    column: "image",
    spec: { dtype: input.dtype, shape: [B, ...shape] },
    of: (bytes) => {
      const pixels =
        input.dtype === "uint8" ? bytes : cast(bytes, input.dtype).div(255).sub(mean).div(std);
      const colours = channels === given || flat ? pixels : concat([pixels, pixels, pixels], 1);
      return flat ? flatten(colours) : colours;
    },
  };
}
