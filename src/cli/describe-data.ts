import { type Column, type Dataset, readRows } from "../data/index.ts";
import { formatNumber, textTable } from "../report/table.ts";
import { elementCount } from "../tensor/index.ts";
import type { Context } from "./terminal.ts";
import type { Figures } from "./verb.ts";

/** Of one entry of a column over the training samples; missing values are left out. */
interface Statistics {
  readonly name: string;
  readonly mean: number;
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
  readonly missing: number;
}

/** Entries that are shown; terms and pixels are more than anybody reads. */
const mostShown = 40;
/** Tokens of a text that are shown. */
const shownTokens = 40;

/** Says what a method will see of a data set, and returns it. */
export function describeDataset(dataset: Dataset, { say }: Context): Figures {
  const { name, card, train, validation, test, classes, names = {} } = dataset;
  const samples = { train: train.length, validation: validation.length, test: test.length };
  say(`${name}: ${card.title}. Licence: ${card.license}.`);
  say(`samples: ${train.length} train, ${validation.length} validation, ${test.length} test`);
  if (classes !== undefined) say(`classes: ${classes.join(", ")}`);
  const columns = Object.entries(train.columns).map(([column, { dtype, shape }]) => {
    const onDisk = train.columns[column]?.stored !== undefined && dataset.tokenizer === undefined;
    const where = onDisk ? ", rows stay on disk" : "";
    say(`column ${column}: ${dtype} [${shape.join(", ")}]${where}`);
    return { name: column, dtype, shape, ...(names[column] && { names: names[column] }) };
  });
  const text = describeText(dataset, say);
  const { x } = train.columns;
  const features = x === undefined ? [] : statistics(x, train.length, names.x);
  if (features.length > 0) {
    const head = ["feature", "mean", "deviation", "least", "most", "missing"];
    const rows = features
      .slice(0, mostShown)
      .map(({ name: feature, mean, deviation, least, most, missing }) => [
        feature,
        ...[mean, deviation, least, most].map((value) => formatNumber(value)),
        String(missing),
      ]);
    say(textTable(head, rows));
    if (features.length > mostShown) say(`… and ${features.length - mostShown} more features`);
  }
  return { name, card, samples, columns, ...(classes && { classes }), features, ...text };
}

/** Of text: its tokenizer, and the beginning of the first sample of each part that has one. */
function describeText(
  { tokenizer, train, validation, test }: Dataset,
  say: Context["say"],
): Figures {
  if (tokenizer === undefined) return {};
  const { kind, vocabulary } = tokenizer;
  say(`tokenizer: ${kind}, ${vocabulary} tokens, the special ones among them`);
  const parts = Object.entries({ train, validation, test }).filter(([, part]) => part.length > 0);
  const described = parts.map(([part, split]) => {
    const { charactersPerToken = Number.NaN } = split;
    const { data } = readRows(split.columns.tokens as Column, 0, 1);
    const beginning = tokenizer.decode((data as Int32Array).subarray(0, shownTokens));
    const share = formatNumber(charactersPerToken);
    say(`${part}: ${share} characters a token, begins ${JSON.stringify(beginning)}`);
    return [part, { charactersPerToken, beginning }];
  });
  return { text: { tokenizer: kind, vocabulary, ...Object.fromEntries(described) } };
}

/** One pass over the rows, by Welford's update of mean and squared deviation. */
function statistics(column: Column, length: number, names: readonly string[] = []): Statistics[] {
  const size = elementCount(column.shape);
  const [mean, squares, count] = [0, 1, 2].map(() => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const least = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  const most = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
  const chunk = 4096;
  for (let from = 0; from < length; from += chunk) {
    const { data } = readRows(column, from, Math.min(from + chunk, length));
    for (let at = 0; at < data.length; at++) {
      const [value, i] = [Number(data[at]), at % size];
      if (Number.isNaN(value)) continue;
      count[i] = (count[i] as number) + 1;
      const before = value - (mean[i] as number);
      mean[i] = (mean[i] as number) + before / (count[i] as number);
      squares[i] = (squares[i] as number) + before * (value - (mean[i] as number));
      least[i] = Math.min(least[i] as number, value);
      most[i] = Math.max(most[i] as number, value);
    }
  }
  return Array.from({ length: size }, (_, i) => ({
    name: names[i] ?? String(i),
    mean: mean[i] as number,
    deviation: Math.sqrt((squares[i] as number) / Math.max(1, (count[i] as number) - 1)),
    least: least[i] as number,
    most: most[i] as number,
    missing: length - (count[i] as number),
  }));
}
