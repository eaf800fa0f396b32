import { allocate, type DType, type Size } from "../tensor/index.ts";
import { defineOp, type EvaluatedSpec, elementTypes, type Value } from "../trace/index.ts";

const rangeOp = defineOp<{ size: Size; dtype: DType }>({
  name: "range",
  infer: (_xs, { size, dtype }) => [{ dtype, shape: [size] }],
  grad: null,
  lower: (to, _xs, _node, { size, dtype }) => {
    const scalar = (value: number): string =>
      to.constant({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) });
    const end = to.reshape(to.shape([size]), []);
    const integers = to.emit("Range", [scalar(0), end, scalar(1)]);
    return [
      dtype === "int64" ? integers : to.emit("Cast", [integers], { to: elementTypes[dtype] }),
    ];
  },
  evaluate: (_xs, { dtype }, [out]) => {
    const { shape } = out as EvaluatedSpec;
    const data = allocate(dtype, shape[0] as number);
    for (let i = 0; i < data.length; i++) data[i] = dtype === "int64" ? BigInt(i) : i;
    return [{ dtype, shape, data }];
  },
});

/** 0, 1, …, size − 1 in one axis; the size may be symbolic. */
export const range = (size: Size, dtype: DType = "float32"): Value =>
  rangeOp.apply([], { size, dtype })[0] as Value;
