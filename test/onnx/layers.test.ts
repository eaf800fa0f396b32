import { describe, expect, it } from "vitest";
import { gradients, gradientTree, rematerialize } from "../../src/autodiff/index.ts";
import { groupNorm, linear, type NormParams } from "../../src/nn/index.ts";
import { placesOf } from "../../src/onnx/index.ts";
import { matmul, mean, relu, reshape, sum, tanh } from "../../src/ops/index.ts";
import { adam, applyUpdates } from "../../src/optim/index.ts";
import { dim, mapTree, spec, type Tree } from "../../src/tensor/index.ts";
import { inLayer, Key, normal, trace, type Value } from "../../src/trace/index.ts";

const B = dim("B");
const layerSpec = (inputs: number, outputs: number) => ({
  weight: spec("float32", [inputs, outputs]),
  bias: spec("float32", [outputs]),
});
const model = { first: layerSpec(3, 5), second: layerSpec(5, 2) };
const x = spec("float32", [B, 3]);

type Marks = Record<string, Value>;

/** Traces a program, and tells where some of its values belong: `first forward`, for example. */
function placed<Example extends object>(
  example: Example,
  build: (inputs: never, mark: Marks) => object,
): Record<string, string> {
  const marks: Marks = {};
  const program = trace((inputs) => build(inputs as never, marks), example);
  const places = placesOf(program);
  const told = Object.entries(marks).map(([name, { node }]) => {
    const place = places.get(node);
    return [name, place === undefined ? "not run" : `${place.layer} ${place.pass}`];
  });
  return Object.fromEntries(told);
}

interface Given {
  readonly state: { readonly params: Net; readonly optimizer: Tree<Value> };
  readonly x: Value;
}
type Net = { first: Layer; second: Layer };
type Layer = { weight: Value; bias: Value };

/** Two layers with a tanh between them, a loss, and whatever `more` makes of the gradient. */
const twoLayers =
  (loss: (y: Value, params: Net, mark: Marks) => Value = (y) => mean(y.square())) =>
  ({ state: { params }, x: given }: Given, mark: Marks) => {
    const scaled = given.mul(2);
    const hidden = linear(params.first, scaled);
    const active = tanh(hidden);
    const y = linear(params.second, active);
    const total = loss(y, params, mark);
    const gradient = gradientTree(total, params);
    Object.assign(mark, { scaled, hidden, active, y, total });
    Object.assign(mark, {
      dFirst: gradient.first.weight,
      dSecond: gradient.second.weight,
    });
    return { params, gradient, total };
  };

const sgdStep = (params: Net, gradient: Net, mark: Marks): Net =>
  mapTree<Value, Value, Net>(params, (param, path) => {
    const [layer, leaf] = path.split(".") as ["first", "weight"];
    const step = gradient[layer][leaf].mul(-0.1);
    mark.step = step;
    return param.add(step);
  }) as Net;

describe("the layer of a node", () => {
  it("is that of the parameter it reads, or the last before it; then comes the loss", () => {
    const told = placed({ state: { params: model }, x }, (inputs: Given, mark) => {
      const { params, gradient, total } = twoLayers()(inputs, mark);
      return { state: { params: sgdStep(params, gradient, mark) }, total };
    });
    expect(told).toEqual({
      scaled: "input forward",
      hidden: "first forward",
      active: "first forward",
      y: "second forward",
      total: "loss forward",
      dFirst: "first backward",
      dSecond: "second backward",
      step: "optimizer update",
    });
  });

  it("is the optimizer for all that Adam and an average of the parameters compute", () => {
    const optimizer = adam({ learningRate: (step) => step.mul(-0.1).add(1) });
    const moments = {
      first: { small: spec("float32", [32]) },
      second: { small: spec("float32", [32]) },
    };
    const example = {
      state: { params: model, optimizer: { count: spec("int32", []), ...moments }, average: model },
      x,
    };
    const kinds = new Map<string, Set<string>>();
    const program = trace((inputs) => {
      const given = inputs as unknown as Given & { state: { average: Net } };
      const { params, gradient } = twoLayers()(given, {});
      const { updates, state } = optimizer.update(gradient, given.state.optimizer, params);
      const next = applyUpdates(params, updates);
      const average = mapTree<Value, Value, Net>(given.state.average, (old, path) => {
        const [layer, leaf] = path.split(".") as ["first", "weight"];
        return old.mul(0.99).add(next[layer][leaf].mul(0.01));
      });
      return { state: { params: next, optimizer: state, average } } as object;
    }, example);
    for (const [node, { layer, pass }] of placesOf(program)) {
      if (node.op.name === "input" || node.op.name === "constant") continue;
      const key = `${layer} ${pass}`;
      kinds.set(key, (kinds.get(key) ?? new Set()).add(node.op.name));
    }
    expect([...kinds.keys()].sort()).toEqual([
      "first backward",
      "first forward",
      "input forward",
      "loss backward",
      "optimizer update",
      "second backward",
      "second forward",
    ]);
    // Powers of the decays, the schedule, the average of the parameters: none of it reads a gradient.
    for (const name of ["sqrt", "cast", "concat"]) {
      expect(kinds.get("optimizer update"), name).toContain(name);
      expect(kinds.get("first forward"), name).not.toContain(name);
    }
    expect([...(kinds.get("first forward") ?? [])]).not.toContain("mul");
  });

  it("does not count a penalty on parameters, or on gradients, as a layer or as an update", () => {
    const told = placed({ state: { params: model }, x }, (inputs: Given, mark) => {
      const { params, gradient, total } = twoLayers((y, { first }, marks) => {
        const slope = gradients(sum(y), [inputs.x])[0] as Value;
        marks.penalty = mean(slope.square());
        marks.decay = sum(first.weight.square());
        marks.fit = mean(y.square());
        return marks.fit.add(marks.penalty).add(marks.decay.mul(0.1));
      })(inputs, mark);
      return { state: { params: sgdStep(params, gradient, mark) }, total };
    });
    expect(told).toMatchObject({
      y: "second forward",
      fit: "loss forward",
      penalty: "loss forward",
      decay: "first forward",
      total: "loss forward",
      dFirst: "first backward",
      step: "optimizer update",
    });
  });

  it("of a normalization includes its statistics", () => {
    const norm = { scale: spec("float32", [5]), offset: spec("float32", [5]) };
    const state = { params: { ...model, norm } };
    const kinds = new Map<string, Set<string>>();
    const program = trace(
      (inputs) => {
        const { params } = inputs.state as unknown as { params: Net & { norm: NormParams } };
        const hidden = linear(params.first, inputs.x as unknown as Value);
        const y = linear(params.second, relu(groupNorm(params.norm, hidden, { groups: 1 })));
        return { gradient: gradientTree(mean(y.square()), params) };
      },
      { state, x },
    );
    for (const [node, { layer, pass }] of placesOf(program)) {
      const key = `${layer} ${pass}`;
      kinds.set(key, (kinds.get(key) ?? new Set()).add(node.op.name));
    }
    for (const name of ["mean", "sqrt"]) {
      const found = [...kinds].filter(([, names]) => names.has(name)).map(([key]) => key);
      expect(found, name).toEqual(["norm forward"]);
    }
    expect(kinds.get("norm forward")).toContain("relu");
    expect(kinds.get("norm backward")).toContain("sum");
  });

  it("of a value that is computed again is that of the first time, in the backward pass", () => {
    const program = trace(
      (inputs) => {
        const { state, x: given } = inputs as unknown as Given;
        const { first, second } = state.params;
        const y = rematerialize((v) => linear(second, tanh(linear(first, v))), given.mul(2));
        const gradient = gradientTree(mean(y.square()), state.params);
        return { state: { params: sgdStep(state.params, gradient, {}) } };
      },
      { state: { params: model }, x },
    );
    const again = [...placesOf(program)].filter(
      ([node, { pass }]) => node.op.name === "tanh" && pass === "backward",
    );
    expect(again.map(([, { layer }]) => layer)).toEqual(["first"]);
  });

  it("is not that of the noise that is added to it", () => {
    const told = placed({ state: { params: model }, x }, (given: Given, mark) => {
      const { first, second } = given.state.params;
      const hidden = linear(first, given.x);
      mark.noise = normal(new Key("noise"), [B, 5]).mul(3);
      mark.noisy = hidden.add(mark.noise);
      return { y: linear(second, mark.noisy) };
    });
    expect(told).toEqual({ noise: "input forward", noisy: "first forward" });
  });

  it("is what the code names it", () => {
    const told = placed({ state: { params: model }, x }, (given: Given, mark) => {
      const { first, second } = given.state.params;
      const y = inLayer("attention", () => {
        mark.scores = matmul(given.x, first.weight);
        return inLayer("softmax", () => {
          mark.weights = tanh(mark.scores as Value);
          return mark.weights;
        });
      });
      const loss = mean(linear(second, y).square());
      const [slope] = gradients(loss, [given.x]);
      mark.slope = slope as Value;
      return { slope: mark.slope };
    });
    expect(told).toEqual({
      scores: "attention forward",
      weights: "attention.softmax forward",
      slope: "attention backward",
    });
  });

  it("is found where the state is no model of layers: k-means", () => {
    const example = { state: { centers: spec("float32", [4, 3]), step: spec("float32", []) }, x };
    const told = placed(example, (given: { state: Marks; x: Value }, mark) => {
      const { centers, step } = given.state as { centers: Value; step: Value };
      mark.scaled = given.x.mul(2);
      mark.scores = matmul(mark.scaled, reshape(centers, [3, 4]));
      mark.total = sum(mark.scores, 0);
      return { state: { centers, step }, total: mark.total };
    });
    expect(told).toEqual({
      scaled: "input forward",
      scores: "centers forward",
      total: "output forward",
    });
  });
});
