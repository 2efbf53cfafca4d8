import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { hintOf, words } from '../../apps/cli/hints/hint.js';
import { ADVICE, type Advice, type AdviceId, readAdvice } from '../../ports/advice.js';
import { KvError } from '../../ports/error.js';
import { formatRejection, parseRejection } from '../../ports/rejection.js';
import { ROOT } from '../support/root.js';

const IDS = Object.keys(ADVICE) as AdviceId[];

/** Control characters, ASCII and more than ASCII. */
const CHARACTER = fc.nat({ max: 0x2ff }).map((code) => String.fromCodePoint(code));

/** Any advice with any facts. */
const advice: fc.Arbitrary<Advice> = fc
  .constantFrom(...IDS)
  .chain((id) =>
    fc
      .record(Object.fromEntries(ADVICE[id].map((name) => [name, fc.string({ unit: CHARACTER })])))
      .map((facts) => ({ ...facts, id })),
  )
  .map((value) => value as Advice);

/** What the other side prints, with fields of our choice. */
const line = (fields: object): string => `kv-error/1 ${JSON.stringify({ code: 'NOT_FOUND', message: 'gone', ...fields })}`;

describe('advice', () => {
  it('crosses a connection, without what would steer a terminal', () => {
    fc.assert(
      fc.property(advice, (given) => {
        const error = new KvError('CAS_CONFLICT', 'lost', { hint: 'again', advice: given, details: { a: 1 } });
        const read = parseRejection(formatRejection(error));
        const printable = Object.fromEntries(
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
          Object.entries(given).map(([name, fact]) => [name, (fact as string).replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')]),
        );
        expect(read?.advice).to.deep.equal(printable);
        expect([read?.code, read?.hint, read?.details]).to.deep.equal(['CAS_CONFLICT', 'again', { a: 1 }]);
      }),
    );
  });

  it('of another version is left out, and the hint is shown as it came', () => {
    for (const unknown of [
      { id: 'from-tomorrow' },
      { id: 'list-keys' },
      { id: 'list-keys', ns: 7 },
      { id: 'toString' },
      'run',
      null,
      4,
    ]) {
      const read = parseRejection(line({ hint: 'run: git kv of-old', advice: unknown })) as KvError;
      expect(read.advice, JSON.stringify(unknown)).to.equal(undefined);
      expect(hintOf(read)).to.equal('run: git kv of-old');
    }
  });

  it('comes with the request that the log names, where that is short and plain', () => {
    const error = new KvError('NOT_FOUND', 'gone', { request: 'r-1' });
    expect([
      parseRejection(formatRejection(error))?.request,
      parseRejection(formatRejection(error, 'r-2'))?.request,
    ]).to.deep.equal([...['r-1', 'r-2']]);
    for (const odd of ['', 'a b', '\u001b[2J', 'x'.repeat(65), 7, null])
      expect(parseRejection(line({ request: odd }))?.request).to.equal(undefined);
  });

  it('takes the facts that its id names, and no other', () => {
    expect(readAdvice({ id: 'list-keys', ns: 'team', shout: 'x' })).to.deep.equal({ id: 'list-keys', ns: 'team' });
  });

  it('is worded by the client, whatever the hint says', () => {
    const read = parseRejection(line({ hint: 'list them', advice: { id: 'list-keys', ns: 'team' } })) as KvError;
    expect(hintOf(read)).to.equal('see what there is: git kv --ns team list');
  });

  it('has words for every id, and they name every fact', () => {
    for (const id of IDS) {
      const facts = Object.fromEntries(ADVICE[id].map((name) => [name, `<${name}>`]));
      const said = words({ ...facts, id } as Advice);
      expect(said, id)
        .to.match(/^\S.*[^.\s]$/)
        .and.to.not.contain('undefined');
      for (const fact of Object.values(facts)) expect(said, id).to.contain(fact);
    }
  });

  it('is given somewhere, every one', () => {
    const text = ['domain', 'adapters', 'ports', 'apps/stargate']
      .flatMap((layer) =>
        readdirSync(join(ROOT, layer), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts') && name !== 'advice.ts')
          .map((name) => readFileSync(join(ROOT, layer, name), 'utf8')),
      )
      .join('\n');
    expect(IDS.filter((id) => !text.includes(`id: '${id}'`))).to.deep.equal([]);
  });

  it('of a stopped import is followed by that of what stopped it', () => {
    const cause = new KvError('CONFIG_INVALID', 'no remote', { hint: 'set it up', advice: { id: 'set-up-remote' } });
    const fields = { hint: 'go on', advice: { id: 'skip-landed', landed: '3' } } as const;
    expect(hintOf(new KvError(cause.code, 'stopped', { ...fields, cause }))).to.equal(
      'go on with the same command and --skip 3; run: git kv remote setup',
    );
    const silent = new KvError('IO_ERROR', 'no');
    expect(hintOf(new KvError(silent.code, 'stopped', { ...fields, cause: silent }))).to.equal(
      'go on with the same command and --skip 3',
    );
  });
});
