import { PbfReader } from "pbf";
import { ReparamError } from "../tensor/index.ts";

/** Messages nest at most this deep: control flow in control flow, and never a loop of an attacker's making. */
const deepest = 64;

/**
 * A protocol buffer read with every length checked against what is there, so that a broken or hostile file is an error
 * and never a large allocation: nothing is copied, and a field cannot reach beyond its message.
 */
export class Message {
  readonly #reader: PbfReader;
  readonly #end: number;
  readonly #depth: number;

  constructor(bytes: Uint8Array, depth = 0) {
    if (depth > deepest) throw broken(`messages nest deeper than ${deepest}`);
    this.#reader = new PbfReader(bytes);
    this.#end = bytes.length;
    this.#depth = depth;
  }

  /** Calls `visit` with the number of every field; it reads the value by one of the methods, or leaves it. */
  fields(visit: (field: number, message: this) => void): void {
    const reader = this.#reader;
    while (reader.pos < this.#end) {
      const tag = this.integer();
      const field = Math.floor(tag / 8);
      reader.type = tag % 8;
      if (field === 0) throw broken("a field has the number 0");
      const start = reader.pos;
      visit(field, this);
      if (reader.pos === start) this.#skip();
    }
    if (reader.pos > this.#end) throw broken("it ends in the middle of a field");
  }

  /** A signed integer of up to 64 bits, rounded beyond 2⁵³. */
  integer(): number {
    const value = this.#varint();
    if (!Number.isFinite(value) || this.#reader.pos > this.#end) {
      throw broken("it ends in the middle of a number");
    }
    return value;
  }

  /** Integers, packed or one a field: appended to `into`. */
  integers(into: number[]): void {
    if (this.#reader.type !== 2) {
      into.push(this.integer());
      return;
    }
    const end = this.#blockEnd();
    while (this.#reader.pos < end) into.push(this.integer());
    if (this.#reader.pos !== end) throw broken("packed integers run over their length");
  }

  float(): number {
    this.#need(4);
    return this.#reader.readFloat();
  }

  /** Numbers of 32 bits, packed or one a field. */
  floats(into: number[]): void {
    this.#fixed(into, 4, () => this.#reader.readFloat());
  }

  /** Numbers of 64 bits, packed or one a field. */
  doubles(into: number[]): void {
    this.#fixed(into, 8, () => this.#reader.readDouble());
  }

  /** The bytes themselves, in the file's own memory. */
  bytes(): Uint8Array {
    if (this.#reader.type !== 2) throw broken("a field has the wrong type");
    const end = this.#blockEnd();
    const view = this.#reader.buf.subarray(this.#reader.pos, end);
    this.#reader.pos = end;
    return view;
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** Text that is quoted in errors, which are one line: control characters of a damaged file become spaces. */
  name(): string {
    return this.text().replaceAll(/\p{Cc}/gu, " ");
  }

  message(): Message {
    return new Message(this.bytes(), this.#depth + 1);
  }

  #varint(): number {
    try {
      return this.#reader.readVarint(true);
    } catch {
      // More than ten bytes that go on, or none left.
      return Number.NaN;
    }
  }

  #fixed(into: number[], size: number, read: () => number): void {
    if (this.#reader.type !== 2) {
      this.#need(size);
      into.push(read());
      return;
    }
    const end = this.#blockEnd();
    if ((end - this.#reader.pos) % size !== 0) throw broken("packed numbers have a part of one");
    while (this.#reader.pos < end) into.push(read());
  }

  #need(count: number): void {
    if (this.#reader.pos + count > this.#end) throw broken("it ends in the middle of a number");
  }

  /** Reads a length; returns where the block of that length ends. */
  #blockEnd(): number {
    const length = this.integer();
    const end = this.#reader.pos + length;
    if (length < 0 || end > this.#end) {
      throw broken(
        `a field of ${length} bytes begins where only ${this.#end - this.#reader.pos} are left`,
      );
    }
    return end;
  }

  #skip(): void {
    const { type } = this.#reader;
    if (type === 0) this.integer();
    else if (type === 1) this.#advance(8);
    else if (type === 2) this.bytes();
    else if (type === 5) this.#advance(4);
    else throw broken(`a field has the unknown type ${type}`);
  }

  #advance(count: number): void {
    this.#need(count);
    this.#reader.pos += count;
  }
}

/** The error of a file that is no ONNX model, or a damaged one. */
export const broken = (problem: string): ReparamError =>
  new ReparamError(`fromOnnx: this is not a whole ONNX file: ${problem}.`);
