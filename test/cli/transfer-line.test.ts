import { expect } from 'chai';
import { note, Progress, type TerminalStream, transferLine } from '../../apps/cli/io/terminal.js';

describe('git kv: the progress of a transfer on a terminal', () => {
  const now = Date.now;
  afterEach(() => {
    Date.now = now;
  });

  function terminal(isTTY: boolean): { written: string[]; stream: TerminalStream } {
    const written: string[] = [];
    return { written, stream: { isTTY, columns: 20, write: (text: string | Uint8Array) => written.push(String(text)) > 0 } };
  }
  const tell = (stream: TerminalStream, ...lines: readonly string[]): void => {
    const show = transferLine(stream);
    for (const line of lines) show?.(line);
  };

  it('says nothing of what is over in a moment', () => {
    const { written, stream } = terminal(true);
    tell(stream, '', 'Counting objects: 100%', '');
    expect(written).to.deep.equal([]);
  });

  it('rewrites one line, cut to the width, and clears it; each transfer has its moment', () => {
    const { written, stream } = terminal(true);
    const show = transferLine(stream);
    let at = now();
    Date.now = () => at;
    show?.('');
    at += 5000;
    show?.('Writing objects:  50% (1/2), a long line');
    show?.('');
    expect(written).to.deep.equal(['\r\u001b[KWriting objects:  5', '\r\u001b[K']);
    show?.('');
    at += 1000;
    show?.('Writing objects:  50% (1/2)');
    show?.('');
    expect(written.length).to.equal(2);
  });

  it('is not there without a terminal', () => {
    expect(transferLine(terminal(false).stream)).to.equal(undefined);
  });
});

describe('git kv: the line of a phase on a terminal', () => {
  const { write } = process.stderr;
  afterEach(() => {
    process.stderr.write = write;
  });

  it('is cleared before something is said, once', () => {
    const written: string[] = [];
    process.stderr.write = ((text: string) => written.push(text) > 0) as typeof write;
    new Progress(true).phase('writing');
    note('signing');
    note('still signing');
    expect(written).to.deep.equal(['\r\u001b[Kwriting …', '\r\u001b[K', 'signing\n', 'still signing\n']);
  });
});
