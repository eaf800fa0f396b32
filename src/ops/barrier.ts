import { allocate, type Tensor } from "../tensor/index.ts";
import { defineOp, elementTypes, type Value } from "../trace/index.ts";

const barrierOp = defineOp({
  name: "barrier",
  infer: ([x]) => [x as Value],
  grad: ({ dy }) => [dy, undefined],
  lower: (to, [x, after], node) => {
    const [{ dtype }, { dtype: other }] = node.inputs as unknown as [Value, Value];
    const first = to.emit("Slice", [
      to.emit("Reshape", [after as string, to.integers([-1])]),
      to.integers([0]),
      to.integers([1]),
    ]);
    // An Identity would be removed by the runtime, and the copies on both of its sides merged again.
    const zero = to.constant({ dtype: other, shape: [1], data: allocate(other, 1) });
    const nothing = to.emit("Mul", [first, zero]);
    const like =
      other === dtype ? nothing : to.emit("Cast", [nothing], { to: elementTypes[dtype] });
    return [to.emit("Add", [x as string, like])];
  },
  evaluate: ([x]) => [x as Tensor],
});

/**
 * A copy of x that neither the trace nor the runtime takes for x, and that is not made before `after` is
 * known: what is computed from it is computed again, and later. `after` must be finite. Of uint8 and bool,
 * which the runtime cannot add, x itself is returned.
 */
export const barrier = (x: Value, after: Value): Value =>
  x.dtype === "uint8" || x.dtype === "bool" ? x : (barrierOp.apply([x, after])[0] as Value);
