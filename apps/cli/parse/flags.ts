/**
 * Flags as data: one table makes both the oclif flags of a command and the options of the fast path of those that
 * scripts call in loops, which must not load oclif.
 */
export interface FlagSpec {
  readonly type: 'boolean' | 'string';
  readonly summary: string;
  readonly char?: 'f' | 'l' | 'm' | 'n' | 'o' | '0';
  /** Another letter for the same. */
  readonly alias?: 'z';
  /** What stands for the value in help. */
  readonly value?: string;
  readonly options?: readonly string[];
  readonly multiple?: true;
  readonly required?: true;
  /** A `--no-…` form exists. */
  readonly allowNo?: true;
}

/** A command's flags by name. */
export type FlagTable = Readonly<Record<string, FlagSpec>>;

type ValueOf<S extends FlagSpec> = S extends { type: 'boolean' } ? boolean : S extends { multiple: true } ? string[] : string;

/** What parsing gives: a flag that was not given is absent. */
export type FlagValues<T extends FlagTable> = { readonly [K in keyof T]?: ValueOf<T[K]> };

/** The flags that every command takes, also in front of its name. */
export const GLOBAL_FLAGS = {
  ns: { type: 'string', summary: 'namespace (default: git config kv.namespace, or main)', value: 'NAME' },
  json: { type: 'boolean', summary: 'print JSON on standard output, errors too' },
  reality: {
    type: 'string',
    summary: 'try it in this reality of the namespace (git kv reality new NAME): nothing is fetched or pushed',
    value: 'NAME',
  },
  debug: { type: 'boolean', summary: 'print stack and causes of an error' },
} as const satisfies FlagTable;

/** The flags of every command, as they were given. */
export type GlobalValues = FlagValues<typeof GLOBAL_FLAGS>;

/** Where a read fetches from, if at all. */
export const READ_FLAGS = {
  'read-from': {
    type: 'string',
    summary: 'where to fetch from before answering; github means the mirror',
    value: 'SIDE',
    options: ['mirror', 'github', 'stargate'],
  },
  offline: { type: 'boolean', summary: 'answer from what this clone has, and fetch nothing' },
} as const satisfies FlagTable;

const EXPIRED_FLAG = {
  'allow-expired': { type: 'boolean', summary: 'also give what has expired' },
} as const satisfies FlagTable;

/** Which state of the past is read. */
export const AT_FLAG = {
  at: {
    type: 'string',
    summary:
      'as of a ledger commit (or its start), a time (ISO 8601; a date is 0:00 UTC; "5m ago", yesterday), or a transaction (or its last 8 or more)',
    value: 'OID|TIME|TXN',
  },
} as const satisfies FlagTable;

/** The flags of `get`. */
export const GET_FLAGS = {
  prefix: { type: 'string', summary: 'all keys that start with this, with their values', value: 'PREFIX' },
  null: { type: 'boolean', char: '0', alias: 'z', summary: 'each key and each value exactly, with a NUL byte behind it' },
  raw: { type: 'boolean', summary: 'exactly the bytes, on a terminal too' },
  output: {
    type: 'string',
    char: 'o',
    summary: 'write the value to a file, all at once; or to a device or FIFO, as it is',
    value: 'FILE',
  },
  ...AT_FLAG,
  ...READ_FLAGS,
  ...EXPIRED_FLAG,
} as const satisfies FlagTable;

/** The flags of `list`. */
export const LIST_FLAGS = {
  prefix: { type: 'string', summary: 'only keys that start with this', value: 'PREFIX' },
  long: { type: 'boolean', char: 'l', summary: 'also size, time, when it expires, and content type' },
  limit: { type: 'string', summary: 'stop after this many keys', value: 'N' },
  after: { type: 'string', summary: 'only keys that come after this one: the next page', value: 'KEY' },
  ...AT_FLAG,
  values: { type: 'boolean', summary: 'also the values, as get --prefix shows them' },
  null: { type: 'boolean', char: '0', alias: 'z', summary: 'end each key (and value) with a NUL byte instead of a newline' },
  ...READ_FLAGS,
  ...EXPIRED_FLAG,
} as const satisfies FlagTable;

/** The flags of `get`, as they were given. */
export type GetFlags = GlobalValues & FlagValues<typeof GET_FLAGS>;

/** The flags of `list`, as they were given. */
export type ListFlags = GlobalValues & FlagValues<typeof LIST_FLAGS>;

/** The flags of everything that writes. */
export const WRITE_FLAGS = {
  'expect-tree': { type: 'string', summary: "fail unless the ledger's root tree is this one", value: 'OID' },
  'expect-blob': {
    type: 'string',
    summary: "fail unless the key's blob is this one (none: the key must not exist); with several keys, KEY=OID for each",
    value: 'OID',
    multiple: true,
  },
  'dry-run': {
    type: 'boolean',
    char: 'n',
    summary: 'read the newest state, build and report, but write nothing; it has no tree, which depends on the time',
  },
  message: {
    type: 'string',
    char: 'm',
    summary: "the ledger commit's message: its first line is what history shows; given again, another paragraph",
    value: 'TEXT',
    multiple: true,
  },
  wait: { type: 'boolean', summary: 'wait until the mirror shows the write (default: as the policy says)', allowNo: true },
  timeout: { type: 'string', summary: 'how long to wait for the mirror (default: 60s)', value: 'DURATION' },
} as const satisfies FlagTable;

/** Of a write whose operations and expectations follow from an older state. */
export const PUT_BACK_FLAGS = {
  'dry-run': WRITE_FLAGS['dry-run'],
  message: WRITE_FLAGS.message,
  wait: WRITE_FLAGS.wait,
  timeout: WRITE_FLAGS.timeout,
} as const satisfies FlagTable;

/** Which values are stored in chunks. */
export const CHUNK_FLAGS = {
  'max-inline': {
    type: 'string',
    summary: 'store a value that is larger than this in chunks, such as 64KiB (default: as the policy says)',
    value: 'SIZE',
  },
} as const satisfies FlagTable;

/** What may be read of the files that lines name. */
export const FILES_FROM_FLAG = {
  'allow-files-from': {
    type: 'string',
    summary: "also read files that lines name below this folder (default: below the input's own folder only)",
    value: 'DIR',
    multiple: true,
  },
} as const satisfies FlagTable;

/** Where a value comes from, and what is kept beside it. */
export const VALUE_FLAGS = {
  file: { type: 'string', char: 'f', summary: 'take the value from a file; - is standard input', value: 'FILE' },
  value: { type: 'string', summary: 'take this text as the value', value: 'TEXT' },
  ctype: {
    type: 'string',
    summary: "content type (default: by the file's extension, or text/plain, or application/json)",
    value: 'TYPE',
  },
  ttl: {
    type: 'string',
    summary: "when the key expires: 30d, 12h, an ISO 8601 time, or none (the default): by the policy's ttl_default, or never",
    value: 'WHEN',
  },
  'keep-ttl': { type: 'boolean', summary: 'keep the TTL that the key has, if it has one' },
} as const satisfies FlagTable;

/** The flags of `set`. */
export const SET_FLAGS = { ...VALUE_FLAGS, ...CHUNK_FLAGS, ...WRITE_FLAGS } as const satisfies FlagTable;

/** The flags of `cas set`. */
export const CAS_SET_FLAGS = SET_FLAGS;

/** The flags of `del`. */
export const DEL_FLAGS = WRITE_FLAGS;

/** The flags of `mset`. */
export const MSET_FLAGS = {
  file: {
    type: 'string',
    char: 'f',
    summary: 'the batch, one JSON object a line; - is standard input',
    value: 'FILE',
    required: true,
  },
  'keep-ttl': { type: 'boolean', summary: 'of lines without a ttl, keep the TTL that the key has' },
  ...FILES_FROM_FLAG,
  ...CHUNK_FLAGS,
  ...WRITE_FLAGS,
} as const satisfies FlagTable;
