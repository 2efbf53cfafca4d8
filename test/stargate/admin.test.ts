import { principal } from '../../domain/access/principal.js';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { serveAdmin } from '../../apps/stargate/admin/serve-admin.js';
import type { ExecSession } from '../../apps/stargate/exec-session.js';

describe('an admin verb that takes long', () => {
  it('is heard of meanwhile, by what does not change the JSON', async () => {
    const output = new PassThrough();
    let written = '';
    output.setEncoding('utf8').on('data', (text: string) => (written += text));
    const pusher = principal('ada', 'admin');
    const session: ExecSession = {
      ...{
        pusher,
        fingerprint: 'SHA256:x',
        request: 'r1',
        remote: '127.0.0.1',
        gitProtocol: undefined,
        input: new PassThrough(),
        output,
      },
      complain: () => undefined,
      gone: new AbortController().signal,
      pusherNow: () => pusher,
    };
    const heardTwice = async (): Promise<{ done: boolean }> => {
      while (written.length < 2) await new Promise((resolve) => output.once('data', resolve));
      return { done: true };
    };
    const code = await serveAdmin([{ name: 'status', role: 'any', run: heardTwice }], 'status', [], 5)(session);
    output.end();
    expect(code).to.equal(0);
    expect(written.slice(0, 2)).to.equal('\n\n');
    expect(JSON.parse(written)).to.deep.equal({ done: true });
  });
});
