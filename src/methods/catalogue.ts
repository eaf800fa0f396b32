import type { CatalogueEntry, MethodDefinition } from "../step/index.ts";
import { ReparamError } from "../tensor/index.ts";

/** The types of a method's own options end here: the tools check options by its schema. */
const entry = (
  name: string,
  summary: string,
  load: () => Promise<Omit<MethodDefinition, "create">>,
): CatalogueEntry => ({ name, summary, load: load as () => Promise<MethodDefinition> });

/** Every method, loaded only when used. */
export const catalogue: readonly CatalogueEntry[] = [
  entry(
    "gaussian-vae",
    "Variational autoencoder with Gaussian latents (Kingma, Welling 2014)",
    async () => (await import("./vae/gaussian-vae.ts")).gaussianVae,
  ),
  entry(
    "categorical-vae",
    "Variational autoencoder with categorical latents by Gumbel-softmax (Jang, Gu, Poole 2017)",
    async () => (await import("./vae/categorical-vae.ts")).categoricalVae,
  ),
  entry(
    "real-nvp",
    "Normalizing flow of affine couplings (Dinh, Sohl-Dickstein, Bengio 2017)",
    async () => (await import("./flow/real-nvp.ts")).realNvp,
  ),
];

/** The method of that name. */
export function findMethod(name: string): Promise<MethodDefinition> {
  const found = catalogue.find((method) => method.name === name);
  if (found === undefined) {
    const known = catalogue.map((method) => method.name).join(", ");
    throw new ReparamError(`there is no method "${name}". There are: ${known}.`);
  }
  return found.load();
}
