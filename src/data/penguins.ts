import { type Recipe, readCached } from "./cache.ts";
import { parseJsonTable } from "./json-table.ts";
import { npmSource } from "./sources.ts";
import { tableDataset } from "./table.ts";

const file = "penguins.json";

const card = {
  title: "Palmer penguins: bill, flipper and mass of 344 penguins of three species",
  license: "CC0 1.0",
  source: "npm vega-datasets 3.2.1 (17 MB are fetched for 67 kB)",
  citation:
    "Gorman, Williams, Fraser, Ecological sexual dimorphism and environmental variability within a community of Antarctic penguins (genus Pygoscelis), PLoS ONE 9 (2014); Horst, Hill, Gorman, palmerpenguins (2020)",
};

/** Four measurements, two of the rows without any; the species is the label. */
export const penguins: Recipe = {
  name: "penguins",
  card,
  kind: "table",
  files: [
    {
      name: file,
      bytes: 67119,
      sha256: "0facf769609f1205b82cbceb8238c36af3e6147a0ca0e163902cc6281ce3e917",
    },
  ],
  sources: [npmSource("vega-datasets@3.2.1", "data")],
  async load(folder, options) {
    const roles = { labelColumn: "Species", ignoreColumns: ["Island", "Sex"], ...options };
    const text = await readCached(folder, file);
    const table = parseJsonTable(text, file, roles);
    return tableDataset(table, { name: "penguins", card }, options);
  },
};
