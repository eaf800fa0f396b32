import { availableParallelism } from "node:os";
import { type Command, Option } from "commander";
import { catalogue, findMethod } from "../methods/catalogue.ts";
import { type Device, defaultDevice, devices } from "../onnx/session.ts";
import { dataOf, type MethodDefinition } from "../step/definition.ts";
import { ReparamError } from "../tensor/index.ts";
import { dataFlags, dataOptionsOf } from "./data-flags.ts";
import { imagesOfAutoencoder } from "./encoded-images.ts";
import { methodFlags, parseOptions } from "./method-flags.ts";
import { dataOfReflow } from "./reflow.ts";
import { dataName } from "./runs.ts";
import type { Context } from "./terminal.ts";
import { type TrainRequest, trainNew } from "./training.ts";
import { addVerb, integerOption, numberOption } from "./verb.ts";

export const defaultThreads = (): number => Math.min(2, availableParallelism());

export const trainOptions = (definition: MethodDefinition | undefined): Option[] => {
  const { epochs, batchSize, logEvery = 50 } = definition?.training ?? {};
  const suits = (value: number | string | undefined): string =>
    `default: ${value ?? "what suits the method"}`;
  return [
    new Option(
      "--data <name>",
      `data set, a folder of IDX files, images or texts, or a table or text such as FILE.csv or FILE.txt (${suits(definition && dataOf(definition))})`,
    ),
    integerOption("--epochs <n>", `passes through the training data (${suits(epochs)})`),
    integerOption("--steps <n>", "iterations, in place of epochs"),
    integerOption("--batch-size <n>", `samples of a batch (${suits(batchSize)})`),
    integerOption("--seed <n>", "of weights, order and noise", 0).default(0),
    integerOption("--threads <n>", "threads of one operator").default(defaultThreads()),
    new Option(
      "--device <name>",
      "what the steps run on; without a graphics adapter, webgpu falls back to cpu",
    )
      .choices(devices)
      .default(defaultDevice),
    new Option("--out <folder>", "folder of the run (default: the next free one below runs/)"),
    ...dataFlags(),
    integerOption("--log-every <n>", "log training metrics as means over this many steps").default(
      logEvery,
    ),
    numberOption("--checkpoint-seconds <s>", "most seconds between checkpoints (default: 20)"),
    pictureOption(),
    new Option("--no-export", "write no ONNX files at the end"),
    profileOption(),
  ];
};

export const pictureOption = (): Option =>
  integerOption(
    "--picture-every <steps>",
    "draw samples after so many steps, of the same noise each time, into samples/training of the run",
  );

/** `--profile` or `--profile 200`. */
export const profileOption = (): Option =>
  integerOption(
    "--profile [steps]",
    "show by layer and by operator where the time of a step goes (of 50 steps if no number is given)",
  ).preset("50");

/** Adds `train`; its flags depend on the method, which is looked for in the command line first. */
export async function addTrainVerb(program: Command, context: Context): Promise<Command> {
  const named = context.argv[0] === "train" ? context.argv[1] : undefined;
  const known = catalogue.some(({ name }) => name === named);
  const definition = known ? await findMethod(named as string) : undefined;
  const flags = definition === undefined ? [] : methodFlags(definition);
  const command = addVerb(program, context, {
    usage: "train <method>",
    description:
      definition?.summary ?? "Trains a method on data. `train METHOD --help` lists its options.",
    examples: [
      "train gaussian-vae",
      "train gaussian-vae --latents 10 --beta 4 --epochs 20 --seed 1",
      "train categorical-vae --data fashion-mnist --out runs/clothes",
      "train gaussian-vae --network convolutional --data ./photos --image-size 32",
      "train gaussian-vae --steps 200 --profile",
      "train token-prior --tokenizer runs/fsq-fashion-mnist-1 --conditional",
      "train diffusion --prediction flow --reflow runs/diffusion-two-moons-1",
      "train diffusion --autoencoder runs/fsq-fashion-mnist-1 --patch 1 --multipliers 1",
    ],
    options: trainOptions(definition),
    action: async ([method = ""], given, ctx) => {
      const chosen = definition ?? (await findMethod(method));
      return trainNew(await requestOf(chosen, given), ctx);
    },
  });
  for (const flag of flags) command.addOption(flag.helpGroup("Options of the method:"));
  // Without a known method there are no flags to check; findMethod says what is wrong.
  if (definition === undefined && named !== undefined && !named.startsWith("-")) {
    command.allowUnknownOption().allowExcessArguments();
  }
  return command;
}

/** What the flags of a training ask for. */
export async function requestOf(
  definition: MethodDefinition,
  given: Readonly<Record<string, unknown>>,
): Promise<TrainRequest> {
  const number = (name: string): number | undefined => given[name] as number | undefined;
  const [epochs, steps] = [number("epochs"), number("steps")];
  if (epochs !== undefined && steps !== undefined) {
    throw new ReparamError("--epochs and --steps exclude each other. Give one.");
  }
  const options = parseOptions(definition, given);
  const own = { ...definition.training.load, ...dataOptionsOf(given) };
  const before = (await imagesOfAutoencoder(own)) ?? (await dataOfReflow(own));
  const { listDatasets } = await import("../data/index.ts");
  const known = (await listDatasets()).map(({ name }) => name);
  return {
    definition,
    options,
    data: {
      ...before,
      name: dataName(
        (given.data as string | undefined) ?? before?.name ?? dataOf(definition),
        known,
      ),
      ...own,
    },
    seed: number("seed") as number,
    threads: number("threads") as number,
    device: (given.device as Device | undefined) ?? defaultDevice,
    batchSize: number("batchSize") ?? definition.training.batchSize,
    ...(steps === undefined ? { epochs: epochs ?? definition.training.epochs } : { steps }),
    logEvery: number("logEvery") as number,
    folder: given.out as string | undefined,
    checkpointSeconds: number("checkpointSeconds"),
    pictureEvery: number("pictureEvery"),
    exports: given.export !== false,
    profile: number("profile"),
  };
}
