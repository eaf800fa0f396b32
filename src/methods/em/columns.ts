// Which column of the data a method reads, as rows of numbers.
import { cast, reshape } from "../../ops/index.ts";
import type { DataShape, FunctionInput } from "../../step/index.ts";
import { elementCount, ReparamError, type Tensor, type TensorSpec } from "../../tensor/index.ts";
import type { Value } from "../../trace/index.ts";
import { B } from "./options.ts";
import { type Rows, rowsOf } from "./rows.ts";

/** Rows of numbers, from a column `x` [B, D] or from images [B, C, H, W] as bytes. */
export interface RowColumn {
  readonly name: "x" | "image";
  readonly spec: TensorSpec;
  /** Numbers in a row. */
  readonly size: number;
  /** Shape of a row that is an image, [C, H, W]. */
  readonly pixels?: readonly number[];
  /** The column of a batch as float64 rows [B, D]; pixels between 0 and 1. */
  readonly read: (columns: Readonly<Record<string, Value>>) => Value;
  /** The same on the host. */
  readonly readHost: (column: Tensor) => Rows;
  /** Rows as the column has them: float32 images between 0 and 1, or x in its own type. */
  readonly write: (rows: Value) => Value;
  readonly input: FunctionInput;
}

/** The column of rows. Throws, with what the method wants, if the data has neither. */
export function rowColumn(method: string, { columns }: DataShape): RowColumn {
  const { x, image } = columns;
  if (
    x !== undefined &&
    /^float/.test(x.dtype) &&
    x.shape.length === 2 &&
    typeof x.shape[1] === "number"
  ) {
    const spec = { dtype: x.dtype, shape: [B, x.shape[1]] };
    return {
      ...{ name: "x", spec, size: x.shape[1] },
      read: (given) => cast(given.x as Value, "float64"),
      readHost: rowsOf,
      write: (rows) => cast(rows, x.dtype),
      input: { ...spec, description: "rows of the data" },
    };
  }
  const pixels = image?.shape.slice(1) as number[] | undefined;
  if (image?.dtype === "uint8" && pixels?.length === 3) {
    const spec = { dtype: image.dtype, shape: [B, ...pixels] };
    const size = elementCount(pixels);
    return {
      ...{ name: "image", spec, size, pixels },
      read: (given) => reshape(cast(given.image as Value, "float64"), [-1, size]).div(255),
      readHost: (column) => {
        const rows = rowsOf(column);
        return { ...rows, data: rows.data.map((byte) => byte / 255) };
      },
      write: (rows) => cast(reshape(rows, [-1, ...pixels]), "float32"),
      input: { ...spec, description: "pixels from 0 to 255" },
    };
  }
  throw new ReparamError(
    `${method} wants rows of numbers: a data set with a column x of float64 or float32 [D], such as a CSV file, or of images.`,
  );
}
