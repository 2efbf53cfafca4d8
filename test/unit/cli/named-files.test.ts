import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { NamedFiles } from '../../../apps/cli/io/named-files.js';
import { failure } from '../../support/failure.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';

describe('the files that the lines of an input name', () => {
  let folder: Temporary;
  let inside: string;
  let outside: string;
  before(async () => {
    folder = await temporaryFolder();
    inside = join(folder.path, 'in');
    outside = join(folder.path, 'in-and-more'); // begins as the other does
    for (const path of [inside, join(inside, 'sub'), outside]) mkdirSync(path);
    for (const path of [join(inside, 'a'), join(inside, 'sub', 'b'), join(outside, 'secret')]) writeFileSync(path, 'x');
    symlinkSync('sub/b', join(inside, 'link'));
    symlinkSync('../in-and-more/secret', join(inside, 'leak'));
    symlinkSync('../in-and-more', join(inside, 'leaks'));
    symlinkSync('in', join(folder.path, 'alias'));
  });
  after(() => folder.remove());

  const said = async (path: string, allowed: string[] = [], base = inside): Promise<string> => {
    const found = await (await NamedFiles.open(base, allowed)).find(path);
    return 'fault' in found ? found.fault : found.path.slice(folder.path.length);
  };

  it('lie below its own folder, by whatever path', async () => {
    expect(await said('a')).to.equal('/in/a');
    expect(await said('sub/../sub/b')).to.equal('/in/sub/b');
    expect(await said('../in/a')).to.equal('/in/a');
    expect(await said('link')).to.equal('/in/sub/b');
    expect(await said(join(inside, 'a'))).to.equal('/in/a');
    expect(await said('a', [], join(folder.path, 'alias'))).to.equal('/in/a');
    expect(await said(join(folder.path, 'alias', 'a'))).to.equal('/in/a');
  });

  const OUTSIDE = ['../in-and-more/secret', 'leak', 'leaks/secret', '/etc/passwd', '/proc/self/environ', '/dev/stdin', '..'];
  for (const path of OUTSIDE)
    it(`are not read elsewhere: ${path}`, async () =>
      expect(await said(path))
        .to.contain('outside of')
        .and.contain('--allow-files-from'));

  it('are read below a folder that is allowed, and no further', async () => {
    for (const path of ['../in-and-more/secret', 'leak', join(outside, 'secret')])
      expect(await said(path, ['/usr', outside])).to.equal('/in-and-more/secret');
    expect(await said('/etc/passwd', [outside])).to.contain('outside of');
    expect(await said('/etc/passwd', ['/'])).not.to.contain('outside of');
  });

  it('are regular files that are there', async () => {
    expect(await said('none')).to.equal('there is no such file');
    expect(await said('sub')).to.equal('it is not a regular file');
    expect(await said('.')).to.equal('it is not a regular file');
  });

  it('an allowed folder is one', async () => {
    for (const path of [join(inside, 'a'), join(inside, 'none')])
      expect((await failure(NamedFiles.open(inside, [path]), 'USAGE')).message).to.contain('--allow-files-from');
  });
});
