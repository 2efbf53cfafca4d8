import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import { KvError } from '../../ports/index.js';

/** Where in a document a value stands: keys of mappings, and indexes of lists from 0. */
export type Path = readonly (string | number)[];

const MOST = 100;
/** Characters of a fault: it may name what stands in the file. */
const LONGEST = 300;

/** Collects what is wrong with a document, each with its line, so that a person sees all of it at once. */
export class Faults {
  readonly #found = new Map<string, number>();

  constructor(
    readonly file: string,
    readonly document: Document,
    readonly lines: LineCounter,
  ) {}

  get any(): boolean {
    return this.#found.size > 0;
  }

  /** `what` says what the value at the path must be, or what is wrong with it. */
  add(path: Path, what: string): void {
    this.addAt(this.lineOf(path), path.length === 0 ? what : `${spelled(path)}: ${what}`);
  }

  addAt(line: number, what: string): void {
    this.#found.set(`${this.file}:${line}: ${what.length > LONGEST ? `${what.slice(0, LONGEST)}…` : what}`, line);
  }

  /** `CONFIG_INVALID` with every fault, top to bottom. */
  error(): KvError {
    const all = [...this.#found].sort((a, b) => a[1] - b[1]).map(([text]) => text);
    const shown = all.length > MOST ? [...all.slice(0, MOST), `${this.file}: and ${all.length - MOST} more`] : all;
    return new KvError('CONFIG_INVALID', shown.join('\n'), {
      hint: 'correct the policy file',
      details: { file: this.file, faults: all.length },
    });
  }

  /** The line of a path's key, or of the nearest thing above it that is there. */
  lineOf(path: Path): number {
    let node: unknown = this.document.contents;
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(this.document);
      let next: unknown;
      if (isMap(node)) {
        const pair = node.items.find((item) => (isScalar(item.key) ? String(item.key.value) : undefined) === String(step));
        if (pair === undefined) break;
        offset = (pair.key as Node).range?.[0] ?? offset;
        next = pair.value;
      } else if (isSeq(node)) {
        next = node.items[Number(step)];
        if (isNode(next)) offset = next.range?.[0] ?? offset;
      }
      if (next === undefined) break;
      node = next;
    }
    return this.lines.linePos(offset).line;
  }
}

function spelled(path: Path): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
}
