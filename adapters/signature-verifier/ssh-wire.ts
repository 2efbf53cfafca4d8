import { KvError } from '../../ports/error.js';
import { sshStringEnd } from '../../ports/grammar/network/ssh-key.js';

const LENGTH_BYTES = 4;

/** What can't be read as the signature it claims to be. */
export function invalid(what: string): KvError {
  return new KvError('SIGNATURE_INVALID', `the signature is not valid: ${what}`, { hint: 'sign the commit again' });
}

/** Reads SSH's wire format (RFC 4251, section 5) strictly: every length is checked, and nothing may be left over. */
export class SshReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  raw(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw invalid('it is cut short');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  uint32(): number {
    return this.raw(4).readUInt32BE();
  }

  byte(): number {
    return this.raw(1).readUInt8();
  }

  string(): Buffer {
    const end = sshStringEnd(this.bytes, this.at);
    if (end === undefined) throw invalid('it is cut short');
    const start = this.at + LENGTH_BYTES;
    this.at = end;
    return this.bytes.subarray(start, end);
  }

  text(): string {
    return this.string().toString('latin1');
  }

  /** A positive number's bytes, most significant first, without the sign byte. */
  mpint(): Buffer {
    const bytes = this.string();
    const [first = 0, second = 0] = bytes;
    if (bytes.length === 0 || first >= 0x80) throw invalid('a number in it is not positive');
    if (first !== 0) return bytes;
    if (bytes.length === 1 || second < 0x80) throw invalid('a number in it is padded');
    return bytes.subarray(1);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw invalid('it has trailing bytes');
  }
}

/** A length and the bytes. */
export function sshString(bytes: Uint8Array | string): Buffer {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}
