import { promises as fs } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ReparamError } from "../tensor/index.ts";

/**
 * Writes a file so that a reader finds the old content, or none, or all of the new: to a temporary name
 * in the same folder, flushed to the disk, then renamed. The folder must exist.
 * A full disk, missing rights or a missing folder is a ReparamError, and leaves no temporary file.
 */
export async function writeAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await fs.open(temporary, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError(error, path);
  }
  await syncFolder(dirname(path));
}

/** Makes a rename survive a power cut, where the system can flush folders. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Makes a folder and its parents; failures are ReparamErrors. */
export async function makeFolder(path: string): Promise<void> {
  await fs.mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, path);
  });
}

/** Reads a whole file; failures are ReparamErrors. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await fs.readFile(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

const explanations: Readonly<Record<string, (path: string) => string>> = {
  ENOSPC: (path) =>
    `the disk is full: ${path} was not written. Free some space; what was saved before is intact.`,
  EDQUOT: (path) => `the disk quota is used up: ${path} was not written. Free some space.`,
  EACCES: (path) => `no permission for ${path}. Choose another place, or change its rights.`,
  EPERM: (path) => `no permission for ${path}. Choose another place, or change its rights.`,
  EROFS: (path) => `${path} is on a read-only disk. Choose another place.`,
  ENOENT: (path) => `there is no ${path}. Check the path; its folder must exist.`,
  EISDIR: (path) => `${path} is a folder. Name a file.`,
  ENOTDIR: (path) => `a part of ${path} is a file, not a folder. Check the path.`,
  EEXIST: (path) => `${path} exists already. Choose another name.`,
  EMFILE: (path) => `too many files are open to reach ${path}. Close some programs.`,
  EIO: (path) => `the disk reports an error at ${path}. Check the disk.`,
};

/** An error of the file system in words for a person; every other error as it is. */
export function fileError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const explain = code === undefined ? undefined : explanations[code];
  return explain === undefined ? error : new ReparamError(explain(path), { cause: error });
}
