import { ReparamError } from "../tensor/index.ts";

const block = 512;

/**
 * The regular files of a tar archive (ustar with pax or GNU long names) by their path. Contents share
 * memory with the archive. Links and special files are left out: only data is wanted from packages.
 */
export function readTar(archive: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let longName: string | undefined;
  let longSize: number | undefined;
  for (let at = 0; at + block <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + block);
    checkHeader(header);
    const size = longSize ?? Number.parseInt(field(header, 124, 12).trim() || "0", 8);
    const body = archive.subarray(at + block, at + block + size);
    if (!(body.length === size)) throw new ReparamError("the tar archive is truncated.");
    at += block + Math.ceil(size / block) * block;
    const type = field(header, 156, 1);
    if (type === "x") {
      const records = paxRecords(body);
      longName = records.get("path") ?? longName;
      const declared = records.get("size");
      longSize = declared === undefined ? undefined : Number(declared);
      continue;
    }
    if (type === "L") {
      longName = field(body, 0, body.length);
      continue;
    }
    if (type === "" || type === "0") files.set(longName ?? shortName(header), body);
    longName = undefined;
    longSize = undefined;
  }
  return files;
}

/** Text up to the first zero byte. */
function field(bytes: Uint8Array, at: number, length: number): string {
  const raw = bytes.subarray(at, at + length);
  const end = raw.indexOf(0);
  return new TextDecoder().decode(end < 0 ? raw : raw.subarray(0, end));
}

function shortName(header: Uint8Array): string {
  const prefix = field(header, 257, 5) === "ustar" ? field(header, 345, 155) : "";
  return prefix === "" ? field(header, 0, 100) : `${prefix}/${field(header, 0, 100)}`;
}

/** The checksum is the sum of the header's bytes with its own field read as spaces. */
function checkHeader(header: Uint8Array): void {
  const sum = header.reduce((s, byte, i) => s + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== Number.parseInt(field(header, 148, 8).trim(), 8)) {
    throw new ReparamError("not a tar archive, or a damaged one: a header's checksum is wrong.");
  }
}

/** Records `LENGTH KEY=VALUE\n`, the length in bytes counting the whole record. */
function paxRecords(body: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(32, at);
    const length = Number(field(body, at, space - at));
    if (space < 0 || !(length > 0)) break;
    const record = new TextDecoder().decode(body.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
