// What was found of mutants is kept: one is judged again when its file has changed, or a survivor by tests that have come or changed.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const digest = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** The verdicts of a folder, in a file: by the mutated file's digest and the mutant's place and change. */
export class Verdicts {
  #known;
  #digests = new Map();

  /** `read` gives the text of a compiled file; `afresh`: nothing is known. */
  constructor(file, read, afresh) {
    this.file = file;
    this.read = read;
    this.#known = !afresh && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  }

  /** The test that noticed a mutant when it was last judged, changed as it may be since. */
  suspect(mutant) {
    return this.#known[this.#key(mutant)]?.killer ?? null;
  }

  /** Undefined: nothing that still counts. A killer that has changed may have become blind. */
  of(mutant) {
    const verdict = this.#known[this.#key(mutant)];
    if (verdict?.killer === undefined || verdict.killer === null) return verdict;
    return verdict.by === undefined || this.digestOf(verdict.by.file) === verdict.by.digest ? verdict : undefined;
  }

  /** Whether a test has judged a survivor before, as it is now. */
  hasSeen(verdict, { title, file }) {
    return verdict?.ran?.[`${file} ${this.digestOf(file)}`]?.includes(title) === true;
  }

  /** `ran`: the tests that didn't notice; `killer`: the one that did, or null. */
  keep(mutant, { killer, ran }, earlier) {
    this.#known[this.#key(mutant)] = killer === null ? { killer, ran: this.#seen(ran, earlier?.ran) } : this.#killed(killer);
  }

  #killed({ title, file }) {
    return { killer: title, ...(file === undefined ? {} : { by: { file, digest: this.digestOf(file) } }) };
  }

  /** Titles by the files that they are in, as these are now. */
  #seen(ran, earlier = {}) {
    const seen = structuredClone(earlier);
    for (const { title, file } of ran) {
      const key = `${file} ${this.digestOf(file)}`;
      seen[key] = [...(seen[key] ?? []), title];
    }
    return seen;
  }

  save() {
    writeFileSync(this.file, JSON.stringify(this.#known));
  }

  digestOf(file) {
    if (!this.#digests.has(file)) this.#digests.set(file, digest(this.read(file)));
    return this.#digests.get(file);
  }

  #key({ file, line, column, mutator, was, becomes }) {
    return `${file} ${this.digestOf(file)} ${line}:${column} ${mutator} ${digest(`${was} ${becomes}`)}`;
  }
}
