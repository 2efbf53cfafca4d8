import { createHash, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';

/** The one algorithm; what a token's header says changes nothing. */
const ALGORITHM = 'HS256';
/** Verified tokens that are remembered. */
const REMEMBERED = 10_000;

/** What a token says. */
export interface TokenClaims {
  readonly user: string;
  readonly session: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What tokens are made with. */
export interface TokenParts {
  /** The first signs; all verify. */
  readonly secrets: readonly string[];
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds. */
  readonly ttl: number;
  readonly now: () => number;
}

/** Makes and checks the tokens that a login gives. */
export class Tokens {
  private readonly keys: ReadonlyMap<string, Uint8Array>;
  private readonly verified = new Map<string, TokenClaims>();

  constructor(private readonly parts: TokenParts) {
    this.keys = new Map(parts.secrets.map((secret) => [kidOf(secret), new TextEncoder().encode(secret)]));
  }

  async make(user: string, session: string): Promise<{ readonly token: string; readonly expiresAt: number }> {
    const [[kid, key] = ['', new Uint8Array()]] = this.keys;
    const now = Math.floor(this.parts.now() / 1000);
    const exp = now + Math.ceil(this.parts.ttl / 1000);
    const token = await new SignJWT({ sid: session })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid })
      .setSubject(user)
      .setIssuer(this.parts.issuer)
      .setAudience(this.parts.audience)
      .setIssuedAt(now)
      .setExpirationTime(exp)
      .setJti(randomUUID())
      .sign(key);
    return { token, expiresAt: exp * 1000 };
  }

  /** What a token says that was verified before; null where its time is over, undefined for one that was not. */
  known(token: string): TokenClaims | null | undefined {
    const claims = this.verified.get(token);
    return claims === undefined ? undefined : claims.expiresAt > this.parts.now() ? claims : null;
  }

  /** What a token says; null for one that is not ours, not for us, changed, or over. */
  async verify(token: string): Promise<TokenClaims | null> {
    const now = this.parts.now();
    const known = this.known(token);
    if (known !== undefined) return known;
    if (token.length > 4096) return null;
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.keyOf(kid), {
        algorithms: [ALGORITHM],
        issuer: this.parts.issuer,
        audience: this.parts.audience,
        requiredClaims: ['sub', 'sid', 'exp', 'iat', 'jti'],
        currentDate: new Date(now),
      });
      if (typeof payload['sid'] !== 'string' || payload.sub === undefined || payload.exp === undefined) return null;
      const claims = { user: payload.sub, session: payload['sid'], expiresAt: payload.exp * 1000 };
      if (this.verified.size >= REMEMBERED) this.verified.delete(this.verified.keys().next().value ?? '');
      this.verified.set(token, claims);
      return claims;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null; // whatever is wrong with it, it proves nobody
      throw error;
    }
  }

  private keyOf(kid: string | undefined): Uint8Array {
    const key = this.keys.get(kid ?? '');
    if (key === undefined) throw new errors.JWKSNoMatchingKey();
    return key;
  }
}

/** The name of a secret in a token's header, which tells nothing of the secret. */
function kidOf(secret: string): string {
  return createHash('sha256').update(`kid\0${secret}`).digest('hex').slice(0, 16);
}
