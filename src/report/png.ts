import { ReparamError } from "../tensor/index.ts";

/** 8-bit pixels, row-major, channels last: grey (1), RGB (3) or RGBA (4). */
export interface Picture {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const colorType = { 1: 0, 3: 2, 4: 6 } as const;

/**
 * A PNG file (W3C, "Portable Network Graphics (PNG) Specification", third edition) of 8 bits a channel.
 * Throws if the pixels do not fill width × height × channels.
 */
export async function encodePng(picture: Picture): Promise<Uint8Array<ArrayBuffer>> {
  const { pixels, width, height, channels } = picture;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new ReparamError(
      `encodePng: cannot write ${width}x${height} pixels. Give positive sizes.`,
    );
  }
  if (pixels.length !== width * height * channels) {
    throw new ReparamError(
      `encodePng: ${width}x${height}x${channels} needs ${width * height * channels} bytes, got ${pixels.length}.`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  header[9] = colorType[channels];
  const data = await deflate(filterRows(picture));
  return join([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Rows with their filter byte: Up (2) where a row differs little from the one above it, else none (0). */
function filterRows({ pixels, width, height, channels }: Picture): Uint8Array<ArrayBuffer> {
  const stride = width * channels;
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    const from = y * stride;
    const to = y * (stride + 1) + 1;
    let plain = 0;
    let up = 0;
    for (let i = 0; i < stride; i++) {
      const value = pixels[from + i] as number;
      const difference = (value - (y > 0 ? (pixels[from + i - stride] as number) : 0)) & 255;
      // Sum of absolute values of signed bytes, the specification's heuristic (section 12.7).
      plain += value < 128 ? value : 256 - value;
      up += difference < 128 ? difference : 256 - difference;
      rows[to + i] = difference;
    }
    if (up < plain) rows[to - 1] = 2;
    else rows.set(pixels.subarray(from, from + stride), to);
  }
  return rows;
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (crcTable[(c ^ byte) & 255] as number) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
