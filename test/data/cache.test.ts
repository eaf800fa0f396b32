import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { cacheFolder, damagedFiles, fetchInto, type Recipe } from "../../src/data/cache.ts";
import { encodeIdx } from "../../src/data/index.ts";
import { loadRecipe } from "../../src/data/registry.ts";
import { type DataSource, installedSource, webSource } from "../../src/data/sources.ts";
import { readTar } from "../../src/data/tar.ts";
import { ReparamError, tensorOf, zeros } from "../../src/tensor/index.ts";

const newCache = () => mkdtempSync(join(tmpdir(), "reparam-cache-"));

const contents = new Map([
  ["train-images-idx3-ubyte", encodeIdx(zeros([6, 2, 2], "uint8"))],
  ["train-labels-idx1-ubyte", encodeIdx(tensorOf([0, 1, 0, 1, 0, 1], [6], "uint8"))],
  ["t10k-images-idx3-ubyte", encodeIdx(zeros([2, 2, 2], "uint8"))],
  ["t10k-labels-idx1-ubyte", encodeIdx(tensorOf([1, 0], [2], "uint8"))],
]);
const first = "train-images-idx3-ubyte";

const good: DataSource = { title: "a good place", get: async () => contents };
const offline: DataSource = {
  title: "npm pack toy@1.0.0",
  get: async () => {
    throw new Error("ENOTFOUND");
  },
};

const recipe = (...sources: DataSource[]): Recipe => ({
  name: "toy",
  card: { title: "Toy", license: "CC0", source: "none", citation: "none" },
  classes: ["a", "b"],
  files: [...contents].map(([name, bytes]) => ({
    name,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  })),
  sources,
});

const sorted = [...contents.keys()].sort();

describe("the cache", () => {
  it("lies where the environment says", () => {
    expect(cacheFolder({ REPARAM_CACHE: "/a/b", XDG_CACHE_HOME: "/x" })).toBe("/a/b");
    if (process.platform === "win32") return;
    expect(cacheFolder({ XDG_CACHE_HOME: "/x" })).toBe(join("/x", "reparam"));
    expect(cacheFolder({})).toMatch(/[\\/]\.cache[\\/]reparam$/);
  });

  it("fetches on first use, unpacked, and not again", async () => {
    const cache = newCache();
    const packed = new Map([...contents].map(([name, bytes]) => [name, gzipSync(bytes)]));
    let calls = 0;
    const counted: DataSource = {
      title: "counted",
      get: async () => {
        calls++;
        return packed;
      },
    };
    const heard: string[] = [];
    const onProgress = (message: string) => heard.push(message);
    const data = await loadRecipe(recipe(offline, counted), { cache, onProgress, validation: 2 });
    expect([data.train.length, data.validation.length, data.test.length]).toEqual([4, 2, 2]);
    expect(heard).toEqual([
      "toy: npm pack toy@1.0.0",
      "toy: counted",
      `toy: ready in ${join(cache, "toy")}`,
    ]);
    await loadRecipe(recipe(counted), { cache });
    expect(calls).toBe(1);
    expect(readdirSync(cache)).toEqual(["toy"]);
    expect(readdirSync(join(cache, "toy")).sort()).toEqual(sorted);
  });

  it("says offline which files to put where, and takes them packed", async () => {
    const cache = newCache();
    const error = await loadRecipe(recipe(offline), { cache }).catch((e: Error) => e as Error);
    expect(error).toBeInstanceOf(ReparamError);
    const { message } = error as Error;
    expect(message).toContain("toy is not in the cache");
    expect(message).toContain("npm pack toy@1.0.0: ENOTFOUND");
    for (const part of [...contents.keys(), join(cache, "toy"), "--data FOLDER"]) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain("\n");
    for (const [name, bytes] of contents) {
      writeFileSync(join(cache, "toy", `${name}.gz`), gzipSync(bytes));
    }
    expect((await loadRecipe(recipe(offline), { cache })).test.length).toBe(2);
    expect((await damagedFiles(recipe(), cache)).size).toBe(0);
  });

  it("never keeps files of a wrong checksum", async () => {
    const cache = newCache();
    const other = Uint8Array.from(contents.get(first)!);
    other[20] = 9;
    const bad: DataSource = { title: "bad", get: async () => new Map(contents).set(first, other) };
    await expect(fetchInto(recipe(bad), { cache })).rejects.toThrow(/bad: .*has SHA-256/);
    expect(readdirSync(join(cache, "toy"))).toEqual([]);
    await fetchInto(recipe(bad, good), { cache });
    expect(await damagedFiles(recipe(), cache)).toEqual(new Map());
  });

  it("notices a cut file at load and fetches it again; a changed one is found by the full check", async () => {
    const cache = newCache();
    await fetchInto(recipe(good), { cache });
    const path = join(cache, "toy", first);
    writeFileSync(path, contents.get(first)!.subarray(0, 30));
    const cut = loadRecipe(recipe(offline), { cache });
    await expect(cut).rejects.toThrow(`${path} has 30 of 40 bytes, and cannot be fetched`);
    await loadRecipe(recipe(good), { cache });
    expect(readFileSync(path).length).toBe(40);
    writeFileSync(path, Uint8Array.from(contents.get(first)!).fill(7, 20));
    const problems = await damagedFiles(recipe(), cache);
    expect([...problems.keys()]).toEqual([first]);
    expect(problems.get(first)).toMatch(/SHA-256/);
  });

  it("stands several fetches at once", async () => {
    const cache = newCache();
    await Promise.all(Array.from({ length: 8 }, () => fetchInto(recipe(good), { cache })));
    expect(await damagedFiles(recipe(), cache)).toEqual(new Map());
    expect(readdirSync(cache)).toEqual(["toy"]);
  });

  it("tells of a full disk and leaves nothing half-written", async () => {
    const cache = newCache();
    let writes = 0;
    const writeFile = async (path: string, bytes: Uint8Array) => {
      if (++writes === 2) {
        writeFileSync(path, bytes.subarray(0, 5));
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), {
          code: "ENOSPC",
        });
      }
      writeFileSync(path, bytes);
    };
    const full = await fetchInto(recipe(good), { cache, writeFile }).catch(
      (e: Error) => e as Error,
    );
    expect(full).toBeInstanceOf(ReparamError);
    const told = `no space left on the disk of ${cache}. Free some space, or set REPARAM_CACHE`;
    expect((full as Error).message).toContain(told);
    expect(readdirSync(join(cache, "toy"))).toEqual([]);
    expect(readdirSync(cache)).toEqual(["toy"]);
  });

  it("sweeps what a killed fetch left long ago, and nothing younger", async () => {
    const cache = newCache();
    for (const name of [".fetch-1-old", ".fetch-2-new"]) mkdirSync(join(cache, name));
    utimesSync(join(cache, ".fetch-1-old"), 1, 1);
    await fetchInto(recipe(good), { cache });
    expect(readdirSync(cache).sort()).toEqual([".fetch-2-new", "toy"]);
  });
});

describe("sources", () => {
  it("read a web address with gzipped files, and say what it answered", async () => {
    const server = createServer((request, response) => {
      const bytes = contents.get(request.url?.replace(/^\/d\/|\.gz$/g, "") ?? "");
      if (bytes === undefined) response.statusCode = 404;
      response.end(bytes && gzipSync(bytes));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cache = newCache();
    const wrong = fetchInto(recipe(webSource(`${address}/e/`)), { cache });
    await expect(wrong).rejects.toThrow(`${address}/e/: 404 Not Found`);
    await fetchInto(recipe(webSource(`${address}/d/`)), { cache });
    expect(await damagedFiles(recipe(), cache)).toEqual(new Map());
    await new Promise((done) => server.close(done).closeAllConnections());
    await expect(webSource(`${address}/d/`).get([first], cache)).rejects.toThrow(/^[A-Z_]+$/);
  });

  it("read a folder of this machine if it is there", async () => {
    const cache = newCache();
    await fetchInto(recipe(good), { cache });
    const other = newCache();
    const sources = [installedSource(join(other, "none")), installedSource(join(cache, "toy"))];
    await fetchInto(recipe(...sources), { cache: other });
    expect(await damagedFiles(recipe(), other)).toEqual(new Map());
    const lacking = installedSource(join(cache, "toy")).get(["x"], other);
    await expect(lacking).rejects.toThrow("it has no file x");
  });
});

describe("tar", () => {
  /** One entry: header with its checksum, body padded to 512 bytes. */
  const entry = (name: string, body: string, type = "0"): Buffer => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(Buffer.byteLength(body).toString(8).padStart(11, "0"), 124);
    header.write("        ", 148);
    header.write(type, 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((a, b) => a + b, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const padded = Buffer.alloc(Math.ceil(Buffer.byteLength(body) / 512) * 512);
    padded.write(body);
    return Buffer.concat([header, padded]);
  };
  const archive = (...entries: Buffer[]) =>
    new Uint8Array(Buffer.concat([...entries, Buffer.alloc(1024)]));
  const text = (files: Map<string, Uint8Array>) =>
    [...files].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]);

  it("reads files, long names of both kinds, and skips links", () => {
    const long = `package/${"x".repeat(150)}`;
    const pax = ` path=${long}1\n`;
    const bytes = archive(
      entry("package/a", "one"),
      entry("package", "", "5"),
      entry("pax", `${pax.length + 3}${pax}`, "x"),
      entry("cut", "two"),
      entry("././@LongLink", `${long}2\0`, "L"),
      entry("cut", "y".repeat(600)),
      entry("package/link", "", "2"),
      entry("package/b", ""),
    );
    expect(text(readTar(bytes))).toEqual([
      ["package/a", "one"],
      [`${long}1`, "two"],
      [`${long}2`, "y".repeat(600)],
      ["package/b", ""],
    ]);
  });

  it("refuses a cut or damaged archive", () => {
    const bytes = archive(entry("a", "one"));
    expect(() => readTar(bytes.slice(0, 513))).toThrow(/truncated/);
    bytes[3] = 65;
    expect(() => readTar(bytes)).toThrow(/checksum/);
  });
});
