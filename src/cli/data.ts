import { Argument, type Command } from "commander";
import { ReparamError } from "../tensor/index.ts";
import type { Context } from "./terminal.ts";
import { addVerb, type Figures } from "./verb.ts";

export function addDataVerb(program: Command, context: Context): Command {
  const command = addVerb(program, context, {
    usage: "data",
    description: "Data sets: what there is, fetch one into the cache, check one there.",
    examples: ["data list", "data fetch mnist", "data verify mnist"],
    action: async ([what = "list", name], _flags, ctx) => {
      if (what === "list") return list(ctx);
      if (name === undefined) {
        throw new ReparamError(`data ${what} wants the name of a data set. See: reparam data list`);
      }
      return what === "fetch" ? fetch(name, ctx) : verify(name, ctx);
    },
  });
  command.addArgument(new Argument("[what]", "what to do").choices(["list", "fetch", "verify"]));
  return command.addArgument(new Argument("[name]", "data set"));
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
    `\nCache: ${cacheFolder()} (set REPARAM_CACHE to move it). Any folder of IDX files or images works too.`,
  );
  return { cache: cacheFolder(), datasets };
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
