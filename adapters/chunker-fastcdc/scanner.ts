import { gearTable } from './gear.js';
import { type FastCdcParameters, masks } from './parameters.js';
import { assemble, block, br, brIf, type FunctionParts, global, i32, i64, local, loop, returns, when } from './wasm.js';

// What this file uses of WebAssembly, which the language's own library of types leaves to the browser's.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { exports: Exports };
};

interface Exports {
  run(from: number, to: number, mask: bigint): number;
  memory: { buffer: ArrayBuffer };
  state: { value: bigint };
}

const PAGE = 64 * 1024;
const GEAR_BYTES = 256 * 8;

const FROM = 0;
const TO = 1;
const MASK = 2;
const HASH = 3;

/** hash = (hash << 1) + gear[the byte at FROM + `ahead`]; returns that byte's address when no bit of the mask is set. */
function roll(ahead: number): number[][] {
  return [
    ...[local.get(HASH), i64.const(1), i64.shl],
    ...[local.get(FROM), i32.load8U(ahead), i32.const(3), i32.shl, i64.load(0)],
    ...[i64.add, local.tee(HASH)],
    ...[local.get(MASK), i64.and, i64.eqz],
    when(local.get(FROM), i32.const(ahead), i32.add, returns),
  ];
}

/**
 * run(from, to, mask): the address of the first byte in from…to that triggers a cut, or `to`; to − from is even. The hash is in
 * `state`. WebAssembly, because JavaScript has no fast 64-bit integers: the same loop on two 24-bit halves runs at 40 % of its
 * speed.
 */
const SCAN: FunctionParts = {
  parameters: [i32.type, i32.type, i64.type],
  result: i32.type,
  local: i64.type,
  body: [
    ...[global.get(0), local.set(HASH)],
    block(
      loop(
        ...[local.get(FROM), local.get(TO), i32.geU, brIf(1)],
        ...roll(0),
        ...roll(1),
        ...[local.get(FROM), i32.const(2), i32.add, local.set(FROM)],
        br(0),
      ),
    ),
    ...[local.get(HASH), global.set(0), local.get(TO)],
  ].flat(),
};

/** Finds cut points in a window of bytes, which it owns; for one stream at a time. */
export interface Scanner {
  /** Twice `max` bytes. */
  readonly window: Uint8Array<ArrayBuffer>;
  /**
   * The length of the chunk that begins at `start`, or 0 when the bytes up to `end` do not tell. Asked again for the same chunk,
   * wherever it lies by then, it reads only the bytes that were added.
   */
  cut(start: number, end: number): number;
  /** Forgets a chunk whose end was not found. */
  reset(): void;
}

/** Compiles the scan loop once, at the first call, however many scanners are made. */
export function scannerFactory(parameters: FastCdcParameters): () => Scanner {
  const pages = Math.ceil((GEAR_BYTES + 2 * parameters.max) / PAGE);
  let module: object | null = null;
  return () => {
    module ??= new WebAssembly.Module(assemble(SCAN, pages));
    return scanner(new WebAssembly.Instance(module).exports, parameters);
  };
}

function scanner({ run, memory, state }: Exports, parameters: FastCdcParameters): Scanner {
  const { min, avg, max, seed } = parameters;
  const { before, after } = masks(parameters);
  new BigUint64Array(memory.buffer, 0, 256).set(gearTable(seed));
  let scanned = even(min);

  const reset = (): void => {
    scanned = even(min);
    state.value = 0n;
  };

  /** The offset of the byte that triggers a cut before `bound`, both from the chunk's start, or -1. */
  const scan = (start: number, bound: number, mask: bigint): number => {
    if (scanned >= bound) return -1;
    const offset = run(GEAR_BYTES + start + scanned, GEAR_BYTES + start + bound, mask) - GEAR_BYTES - start;
    scanned = bound;
    return offset < bound ? offset : -1;
  };

  return {
    window: new Uint8Array(memory.buffer, GEAR_BYTES, 2 * max),
    reset,
    cut(start, end) {
      // Two bytes at a time, as in the paper: an odd byte before avg falls to the second mask, and an odd last byte is never
      // asked.
      const bound = even(Math.min(end - start, max));
      let length = scan(start, Math.min(bound, even(avg)), before);
      if (length < 0) length = scan(start, bound, after);
      if (length < 0) length = end - start >= max ? max : 0;
      if (length > 0) reset();
      return length;
    },
  };
}

function even(length: number): number {
  return length & ~1;
}
