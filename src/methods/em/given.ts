// Parameters that the user gives as JSON.
import {
  elementCount,
  ReparamError,
  type Tensor,
  type TensorSpec,
  tensor,
} from "../../tensor/index.ts";
import type { Named } from "./model.ts";

/**
 * Parameters by name from the text of a JSON object, whose other entries are left alone: the text of a run's
 * `parameters.json` will do. Arrays may be nested or flat. Throws, saying what is wanted, where the text is no
 * JSON or a parameter is missing or does not fit.
 */
export function givenParameters(
  method: string,
  text: string,
  wanted: Named<TensorSpec>,
): Record<string, Tensor> {
  const parsed = parse(method, text);
  return Object.fromEntries(
    Object.entries(wanted).map(([name, { shape }]) => [
      name,
      givenNumbers(`${method}: given ${name}`, parsed[name], shape as readonly number[]),
    ]),
  );
}

function parse(method: string, text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ReparamError(
      `${method}: parameters is not JSON: ${(error as Error).message}. Give an object, or @FILE on the command line.`,
    );
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw new ReparamError(`${method}: parameters must be a JSON object, got ${text.slice(0, 30)}.`);
}

function givenNumbers(what: string, values: unknown, shape: readonly number[]): Tensor {
  const wanted = `[${shape.join(", ")}] finite numbers`;
  if (values === undefined) throw new ReparamError(`${what} are missing; wanted are ${wanted}.`);
  const flat = [values].flat(Number.POSITIVE_INFINITY) as unknown[];
  const bad = flat.find((value) => typeof value !== "number" || !Number.isFinite(value));
  if (bad !== undefined || flat.length !== elementCount(shape)) {
    const got = bad === undefined ? `${flat.length} of them` : JSON.stringify(bad);
    throw new ReparamError(`${what} must be ${wanted}, got ${got}.`);
  }
  return tensor(Float64Array.from(flat as number[]), shape);
}

/** Throws unless the rows of given probabilities are at least 0 and sum to 1. */
export function checkShares(method: string, name: string, { data, shape }: Tensor): void {
  const size = shape.at(-1) as number;
  const values = data as Float64Array;
  for (let at = 0; at < values.length; at += size) {
    const row = values.subarray(at, at + size);
    const total = row.reduce((sum, value) => sum + value, 0);
    if (Math.abs(total - 1) <= 1e-6 && row.every((value) => value >= 0)) continue;
    throw new ReparamError(
      `${method}: given ${name} must be at least 0 and sum to 1, got a sum of ${total}.`,
    );
  }
}
