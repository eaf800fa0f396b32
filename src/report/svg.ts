import * as Plot from "@observablehq/plot";
import { escapeHtml } from "./escape.ts";

/**
 * The document that plots are built in: the page's own in a browser, elsewhere (Node, workers) a small
 * stand-in that is loaded only there.
 */
const host: Document =
  globalThis.document ?? (await import("linkedom")).parseHTML("<html></html>").document;

const namespace = "http://www.w3.org/2000/svg";

/** Ink of text and axes; a page may override it, since everything but the data is `currentColor`. */
const ink = "#3a3f47";

/**
 * First five of Okabe and Ito, "Color Universal Design" (2008), in an order in which neighbours differ most
 * and without its yellow and black, followed by darker tones for plots of up to ten classes.
 */
const palette: readonly string[] = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#882255",
  "#8a8f98",
  "#6b7a00",
  "#5b3fa0",
];

export const colorOf = (index: number): string => palette[index % palette.length] as string;

/** One entry of a legend at the right edge: at pixel row `y`, or wherever there is room near it. */
export interface Label {
  readonly text: string;
  readonly color: string;
  readonly y: number;
}

export interface Frame {
  readonly title?: string;
  readonly width: number;
  readonly height: number;
  readonly xLabel: string;
  /** Written above the axis, not along it. */
  readonly yLabel?: string;
  readonly marginLeft?: number;
  /** Names that the right margin must hold. */
  readonly names: readonly string[];
}

const labelHeight = 15;

/** Estimated width in pixels of a text at 12 pixels, a little generous. */
export const textWidth = (text: string): number => [...text].length * 6.6;

/** Room that a legend of these names needs; no more than `limit`. */
const legendWidth = (names: readonly string[], limit: number): number =>
  names.length === 0 ? 16 : Math.min(limit, 26 + Math.max(...names.map(textWidth)));

function margins({ title, width, yLabel = "", names, marginLeft = 56 }: Frame) {
  return {
    marginLeft,
    marginRight: legendWidth(names, width * 0.4),
    marginTop: 14 + (title === undefined ? 0 : 24) + (yLabel === "" ? 0 : 18),
    marginBottom: 44,
  };
}

/** Width and height of what is inside the axes, in pixels. */
export function innerSize(frame: Frame): [width: number, height: number] {
  const { marginLeft, marginRight, marginTop, marginBottom } = margins(frame);
  return [frame.width - marginLeft - marginRight, frame.height - marginTop - marginBottom];
}

/** Draws the marks into an SVG element with title and legend; `labels` places entries by the final scales. */
export function drawSvg(
  frame: Frame,
  options: Plot.PlotOptions,
  labels: (svg: SVGSVGElement & Plot.Plot) => readonly Label[],
): string {
  const { title, width, height } = frame;
  const { marginTop, marginRight, ...others } = margins(frame);
  const svg = Plot.plot({
    document: host,
    width,
    height,
    marginTop,
    marginRight,
    ...others,
    style: { fontSize: "12px", fontFamily: "Didact Gothic, system-ui, sans-serif" },
    ...options,
  }) as unknown as SVGSVGElement & Plot.Plot;
  svg.setAttribute("xmlns", namespace);
  svg.setAttribute("color", ink);
  svg.setAttribute("role", "img");
  const background = element("rect", { class: "background", width, height, fill: "#ffffff" });
  svg.insertBefore(background, svg.querySelector("style")?.nextSibling ?? svg.firstChild);
  if (title !== undefined) svg.append(text(title, 14, 22, { size: 15, room: width - 28 }));
  svg.append(text(frame.yLabel ?? "", 14, marginTop - 12, { room: width - 28 }));
  const middle = others.marginLeft + (width - others.marginLeft - marginRight) / 2;
  svg.append(text(frame.xLabel, middle, height - 8, { anchor: "middle", room: width - 28 }));
  const wanted = labels(svg);
  const rows = spread(wanted, marginTop + 4, height - 48);
  for (const [i, label] of wanted.entries()) {
    drawLabel(svg, label, width - marginRight, rows[i] as number, marginRight);
  }
  // As HTML allows, a document leaves "<" in attributes as it is; XML, which resvg reads, forbids it.
  return svg.outerHTML.replace("<svg ", () => `<svg aria-label="${escapeHtml(title ?? "plot")}" `);
}

function drawLabel(svg: Element, label: Label, x: number, y: number, room: number): void {
  svg.append(element("circle", { cx: x + 10, cy: y, r: 4, fill: label.color }));
  svg.append(text(label.text, x + 18, y + 4, { room: room - 20 }));
}

/**
 * Rows as near as possible to where the labels want to be, none overlapping: pushed down in order, then up
 * from the bottom edge.
 */
function spread(labels: readonly Label[], top: number, bottom: number): number[] {
  const order = labels.map((_, i) => i).sort((a, b) => (labels[a]?.y ?? 0) - (labels[b]?.y ?? 0));
  const rows = labels.map(({ y }) => Math.min(Math.max(y, top), bottom));
  const step = Math.min(labelHeight, (bottom - top) / Math.max(1, labels.length - 1));
  let least = top;
  for (const i of order) {
    rows[i] = Math.max(rows[i] as number, least);
    least = (rows[i] as number) + step;
  }
  let most = bottom;
  for (const i of order.reverse()) {
    rows[i] = Math.min(rows[i] as number, most);
    most = (rows[i] as number) - step;
  }
  return rows;
}

/** Cuts a text that is wider than `room` pixels. */
export function shorten(content: string, room: number, size = 12): string {
  const letters = [...content];
  const fits = Math.max(1, Math.floor((room / textWidth("x")) * (12 / size)));
  return letters.length <= fits ? content : `${letters.slice(0, fits - 1).join("")}…`;
}

interface TextStyle {
  readonly room: number;
  readonly size?: number;
  readonly anchor?: "start" | "middle";
}

function text(
  content: string,
  x: number,
  y: number,
  { room, size = 12, anchor = "start" }: TextStyle,
): Element {
  const made = element("text", {
    ...{ x, y, fill: "currentColor", "font-size": size, "text-anchor": anchor },
  });
  made.textContent = shorten(content, room, size);
  return made;
}

function element(name: string, attributes: Record<string, string | number>): Element {
  const made = host.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
