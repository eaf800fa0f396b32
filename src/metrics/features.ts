import { createSession, type Session } from "../onnx/index.ts";
import { formatShape, ReparamError, type Tensor } from "../tensor/index.ts";

/** A trained network whose inner features stand for images. */
export interface FeatureExtractor {
  /** Hexadecimal, of the model's bytes: figures by different extractors do not compare. */
  readonly sha256: string;
  /** Images [N, C, H, W], bytes or numbers in [0, 1], to features, float32 [N, D]. */
  features(images: Tensor): Promise<Tensor>;
  /** The same with the logits [N, classes] of a model that classifies. */
  extract(images: Tensor): Promise<Features>;
  release(): Promise<void>;
}

export interface Features {
  readonly features: Tensor;
  readonly logits?: Tensor;
}

/** What images become before they enter a model of floating-point numbers. */
export const imageScales = ["unit", "symmetric", "bytes"] as const;

export interface ExtractorOptions {
  /** Default 2. */
  readonly threads?: number;
  /** Output to take as features, [B, D] or [B, …], which is laid flat. Default: "features", or the only output. */
  readonly output?: string;
  /** Of a model that takes floating-point numbers: in [0, 1] (default), [−1, 1], or from 0 to 255. */
  readonly scale?: (typeof imageScales)[number];
}

/** Images at once. */
const batch = 250;

/**
 * Any ONNX model from images [B, C, H, W] to features. Grey images are given to a model of colour images three times
 * over. The shipped ones take bytes as `image`, and give `features` [B, D] and `logits`.
 */
export async function createFeatureExtractor(
  model: Uint8Array<ArrayBuffer>,
  { threads = 2, output, scale = "unit" }: ExtractorOptions = {},
): Promise<FeatureExtractor> {
  const session = await createSession(model, { threads });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", model));
  const input = inputOf(session);
  const from = outputOf(session, output);
  const names = session.outputs.includes("logits") ? [from, "logits"] : [from];
  const extract = async (images: Tensor): Promise<Features> => {
    const [features, logits] = await through(session, input, names, prepared(images, input, scale));
    return { features: features as Tensor, ...(logits === undefined ? {} : { logits }) };
  };
  return {
    sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    extract,
    features: async (images) => (await extract(images)).features,
    release: () => session.release(),
  };
}

type Input = Session["specs"][number];

function inputOf({ specs }: Session): Input {
  const [input] = specs;
  if (input !== undefined && specs.length === 1 && input.shape.length === 4) {
    if (input.dtype === "uint8" || input.dtype === "float32") return input;
  }
  const got = specs.map(({ name, dtype, shape }) => `${name} ${dtype}[${shape.join(", ")}]`);
  throw new ReparamError(
    `an extractor has one input, images uint8 or float32 [B, C, H, W]; this model has ${got.join(", ")}.`,
  );
}

function outputOf({ outputs }: Session, wanted: string | undefined): string {
  const found = wanted ?? (outputs.length === 1 ? outputs[0] : "features");
  if (found !== undefined && outputs.includes(found)) return found;
  throw new ReparamError(
    `the extractor has no output "${found}". Choose from ${outputs.join(", ")}.`,
  );
}

/** Images as the model takes them, [N, C, H, W]. */
function prepared(images: Tensor, input: Input, scale: ExtractorOptions["scale"]): Tensor {
  const [count = 0, ...shape] = images.shape;
  if (shape.length !== 3 || count === 0) {
    throw new ReparamError(
      `features: wants images [N, C, H, W], got ${formatShape(images.shape)}.`,
    );
  }
  const [, wantedChannels, ...wantedSize] = input.shape;
  const given = wantedChannels === 3 && shape[0] === 1 ? coloured(images) : images;
  const [, channels, ...size] = given.shape;
  const differs = (want: number | string | undefined, got: number | undefined): boolean =>
    typeof want === "number" && want !== got;
  if (differs(wantedChannels, channels) || wantedSize.some((want, i) => differs(want, size[i]))) {
    throw new ReparamError(
      `features: the extractor takes images [${input.shape.slice(1).join(", ")}], got [${shape.join(", ")}]. Use another extractor, or resize the images (--image-size, --channels).`,
    );
  }
  const bytes = bytesOf(given);
  if (input.dtype === "uint8") return { dtype: "uint8", shape: given.shape, data: bytes };
  const [factor, shift] = { unit: [1 / 255, 0], symmetric: [2 / 255, -1], bytes: [1, 0] }[
    scale ?? "unit"
  ] as [number, number];
  const data = Float32Array.from(bytes, (byte) => byte * factor + shift);
  return { dtype: "float32", shape: given.shape, data };
}

/** Runs all images, a batch at a time; every output laid flat to [N, D]. */
async function through(
  session: Session,
  { name }: Input,
  outputs: readonly string[],
  { dtype, shape, data }: Tensor,
): Promise<Tensor[]> {
  const [count = 0, ...image] = shape;
  const size = data.length / count;
  const found: Float32Array<ArrayBuffer>[] = [];
  for (let at = 0; at < count; at += batch) {
    const rows = Math.min(batch, count - at);
    const part = {
      dtype,
      shape: [rows, ...image],
      data: data.subarray(at * size, (at + rows) * size),
    };
    const results = await session.run(new Map([[name, part as Tensor]]));
    for (const [i, output] of outputs.entries()) {
      const { data: values } = results.get(output) as Tensor;
      const width = values.length / rows;
      found[i] ??= new Float32Array(count * width);
      found[i].set(values as Float32Array, at * width);
    }
  }
  return found.map((values) => ({
    dtype: "float32",
    shape: [count, values.length / count],
    data: values,
  }));
}

/** Bytes as they are; numbers in [0, 1] rounded to bytes, as a picture of them would be. */
function bytesOf({ dtype, data }: Tensor): Uint8Array<ArrayBuffer> {
  if (dtype === "uint8") return data as Uint8Array<ArrayBuffer>;
  return Uint8Array.from(data as ArrayLike<number>, (v) =>
    Math.round(255 * Math.min(1, Math.max(0, v))),
  );
}

/** Grey images three times over, [N, 3, H, W]. */
function coloured(images: Tensor): Tensor {
  const [count = 0, , height = 0, width = 0] = images.shape;
  const grey = bytesOf(images);
  const plane = height * width;
  const data = new Uint8Array(3 * grey.length);
  for (let i = 0; i < 3 * count; i++) {
    const from = Math.floor(i / 3) * plane;
    data.set(grey.subarray(from, from + plane), i * plane);
  }
  return { dtype: "uint8", shape: [count, 3, height, width], data };
}
