import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { extremes, smoothed } from "../../src/report/curves.ts";
import { barPlot, linePlot, scatterPlot, svgToPng } from "../../src/report/index.ts";

const parse = (svg: string) => parseHTML(svg).document;
const axes = { x: { label: "step" }, y: { label: "nats" } };

describe("linePlot", () => {
  it("draws curves with names, gaps and bands, and no coordinate is NaN", async () => {
    const x = [1, 2, 3, 4, 5];
    const svg = linePlot({
      title: 'ELBO <b> "test"',
      ...axes,
      series: [
        { name: "<script>&</script>", x, y: [5, 4, Number.NaN, 2, 1] },
        { name: "b", x, y: x, band: { low: [0, 1, 2, 3, 4], high: [2, 3, 4, 5, 6] } },
      ],
    });
    expect(svg).not.toContain("NaN");
    expect(svg).not.toMatch(/<script|<b>/);
    const document = parse(svg);
    expect(document.querySelector("svg")?.getAttribute("xmlns")).toMatch("www.w3.org/2000/svg");
    const texts = [...document.querySelectorAll("text")].map((text) => text.textContent);
    for (const wanted of ["nats", "step", "b", "<script>&</script>"])
      expect(texts).toContain(wanted);
    const [gap] = [...document.querySelectorAll('[aria-label="line"] path')];
    expect(gap?.getAttribute("d")?.match(/M/g)).toHaveLength(2);
    // Well-formed XML: resvg refuses anything else.
    expect((await svgToPng(svg)).length).toBeGreaterThan(5000);
  });

  it.each([
    ["nothing", [], []],
    ["only NaN", [1, 2], [Number.NaN, Number.NaN]],
    ["infinities", [1, 2, 3], [Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY]],
    ["one point", [3], [7]],
    ["one point at zero", [0], [0]],
    ["a constant", [1, 2, 3], [5, 5, 5]],
  ])("survives %s, on linear and logarithmic axes", (_, x, y) => {
    for (const scale of ["linear", "log"] as const) {
      const svg = linePlot({
        x: { label: "x", scale },
        y: { label: "y", scale },
        series: [{ name: "s", x, y }],
      });
      expect(svg).not.toMatch(/NaN|Infinity/);
      const positive = x.some((v, i) => v > 0 && (y[i] as number) > 0 && Number.isFinite(y[i]));
      const visible = scale === "log" ? positive : y.some(Number.isFinite);
      const marks = parse(svg).querySelectorAll(
        '[aria-label="dot"] circle, [aria-label="line"] path',
      );
      expect(marks.length > 0).toBe(visible);
    }
  });

  it("refuses arrays of different lengths", () => {
    expect(() => linePlot({ ...axes, series: [{ name: "a", x: [1], y: [] }] })).toThrow(/"a"/);
  });
});

describe("scatterPlot and barPlot", () => {
  it("colours points by class, skipping what is not finite", () => {
    const points = { x: [0, Number.NaN, 1, 2], y: [0, 1, 2, 3] };
    const svg = scatterPlot({ ...axes, points, classes: [10, 9, 9, 10], equalUnits: true });
    const fills = [...parse(svg).querySelectorAll('[aria-label="dot"] circle')].map((dot) =>
      dot.getAttribute("fill"),
    );
    expect(fills).toHaveLength(3);
    expect(fills[0]).toBe(fills[2]);
    expect(fills[0]).not.toBe(fills[1]);
    const texts = [...parse(svg).querySelectorAll("text")].map((text) => text.textContent);
    expect(texts.indexOf("9")).toBeLessThan(texts.lastIndexOf("10"));
  });

  it("draws a bar for each value in the order given", () => {
    const bars = [
      { name: "a", value: 1 },
      { name: "a", value: 3 },
      { name: "none", value: Number.NaN },
    ];
    const drawn = [...parse(barPlot({ x: { label: "s" }, bars })).querySelectorAll("rect[x]")];
    const widths = drawn.map((bar) => Number(bar.getAttribute("width")));
    expect(widths).toHaveLength(2);
    expect((widths[1] as number) / (widths[0] as number)).toBeCloseTo(3, 5);
  });
});

describe("thinning", () => {
  it("keeps spikes, gaps and both ends", () => {
    const x = Array.from({ length: 10_000 }, (_, i) => i);
    const y = x.map((i) => (i === 4321 ? 99 : i === 7000 ? Number.NaN : Math.sin(i)));
    const kept = extremes(x, y);
    expect(kept.x.length).toBeLessThanOrEqual(402);
    expect(kept.x).toEqual(expect.arrayContaining([0, 4321, 7000, 9999]));
    expect(kept.y[kept.x.indexOf(4321)]).toBe(99);
    expect(kept.x).toEqual([...kept.x].sort((a, b) => a - b));
  });

  it("does not bend a straight line when it smooths", () => {
    const line = Array.from({ length: 500 }, (_, i) => 3 * i);
    for (const [i, value] of smoothed(line).entries()) expect(value).toBeCloseTo(3 * i, 8);
  });
});
