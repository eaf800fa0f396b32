import { closeSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { formatShape, ReparamError, type TypedArray } from "../tensor/index.ts";
import type { Description } from "./idx-folder.ts";
import { checkNpySize, type NpyHeader, parseNpyHeader, readElements } from "./npy.ts";
import { makeSplit, planSplits, storedColumn, takeSamples } from "./split.ts";
import { type BlockSource, storedRows } from "./stored.ts";
import {
  checkWeight,
  labelBuilder,
  namesOf,
  numbersOf,
  type Table,
  tableDataset,
} from "./table.ts";
import { rolesOf } from "./table-columns.ts";
import type { Dataset, SplitName, SplitOptions, TableOptions } from "./types.ts";

/** Features of more bytes than this stay on disk. */
const mostInMemory = 2 ** 28;

/**
 * The numbers of a `.npy` file, [rows] or [rows, columns] in C or Fortran order; the columns' names are 0, 1,
 * 2, … Features that are more than 256 MB as float64 are read from the file when a batch wants them; weights
 * and labels are always in memory. Throws on a damaged file and on infinite numbers.
 */
export async function loadNpyTable(
  path: string,
  about: Description,
  options: SplitOptions & TableOptions & { readonly mostInMemory?: number } = {},
): Promise<Dataset> {
  const header = await headerOf(path);
  const [length = 0, columns = 1] = header.shape;
  const names = Array.from({ length: columns }, (_, i) => String(i));
  const roles = rolesOf(path, names, options);
  const source = (picked: readonly number[]): BlockSource => ({
    ...{ path, length, size: picked.length },
    read: (start, count, into) => readPicked(path, header, picked, start, count, into),
  });
  const column = (picked: number) => {
    const values = new Float64Array(length);
    storedRows(source([picked])).read(0, length, values);
    return values;
  };
  const extras: { weight?: Float64Array<ArrayBuffer>; label?: ReturnType<typeof labelsOf> } = {};
  if (roles.weight !== undefined) {
    extras.weight = column(roles.weight);
    extras.weight.forEach((value, row) => {
      checkWeight(path, value, `row ${row}`);
    });
  }
  if (roles.label !== undefined) extras.label = labelsOf(column(roles.label));
  const { weight, label } = extras;
  const features = namesOf(roles, names);
  const stored = storedRows(source(roles.features));
  const bytes = 8 * length * features.length;
  if (bytes > (options.mostInMemory ?? mostInMemory)) {
    return storedDataset({ stored, features, ...extras }, about, options);
  }
  const x = new Float64Array(length * features.length);
  stored.read(0, length, x);
  const table: Table = { length, features, x, ...(weight && { weight }), ...label };
  return tableDataset(table, about, options);
}

async function headerOf(path: string): Promise<NpyHeader> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(1 << 17), 0, 1 << 17, 0);
    const header = parseNpyHeader(buffer.subarray(0, bytesRead), path);
    const { shape } = header;
    if (shape.length < 1 || shape.length > 2 || shape.includes(0)) {
      throw new ReparamError(
        `${path}: a table wants shape [rows] or [rows, columns], got ${formatShape(shape)}. Reshape the array.`,
      );
    }
    checkNpySize(header, (await file.stat()).size, path);
    return header;
  } finally {
    await file.close();
  }
}

/** Columns `picked` of some rows, from disk. Not async: batches are made between two steps of training. */
function readPicked(
  path: string,
  header: NpyHeader,
  picked: readonly number[],
  start: number,
  count: number,
  into: TypedArray,
): void {
  const { shape, element, offset, fortranOrder } = header;
  const [rows = 0, columns = 1] = shape;
  const file = openSync(path, "r");
  const segment = (first: number, elements: number): Float64Array<ArrayBuffer> => {
    const bytes = new Uint8Array(elements * element.bytes);
    let got = 0;
    while (got < bytes.length) {
      const at = offset + first * element.bytes + got;
      const read = readSync(file, bytes, got, bytes.length - got, at);
      if (read === 0)
        throw new ReparamError(`${path} became shorter while it was read. Restore it.`);
      got += read;
    }
    const values = new Float64Array(elements);
    readElements(header, bytes, elements, values);
    return values;
  };
  try {
    const width = picked.length;
    if (fortranOrder) {
      for (const [at, column] of picked.entries()) {
        const values = segment(column * rows + start, count);
        for (let row = 0; row < count; row++) into[row * width + at] = values[row] as number;
      }
    } else {
      const values = segment(start * columns, count * columns);
      for (let row = 0; row < count; row++) {
        for (let at = 0; at < width; at++) {
          into[row * width + at] = values[row * columns + (picked[at] as number)] as number;
        }
      }
    }
  } finally {
    closeSync(file);
  }
}

function labelsOf(values: Float64Array) {
  const labels = labelBuilder();
  for (const value of values) labels.add(value);
  return labels.done();
}

/** Like `tableDataset`. The samples of each part stay in the order of the file, so that reading is in order. */
function storedDataset(
  {
    stored,
    features,
    weight,
    label,
  }: {
    readonly stored: ReturnType<typeof storedRows>;
    readonly features: readonly string[];
    readonly weight?: Float64Array<ArrayBuffer>;
    readonly label?: ReturnType<typeof labelsOf>;
  },
  about: Description,
  options: SplitOptions & TableOptions,
): Dataset {
  const { dtype = "float64" } = options;
  const all = makeSplit({
    x: storedColumn(dtype, [features.length], stored),
    ...(weight && { weight: numbersOf(weight, [], dtype) }),
    ...(label && { label: { dtype: "int32", shape: [], data: label.label } as const }),
  });
  const plan = planSplits({ train: all.length }, options, false);
  const make = (name: SplitName) => takeSamples(all, plan[name].indices.sort());
  return {
    ...about,
    ...(label && { classes: label.classes }),
    names: { x: features },
    train: make("train"),
    validation: make("validation"),
    test: make("test"),
  };
}
