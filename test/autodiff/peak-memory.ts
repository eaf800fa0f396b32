// Prints by how many MB a forward and backward pass raises the peak of this process's memory.
import { gradients, rematerialize } from "../../src/autodiff/index.ts";
import { compile } from "../../src/onnx/index.ts";
import { sum, tanh } from "../../src/ops/index.ts";
import { spec, zeros } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";

const size = 1 << 20;
const again = process.argv[2] === "rematerialized";

const block = (x: Value): Value => {
  let y = x;
  for (let i = 0; i < 8; i++) y = tanh(y.mul(1.1).add(0.01 * i));
  return y;
};

const program = await compile(
  ({ x }) => {
    let y = x;
    for (let i = 0; i < 8; i++) y = again ? rematerialize(block, y) : block(y);
    const [dx] = gradients(sum(y.mul(y)), [x]);
    return { norm: sum(dx!.mul(dx!)) };
  },
  { x: spec("float32", [size]) },
  { threads: 1, spin: false },
);
const before = process.resourceUsage().maxRSS;
await program.run({ x: zeros([size]) });
console.log((process.resourceUsage().maxRSS - before) / 1000);
