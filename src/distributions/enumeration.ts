import { broadcastTo, constant } from "../ops/index.ts";
import { type DType, elementCount, type Shape, tensorOf } from "../tensor/index.ts";
import type { Value } from "../trace/index.ts";

/** The events of a small discrete distribution. They are the same for all members of a batch. */
export interface Events {
  readonly count: number;
  /** Event by event, count · (elements of an event) numbers. */
  readonly numbers: () => readonly number[];
  readonly dtype: DType;
}

/** Distributions of more events than this are not enumerated. */
export const mostEvents = 65_536;

/** [events, ...batchShape, ...eventShape]. */
export function enumerated(events: Events, batchShape: Shape, eventShape: Shape): Value {
  const { count, dtype } = events;
  const thin = [count, ...batchShape.map(() => 1), ...(eventShape as readonly number[])];
  const all = constant(tensorOf(events.numbers(), thin, dtype));
  return broadcastTo(all, [count, ...batchShape, ...eventShape]);
}

/**
 * The events of independent variables of the shape `axes`, the first one slowest; undefined if they are
 * too many.
 */
export function productEvents(one: Events, axes: Shape): Events | undefined {
  if (!axes.every((size) => typeof size === "number")) return undefined;
  const variables = elementCount(axes);
  const count = one.count ** variables;
  if (count > mostEvents) return undefined;
  const numbers = (): number[] => {
    const list = one.numbers();
    const size = list.length / one.count;
    const found: number[] = [];
    for (let event = 0; event < count; event++) {
      for (let variable = variables - 1; variable >= 0; variable--) {
        const choice = Math.floor(event / one.count ** variable) % one.count;
        for (let i = 0; i < size; i++) found.push(list[choice * size + i] as number);
      }
    }
    return found;
  };
  return { count, numbers, dtype: one.dtype };
}
