import { type Command, InvalidArgumentError, Option } from "commander";
import { ReparamError } from "../tensor/index.ts";
import type { Problem, ProblemText } from "./ode-problem.ts";
import type { Solved } from "./ode-solve.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures, integerOption } from "./verb.ts";

const format = `
Equations are linear, with primes for derivatives: one equation of any order, or a system of first order.
Expressions know + - * / ^, pi, e and sin cos tan exp log sqrt sinh cosh tanh abs asin acos atan.

A file has an equation a line, and what the flags say as "key: value":
  # Bessel's equation of order 1/2
  x^2*y'' + x*y' + (x^2 - 1/4)*y = 0
  known: sin(x)/sqrt(x)
  interval: 1, 12
  initial: 1, 0

or is a JSON object:
  {"equations": ["u' = v", "v' = -u"], "interval": [0, 7], "boundary": ["u(0) = 1", "v(1) = 0"]}
with known (texts, or lists of texts for systems), variable, initial and tolerance if wanted.

Method auto gives expressions where it can: with all but one solution known, with constant coefficients, and for
one equation of first order; general solves everything else numerically, from whatever is known.`;

const repeated = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text: string, before?: string[]) => [
    ...(before ?? []),
    text,
  ]);

const positiveOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (Number.isFinite(value) && value > 0 && value < 1) return value;
    throw new InvalidArgumentError("It must be a number between 0 and 1.");
  });

export const addOdeVerb = (program: Command, context: Context): Command =>
  addVerb(program, context, {
    usage: "ode [file]",
    description: "Solves linear differential equations, by expressions where that is possible.",
    examples: [
      `ode --equation "y'' + y = cos(t)" --initial 1,0 --plot y.svg`,
      `ode --equation "x^2*(2-x)*y'' + 2*x*y' - 2*y = exp(-x)*x^2*(2-x)^2" --known x --interval 0.5,1.5`,
      `ode --equation "y'' = x*y" --interval -8,2 --boundary "y(-8) = 0" --boundary "y(2) = 1" --csv airy.csv`,
      `ode --equation "u' = v" --equation "v' = -u" --interval 0,6.3 --initial 1,0 --phase circle.png`,
      "ode problem.txt --symmetries --json",
    ],
    options: [
      repeated("--equation <text>", "an equation, with primes for derivatives; repeatable"),
      repeated(
        "--known <text>",
        "a solution of the homogeneous equation, components apart by commas; repeatable",
      ),
      new Option(
        "--variable <name>",
        "the independent variable (default: the name that is left, or t)",
      ),
      new Option(
        "--interval <from,to>",
        "where it is solved (default: that of the conditions, or 0,10)",
      ),
      new Option("--initial <values>", "y, y', … or every unknown at the interval's start"),
      repeated("--boundary <condition>", `such as "y(1) = 2" or "y'(0) = 1"; repeatable`),
      positiveOption("--tolerance <x>", "relative error of numeric solutions (default: 1e-10)"),
      new Option("--method <name>", "how it is solved")
        .choices(["auto", "symbolic", "general", "dop853", "radau", "magnus"])
        .default("auto"),
      new Option("--symmetries", "the symmetries behind the reduction as well"),
      new Option("--plot <file>", "solutions against the variable, as .svg or .png"),
      new Option("--phase <file>", "the phase plane of the first two components, as .svg or .png"),
      new Option("--csv <file>", "samples of the solutions"),
      integerOption("--samples <n>", "times in pictures and samples", 2).default(401),
    ],
    action: solveAction,
  }).addHelpText("after", format);

async function solveAction(
  [file]: readonly string[],
  flags: Readonly<Record<string, unknown>>,
  ctx: Context,
): Promise<Figures> {
  const { makeProblem } = await import("./ode-problem.ts");
  const { solveProblem } = await import("./ode-solve.ts");
  const { checkPicture } = await import("./ode-output.ts");
  const problem = makeProblem(await problemText(file, flags));
  checkPicture(flags.plot as string | undefined, "--plot");
  checkPicture(flags.phase as string | undefined, "--phase");
  if (flags.phase !== undefined && problem.components.length < 2) {
    throw new ReparamError("--phase needs two components; this problem has one.");
  }
  const solved = await solveProblem(problem, flags.method as Solved["method"]);
  const symmetryList = flags.symmetries === true ? await symmetriesOf(problem) : undefined;
  const files = await contents(problem, solved, flags);
  const { makeReport } = await import("./ode-report.ts");
  const { lines, figures } = makeReport(problem, solved, symmetryList);
  const { writeAtomic } = await import("../run/index.ts");
  for (const [path, content] of files) await writeAtomic(path, content);
  for (const line of lines) ctx.say(line);
  const names = files.map(([path]) => path);
  for (const name of names) ctx.say(name);
  return { ...figures, files: names };
}

/** The file, with what the flags say in place of what it says. */
async function problemText(
  file: string | undefined,
  flags: Readonly<Record<string, unknown>>,
): Promise<ProblemText> {
  const { numbers, readProblem } = await import("./ode-problem.ts");
  const { readBytes } = await import("../run/index.ts");
  const equations = (flags.equation as string[] | undefined) ?? [];
  if ((file === undefined) === (equations.length === 0)) {
    throw new ReparamError(
      file === undefined
        ? `ode: name a file, or give --equation, for example --equation "y'' + y = 0".`
        : "ode: give a file or --equation, not both.",
    );
  }
  const text: ProblemText =
    file === undefined
      ? { equations, known: [], boundary: [] }
      : readProblem(new TextDecoder().decode(await readBytes(file)), file);
  const given = <T>(name: string, read: (value: string) => T) =>
    flags[name] === undefined ? {} : { [name]: read(flags[name] as string) };
  const list = (name: "known" | "boundary") =>
    flags[name] === undefined ? {} : { [name]: flags[name] as string[] };
  const conditions = flags.initial !== undefined && file !== undefined ? { boundary: [] } : {};
  return {
    ...text,
    ...conditions,
    ...list("known"),
    ...list("boundary"),
    ...given("variable", String),
    ...given("interval", (value) => {
      const ends = numbers(value, "--interval");
      if (ends.length === 2) return ends;
      throw new ReparamError(`--interval ${value}: give two numbers, for example 0,10.`);
    }),
    ...given("initial", (value) => numbers(value, "--initial")),
    ...(flags.tolerance === undefined ? {} : { tolerance: flags.tolerance as number }),
  };
}

async function symmetriesOf(problem: Problem) {
  const { symmetries } = await import("../ode/index.ts");
  const { symbolicForm } = await import("./ode-solve.ts");
  return symmetries(symbolicForm(problem), { names: problem.components });
}

/** What is to be written, complete before the first file is. */
async function contents(
  problem: Problem,
  solved: Solved,
  flags: Readonly<Record<string, unknown>>,
): Promise<[path: string, content: string | Uint8Array][]> {
  const { phasePlot, picture, sampleSolution, samplesToCsv, timePlot } = await import(
    "./ode-output.ts"
  );
  const { plot, phase, csv } = flags as { plot?: string; phase?: string; csv?: string };
  const files: [string, string | Uint8Array][] = [];
  if (plot === undefined && phase === undefined && csv === undefined) return files;
  const samples = sampleSolution(problem, solved, flags.samples as number);
  if (plot !== undefined) files.push([plot, await picture(timePlot(problem, samples), plot)]);
  if (phase !== undefined) files.push([phase, await picture(phasePlot(problem, samples), phase)]);
  if (csv !== undefined) files.push([csv, samplesToCsv(samples)]);
  return files;
}
