import type { Recipe } from "./cache.ts";
import { debianSource, installedSource, webSource } from "./sources.ts";

/** Photographs of clothes in the format of MNIST. */
export const fashionMnist: Recipe = {
  name: "fashion-mnist",
  card: {
    title: "Fashion-MNIST: 70000 photographs of clothes, 28×28 pixels, grey",
    license: "MIT (© 2017 Zalando SE)",
    source: "Debian's package dataset-fashion-mnist, or the authors' public address",
    citation:
      "Xiao, Rasul, Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, arXiv:1708.07747 (2017)",
  },
  classes: [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
  ],
  files: [
    {
      name: "train-images-idx3-ubyte",
      bytes: 47040016,
      sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    },
    {
      name: "train-labels-idx1-ubyte",
      bytes: 60008,
      sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
    {
      name: "t10k-images-idx3-ubyte",
      bytes: 7840016,
      sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    },
    {
      name: "t10k-labels-idx1-ubyte",
      bytes: 10008,
      sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
  ],
  sources: [
    installedSource("/usr/share/datasets/fashion-mnist"),
    debianSource("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
    webSource("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
  ],
};
