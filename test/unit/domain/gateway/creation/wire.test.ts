import { expect } from 'chai';
import { decodeRemoval, decodeRemovalAnswer, decodeRemovalMessage } from '../../../../../domain/gateway/creation/removal-wire.js';
import {
  decodeCreation,
  decodeCreationAnswer,
  decodeCreationMessage,
  encodeCreation,
} from '../../../../../domain/gateway/creation/wire.js';
import { KvError } from '../../../../../ports/error.js';

const BYTES = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const ID = `${'01HZX0000000000000000000AB'}-1`;
const CREATION = {
  ...{ id: ID, repository: 'ada/shop', policy: 'p', repositoryId: 'ab'.repeat(16) },
  ...{ objectFormat: 'sha256', coordinator: 'one.example' },
};
const REMOVAL = { repository: 'ada/shop', repositoryId: 'ab'.repeat(16) };

/** Each is read as what it says, with what is unknown passed over. */
function reads(parse: (bytes: Uint8Array) => unknown, ...values: readonly object[]): void {
  for (const value of values) expect(parse(BYTES({ ...value, later: 1 })), JSON.stringify(value)).to.deep.equal(value);
}

/** Each is refused as what can't be read. */
function refuses(parse: (bytes: Uint8Array) => unknown, ...values: readonly unknown[]): void {
  for (const value of values)
    expect(() => parse(BYTES(value)), JSON.stringify(value))
      .to.throw(KvError)
      .with.property('code', 'INPUT_INVALID');
}

/** What a field never is, and what is no message at all. */
const NO_TEXTS: readonly unknown[] = [undefined, null, 1, {}, ['ada/shop'], ''];
const NO_COUNTS: readonly unknown[] = [undefined, null, '1', -1, 0.5, 2 ** 53, [1]];
const NO_RECORDS: readonly unknown[] = [null, 1, 'text', [], [CREATION]];

describe('what servers say to each other of creations', () => {
  it('is read as it was written', () => {
    reads(decodeCreation, CREATION, { ...CREATION, servers: ['one.example', 'two'] }, { ...CREATION, objectFormat: 'sha1' });
    reads(
      decodeCreationMessage,
      { kind: 'prepare', creation: CREATION, servers: 3 },
      { kind: 'commit', creation: CREATION },
      { kind: 'abort', id: ID, repository: 'ada/shop' },
      { kind: 'outcome', id: ID, repository: 'ada/shop' },
      { kind: 'since', after: 0 },
    );
    const votes = ['yes', 'exists', 'reserved', 'invalid'].map((vote) => ({ kind: 'vote', vote }));
    const outcomes = ['decided', 'aborted', 'pending'].map((outcome) => ({ kind: 'outcome', outcome }));
    reads(decodeCreationAnswer, ...votes, ...outcomes, { kind: 'done' }, { kind: 'created', creations: [CREATION], last: 7 });
    expect(decodeCreationMessage(encodeCreation({ kind: 'since', after: 4 }))).to.deep.equal({ kind: 'since', after: 4 });
  });

  it('names a repository, a server, a creation and an id as such are named', () => {
    const wrong = (field: string, values: readonly unknown[]) => values.map((value) => ({ ...CREATION, [field]: value }));
    refuses(decodeCreation, ...wrong('id', [...NO_TEXTS, 'x', `${ID}00`, `0${ID}`, ID.slice(0, -2), ID.toLowerCase()]));
    refuses(decodeCreation, ...wrong('repository', [...NO_TEXTS, 'shop', '../shop', 'ada/../shop']));
    refuses(decodeCreation, ...wrong('repositoryId', [...NO_TEXTS, 'ab', 'xy'.repeat(16), ['ab'.repeat(16)]]));
    refuses(decodeCreation, ...wrong('objectFormat', [...NO_TEXTS, 'md5']));
    refuses(decodeCreation, ...wrong('coordinator', [...NO_TEXTS, '-one', 'one/two', 'o'.repeat(64), 'one\n', ' one', ['one']]));
    refuses(decodeCreation, ...wrong('policy', [undefined, null, 1, ['p'], 'p'.repeat(4 * 1024 ** 2 + 1)]));
    refuses(decodeCreation, ...wrong('servers', [null, 'one', [], [1], ['one', '-two'], Array(101).fill('one')]));
    reads(decodeCreation, { ...CREATION, policy: '' }, { ...CREATION, policy: 'p'.repeat(4 * 1024 ** 2) });
    reads(decodeCreation, { ...CREATION, servers: Array(100).fill('one') }, { ...CREATION, coordinator: 'o'.repeat(63) });
    reads(decodeCreation, { ...CREATION, id: `${ID}2` });
    refuses(decodeCreation, ...NO_RECORDS);
  });

  it('is refused when a part of it is none', () => {
    refuses(decodeCreationMessage, ...NO_RECORDS);
    refuses(decodeCreationMessage, ...NO_COUNTS.map((servers) => ({ kind: 'prepare', creation: CREATION, servers })));
    refuses(
      decodeCreationMessage,
      ...NO_RECORDS.flatMap((creation) => [
        { kind: 'prepare', creation, servers: 1 },
        { kind: 'commit', creation },
      ]),
    );
    for (const kind of ['abort', 'outcome'])
      refuses(
        decodeCreationMessage,
        { kind, repository: 'ada/shop' },
        { kind, id: ID },
        { kind, id: 'x', repository: 'ada/shop' },
      );
    refuses(decodeCreationMessage, ...NO_COUNTS.map((after) => ({ kind: 'since', after })));
    refuses(
      decodeCreationAnswer,
      ...NO_RECORDS,
      {},
      { kind: 'else' },
      { kind: 'vote', vote: 'no' },
      { kind: 'outcome', outcome: 'yes' },
    );
    refuses(decodeCreationAnswer, { kind: 'created', last: 1 }, { kind: 'created', creations: { 0: CREATION }, last: 1 });
    refuses(decodeCreationAnswer, { kind: 'created', creations: [{}], last: 1 });
    refuses(decodeCreationAnswer, ...NO_COUNTS.map((last) => ({ kind: 'created', creations: [], last })));
    const broken = [decodeCreation, decodeCreationMessage, decodeCreationAnswer].map((parse) => () => parse(Buffer.from('{')));
    for (const parse of broken) expect(parse).to.throw(KvError).with.property('code', 'INPUT_INVALID');
    expect(broken[0]).to.throw(KvError).with.property('cause').which.is.instanceOf(SyntaxError);
  });

  it('is not supported when it asks what only a later version answers', () => {
    for (const parse of [decodeCreationMessage, decodeRemovalMessage])
      for (const message of [{ kind: 'later' }, {}])
        expect(() => parse(BYTES(message)))
          .to.throw(KvError)
          .with.property('code', 'NOT_SUPPORTED');
  });
});

describe('what servers say to each other of removals', () => {
  it('is read as it was written', () => {
    reads(decodeRemoval, REMOVAL);
    reads(decodeRemovalMessage, { kind: 'remove', removal: REMOVAL }, { kind: 'since', after: 0 }, { kind: 'since', after: 9 });
    reads(decodeRemovalAnswer, { removals: [], last: 0 }, { removals: [REMOVAL], last: 1 });
  });

  it('is refused when a part of it is none', () => {
    refuses(decodeRemoval, ...NO_RECORDS, ...NO_TEXTS.map((repository) => ({ ...REMOVAL, repository })), {
      ...REMOVAL,
      repository: '../shop',
    });
    refuses(decodeRemoval, ...NO_TEXTS.map((repositoryId) => ({ ...REMOVAL, repositoryId })), {
      ...REMOVAL,
      repositoryId: ['ab'.repeat(16)],
    });
    refuses(decodeRemovalMessage, ...NO_RECORDS, ...NO_RECORDS.map((removal) => ({ kind: 'remove', removal })));
    refuses(decodeRemovalMessage, ...NO_COUNTS.map((after) => ({ kind: 'since', after })));
    refuses(decodeRemovalAnswer, ...NO_RECORDS, { last: 1 }, { removals: [{}], last: 1 }, { removals: { 0: REMOVAL }, last: 1 });
    refuses(decodeRemovalAnswer, ...NO_COUNTS.map((last) => ({ removals: [], last })));
    const parse = (): unknown => decodeRemoval(Buffer.from('{'));
    expect(parse).to.throw(KvError).with.property('code', 'INPUT_INVALID');
    expect(parse).to.throw(KvError).with.property('cause').which.is.instanceOf(SyntaxError);
  });
});
