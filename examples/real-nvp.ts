// A normalizing flow on points of the plane: train, measure, look, ship.
// npx tsx examples/real-nvp.ts
import { mkdir, writeFile } from "node:fs/promises";
import { drawSamples, train } from "reparam";

const flow = await train("real-nvp", { data: "two-moons", epochs: 10 });
console.log((await flow.evaluate("test")).metrics); // nats a point

await mkdir("models", { recursive: true });
const { x } = await flow.call<"x">("sample", {}, { count: 2000 });
await writeFile("models/moons.png", await drawSamples(x));
console.log(await flow.export("models")); // sample.onnx, encode.onnx, decode.onnx
