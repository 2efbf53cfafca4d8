/** Bounds on what one client can hold; `crowd.ts` has those on all of them. Durations in milliseconds. */
export interface HttpLimits {
  /** From the first byte of a request to its last. */
  readonly requestTimeout: number;
  /** How long a connection may stay open between two requests. */
  readonly keepAliveTimeout: number;
  /** How long nothing may move on a connection, whatever it is used for. */
  readonly idleTimeout: number;
  readonly maxHeaderBytes: number;
  /** A mount may allow one of its routes more. */
  readonly maxBodyBytes: number;
}

/** Fits probes, scrapes and small requests; what serves packs or event streams asks for more. */
export const HTTP_LIMITS: HttpLimits = {
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  idleTimeout: 15_000,
  maxHeaderBytes: 8192,
  maxBodyBytes: 1024 * 1024,
};
