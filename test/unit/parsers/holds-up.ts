import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { KvError } from '../../../ports/error.js';
import { type Bomb, bombs, nearMisses } from './inputs.js';

/** A parser of bytes from outside. */
export interface Parser {
  readonly name: string;
  /** What it reads without complaint. */
  readonly samples: readonly (string | Uint8Array)[];
  parse(bytes: Uint8Array): unknown;
  /** Writes what was read. `exact`: it must be the bytes that were read, else only what reads as the same. */
  readonly write?: (value: never) => string | Uint8Array;
  readonly exact?: true;
  /** How long its messages may be, where it names more than one fault. Characters. */
  readonly words?: number;
  /** What is repeated without end, where trying everything takes too long. */
  readonly units?: readonly string[];
  /** The largest input that it is given, where it tells of every fault. Bytes. */
  readonly large?: number;
  /** Errors besides `KvError` that are its way to refuse. */
  readonly refuses?: (error: Error) => boolean;
}

const RUNS = Number(process.env['PARSER_RUNS'] ?? 60);
const SEED = Number(process.env['PARSER_SEED'] ?? 1);
const KiB = 1024;
/** What is timed, and a quarter of it; what is large, and what is larger. Bytes. */
const [TIMED, QUARTER, LARGE, LARGER] = [12 * KiB, 3 * KiB, 64 * KiB, 1024 * KiB];
/** Below this nobody counts, and above it nothing may go. Processor time, ms. */
const [QUICK, ENDLESS] = [100, 10_000];
/** Four times the input may take so many times as long: 4 in proportion, 16 where it grows with the square. */
const GROWTH = 9;
/** How often both are measured before that is believed. */
const TRIES = 4;
/** How long a message may be. Characters. */
const WORDS = 4000;
const LARGE_UNITS = ['[', '"', '\n'];
const LARGER_UNITS = ['('];
/** What may be left in memory of a byte of large inputs: a line that is one character is a string of its own. Bytes. */
const KEPT = 30;

const bytesOf = (text: string | Uint8Array): Uint8Array => (typeof text === 'string' ? Buffer.from(text) : text);

/** A suite a parser: what it reads comes back, and what it doesn't is refused with an error that has a code, soon, in little memory. */
export function holdsUp(parsers: readonly Parser[]): void {
  for (const parser of parsers) {
    describe(parser.name, () => {
      const samples = parser.samples.map(bytesOf);
      it('reads its samples', async () => {
        for (const sample of samples) await roundTrip(parser, sample, await parser.parse(sample));
      });
      it('reads or refuses what is nearly right', () =>
        fc.assert(
          fc.asyncProperty(nearMisses(samples), async (bytes) => {
            const found = await attempt(parser, bytes);
            if ('value' in found) await roundTrip(parser, bytes, found.value);
          }),
          { numRuns: RUNS, seed: SEED },
        ));
      it('takes no time and no memory that its input is not worth', async () => {
        for (const bomb of bombs(samples, parser.units)) await inProportion(parser, bomb);
        const before = heap();
        const large = Math.min(parser.large ?? LARGE, LARGE);
        const kept: unknown[] = [];
        for (const bomb of bombs(samples.slice(0, 1), LARGE_UNITS)) kept.push((await timed(parser, bomb.of(large))).value);
        expect((heap() - before) / (kept.length * large), 'bytes left of each byte').to.be.lessThan(KEPT);
        for (const bomb of bombs([], LARGER_UNITS))
          expect((await timed(parser, bomb.of(Math.min(parser.large ?? LARGER, LARGER)))).took, bomb.name).to.be.lessThan(
            ENDLESS,
          );
      });
    });
  }
}

async function roundTrip({ parse, write, exact }: Parser, bytes: Uint8Array, value: unknown): Promise<void> {
  if (write === undefined || value === undefined || value === null) return;
  const written = bytesOf(write(value as never));
  if (exact) expect(Buffer.from(written).equals(bytes), `${head(written)} was written, ${head(bytes)} was read`).to.equal(true);
  else expect(await parse(written)).to.deep.equal(value);
}

async function attempt(parser: Parser, bytes: Uint8Array): Promise<{ readonly value: unknown } | { readonly refused: Error }> {
  try {
    return { value: await parser.parse(bytes) };
  } catch (error) {
    if (KvError.is(error)) return { refused: error };
    const odd = error instanceof Error ? error : new Error(String(error));
    if (parser.refuses?.(odd) !== true) throw new Error(`${parser.name} threw ${odd.name} on ${head(bytes)}: ${odd.stack}`);
    return { refused: odd };
  }
}

/** Held against a quarter of itself, where it takes long enough to be measured: how quick a machine is, and how busy, cancels out. */
async function inProportion(parser: Parser, bomb: Bomb): Promise<void> {
  const { took } = await timed(parser, bomb.of(TIMED));
  if (took < QUICK) return;
  await timed(parser, bomb.of(QUARTER)); // compiled by now
  let [less, all] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  // A garbage collection, or what a busy machine has in its caches, is in one of them now and then: the quickest is what it takes.
  for (let tried = 0; tried < TRIES; tried++) {
    less = Math.min(less, Math.max(1, (await timed(parser, bomb.of(QUARTER))).took));
    all = Math.min(all, (await timed(parser, bomb.of(TIMED))).took);
    if (all < QUICK || all / less < GROWTH) return;
  }
  throw new Error(`${parser.name}: ${bomb.name} took ${less} ms for ${QUARTER} bytes, and ${all} ms for ${TIMED}`);
}

async function timed(parser: Parser, bytes: Uint8Array): Promise<{ readonly took: number; readonly value: unknown }> {
  const started = process.cpuUsage();
  const found = await attempt(parser, bytes);
  const { user, system } = process.cpuUsage(started);
  if ('refused' in found)
    expect(found.refused.message.length, `words about ${head(bytes)}`).to.be.lessThan(parser.words ?? WORDS);
  return { took: Math.round((user + system) / 1000), value: 'value' in found ? found.value : undefined };
}

function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const head = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes.subarray(0, 200)).toString('latin1'));
