import type { CatalogueEntry, MethodDefinition } from "../step/index.ts";
import { ReparamError } from "../tensor/index.ts";

/** Every method, loaded only when used. */
export const catalogue: readonly CatalogueEntry[] = [
  {
    name: "gaussian-vae",
    summary: "Variational autoencoder with Gaussian latents (Kingma, Welling 2014)",
    load: async () =>
      (await import("./vae/gaussian-vae.ts")).gaussianVae as unknown as MethodDefinition,
  },
  {
    name: "categorical-vae",
    summary:
      "Variational autoencoder with categorical latents by Gumbel-softmax (Jang, Gu, Poole 2017)",
    load: async () =>
      (await import("./vae/categorical-vae.ts")).categoricalVae as unknown as MethodDefinition,
  },
];

/** The method of that name. */
export function findMethod(name: string): Promise<MethodDefinition> {
  const entry = catalogue.find((method) => method.name === name);
  if (entry === undefined) {
    const known = catalogue.map((method) => method.name).join(", ");
    throw new ReparamError(`there is no method "${name}". There are: ${known}.`);
  }
  return entry.load();
}
