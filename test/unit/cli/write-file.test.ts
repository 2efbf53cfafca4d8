import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { writeOutput } from '../../../apps/cli/io/write-file.js';
import { failure } from '../../support/failure.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';

describe('what a command writes where its flag says', () => {
  let folder: Temporary;
  let file: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    file = join(folder.path, 'value');
  });
  afterEach(() => folder.remove());

  const bytes = Buffer.from('new');
  const names = (): string[] => readdirSync(folder.path);
  const text = (path = file): string => readFileSync(path, 'utf8');

  it('makes a file, and replaces one whole: another name of the old one keeps the old content', async () => {
    await writeOutput(file, bytes);
    expect(text()).to.equal('new');
    const { ino } = statSync(file);
    await writeOutput(file, Buffer.from('newer'));
    expect([text(), statSync(file).ino === ino, names()]).to.deep.equal(['newer', false, ['value']]);
  });

  it('keeps the permissions of what it replaces', async () => {
    for (const mode of [0o600, 0o666, 0o755, 0o440]) {
      writeFileSync(file, 'old');
      chmodSync(file, mode);
      await writeOutput(file, bytes);
      expect(statSync(file).mode & 0o7777).to.equal(mode);
      chmodSync(file, 0o600);
    }
  });

  it('a link stays, and what it leads to is replaced, or made', async () => {
    mkdirSync(join(folder.path, 'there'));
    const target = join(folder.path, 'there', 'target');
    writeFileSync(target, 'old', { mode: 0o600 });
    symlinkSync('there/target', join(folder.path, 'second'));
    symlinkSync('second', file);
    await writeOutput(file, bytes);
    expect([readlinkSync(file), text(target), statSync(target).mode & 0o777]).to.deep.equal(['second', 'new', 0o600]);
    const dangling = join(folder.path, 'dangling');
    symlinkSync('there/none', dangling);
    await writeOutput(dangling, bytes);
    expect([readlinkSync(dangling), text(join(folder.path, 'there', 'none'))]).to.deep.equal(['there/none', 'new']);
    symlinkSync('loop', join(folder.path, 'loop'));
    expect((await failure(writeOutput(join(folder.path, 'loop'), bytes), 'IO_ERROR')).message).to.contain('loop');
  });

  it('a device is written to, and stays a device', async () => {
    await writeOutput('/dev/null', bytes);
    expect(statSync('/dev/null').isCharacterDevice()).to.equal(true);
    const link = join(folder.path, 'null');
    symlinkSync('/dev/null', link);
    await writeOutput(link, bytes);
    expect([statSync(link).isCharacterDevice(), readlinkSync(link)]).to.deep.equal([true, '/dev/null']);
    const error = await failure(writeOutput('/dev/full', bytes), 'IO_ERROR');
    expect(error.message).to.contain('/dev/full');
  });

  it('a FIFO is written to, piece by piece, and stays a FIFO', async () => {
    execFileSync('mkfifo', [file]);
    const reader = await open(file, 'r+'); // so that neither side waits for the other to open it
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      yield Buffer.from('bc');
    };
    await writeOutput(file, pieces());
    const { buffer } = await reader.read(Buffer.alloc(3));
    await reader.close();
    expect([buffer.toString(), statSync(file).isFIFO()]).to.deep.equal(['abc', true]);
  });

  it('a descriptor that the shell has opened is written to where it stands', async () => {
    writeFileSync(file, 'before ');
    const opened = await open(file, 'a');
    await writeOutput(`/dev/fd/${opened.fd}`, bytes);
    await opened.close();
    expect(text()).to.equal('before new');
  });

  it('a folder is refused, there or not, before anything is written', async () => {
    expect((await failure(writeOutput(folder.path, bytes), 'IO_ERROR')).message).to.contain('it is a folder');
    expect((await failure(writeOutput(`${file}/`, bytes), 'IO_ERROR')).message).to.contain('there is no such folder');
    expect((await failure(writeOutput(join(file, 'x'), bytes), 'IO_ERROR')).message).to.contain('there is no folder');
    expect(names()).to.deep.equal([]);
  });

  it('what fails half way leaves the file as it was, and nothing beside it', async () => {
    writeFileSync(file, 'old');
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new Error('no more');
    };
    await failure(writeOutput(file, failing()), 'IO_ERROR');
    expect([text(), names()]).to.deep.equal(['old', ['value']]);
  });
});
