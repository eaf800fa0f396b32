import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { type RunRecord, renderReport } from "../../src/report/index.ts";

const evil = `<script>alert("1")</script>'&`;

const record: RunRecord = {
  name: `run ${evil}`,
  config: {
    method: "gaussian-vae",
    options: {
      latentSize: 20,
      [evil]: evil,
      hidden: [400, 200],
      freeBits: false,
      name: "two words",
    },
    data: { name: "mnist", path: evil },
    seed: 1,
    threads: 2,
    created: "2025-03-01T12:30:00.123Z",
    versions: { reparam: evil },
    machine: evil,
  },
  train: Array.from({ length: 300 }, (_, i) => ({
    step: i + 1,
    epoch: (i + 1) / 100,
    seconds: i / 10,
    metrics: { kl: i / 300, loss: 100 + 400 / (i + 1), [evil]: (i * 7) % 11, constant: 1 },
  })),
  evaluations: [1, 2, 3].flatMap((epoch) =>
    ["validation", "test"].map((split) => ({
      ...{ step: 100 * epoch, epoch, seconds: 10 * epoch, split },
      metrics: { loss: (split === "test" ? 120 : 110) - epoch, bound: 100 + epoch },
    })),
  ),
  pictures: [{ title: evil, caption: evil, png: Uint8Array.of(137, 80, 78, 71, 255) }],
  timings: { [evil]: 1.5, train: 30 },
  exports: [{ file: evil, bytes: 1_290_000, inputs: [evil], outputs: [evil, "z"] }],
  notes: [evil],
};

describe("renderReport", () => {
  const html = renderReport(record);
  const { document } = parseHTML(html);

  it("escapes every text of the record", () => {
    expect(html).not.toContain("<script");
    expect(document.querySelectorAll("script")).toHaveLength(0);
    expect(document.querySelector("h1")?.textContent).toBe(`run ${evil}`);
    expect(document.querySelector("img")?.getAttribute("alt")).toBe(`${evil}. ${evil}`);
    expect(document.querySelector("li")?.textContent).toBe(evil);
    const cells = [...document.querySelectorAll("td")].map((cell) => cell.textContent);
    expect(cells).toContain(evil);
  });

  it("needs nothing from elsewhere", () => {
    expect(html).not.toMatch(/<link|@import|url\(\s*["']?http|src="(?!data:)/);
    const source = document.querySelector("img")?.getAttribute("src");
    const bytes = Buffer.from(source?.split(",")[1] ?? "", "base64");
    expect([...bytes]).toEqual([137, 80, 78, 71, 255]);
  });

  it("leads with the newest test figures", () => {
    const terms = [...document.querySelectorAll("dt")].map((term) => term.textContent);
    const values = [...document.querySelectorAll("dd")].map((value) => value.textContent);
    expect(terms).toEqual(["loss", "bound"]);
    expect(values).toEqual(["117", "103"]);
  });

  it("draws one plot for each metric that changes, the loss first", () => {
    const titles = [...document.querySelectorAll("figure svg")].map((svg) =>
      svg.getAttribute("aria-label"),
    );
    expect(titles.slice(0, 2)).toEqual(["loss", "KL"]);
    expect(titles).toHaveLength(4);
    expect(titles).not.toContain("constant");
    const loss = document.querySelector("figure svg");
    const texts = [...(loss?.querySelectorAll("text") ?? [])].map((text) => text.textContent);
    for (const name of ["training", "validation", "test"]) expect(texts).toContain(name);
  });

  it("gives the command that repeats the run, quoted for a shell", () => {
    const simple: RunRecord = {
      ...record,
      config: {
        ...record.config,
        options: { latentSize: 20, hidden: [400, 200], freeBits: false, label: "it's" },
        data: { name: "mnist" },
      },
    };
    const command = parseHTML(renderReport(simple)).document.querySelector("code")?.textContent;
    expect(command).toBe(
      "npx reparam train gaussian-vae --data mnist --latent-size 20 --hidden 400,200 --no-free-bits --label 'it'\\''s' --seed 1 --threads 2",
    );
    const own = { ...record, config: { ...record.config, command: "npx reparam <it>" } };
    expect(renderReport(own)).toContain("npx reparam &lt;it&gt;");
  });

  it("renders a run that has done nothing yet", () => {
    const empty: RunRecord = {
      ...record,
      ...{ train: [], evaluations: [], pictures: [], timings: {}, exports: [], notes: [] },
    };
    const page = parseHTML(renderReport(empty)).document;
    const headings = [...page.querySelectorAll("h2")].map((heading) => heading.textContent);
    expect(headings).toEqual(["Results", "Settings", "Repeat it"]);
  });
});
