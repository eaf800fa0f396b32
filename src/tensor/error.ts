/**
 * An error whose message is written for the person at the keyboard: what is wrong, and what to do.
 * The command line prints it as one line and exits with 2; everything else is a bug and keeps its stack.
 */
export class ReparamError extends Error {
  override readonly name: string = "ReparamError";
}

/** A shape or dtype that an operation cannot take. Names the line of the caller's own code. */
export class ShapeError extends ReparamError {
  override readonly name = "ShapeError";

  constructor(op: string, problem: string) {
    const line = callerLine();
    super(`${op}: ${problem}${line === undefined ? "" : ` (at ${line})`}`);
  }
}

const libraryFolders =
  /[\\/](src|dist)[\\/](tensor|trace|ops|autodiff|onnx|nn|distributions|divergences|estimators|optim|step)[\\/]/;

/** `file:line:column` of the innermost stack frame that is not part of this library, if any. */
function callerLine(): string | undefined {
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  for (const frame of frames) {
    if (libraryFolders.test(frame) || frame.includes("node:internal")) continue;
    const location = /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(frame.trim());
    if (location !== null) return location[1]?.replace("file://", "");
  }
  return undefined;
}
