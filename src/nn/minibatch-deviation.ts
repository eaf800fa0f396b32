import { broadcastTo, concat, mean, reshape, sqrt } from "../ops/index.ts";
import { formatShape, ShapeError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";

/**
 * Adds a channel that holds, at every place of every row, how much the rows of the batch differ: the standard
 * deviation over the batch, averaged over channels and positions. A discriminator sees by it when a generator makes
 * little variety (Karras, Aila, Laine, Lehtinen 2018, section 3). x [B, C, H, W] → [B, C + 1, H, W]; the batch is
 * one group.
 */
export function minibatchDeviation(x: Value, { epsilon = 1e-8 } = {}): Value {
  if (x.rank !== 4) {
    throw new ShapeError(
      "minibatchDeviation",
      `x must be [batch, channels, height, width], got ${formatShape(x.shape)}.`,
    );
  }
  const centred = x.sub(mean(x, 0, { keepDims: true }));
  const deviation = sqrt(mean(centred.square(), 0).add(epsilon));
  const [batch, , height, width] = x.shape as [Value["shape"][0], unknown, number, number];
  const channel = broadcastTo(reshape(mean(deviation), [1, 1, 1, 1]), [
    batch as number,
    1,
    height,
    width,
  ]);
  return concat([x, channel], 1);
}
