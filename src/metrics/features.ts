import { createSession } from "../onnx/index.ts";
import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";

/** A trained classifier whose inner features stand for images. */
export interface FeatureExtractor {
  /** Hexadecimal, of the model's bytes: figures by different extractors do not compare. */
  readonly sha256: string;
  /** Images [N, C, H, W], bytes or numbers in [0, 1], to features, float32 [N, D]. */
  features(images: Tensor): Promise<Tensor>;
  release(): Promise<void>;
}

/** Images at once. */
const batch = 250;

/** An ONNX model with the input `image`, bytes [B, C, H, W], and the output `features` [B, D]. */
export async function createFeatureExtractor(
  model: Uint8Array<ArrayBuffer>,
  { threads = 2 }: { readonly threads?: number } = {},
): Promise<FeatureExtractor> {
  const session = await createSession(model, { threads });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", model));
  return {
    sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    async features(images) {
      const [count = 0, ...shape] = images.shape;
      if (shape.length !== 3 || count === 0) {
        throw new ReparamError(
          `features: wants images [N, C, H, W], got ${formatShape(images.shape)}.`,
        );
      }
      const bytes = bytesOf(images);
      const size = bytes.length / count;
      let found: Float32Array<ArrayBuffer> | undefined;
      let width = 0;
      for (let at = 0; at < count; at += batch) {
        const rows = Math.min(batch, count - at);
        const data = bytes.subarray(at * size, (at + rows) * size);
        const image = { dtype: "uint8", shape: [rows, ...shape], data } as const;
        const output = (await session.run(new Map([["image", image]]))).get("features") as Tensor;
        width = output.shape[1] as number;
        found ??= new Float32Array(count * width);
        found.set(output.data as Float32Array, at * width);
      }
      return { dtype: "float32", shape: [count, width], data: found as Float32Array<ArrayBuffer> };
    },
    release: () => session.release(),
  };
}

/** Bytes as they are; numbers in [0, 1] rounded to bytes, as a picture of them would be. */
function bytesOf({ dtype, data }: Tensor): Uint8Array<ArrayBuffer> {
  if (dtype === "uint8") return data as Uint8Array<ArrayBuffer>;
  return Uint8Array.from(data as ArrayLike<number>, (v) =>
    Math.round(255 * Math.min(1, Math.max(0, v))),
  );
}
