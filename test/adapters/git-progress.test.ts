import { expect } from 'chai';
import { progressTo } from '../../adapters/git-cli/process/progress.js';

describe("git-cli: git's progress on a terminal", () => {
  const now = Date.now;
  afterEach(() => {
    Date.now = now;
  });

  function terminal(isTTY: boolean): { written: string[]; stream: NodeJS.WritableStream & { isTTY: boolean; columns: number } } {
    const written: string[] = [];
    const stream = { isTTY, columns: 20, write: (text: string) => written.push(text) > 0 };
    return { written, stream: stream as unknown as NodeJS.WritableStream & { isTTY: boolean; columns: number } };
  }

  it('says nothing of what is over in a moment', () => {
    const { written, stream } = terminal(true);
    const line = progressTo(stream);
    line?.onStderr('Enumerating objects: 38, done.\nCounting objects: 100%\r');
    line?.end();
    expect(written).to.deep.equal([]);
  });

  it('rewrites one line, cut to the width, and clears it; a kv-error line is not shown', () => {
    const { written, stream } = terminal(true);
    const line = progressTo(stream);
    Date.now = () => now() + 5000;
    line?.onStderr('Writing objects:  50% (1/2), a long line\rremote: kv-err');
    line?.onStderr('or/1 {"code":"USAGE","message":"no"}\n');
    line?.end();
    expect(written).to.deep.equal(['\r\u001b[KWriting objects:  5', '\r\u001b[K']);
  });

  it('is not there without a terminal', () => {
    expect(progressTo(terminal(false).stream)).to.equal(undefined);
  });
});
