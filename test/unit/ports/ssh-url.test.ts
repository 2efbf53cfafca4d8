import { expect } from 'chai';
import { parseSshUrl } from '../../../ports/grammar/network/ssh-url.js';

/** `form user host port path` of an address. */
const read = (text: string): unknown => {
  const url = parseSshUrl(text);
  return url && [url.form, url.user, url.host, url.port, url.path];
};

describe('grammar: SSH addresses', () => {
  for (const [text, ...parts] of [
    ['ssh://git@h:2222/org/r.git', 'url', 'git', 'h', 2222, '/org/r.git'],
    ['ssh://h/r', 'url', null, 'h', null, '/r'],
    ['git+ssh://h/r', 'url', null, 'h', null, '/r'],
    ['ssh+git://h/r', 'url', null, 'h', null, '/r'],
    ['ssh://git@[::1]:22/r', 'url', 'git', '::1', 22, '/r'],
    ['ssh://[fe80::1%eth0]/r', 'url', null, 'fe80::1%eth0', null, '/r'],
    ['ssh://my_host/r', 'url', null, 'my_host', null, '/r'],
    ['ssh://ada%40corp@h/my%20repo.git', 'url', 'ada@corp', 'h', null, '/my repo.git'],
    ['ssh://h/100%/%ff/%C3%A4', 'url', null, 'h', null, '/100%/%ff/ä'],
    ['ssh://h/~ada/r', 'url', null, 'h', null, '~ada/r'],
    ['ssh://h/../../etc/passwd', 'url', null, 'h', null, '/../../etc/passwd'],
    ['ssh://h/r?x#y', 'url', null, 'h', null, '/r?x#y'],
    ['git@github.com:org/repo.git', 'scp', 'git', 'github.com', null, 'org/repo.git'],
    ['host:repo', 'scp', null, 'host', null, 'repo'],
    ['git@10.0.0.1:/srv/r%20', 'scp', 'git', '10.0.0.1', null, '/srv/r%20'],
    ['git@[::1]:kv', 'scp', 'git', '::1', null, 'kv'],
    ['h:~ada/r', 'scp', null, 'h', null, '~ada/r'],
    ['h:/~ada/r', 'scp', null, 'h', null, '~ada/r'],
  ] as const) {
    it(`${text} is read`, () => expect(read(text)).to.deep.equal(parts));
  }

  for (const text of [
    '',
    'nonsense',
    '/srv/kv.git',
    './a:b',
    'https://h/r',
    'ssh://h',
    'ssh://h/',
    'ssh:///r',
    'ssh://git:secret@h/r',
    'ssh://git%3Asecret@h/r',
    'ssh://-oProxyCommand=x/r',
    'ssh://%2DoProxyCommand=x@h/r',
    'ssh://h:0/r',
    'ssh://h:65536/r',
    'ssh://h:/r',
    'ssh://h:x/r',
    'ssh://h/a b',
    'ssh://h/a%0Ab',
    'ssh://h/a%00b',
    'ssh://h/r\n',
    'ssh://a@b@h/r',
    'ssh://[h/r',
    '-oProxyCommand=x:r',
    'git@-h:r',
    'git@h:-r',
    'git@h:a b',
    'git@h:',
    '[h:22]:r',
    'ext::sh -c x',
    'ext::sh',
    'file:///r',
  ]) {
    it(`${JSON.stringify(text)} is none`, () => expect(read(text)).to.equal(undefined));
  }
});
