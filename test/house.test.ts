// The house rules: which folder may import which, where Node and ONNX Runtime may appear, how long
// a file may be, and what no committed file may mention.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

const engine = ["tensor", "trace", "ops", "autodiff"];
const models = [...engine, "nn", "optim", "distributions", "divergences"];

/** Folder → the folders that it may import; a folder that is not here may import everything. */
const allowed: Record<string, readonly string[]> = {
  tensor: [],
  trace: ["tensor"],
  ops: ["tensor", "trace"],
  autodiff: ["tensor", "trace", "ops"],
  onnx: ["tensor", "trace", "ops"],
  "onnx-import": ["tensor", "trace", "ops"],
  nn: engine,
  distributions: engine,
  divergences: engine,
  optim: engine,
  estimators: [...engine, "distributions"],
  numerics: ["tensor"],
  ode: ["tensor", "numerics"],
  text: ["tensor"],
  data: ["tensor", "text"],
  metrics: ["tensor", "trace", "ops", "onnx", "numerics"],
  step: models,
  methods: [...models, "estimators", "ode", "numerics", "step", "onnx-import"],
  run: ["tensor", "onnx-import", "text", "data", "step", "onnx", "metrics", "report"],
  report: ["tensor", "numerics"],
};
/** Folders of which types, and only types, may be imported as well. */
const allowedTypes: Record<string, readonly string[]> = {
  run: ["trace"],
  report: ["run"],
  step: ["text", "onnx-import"],
};
const unrestricted = ["", "cli"];

// report/raster.ts draws with resvg in Node and with a canvas in a browser.
const nodeFile = /^src\/(cli|run|data)\/|^src\/onnx\/session[^/]*\.ts$|^src\/report\/raster\.ts$/;
const sessionFile = /^src\/onnx\/session[^/]*\.ts$/;
const nodeOnly = new Set([...builtinModules, "@resvg/resvg-js", "commander", "onnxruntime-node"]);

interface Import {
  readonly target: string;
  readonly kind: "static" | "type" | "lazy";
}

/** Every import and re-export of a source text; those inside comments are not imports. */
function importsOf(source: string): Import[] {
  const code = source.replace(/^\s*\/\*[\s\S]*?\*\//gm, "").replace(/^\s*\/\/.*$/gm, "");
  const clause = /^(?:import|export)\s+(type\s)?(?:[\w$*{}\s,]*?\sfrom\s*)?["']([^"']+)["']/gm;
  const found = [...code.matchAll(clause)].map(
    ([, type, target]): Import => ({ target: target!, kind: type ? "type" : "static" }),
  );
  for (const [, target] of code.matchAll(/\bimport\(\s*["'`]([^"'`]+)["'`]/g)) {
    found.push({ target: target!, kind: "lazy" });
  }
  return found;
}

/** The folder under src/ of a file of src/; "" for src/index.ts. */
const folderOf = (file: string) => (file.split("/").length > 2 ? file.split("/")[1]! : "");
const familyOf = (file: string) => (file.split("/").length > 3 ? file.split("/")[2]! : "");

/** Why `file` may not import the file `target`, or undefined. */
function folderComplaint(file: string, target: string, kind: Import["kind"]): string | undefined {
  const from = folderOf(file);
  const to = folderOf(target);
  if (!target.startsWith("src/")) return "leaves src/";
  if (from === "cli" && to === "methods" && kind === "static") {
    const lazy = /^src\/methods\/(catalogue|index)\.ts$/.test(target);
    return lazy ? undefined : "cli reaches methods through the catalogue";
  }
  if (from === "methods" && to === "methods" && familyOf(file) !== "" && familyOf(target) !== "") {
    const prior = /prior/i.test(file) && familyOf(target) === "transformer";
    const same = familyOf(file) === familyOf(target);
    return same || prior ? undefined : "a method family does not import another";
  }
  if (from === to || unrestricted.includes(from)) return undefined;
  const folders = allowed[from];
  if (folders === undefined) return `${from}/ is not in the table of this test`;
  if (folders.includes(to)) return undefined;
  if (kind === "type" && allowedTypes[from]?.includes(to)) return undefined;
  return `${from}/ may not import ${to || "the index"}`;
}

/** Every broken import rule of one source file, as readable lines. */
function importComplaints(file: string, source: string): string[] {
  return importsOf(source).flatMap(({ target, kind }) => {
    const complaints: (string | undefined)[] = [];
    if (target.startsWith(".")) {
      const path = posix.join(posix.dirname(file), target);
      complaints.push(folderComplaint(file, path, kind));
    } else {
      const name = target.split("/").slice(0, target.startsWith("@") ? 2 : 1);
      const isNode = target.startsWith("node:") || nodeOnly.has(name.join("/"));
      if (isNode && !nodeFile.test(file)) complaints.push("is for Node only");
      const isRuntime = target.startsWith("onnxruntime");
      if (isRuntime && !sessionFile.test(file)) complaints.push("belongs to onnx/session");
    }
    return complaints.filter((why) => why !== undefined).map((why) => `${file}: ${target} ${why}`);
  });
}

function sourceFiles(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? sourceFiles(path) : path.endsWith(".ts") ? [path] : [];
  });
}

const sources = sourceFiles("src").map((file) => ({
  file,
  source: readFileSync(join(root, file), "utf8"),
}));

describe("the import rules", () => {
  it("hold in every file of src/", () => {
    expect(sources.flatMap(({ file, source }) => importComplaints(file, source))).toEqual([]);
  });

  it.each([
    ["src/tensor/a.ts", 'import { x } from "../trace/value.ts";'],
    ["src/ops/a.ts", 'export * from "../autodiff/index.ts";'],
    ["src/ops/a.ts", 'import {\n  type A,\n  b,\n} from "../onnx/lower.ts";'],
    ["src/run/a.ts", 'import { type V } from "../trace/value.ts";'],
    ["src/run/a.ts", 'const m = await import("../methods/vae/gaussian.ts");'],
    ["src/cli/a.ts", 'import { gaussianVae } from "../methods/vae/gaussian.ts";'],
    ["src/methods/vae/a.ts", 'import { g } from "../gan/dcgan.ts";'],
    ["src/step/a.ts", 'import { compile } from "../onnx/program.ts";'],
    ["src/report/a.ts", 'import { readFileSync } from "node:fs";'],
    ["src/nn/a.ts", 'import fs from "fs";'],
    ["src/onnx/program.ts", 'import type { Tensor } from "onnxruntime-common";'],
    ["src/data/a.ts", 'import "../../tools/x.ts";'],
  ])("forbid in %s: %s", (file, source) => {
    expect(importComplaints(file, source)).toHaveLength(1);
  });

  it.each([
    ["src/run/a.ts", 'import type { V } from "../trace/value.ts";'],
    ["src/report/a.ts", 'import type { RunRecord } from "../run/record.ts";'],
    ["src/cli/a.ts", 'import { catalogue } from "../methods/catalogue.ts";'],
    ["src/methods/catalogue.ts", 'const load = () => import("./vae/gaussian.ts");'],
    ["src/methods/vq/prior.ts", 'import { block } from "../transformer/gpt.ts";'],
    ["src/onnx/session-node.ts", 'import * as ort from "onnxruntime-node";'],
    ["src/tensor/a.ts", '/**\n * import { x } from "../trace/value.ts";\n */'],
  ])("allow in %s: %s", (file, source) => {
    expect(importComplaints(file, source)).toEqual([]);
  });
});

describe("source files", () => {
  it("have no default export", () => {
    const pattern = /^export\s+default\b|\bas\s+default\b/m;
    expect(sources.filter(({ source }) => pattern.test(source)).map(({ file }) => file)).toEqual(
      [],
    );
  });

  it("are named for what they hold and have at most 400 lines", () => {
    const long = sources.filter(({ source }) => source.trimEnd().split("\n").length > 400);
    const vague = sources.filter(({ file }) => /\/utils?\.ts$/.test(file));
    expect([...long, ...vague].map(({ file }) => file)).toEqual([]);
  });
});

/** What git has or would take with `git add`; undefined outside a checkout. */
function committedFiles(): string[] | undefined {
  try {
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const options = { cwd: root, encoding: "utf8", maxBuffer: 1 << 26, stdio: "pipe" } as const;
    return execFileSync("git", args, options).split("\0").filter(Boolean);
  } catch {
    return undefined;
  }
}

/** Host names of registries: the public ones, and the one that this machine is set up for. */
function registryHosts(): string[] {
  const common = [
    "registry.npm" + "js.org",
    "registry.yarn" + "pkg.com",
    "files.python" + "hosted",
  ];
  const hosts = [...common, "py" + "pi.org", "deb.deb" + "ian.org"];
  for (const name of ["npm_config_registry", "PIP_INDEX_URL"]) {
    const value = process.env[name];
    if (value === undefined || !URL.canParse(value)) continue;
    const { hostname } = new URL(value);
    if (hostname !== "localhost" && !hostname.startsWith("127.")) hosts.push(hostname);
  }
  return hosts;
}

describe("committed files", () => {
  const files = committedFiles();

  it.skipIf(files === undefined)("mention no private page, path or registry host", () => {
    // Concatenated, so that this file does not find itself.
    const pages = ["METHODS" + ".md", "DESIGN" + ".md", ".." + "/shared", "/wo" + "rk/"];
    const forbidden = [...pages, ...registryHosts()];
    const hits = files!.flatMap((file) => {
      const path = join(root, file);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile() || stat.size > 4e6) return [];
      const text = readFileSync(path, "latin1");
      return forbidden.filter((word) => text.includes(word)).map((word) => `${file}: ${word}`);
    });
    expect(hits).toEqual([]);
  });
});
