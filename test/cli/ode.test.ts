import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Invocation, invoke } from "./invoke.ts";

const root = mkdtempSync(join(tmpdir(), "reparam-ode-"));
const here = (name: string): string => join(root, name);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const figures = ({ stdout }: Invocation) =>
  JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as Record<string, unknown>;
const solve = async (...args: string[]) => {
  const done = await invoke("ode", ...args, "--json");
  expect(done.stderr).toBe("");
  expect(done.status).toBe(0);
  return { text: done.stdout, figures: figures(done) };
};
/** Names of columns, and rows of numbers. */
const csv = (file: string) => {
  const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  return { names: head!.split(","), rows: lines.map((line) => line.split(",").map(Number)) };
};

describe("ode", () => {
  it("explains its file format and flags", async () => {
    const { stdout, status } = await invoke("ode", "--help");
    expect(status).toBe(0);
    for (const word of ["--equation", "--phase", "known: ", '"boundary"', "Examples:"]) {
      expect(stdout).toContain(word);
    }
  });

  it("solves the equation that SymPy's issue 23351 leaves open, by expressions", async () => {
    const { text, figures: made } = await solve(
      ...["--equation", "x^2*(2-x)*y'' + 2*x*y' - 2*y = exp(-x)*x^2*(2-x)^2"],
      ...["--known", "x", "--interval", "0.5,1.5"],
    );
    expect(text).toMatch(/^solution {5}y = .*C1\*x/m);
    expect(text).toMatch(/^LaTeX {8}.*C_\{1\}/m);
    expect(text).toMatch(/exactly/);
    expect(made).toMatchObject({
      variable: "x",
      components: ["y", "y'"],
      symbolic: { elementary: true, verification: "symbolic" },
    });
  });

  it("writes samples and pictures of one solution of a system in a text file", async () => {
    const file = here("circle.txt");
    writeFileSync(file, "# a circle\nu' = v\nv' = -u\ninterval: 0, 2*pi\ninitial: 0, 2\n");
    const files = ["plot.svg", "phase.png", "samples.csv"].map(here) as [string, string, string];
    const { figures: made, text } = await solve(
      ...[file, "--plot", files[0], "--phase", files[1], "--csv", files[2], "--samples", "101"],
    );
    expect(made.files).toEqual(files);
    for (const name of files) expect(text).toContain(name);
    const svg = readFileSync(files[0], "utf8");
    expect(svg).toMatch(/^<svg/);
    for (const label of ["u' = v", ">u<", ">v<", ">t<"]) expect(svg).toContain(label);
    expect(readFileSync(files[1]).subarray(1, 4).toString()).toBe("PNG");
    const { names, rows } = csv(files[2]);
    expect(names).toEqual(["t", "u", "v"]);
    expect(rows).toHaveLength(101);
    for (const [t, u, v] of rows) {
      expect(u).toBeCloseTo(2 * Math.sin(t!), 12);
      expect(v).toBeCloseTo(2 * Math.cos(t!), 12);
    }
    expect(rows.at(-1)![0]).toBeCloseTo(2 * Math.PI, 14);
  });

  it("samples a basis and a particular solution where no conditions are given", async () => {
    const file = here("basis.csv");
    const svg = here("basis.svg");
    const flags = ["--interval", "0,1", "--csv", file, "--phase", svg];
    await solve("--equation", "y'' - y = 1", ...flags);
    for (const label of [">solution 1<", ">solution 2<", ">particular<"]) {
      expect(readFileSync(svg, "utf8")).toContain(label);
    }
    const { names, rows } = csv(file);
    expect(names).toEqual(["t", "y_1", "y'_1", "y_2", "y'_2", "y_p", "y'_p"]);
    // y_1 y_2' − y_2 y_1' is constant.
    const wronskians = rows.map(([, a, da, b, db]) => a! * db! - b! * da!);
    for (const w of wronskians) expect(w / wronskians[0]!).toBeCloseTo(1, 12);
    // (y_p + 1)'' = y_p + 1, so cosh and sinh fit it.
    const [first, last] = [rows[0]!, rows.at(-1)!];
    const end = (first[5]! + 1) * Math.cosh(1) + first[6]! * Math.sinh(1);
    expect(last[5]! + 1).toBeCloseTo(end, 12);
  });

  it("meets boundary values of a JSON file numerically, and says why not by expressions", async () => {
    const file = here("airy.json");
    const problem = {
      equations: ["y'' = x*y"],
      interval: [-8, 2],
      boundary: ["y(-8) = 0", "y(2) = 1"],
    };
    writeFileSync(file, JSON.stringify(problem));
    const samples = here("airy.csv");
    const { text, figures: made } = await solve(file, "--csv", samples, "--samples", "11");
    expect(text).toMatch(/not symbolic: .*1 independent solution must be known/);
    expect(made).toMatchObject({ method: "general" });
    expect((made.numeric as { errorEstimate: number }).errorEstimate).toBeLessThan(1e-9);
    const { rows } = csv(samples);
    expect(rows[0]![1]).toBeCloseTo(0, 11);
    expect(rows.at(-1)![1]).toBeCloseTo(1, 11);
  });

  it.each(["symbolic", "general", "dop853", "radau", "magnus"])(
    "solves by method %s",
    async (method) => {
      const { figures: made } = await solve(
        ...["--equation", "y'' + 2*y' + 5*y = 0", "--interval", "0,2", "--initial", "1,0"],
        ...["--method", method, "--tolerance", "1e-9"],
      );
      // e^{−t}(cos 2t + sin 2t/2)
      const want = Math.exp(-2) * (Math.cos(4) + Math.sin(4) / 2);
      expect((made.end as number[])[0]).toBeCloseTo(want, 7);
      expect(made.method).toBe(method);
    },
  );

  it("shows the symmetries of the reduction", async () => {
    const { text, figures: made } = await solve(
      ...["--equation", "t^2*y'' + 2*t*y' - 2*y = 0", "--known", "t", "--interval", "1,2"],
      "--symmetries",
    );
    expect(text).toContain("known solution: t d/dy + d/dy'");
    expect(text).toContain("scaling: y d/dy + y' d/dy', moves log(");
    expect(text).toContain("z1' = -3*z1/t");
    expect(made.symmetries).toHaveProperty("invariants");
  });

  it("lets flags say otherwise than the file", async () => {
    const file = here("decay.txt");
    writeFileSync(file, "y' = -y\ninterval: 0, 1\ninitial: 1\n");
    const { figures: made } = await solve(file, "--interval", "0,2", "--initial", "3");
    expect((made.end as number[])[0]).toBeCloseTo(3 * Math.exp(-2), 12);
  });
});

describe("what ode refuses, in one line and with nothing written", () => {
  const oscillator = ["--equation", "y'' + y = 0"];
  const cases: [name: string, args: string[], message: RegExp][] = [
    ["nothing", [], /name a file, or give --equation/],
    ["a file and equations", [here("none"), ...oscillator], /a file or --equation, not both/],
    ["a file that is not there", [here("none")], /none/],
    ["no derivative", ["--equation", "y = 1"], /"y = 1" has no derivative/],
    ["no equals sign", ["--equation", "y'' + y"], /must have one "="/],
    ["a square", ["--equation", "y' = y^2"], /not linear in y/],
    [
      "a product of unknowns",
      ["--equation", "u' = u*v", "--equation", "v' = u"],
      /not linear in u and v/,
    ],
    ["a typing error", ["--equation", "y'' + sin x*y = 0"], /write sin\(…\).*character \d+/],
    ["a second name", ["--equation", "y'' + k*y = x"], /hold k, x beside the unknowns/],
    ["fewer equations than unknowns", ["--equation", "u' = v'"], /1 equations for 2 unknowns/],
    ["a system of second order", ["--equation", "u'' = v", "--equation", "v' = u"], /first order/],
    ["a wrong known solution", [...oscillator, "--known", "t"], /known\[0\] is not a solution/],
    [
      "a known solution of another size",
      [...oscillator, "--known", "cos(t),1"],
      /2 components, 1 are wanted/,
    ],
    ["a falling interval", [...oscillator, "--interval", "1,0"], /must rise/],
    ["one end", [...oscillator, "--interval", "1"], /give two numbers/],
    ["one initial value of two", [...oscillator, "--initial", "1"], /2 conditions are needed/],
    [
      "both kinds of conditions",
      [...oscillator, "--initial", "1,0", "--boundary", "y(1)=0"],
      /not both/,
    ],
    [
      "a condition outside",
      [...oscillator, "--interval", "0,1", "--boundary", "y(2)=0", "--boundary", "y(0)=0"],
      /outside of the interval/,
    ],
    [
      "conditions that determine nothing",
      [...oscillator, "--boundary", "y(0)=0", "--boundary", "y(pi)=1"],
      /do not determine/,
    ],
    ["an unknown method", [...oscillator, "--method", "euler"], /euler.*Allowed choices/],
    ["a tolerance above 1", [...oscillator, "--tolerance", "2"], /between 0 and 1/],
    [
      "a picture of another kind",
      [...oscillator, "--csv", here("made.csv"), "--plot", here("made.pdf")],
      /\.svg or \.png/,
    ],
    [
      "a phase plane of one unknown",
      ["--equation", "y' = y", "--phase", here("made.svg")],
      /two components/,
    ],
    ["an integrator without initial values", [...oscillator, "--method", "radau"], /--initial/],
    [
      "a singularity inside",
      ["--equation", "(t-1)*y'' + y = 0", "--interval", "0,2"],
      /not finite at t = 1\.|cannot be resolved near t = (1|0\.99)/,
    ],
  ];
  it.each(cases)("%s", async (_name, args, message) => {
    const { status, stdout, stderr } = await invoke("ode", ...args);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(readdirSync(root).filter((name) => name.startsWith("made"))).toEqual([]);
  });

  it("a file with a line that says nothing, naming the line", async () => {
    const file = here("wrong.txt");
    for (const [text, message] of [
      ["y'' + y = 0\nhello\n", /line 2: "hello" is no equation/],
      ["y'' + y = 0\nintervall: 0, 1\n", /line 2: there is no "intervall"/],
      ['{"equations": []}', /equations/],
      ['{"equations": ["y\' = y"], "extra": 1}', /extra/],
      ['{"equations": ', /not JSON/],
    ] as const) {
      writeFileSync(file, text);
      const { status, stderr } = await invoke("ode", file);
      expect(stderr).toMatch(message);
      expect(status).toBe(2);
    }
    expect(existsSync(here("made.csv"))).toBe(false);
  });
});
