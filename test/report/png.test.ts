import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodePng, type Picture, svgToPng } from "../../src/report/index.ts";
import { ReparamError } from "../../src/tensor/index.ts";

/** A decoder written from the specification, for the filters None, Sub and Up. */
function decodePng(file: Uint8Array): Picture {
  const view = new DataView(file.buffer, file.byteOffset);
  const data: Uint8Array[] = [];
  let width = 0;
  let height = 0;
  let channels: Picture["channels"] = 1;
  for (let at = 8; at < file.length; ) {
    const length = view.getUint32(at);
    const type = Buffer.from(file.subarray(at + 4, at + 8)).toString("latin1");
    expect(view.getUint32(at + 8 + length)).toBe(slowCrc(file.subarray(at + 4, at + 8 + length)));
    if (type === "IHDR") {
      width = view.getUint32(at + 8);
      height = view.getUint32(at + 12);
      expect(file[at + 16]).toBe(8);
      channels = ({ 0: 1, 2: 3, 6: 4 } as const)[file[at + 17] as 0 | 2 | 6];
    }
    if (type === "IDAT") data.push(file.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const rows = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  const pixels = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)] as number;
    expect([0, 1, 2]).toContain(filter);
    for (let i = 0; i < stride; i++) {
      const left = i >= channels ? (pixels[y * stride + i - channels] as number) : 0;
      const above = y > 0 ? (pixels[(y - 1) * stride + i] as number) : 0;
      const predicted = [0, left, above][filter] as number;
      pixels[y * stride + i] = (rows[y * (stride + 1) + 1 + i] as number) + predicted;
    }
  }
  return { pixels, width, height, channels };
}

function slowCrc(bytes: Uint8Array): number {
  let c = -1;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

describe("encodePng", () => {
  it.each([1, 3, 4] as const)("gives the pixels back, %i channels", async (channels) => {
    const [width, height] = [37, 23];
    // Upper half noise, lower half a vertical gradient: rows with either filter.
    const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => {
      const y = Math.floor(i / (width * channels));
      return y < height / 2 ? (i * 2654435761) >>> 24 : y * 9 + (i % channels);
    });
    const file = await encodePng({ pixels, width, height, channels });
    expect([...file.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
    expect(decodePng(file)).toEqual({ pixels, width, height, channels });
  });

  it("refuses pixels that do not fit", async () => {
    const wrong = encodePng({ pixels: new Uint8Array(5), width: 2, height: 2, channels: 1 });
    await expect(wrong).rejects.toThrow(ReparamError);
  });
});

describe("svgToPng", () => {
  const ink = async (content: string) => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20">${content}</svg>`;
    const file = await svgToPng(svg, { scale: 3 });
    const view = new DataView(file.buffer);
    return { size: [view.getUint32(16), view.getUint32(20)], bytes: file.length };
  };

  it("draws at the scale asked for, text included", async () => {
    const empty = await ink("");
    const text = await ink('<text x="2" y="15" font-size="12">nats</text>');
    expect(text.size).toEqual([180, 60]);
    expect(text.bytes).toBeGreaterThan(empty.bytes + 200);
  });
});
