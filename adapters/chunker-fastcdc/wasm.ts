/** As much of the WebAssembly binary format (version 1) as the scan loop needs; names are those of the text format. */

/** Locals and labels are numbers below 128, so that each is one byte. */
export const local = {
  get: (index: number): number[] => [0x20, index],
  set: (index: number): number[] => [0x21, index],
  tee: (index: number): number[] => [0x22, index],
};

/** Instructions on global variables, by index. */
export const global = {
  get: (index: number): number[] => [0x23, index],
  set: (index: number): number[] => [0x24, index],
};

/** The 32-bit integer type and its instructions. */
export const i32 = {
  type: 0x7f,
  /** `value` is at most 63, so that its signed encoding is one byte. */
  const: (value: number): number[] => [0x41, value],
  geU: [0x4f],
  add: [0x6a],
  shl: [0x74],
  load8U: (offset: number): number[] => [0x2d, 0, offset],
};

/** The 64-bit integer type and its instructions. */
export const i64 = {
  type: 0x7e,
  const: (value: number): number[] => [0x42, value],
  eqz: [0x50],
  add: [0x7c],
  and: [0x83],
  shl: [0x86],
  load: (offset: number): number[] => [0x29, 3, offset],
};

const END = 0x0b;
const NO_RESULT = 0x40;
/** Instructions whose label is behind them: a branch to it leaves them. */
export const block = (...body: number[][]): number[] => [0x02, NO_RESULT, ...body.flat(), END];
/** Instructions whose label is before them: a branch to it repeats them. */
export const loop = (...body: number[][]): number[] => [0x03, NO_RESULT, ...body.flat(), END];
/** Takes an i32 from the stack, and runs the instructions unless it is 0. */
export const when = (...body: number[][]): number[] => [0x04, NO_RESULT, ...body.flat(), END];
/** Goes to a label, counted from the innermost, which is 0. */
export const br = (label: number): number[] => [0x0c, label];
/** As `br`, if the i32 that it takes from the stack is not 0. */
export const brIf = (label: number): number[] => [0x0d, label];
/** Ends the function with what is on the stack. */
export const returns = [0x0f];

/** What a function is made of: value types, and its instructions without the final `end`. */
export interface FunctionParts {
  readonly parameters: readonly number[];
  readonly result: number;
  /** The type of the one local beside the parameters. */
  readonly local: number;
  readonly body: readonly number[];
}

/** A module that imports nothing and exports a function `run`, a memory `memory` and a mutable i64 `state`, 0 at first. */
export function assemble(run: FunctionParts, pages: number): Uint8Array<ArrayBuffer> {
  const code = [1, 1, run.local, ...run.body, END];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, [0x60, ...vector(run.parameters), ...vector([run.result])]),
    ...section(3, [0]), // function 0 has type 0
    ...section(5, [0, ...unsigned(pages)]),
    ...section(6, [i64.type, 1, ...i64.const(0), END]),
    ...section(7, exported('run', 0), exported('memory', 2), exported('state', 3)),
    ...section(10, [...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, ...entries: number[][]): number[] {
  const body = [entries.length, ...entries.flat()];
  return [id, ...unsigned(body.length), ...body];
}

function exported(name: string, kind: number): number[] {
  return [...vector(Array.from(name, (letter) => letter.charCodeAt(0))), kind, 0];
}

function vector(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
