import { expect, it } from "vitest";
import { invoke } from "./invoke.ts";

it("lists the experiments with what they show", async () => {
  const listed = await invoke("experiment");
  expect(listed.status).toBe(0);
  expect(listed.stdout).toMatch(
    /vae-mnist +Test figures of both variational autoencoders on MNIST/,
  );
});

it("refuses a name that is none, and says which there are", async () => {
  const { status, stderr } = await invoke("experiment", "nothing", "--quick");
  expect(status).toBe(2);
  expect(stderr).toMatch(/^reparam: there is no experiment "nothing"\. There are .*vae-mnist/);
});
