import * as node from 'node:test';

/**
 * The runner that the suites run in, for the bundle that is published: its build puts these in the place of the free names in the
 * suites. A runner that has such globals (mocha) is asked when a suite is called; where there are none, it is Node's own.
 */

type Body = (this: unknown) => unknown;
type Named = (title: string, body: Body) => unknown;
type Hook = (body: Body) => unknown;

/** Mocha gives suites and tests an object to set their time limits on. Node's runner has no limits unless it is told so. */
const UNLIMITED = Object.freeze({ timeout: () => undefined });

/** What ends a test that asks to be left out, as mocha does it too. */
const SKIPPED = Symbol('skipped');

async function runTest(body: Body, context: { skip(): void }): Promise<void> {
  const skip = (): never => {
    context.skip();
    throw SKIPPED;
  };
  try {
    await body.call({ ...UNLIMITED, skip });
  } catch (error) {
    if (error !== SKIPPED) throw error; // what has skipped itself has ended well
  }
}

function global(name: string): ((...args: unknown[]) => unknown) | undefined {
  const found: unknown = Reflect.get(globalThis, name);
  return typeof found === 'function' ? (found as (...args: unknown[]) => unknown) : undefined;
}

const titled =
  (name: string, own: (title: string, body: Body) => unknown): Named =>
  (title, body) => {
    const theirs = global(name);
    return theirs === undefined ? own(title, body) : theirs(title, body);
  };

const hook =
  (name: string, own: (body: () => unknown) => unknown): Hook =>
  (body) => {
    const theirs = global(name);
    return theirs === undefined ? own(() => body.call(UNLIMITED)) : theirs(body);
  };

/** A suite. */
export const describe: Named = titled('describe', (title, body) => node.describe(title, () => void body.call(UNLIMITED)));
/** A test. */
export const it: Named = titled('it', (title, body) => node.it(title, (context) => runTest(body, context)));
/** Before all tests of a suite. */
export const before: Hook = hook('before', (body) => node.before(async () => void (await body())));
/** After all tests of a suite. */
export const after: Hook = hook('after', (body) => node.after(async () => void (await body())));
/** Before each test of a suite. */
export const beforeEach: Hook = hook('beforeEach', (body) => node.beforeEach(async () => void (await body())));
/** After each test of a suite. */
export const afterEach: Hook = hook('afterEach', (body) => node.afterEach(async () => void (await body())));
