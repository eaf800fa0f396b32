import { Option } from "commander";
import { findMethod } from "../methods/catalogue.ts";
import type { GenerationOptions } from "../run/index.ts";
import type { Method } from "../step/index.ts";
import { ReparamError } from "../tensor/index.ts";
import type { Tokenizer } from "../text/index.ts";
import { parseOptions } from "./method-flags.ts";
import { openWeights } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { type Figures, integerOption, numberOption } from "./verb.ts";

const group = "Text:";

/** The flags that say how text is continued. */
export const generationFlags = (): Option[] =>
  [
    new Option("--prompt <text>", "the text to continue (default: an end of line)"),
    integerOption("--tokens <n>", "most tokens to add (default: 200)"),
    numberOption(
      "--temperature <t>",
      "divides the logits, of tokens of images too; 0 takes the likeliest (default: 1)",
    ),
    integerOption(
      "--top-k <n>",
      "choose among this many of the likeliest, of tokens of images too (default: all)",
    ),
    numberOption("--top-p <p>", "choose among the likeliest of this probability (default: 1)"),
    numberOption("--repetition-penalty <x>", "against tokens that are there (default: 1, none)"),
  ].map((option) => option.helpGroup(group));

const pictureFlags = ["npy", "set"] as const;

type Flags = Readonly<Record<string, unknown>>;

/** A run that was trained on text, without its data; undefined for other runs. */
export async function openText(
  folder: string,
): Promise<
  { readonly method: Method; readonly tokenizer: Tokenizer; readonly threads: number } | undefined
> {
  const { readConfig, readTokenizer, textShape } = await import("../run/index.ts");
  const config = await readConfig(folder);
  const tokenizer = await readTokenizer(folder);
  if (tokenizer === undefined) return undefined;
  const definition = await findMethod(config.method);
  const options = parseOptions(definition, config.options);
  const method = definition.create(options, textShape(tokenizer, config));
  return { method, tokenizer, threads: config.threads };
}

/**
 * Continues a text with a run's model, on the terminal as it is made; undefined where the run is not one of
 * text. Throws for flags that text has no use for.
 */
export async function generate(
  folder: string,
  flags: Flags,
  context: Context,
): Promise<Figures | undefined> {
  const run = await openText(folder);
  if (run === undefined || run.method.functions.next === undefined) return undefined;
  const useless = pictureFlags.find((name) => [flags[name]].flat()[0] !== undefined);
  if (useless !== undefined) {
    throw new ReparamError(`--${useless}: ${folder} generates text. Leave it out.`);
  }
  const { openGenerator, writeAtomic } = await import("../run/index.ts");
  const { method, tokenizer, threads } = run;
  const { weights } = await openWeights({ folder, method }, context);
  const generator = await openGenerator(method, weights, tokenizer, { threads });
  const prompt = (flags.prompt as string | undefined) ?? defaultPrompt(tokenizer);
  const options = optionsOf(flags);
  const texts: string[] = [];
  const start = performance.now();
  try {
    for (let i = 0; i < ((flags.count as number | undefined) ?? 1); i++) {
      if (i > 0) context.say("\n---");
      // Every text has choices of its own, and the first those of a call for one alone.
      const seed = (options.seed ?? 0) + i;
      texts.push(await stream(generator.text(prompt, { ...options, seed }), prompt, context));
    }
  } finally {
    await generator.release();
  }
  const out = flags.out as string | undefined;
  if (out !== undefined) await writeAtomic(out, `${texts.join("\n---\n")}\n`);
  const seconds = (performance.now() - start) / 1000;
  return { run: folder, prompt, ...options, texts, seconds, ...(out === undefined ? {} : { out }) };
}

async function stream(
  pieces: AsyncGenerator<string>,
  prompt: string,
  { terminal, say }: Context,
): Promise<string> {
  // A prompt or an option that is refused is so before the first piece, when nothing is written yet.
  let next = await pieces.next();
  let text = prompt;
  terminal.stdout.write(prompt);
  for (; next.done !== true; next = await pieces.next()) {
    terminal.stdout.write(next.value);
    text += next.value;
  }
  say("");
  return text;
}

/** A line begins after an end of line; where the vocabulary lacks it, the model begins as it can. */
function defaultPrompt(tokenizer: Tokenizer): string {
  try {
    return tokenizer.decode(tokenizer.encode("\n"));
  } catch {
    return "";
  }
}

function optionsOf(flags: Flags): GenerationOptions {
  const names = ["tokens", "temperature", "topK", "topP", "repetitionPenalty", "seed"];
  return Object.fromEntries(
    names.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]),
  );
}
