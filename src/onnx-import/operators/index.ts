import type { Operators } from "../call.ts";
import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { attentions } from "./attention.ts";
import { convolutions } from "./convolutions.ts";
import { losses } from "./losses.ts";
import { matrices } from "./matrices.ts";
import { movement } from "./movement.ts";
import { norms } from "./norms.ts";
import { pools } from "./pools.ts";
import { quantization } from "./quantization.ts";
import { recurrent } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { resizing } from "./resizing.ts";
import { selection } from "./selection.ts";
import { sources } from "./sources.ts";

/** The rule of every operator that can be imported, by its ONNX name. */
export const operators: Operators = {
  ...activations,
  ...arithmetic,
  ...attentions,
  ...convolutions,
  ...losses,
  ...matrices,
  ...movement,
  ...norms,
  ...pools,
  ...quantization,
  ...recurrent,
  ...reductions,
  ...resizing,
  ...selection,
  ...sources,
};
