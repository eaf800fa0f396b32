// Prints by how many MB a step, with its batch worked on in as many parts as told, raises this process's peak.
import { compile, hold } from "../../src/onnx/index.ts";
import { full, mean, tanh } from "../../src/ops/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { gradientStep, initialState, phaseProgram } from "../../src/step/index.ts";
import { dim, spec, type Tensor, type Tree, zeros } from "../../src/tensor/index.ts";
import type { Value } from "../../src/trace/index.ts";

const phase = gradientStep<{ readonly scale: Value }>({
  batch: { x: spec("float32", [dim("B"), 512]) },
  init: () => ({ scale: full([512], 1.1) }),
  loss: ({ scale }, { x }) => {
    let y = x as Value;
    for (let i = 0; i < 30; i++) y = tanh(y.mul(scale).add(0.01));
    return { loss: mean(y.square()) };
  },
  optimizer: sgd({ learningRate: 0.1 }),
  accumulate: Number(process.argv[2]),
});
const start = initialState(phase, 0);
const { build, example } = phaseProgram(phase, "step", start);
const program = await compile(build as never, example, { threads: 1, spin: false });
const batch = { x: zeros([2048, 512]) } as unknown as Tree<Tensor>;
const before = process.resourceUsage().maxRSS;
await program.run({ state: hold(start), batch });
console.log((process.resourceUsage().maxRSS - before) / 1000);
