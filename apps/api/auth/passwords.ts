import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** Derivations at a time: each takes 128 MiB at the usual cost, and a thread. */
const AT_ONCE = 2;
const WAITING_MOST = 64;
const LENGTH = 32;

/** Passwords as scrypt has them: `scrypt$<log2 of N>$<salt>$<hash>`, base64url. */
export class Passwords {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private nobody: Promise<string> | null = null;

  /** `cost` is the logarithm of scrypt's N; 17 is 450 ms and 128 MiB. */
  constructor(private readonly cost: number) {}

  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    return `scrypt$${this.cost}$${salt.toString('base64url')}$${(await this.derive(password, salt, this.cost)).toString('base64url')}`;
  }

  /** Whether a password is that of a hash; without one it takes as long, and is false. */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    this.nobody ??= this.hash(randomBytes(16).toString('hex'));
    const [, cost, salt, wanted] = (hash ?? (await this.nobody)).split('$');
    const derived = await this.derive(password, Buffer.from(salt ?? '', 'base64url'), Number(cost));
    const expected = Buffer.from(wanted ?? '', 'base64url');
    return expected.length === LENGTH && timingSafeEqual(derived, expected) && hash !== undefined;
  }

  /** Whether so many wait that another would wait too long. */
  get busy(): boolean {
    return this.waiting.length >= WAITING_MOST;
  }

  private async derive(password: string, salt: Buffer, cost: number): Promise<Buffer> {
    if (this.running >= AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running += 1;
    try {
      const options = { N: 2 ** cost, r: 8, p: 1, maxmem: 2 ** cost * 1024 + 1024 * 1024 };
      return await new Promise((resolve, reject) => {
        scrypt(password.normalize('NFC'), salt, LENGTH, options, (error, key) => (error === null ? resolve(key) : reject(error)));
      });
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }
}
