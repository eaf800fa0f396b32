// Correlated normal pairs of known information, drawn inside of the training step.
import { sqrt } from "reparam/ops";
import { type Key, normal, type Value } from "reparam/trace";

/** What is done to y; neither changes the information. */
export type Variant = "gaussian" | "cubed";

/** Elements of x and of y; element i of y is correlated with element i of x alone. */
export const size = 20;

/** ρ at which `size` correlated pairs have so many nats: I = −size/2 · log(1 − ρ²). */
export const correlation = (nats: number): number => Math.sqrt(1 - Math.exp((-2 * nats) / size));

/** y in place of a normal number of variance 1, of variance 1 again. */
const shaped = (y: Value, variant: Variant): Value =>
  variant === "gaussian"
    ? y
    : y
        .square()
        .mul(y)
        .mul(1 / Math.sqrt(15));

/** x and y, [B, size] each. */
export function drawPairs(
  key: Key,
  { batchSize, variant, rho }: { batchSize: number; variant: Variant; rho: Value },
): { readonly x: Value; readonly y: Value } {
  const x = normal(key.at("x"), [batchSize, size]);
  const noise = normal(key.at("noise"), [batchSize, size]);
  const y = x.mul(rho).add(noise.mul(sqrt(rho.square().neg().add(1))));
  return { x, y: shaped(y, variant) };
}
