import { encodeNpy } from "../data/npy.ts";
import { ReparamError, type Tensor } from "../tensor/index.ts";

/**
 * Writes what a function made: images [N, C, H, W] as a grid, points [N, 2] as a scatter plot, and anything
 * as an array where that is asked for. Returns the paths.
 */
export async function writeSamples(
  outputs: Readonly<Record<string, Tensor>>,
  files: {
    readonly png: string;
    readonly npy?: string | undefined;
    /** Images a row. */
    readonly columns?: number | undefined;
  },
): Promise<string[]> {
  const { drawSamples, isDrawable, madeBy } = await import("../report/index.ts");
  const { writeAtomic } = await import("../run/index.ts");
  const made = madeBy(outputs);
  if (made === undefined) throw new ReparamError("this method makes neither images nor points.");
  const written: string[] = [];
  if (isDrawable(made)) {
    await writeAtomic(
      files.png,
      await drawSamples(made, files.columns === undefined ? {} : { columns: files.columns }),
    );
    written.push(files.png);
  } else if (files.npy === undefined) {
    throw new ReparamError(
      `samples of ${made.shape.slice(1).join("×")} numbers have no picture. Write them with --npy FILE.`,
    );
  }
  if (files.npy !== undefined) {
    await writeAtomic(files.npy, encodeNpy(made));
    written.push(files.npy);
  }
  return written;
}
