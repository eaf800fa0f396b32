// Topics of a corpus: fit, list the words of every topic, find the topics of a document.
// npx tsx examples/plsa.ts
import { train } from "reparam";

const topics = await train("plsa", { data: "state-of-the-union", options: { topics: 10 } });
console.log((await topics.evaluate("test")).metrics); // nats a word

// One-hot shares decode to the distribution of each topic over the terms.
const data = Float64Array.from({ length: 100 }, (_, i) => Number(i % 11 === 0));
const latent = { dtype: "float64", shape: [10, 10], data } as const;
const { probabilities } = await topics.call<"probabilities">("decode", { latent });
const terms = topics.dataset.names?.counts ?? [];
for (let topic = 0; topic < 10; topic++) {
  const row = [...(probabilities.data as Float64Array)]
    .slice(topic * terms.length)
    .slice(0, terms.length);
  const order = row.map((p, i) => [p, terms[i]] as const).sort(([p], [q]) => q - p);
  console.log(
    `topic ${topic}: ${order
      .slice(0, 8)
      .map(([, term]) => term)
      .join(" ")}`,
  );
}
