import { expect } from 'chai';
import { parseSshKey, sshKeyType, sshStringEnd } from '../../../ports/grammar/network/ssh-key.js';

const BASE64 = 'AAAAC3NzaC1lZDI1NTE5AAAAIEYIkO+3jZKDtKN6s0CUlPCY2vkT4PpVxmh2fvgYZVi2';
const KEY = `ssh-ed25519 ${BASE64}`;

/** A wire form of these strings. */
const wire = (...strings: readonly (string | number)[]): Buffer =>
  Buffer.concat(
    strings.flatMap((one) => {
      const content = typeof one === 'number' ? Buffer.alloc(one, 7) : Buffer.from(one, 'latin1');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(content.length);
      return [length, content];
    }),
  );
const line = (type: string, ...rest: readonly (string | number)[]): string => `${type} ${wire(type, ...rest).toString('base64')}`;

describe("grammar: SSH public keys, a line's and the wire's", () => {
  it('are read with their comment, or without one', () => {
    for (const [text, comment] of [
      [KEY, ''],
      [`${KEY} ada@example.org`, 'ada@example.org'],
      [`  ssh-ed25519\t${BASE64}  a person, at home \r\n`, 'a person, at home'],
    ] as const) {
      const key = parseSshKey(text);
      if (typeof key === 'string') throw new Error(key);
      expect([key.type, key.base64, key.comment]).to.deep.equal(['ssh-ed25519', BASE64, comment]);
      expect(Buffer.from(key.blob).toString('base64')).to.equal(BASE64);
    }
  });

  it('are of the types that can be verified', () => {
    for (const good of [
      line('ssh-rsa', 3, 257),
      line('ecdsa-sha2-nistp256', 'nistp256', 65),
      line('ecdsa-sha2-nistp384', 'nistp384', 97),
      line('ecdsa-sha2-nistp521', 'nistp521', 133),
      line('sk-ssh-ed25519@openssh.com', 32, 'ssh:'),
      line('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', 65, 'ssh:'),
    ]) {
      expect(parseSshKey(good), good).to.be.an('object');
    }
  });

  for (const [text, fault] of [
    ['', 'is no public key'],
    ['ssh-ed25519', 'is no public key'],
    [line('ssh-dss', 9, 9, 9, 9), "'ssh-dss' is no known key type"],
    [`constructor ${BASE64}`, "'constructor' is no known key type"],
    [`ssh-ed25519-cert-v01@openssh.com ${BASE64}`, 'is no known key type'],
    [`restrict,pty ${KEY}`, "options such as 'restrict,pty' are not taken"],
    [`ssh-rsa ${BASE64}`, "says ssh-rsa but holds a key of type 'ssh-ed25519'"],
    [`ssh-ed25519 ${BASE64.slice(0, -4)}`, 'holds no complete public key'],
    [line('ssh-ed25519', 31), 'holds no complete public key'],
    [line('ssh-rsa'), 'holds no complete public key'],
    [`ssh-ed25519 ${wire('ssh-ed25519', 32).toString('base64')}AAAA`, 'holds no complete public key'],
    // OpenSSH refuses it, and an unpadded key would never equal the one that a signature names.
    [line('ssh-rsa', 3, 256).replace(/=+$/, ''), 'its base64 is damaged'],
    [`ssh-ed25519 ${BASE64}=`, 'its base64 is damaged'],
    [`ssh-ed25519 ${BASE64.replace('+', '-')}`, 'its base64 is damaged'],
    [`${KEY} two\nlines`, 'holds a control character'],
    [`${KEY} bell\u0007`, 'holds a control character'],
    [`${KEY} c1\u009b`, 'holds a control character'],
  ] as const) {
    it(`${JSON.stringify(text.slice(0, 40))}: ${fault}`, () => {
      const read = parseSshKey(text);
      expect(read).to.be.a('string').that.contains(fault).and.not.contains(BASE64);
    });
  }

  it('name their type in the wire form', () => {
    expect(sshKeyType(wire('ssh-ed25519', 32))).to.equal('ssh-ed25519');
    for (const bad of ['', 'AAAA', 'AAAAC3Nz']) expect(sshKeyType(Buffer.from(bad, 'base64')), bad).to.equal(undefined);
  });

  it('are made of strings that end within the bytes, wherever these lie', () => {
    const bytes = Buffer.concat([Buffer.alloc(3), wire('ab', '')]).subarray(3);
    expect([0, 6].map((at) => sshStringEnd(bytes, at))).to.deep.equal([6, 10]);
    expect([7, 10, 99].map((at) => sshStringEnd(bytes, at))).to.deep.equal([undefined, undefined, undefined]);
    expect(sshStringEnd(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1), 0)).to.equal(undefined);
  });
});
