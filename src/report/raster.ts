import { ReparamError } from "../tensor/index.ts";

/**
 * Draws an SVG text into a PNG file, `scale` pixels to each unit (2 by default): with resvg in Node, with
 * a canvas in a browser.
 */
export async function svgToPng(
  svg: string,
  options: { readonly scale?: number } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { scale = 2 } = options;
  if (!(scale > 0 && scale <= 16)) {
    throw new ReparamError(`svgToPng: scale must be above 0 and at most 16, got ${scale}.`);
  }
  if (globalThis.document !== undefined) return drawOnCanvas(svg, scale);
  const { Resvg } = await import("@resvg/resvg-js");
  const font = fontFile();
  const resvg = new Resvg(resolveColors(svg), {
    fitTo: { mode: "zoom", value: scale },
    font: {
      // One font for every machine: a server may have none, and pictures stay equal between machines.
      loadSystemFonts: font === undefined || beyondFont.test(svg),
      ...(font === undefined ? {} : { fontFiles: [font], defaultFontFamily: "Didact Gothic" }),
    },
  });
  return Uint8Array.from(resvg.render().asPng());
}

/** Characters that the font lacks: all but Latin, Greek, Cyrillic and common punctuation. */
const beyondFont = /[^\0-\u024f\u0370-\u04ff\u2010-\u2026\u2212]/;

/** Path of the font that plots are drawn with, if its package is installed. */
function fontFile(): string | undefined {
  try {
    const url = import.meta.resolve(
      "@expo-google-fonts/didact-gothic/400Regular/DidactGothic_400Regular.ttf",
    );
    // "/C:/fonts" is "C:/fonts" on Windows.
    return decodeURIComponent(new URL(url).pathname).replace(/^\/([A-Za-z]:)/, "$1");
  } catch {
    return undefined;
  }
}

/** resvg knows no CSS variables, which Plot uses for the colour behind text. */
const resolveColors = (svg: string): string =>
  svg.replaceAll(/var\(--plot-background\)/g, "#ffffff");

async function drawOnCanvas(svg: string, scale: number): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.width * scale);
  canvas.height = Math.round(image.height * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (blob === null) {
    throw new ReparamError(
      `svgToPng: the browser cannot draw ${canvas.width}x${canvas.height} pixels.`,
    );
  }
  return new Uint8Array(await blob.arrayBuffer());
}
