import { Argument, type Command } from "commander";
import type { LoadOptions } from "../data/index.ts";
import { ReparamError } from "../tensor/index.ts";
import { dataFlags, dataOptionsOf } from "./data-flags.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures } from "./verb.ts";

export function addDataVerb(program: Command, context: Context): Command {
  const command = addVerb(program, context, {
    usage: "data",
    description:
      "Data sets: what there is, fetch or check one, describe what a method sees of one.",
    examples: [
      "data list",
      "data fetch mnist",
      "data verify mnist",
      "data describe penguins.csv --ignore-columns island,sex --label-column species",
      "data describe state-of-the-union --tokenizer bpe --vocabulary 4096",
    ],
    options: dataFlags(),
    action: async ([what = "list", name], flags, ctx) => {
      if (what === "list") return list(ctx);
      if (name === undefined) {
        throw new ReparamError(`data ${what} wants the name of a data set. See: reparam data list`);
      }
      if (what === "describe") return describe(name, dataOptionsOf(flags), ctx);
      return what === "fetch" ? fetch(name, ctx) : verify(name, ctx);
    },
  });
  const verbs = ["list", "fetch", "verify", "describe"];
  command.addArgument(new Argument("[what]", "what to do").choices(verbs));
  return command.addArgument(new Argument("[name]", "data set; to describe, a path as well"));
}

async function list({ say }: Context): Promise<Figures> {
  const { cacheFolder, listDatasets } = await import("../data/index.ts");
  const { textTable } = await import("../report/table.ts");
  const datasets = await listDatasets();
  const rows = datasets.map(({ name, cached, generated, card }) => [
    name,
    generated ? "generated" : cached,
    card.license,
    card.title,
  ]);
  say(textTable(["data set", "in cache", "licence", "what it is"], rows));
  say(
    `\nCache: ${cacheFolder()} (set REPARAM_CACHE to move it). Any folder of IDX files, images or texts, and any table (.csv, .tsv, .npy, .parquet, .json, .jsonl) or text (.txt, .text, .md) works too.`,
  );
  return { cache: cacheFolder(), datasets };
}

async function describe(
  name: string,
  options: Partial<LoadOptions>,
  context: Context,
): Promise<Figures> {
  const { loadDataset } = await import("../data/index.ts");
  const { describeDataset } = await import("./describe-data.ts");
  return describeDataset(await loadDataset(name, options), context);
}

async function fetch(name: string, { say }: Context): Promise<Figures> {
  const { fetchDataset } = await import("../data/index.ts");
  const folder = await fetchDataset(name);
  say(`${name}: ${folder}`);
  return { name, folder };
}

async function verify(name: string, { say }: Context): Promise<Figures> {
  const { verifyDataset } = await import("../data/index.ts");
  const { folder, problems } = await verifyDataset(name);
  if (problems.size > 0) {
    const list = [...problems].map(([file, problem]) => `${file}: ${problem}`).join("; ");
    throw new ReparamError(
      `${name} in ${folder} is not whole: ${list}. Run: reparam data fetch ${name}`,
    );
  }
  say(`${name}: ${folder} is whole`);
  return { name, folder, problems: {} };
}
