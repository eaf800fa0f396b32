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
    "introvae",
    "Introspective variational autoencoder: the encoder is the discriminator (Huang et al. 2018)",
    async () => (await import("./vae/introvae.ts")).introvae,
  ),
  entry(
    "real-nvp",
    "Normalizing flow of affine couplings (Dinh, Sohl-Dickstein, Bengio 2017)",
    async () => (await import("./flow/real-nvp.ts")).realNvp,
  ),
  entry(
    "gaussian-mixture",
    "Mixture of Gaussians by expectation-maximisation (Dempster, Laird, Rubin 1977)",
    async () => (await import("./em/gaussian-mixture.ts")).gaussianMixture,
  ),
  entry(
    "k-means",
    "k-means, begun as k-means++ (Arthur, Vassilvitskii 2007)",
    async () => (await import("./em/k-means.ts")).kMeans,
  ),
  entry(
    "bernoulli-mixture",
    "Mixture of independent binary features (Bishop 2006)",
    async () => (await import("./em/discrete-mixture.ts")).bernoulliMixture,
  ),
  entry(
    "categorical-mixture",
    "Mixture of independent categorical features (McLachlan, Peel 2000)",
    async () => (await import("./em/discrete-mixture.ts")).categoricalMixture,
  ),
  entry(
    "plsa",
    "Probabilistic latent semantic analysis (Hofmann 1999)",
    async () => (await import("./em/plsa.ts")).plsa,
  ),
  entry(
    "hidden-markov",
    "Hidden Markov model by the Baum-Welch algorithm (Baum, Petrie, Soules, Weiss 1970)",
    async () => (await import("./em/hidden-markov.ts")).hiddenMarkov,
  ),
  entry(
    "bernoulli-vae",
    "Variational autoencoder with binary latents (Jang, Gu, Poole 2017)",
    async () => (await import("./vae/bernoulli-vae.ts")).bernoulliVae,
  ),
  entry(
    "stochastic-binary-network",
    "Lower half of an image from its upper half by stochastic binary units (Raiko et al. 2015)",
    async () => (await import("./sbn/stochastic-binary-network.ts")).stochasticBinaryNetwork,
  ),
  entry(
    "vq-vae",
    "Image tokenizer with a learned codebook (van den Oord, Vinyals, Kavukcuoglu 2017)",
    async () => (await import("./vq/vq-vae.ts")).vqVae,
  ),
  entry(
    "fsq",
    "Image tokenizer by finite scalar quantization (Mentzer, Minnen, Agustsson, Tschannen 2023)",
    async () => (await import("./vq/fsq.ts")).fsq,
  ),
  entry(
    "token-prior",
    "Transformer that draws images token by token (van den Oord, Vinyals, Kavukcuoglu 2017)",
    async () => (await import("./vq/prior.ts")).tokenPrior,
  ),
  entry(
    "semi-supervised-vae",
    "Classes from a few labels and many images without (Kingma et al. 2014)",
    async () => (await import("./semi-supervised/semi-supervised-vae.ts")).semiSupervisedVae,
  ),
  entry(
    "sequence-gan",
    "Sequences of symbols by a generator and a discriminator (Kusner, Hernández-Lobato 2016)",
    async () => (await import("./sequence-gan/sequence-gan.ts")).sequenceGan,
  ),
  entry(
    "deep-infomax",
    "Image features by maximised mutual information (Hjelm et al. 2019)",
    async () => (await import("./mi/deep-infomax.ts")).deepInfomax,
  ),
  entry(
    "skip-gram",
    "Word vectors by noise-contrastive prediction of neighbours (Mikolov et al. 2013)",
    async () => (await import("./embedding/skip-gram.ts")).skipGram,
  ),
  entry(
    "doc-vectors",
    "Document vectors by noise-contrastive prediction of their words (Le, Mikolov 2014)",
    async () => (await import("./embedding/doc-vectors.ts")).docVectors,
  ),
  entry(
    "gan",
    "Generative adversarial network: any objective, penalty and architecture",
    async () => (await import("./gan/gan.ts")).gan,
  ),
  entry(
    "diffusion",
    "Diffusion model: any prediction, noise process and network (Ho, Jain, Abbeel 2020)",
    async () => (await import("./diffusion/diffusion.ts")).diffusion,
  ),
  entry(
    "gpt",
    "Language model from left to right (Radford, Narasimhan, Salimans, Sutskever 2018)",
    async () => (await import("./transformer/gpt.ts")).gpt,
  ),
  entry(
    "bert",
    "Bidirectional transformer that finds masked tokens (Devlin, Chang, Lee, Toutanova 2019)",
    async () => (await import("./transformer/bert.ts")).bert,
  ),
  entry(
    "xlnet",
    "Permutation language model with two-stream attention (Yang et al. 2019)",
    async () => (await import("./transformer/xlnet.ts")).xlnet,
  ),
  entry(
    "transformer-xl",
    "Language model with a memory of the segments before (Dai et al. 2019)",
    async () => (await import("./transformer/transformer-xl.ts")).transformerXl,
  ),
  entry(
    "finetune",
    "Training of a model read from an ONNX file, or of low-rank adapters to it (Hu et al. 2022)",
    async () => (await import("./finetune/finetune.ts")).finetune,
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
