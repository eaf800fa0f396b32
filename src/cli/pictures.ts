import { ReparamError, type Tensor } from "../tensor/index.ts";
import { encodeNpy } from "./npy.ts";

/** Writes images [N, C, H, W] as a grid and, where asked for, as an array. Returns the paths. */
export async function writeImages(
  images: Tensor | undefined,
  files: { readonly png?: string | undefined; readonly npy?: string | undefined },
): Promise<string[]> {
  if (images === undefined) throw new ReparamError("this method makes no images.");
  const { encodePng, imageGrid } = await import("../report/index.ts");
  const { writeAtomic } = await import("../run/index.ts");
  const written: string[] = [];
  if (files.png !== undefined) {
    await writeAtomic(files.png, await encodePng(imageGrid(images, { scale: 2 })));
    written.push(files.png);
  }
  if (files.npy !== undefined) {
    await writeAtomic(files.npy, encodeNpy(images));
    written.push(files.npy);
  }
  return written;
}
