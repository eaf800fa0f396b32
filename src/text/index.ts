export type { TokenDecoder } from "./decoder.ts";
export { type SpecialTokens, specialNames } from "./special.ts";
export { type TokenArray, tokenArray, tokenWriter } from "./token-array.ts";
export { openTokenizer, type Tokenizer } from "./tokenizer.ts";
export { type TokenizerFile, type TokenizerKind, tokenizerKinds } from "./tokenizer-file.ts";
export { type TokenizerOptions, trainTokenizer } from "./train-tokenizer.ts";
