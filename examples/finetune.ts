// A classifier of digits from an ONNX file learns clothes: its features stay, a new last layer is trained.
import { readFile } from "node:fs/promises";
import { train } from "reparam";
import { fromOnnx, layerCosts } from "reparam/onnx-import";

const model = fromOnnx(await readFile("assets/features/mnist.onnx"));
for (const { layer, parameters } of layerCosts(model)) {
  if (parameters > 0) console.log(layer, parameters);
}

const tuned = await train("finetune", {
  ...{ model, data: "fashion-mnist", epochs: 1, load: { limit: 5000 } },
  options: { output: "features", newHead: true, train: "none" },
});
console.log((await tuned.evaluate("test")).metrics); // { loss: …, accuracy: … }
await tuned.export("runs/finetune-example"); // predict.onnx, with the inputs of the file
