import { expect, it } from "vitest";
import { encodeRowsCsv } from "../../src/run/index.ts";
import { tensor } from "../../src/tensor/index.ts";

it("writes a line of names and a line a row, quoted where CSV asks for it, empty where NaN", () => {
  const text = encodeRowsCsv([
    { name: "title", texts: ["plain", 'a "b", c'] },
    {
      name: "x",
      values: tensor(Float64Array.of(1, Number.NaN, 0.1, 1e-7), [2, 2]),
      entries: ["a, b", "c"],
    },
    { name: "share", values: tensor(Float64Array.of(0.25, 0.75, 1, 0), [2, 2]) },
    { name: "loss", values: tensor(Float64Array.of(2, -3), [2]) },
  ]);
  expect(text).toBe(
    'title,"a, b",c,share 0,share 1,loss\nplain,1,,0.25,0.75,2\n"a ""b"", c",0.1,1e-7,1,0,-3\n',
  );
});

it("refuses columns of different lengths", () => {
  const values = tensor(Float64Array.of(1), [1]);
  const columns = [
    { name: "a", values },
    { name: "b", texts: ["x", "y"] },
  ];
  expect(() => encodeRowsCsv(columns)).toThrow(/"b" has 2 rows, "a" has 1/);
});
