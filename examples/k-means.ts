// k-means: find centres, assign rows, ship.
// npx tsx examples/k-means.ts
import { train } from "reparam";

const clusters = await train("k-means", { data: "grid-25", options: { clusters: 25, starts: 4 } });
console.log((await clusters.evaluate("test")).metrics); // mean squared distance

const x = { dtype: "float32", shape: [1, 2], data: Float32Array.of(2, 0) } as const;
const { cluster } = await clusters.call<"cluster">("encode", { x });
console.log(cluster.data); // the number of its cluster
console.log(await clusters.export("models")); // encode.onnx, decode.onnx
