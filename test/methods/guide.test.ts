// The code that docs/guide/add-a-method.md shows is the code of the method, so that it cannot age.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("the guide to a new method shows real code", () => {
  const sources = read("src/methods/flow/real-nvp.ts") + read("src/methods/catalogue.ts");
  const blocks = [...read("docs/guide/add-a-method.md").matchAll(/```ts\n([\s\S]*?)```/g)];
  expect(blocks.length).toBeGreaterThan(5);
  for (const part of blocks.flatMap(([, code]) => (code as string).split(/^ *\/\/ …\n/m))) {
    expect(sources).toContain(part);
  }
});
