import { z } from "zod";
import { definitionOf, type EstimatorName } from "../estimators/index.ts";
import { schedules } from "../optim/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";

const temperature = z.number().positive("must be above 0");

/** Options of the temperature τ of relaxed samples, which falls from step to step. */
export const temperatureOptions = (preset: {
  readonly start?: number;
  readonly floor: number;
  readonly decay: number;
}) => ({
  temperature: temperature
    .default(preset.start ?? 1)
    .describe("of Gumbel-softmax at the first step"),
  temperatureFloor: temperature
    .default(preset.floor)
    .describe("the temperature does not fall below this"),
  temperatureDecay: z
    .number()
    .positive()
    .max(1)
    .default(preset.decay)
    .describe("the temperature is multiplied by this at every step; 1 keeps it"),
});

export interface TemperatureOptions {
  readonly temperature: number;
  readonly temperatureFloor: number;
  readonly temperatureDecay: number;
}

/** max(floor, start·decayᵗ) at step t. */
export function temperatureSchedule(o: TemperatureOptions): (step: Value) => Value {
  if (o.temperatureFloor > o.temperature) {
    throw new ReparamError(
      `temperatureFloor ${o.temperatureFloor} is above temperature ${o.temperature}. Lower the floor.`,
    );
  }
  return schedules.exponential({
    start: o.temperature,
    rate: o.temperatureDecay,
    floor: o.temperatureFloor,
  });
}

/** The same for an estimator that has a temperature; none for others. */
export function temperatureOf(
  o: TemperatureOptions & { readonly estimator: EstimatorName },
): ((step: Value) => Value) | undefined {
  const schedule = temperatureSchedule(o);
  return definitionOf(o.estimator).options.includes("temperature") ? schedule : undefined;
}
