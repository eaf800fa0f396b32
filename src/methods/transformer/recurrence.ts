/**
 * Segment recurrence: Dai et al., "Transformer-XL: attentive language models beyond a fixed-length context" (2019),
 * section 3.2.
 *
 *   h̃ᵢ(s) = [SG(hᵢ₋₁(s − 1)) ∘ hᵢ₋₁(s)],   keys and values of layer i from h̃ᵢ(s), queries from hᵢ₋₁(s)
 *
 * The memory of a layer is what enters it, in the segments before: no gradient flows into it. A layer's input is
 * known for all segments before the layer is computed for any, so segments of a text are rows of one batch here,
 * and the recurrence costs no step of its own. x [R, S·T, width]: R texts of S segments of T positions.
 */
import type { Scope } from "../../nn/index.ts";
import { concat, full, greater, reshape, slice, stopGradient } from "../../ops/index.ts";
import { addSize, mulSize, type Size } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { type Network, runLayers } from "./network.ts";
import type { NetworkSizes } from "./options.ts";

export interface Recurrence {
  /** Positions of a segment, T. */
  readonly segment: number;
  /** Positions before a segment that are remembered, M. */
  readonly memory: number;
}

/** Hidden states [R, S·T, width] of embedded texts x [R, S·T, width], a segment after the other. */
export function recurrentStates(
  network: Network,
  x: Value,
  sizes: NetworkSizes,
  recurrence: Recurrence & { readonly count: Size },
  scope?: Scope,
): Value {
  const { segment, memory, count } = recurrence;
  const [R, , width] = x.shape as [Size, Size, number];
  const rows = mulSize(R, count);
  const asRows = (y: Value): Value => reshape(y, [rows, y.size(2), y.size(3)]);
  const asSegments = (y: Value): Value => reshape(y, [R, count, segment, width]);
  const remember = (y: Value): Value =>
    asRows(memoryOf(stopGradient(asSegments(y)), segment, memory));
  const there = memory === 0 ? undefined : presence(R, count, { segment, memory });
  const { y } = runLayers(
    network,
    reshape(x, [rows, segment, width]),
    sizes,
    (_i, input) => ({
      mask: "causal",
      offset: memory,
      ...(there && { memory: concat([remember(input), input], 1), visible: there }),
    }),
    scope,
  );
  return reshape(y, [R, mulSize(count, segment), width]);
}

/** The M positions before every segment, zeros before the first: [R, S, T, width] → [R, S, M, width]. */
function memoryOf(x: Value, segment: number, memory: number): Value {
  const parts: Value[] = [];
  for (let back = Math.ceil(memory / segment); back > 0; back--) {
    const wanted = Math.min(segment, memory - (back - 1) * segment);
    parts.push(slice(earlier(x, back), 2, segment - wanted));
  }
  return concat(parts, 2);
}

/** Segments s − back in place of segments s, along axis 1. */
function earlier(x: Value, back: number): Value {
  const [R, count, ...rest] = x.shape as [Size, Size, ...Size[]];
  return slice(concat([full([R, back, ...rest], 0, x.dtype), x], 1), 1, 0, count);
}

/** Which keys are there, bool [R·S, 1, 1, M + T]: a memory reaches back to the beginning of the text. */
function presence(R: Size, count: Size, { segment, memory }: Recurrence): Value {
  const ones = full([R, count, segment, 1], 1);
  const seen = concat([memoryOf(ones, segment, memory), ones], 2);
  return greater(reshape(seen, [mulSize(R, count), 1, 1, addSize(memory, segment)]), 0);
}
