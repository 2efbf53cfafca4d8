import { expect } from 'chai';
import { shownUrl, withoutSecrets } from '../../../ports/grammar/network/shown-url.js';

describe('grammar: what is shown of an address', () => {
  for (const [url, shown] of [
    ['https://TOKEN@host/x', 'https://host/x'],
    ['https://TOKEN@host:8443', 'https://host:8443'],
    ['https://user:pw@host', 'https://host'],
    ['https://ada:p@ss@example.org/kv.git', 'https://example.org/kv.git'],
    ['https://ada:p?s#s@example.org/kv.git', 'https://example.org/kv.git'],
    ['HTTPS://user:pw@[::1]:8443/x', 'HTTPS://[::1]:8443/x'],
    ['git://TOKEN@host/x', 'git://host/x'],
    ['ssh://git@host', 'ssh://git@host'],
    ['ssh://git@stargate.local:2222/kv.git', 'ssh://git@stargate.local:2222/kv.git'],
    ['ssh://git:secret@host:2222/kv.git', 'ssh://git@host:2222/kv.git'],
    ['git+ssh://git:secret@host/kv.git', 'git+ssh://git@host/kv.git'],
    ['git@github.com:your-org/kv.git', 'git@github.com:your-org/kv.git'],
    ['host:kv.git', 'host:kv.git'],
    ['x-access-token:TOKEN@github.com/org/kv.git', 'x-access-token:…@github.com/org/kv.git'],
    ['https://host/x?access_token=TOKEN', 'https://host/x'],
    ['https://host/x#TOKEN', 'https://host/x'],
    ['https://host?token=TOKEN/y', 'https://host'],
    ['ssh://git@host/x?TOKEN', 'ssh://git@host/x'],
    ['https://user:p/w@host/x', 'https://…'],
    ['https://[half/x', 'https://[half/x'],
    ['https://', 'https://'],
    ['https://example.org/a@b/kv.git', 'https://example.org/a@b/kv.git'],
    ['/srv/git/kv@old.git', '/srv/git/kv@old.git'],
    ['file:///srv/a#b@c.git', 'file:///srv/a#b@c.git'],
    ['origin', 'origin'],
    ['', ''],
  ] as const) {
    it(`${url} is shown as ${shown}`, () => expect(shownUrl(url)).to.equal(shown));
  }

  it('is the same in what a program wrote', () => {
    expect(withoutSecrets("fatal: could not read Password for 'https://TOKEN@host': terminal prompts disabled\n")).to.equal(
      "fatal: could not read Password for 'https://host': terminal prompts disabled\n",
    );
    expect(withoutSecrets('To http://ada:p@ss@h/x?t=TOKEN\nfrom ssh://git:pw@h/y, and git@h:z')).to.equal(
      'To http://h/x\nfrom ssh://git@h/y, and git@h:z',
    );
    expect(withoutSecrets('no address here: a@b')).to.equal('no address here: a@b');
  });
});
