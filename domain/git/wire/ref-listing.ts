import { encodePkt, FLUSH_PKT } from '../../../ports/grammar/git-words/pkt-line.js';
import type { ObjectFormat, Oid, RefName } from '../../../ports/vocabulary.js';
import { concat } from '../bytes.js';
import type { RefsRequest } from './fetch-request.js';

/** A repository's refs as a server tells of them. */
export interface Listing {
  readonly format: ObjectFormat;
  /** By name. */
  readonly refs: ReadonlyMap<RefName, Oid>;
  /** What annotated tags lead to. */
  readonly peeled: ReadonlyMap<RefName, Oid>;
  /** What HEAD names, a ref or an object. */
  readonly head: RefName | Oid;
}

const headTip = ({ head, refs }: Listing): Oid | undefined => (head.startsWith('refs/') ? refs.get(head) : head);

/** What upload-pack says first in protocol v0 (gitprotocol-pack, "Reference Discovery"). */
export function uploadAdvertisement(listing: Listing, agent: string): Uint8Array {
  const { format, head, refs, peeled } = listing;
  const tip = headTip(listing);
  const capabilities = [
    ...['multi_ack', 'multi_ack_detailed', 'no-done', 'side-band', 'side-band-64k', 'thin-pack', 'ofs-delta', 'no-progress'],
    ...['include-tag', 'shallow', 'deepen-since', 'deepen-not', 'deepen-relative', 'filter'],
    // As protocol v2 has it anyway: whoever reads the repository may have any object of it.
    ...['allow-tip-sha1-in-want', 'allow-reachable-sha1-in-want'],
    ...(head.startsWith('refs/') && tip !== undefined ? [`symref=HEAD:${head}`] : []),
    ...[`object-format=${format}`, `agent=${agent}`],
  ];
  const lines = tip === undefined ? [] : [`${tip} HEAD`];
  for (const [ref, oid] of refs) {
    lines.push(`${oid} ${ref}`);
    const leads = peeled.get(ref);
    if (leads !== undefined) lines.push(`${leads} ${ref}^{}`);
  }
  return advertised(lines, capabilities, format);
}

/** What receive-pack says first. */
export function receiveAdvertisement({ format, refs }: Listing, agent: string): Uint8Array {
  const capabilities = [
    ...['report-status', 'report-status-v2', 'delete-refs', 'side-band-64k', 'quiet', 'atomic', 'ofs-delta', 'push-options'],
    ...[`object-format=${format}`, `agent=${agent}`],
  ];
  return advertised(
    [...refs].map(([ref, oid]) => `${oid} ${ref}`),
    capabilities,
    format,
  );
}

function advertised(lines: readonly string[], capabilities: readonly string[], format: ObjectFormat): Uint8Array {
  const [first = `${'0'.repeat(format === 'sha1' ? 40 : 64)} capabilities^{}`, ...others] = lines;
  const all = [`${first}\0${capabilities.join(' ')}\n`, ...others.map((line) => `${line}\n`)];
  return concat([...all.map(encodePkt), FLUSH_PKT]);
}

/** What a server of protocol v2 says first (gitprotocol-v2, "Capability Advertisement"). */
export function capabilitiesV2(format: ObjectFormat, agent: string): Uint8Array {
  const lines = ['version 2', `agent=${agent}`, 'ls-refs=unborn', 'fetch=shallow wait-for-done filter', 'server-option'];
  return concat([...[...lines, `object-format=${format}`].map((line) => encodePkt(`${line}\n`)), FLUSH_PKT]);
}

/** The answer to `ls-refs`. */
export function refsAnswer(listing: Listing, { prefixes, peel, symrefs, unborn }: RefsRequest): Uint8Array {
  const isAsked = (name: string): boolean => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
  const { head, refs, peeled } = listing;
  const tip = headTip(listing);
  const target = symrefs && head.startsWith('refs/') ? ` symref-target:${head}` : '';
  const lines: string[] = [];
  if (isAsked('HEAD') && (tip !== undefined || (unborn && head.startsWith('refs/'))))
    lines.push(`${tip ?? 'unborn'} HEAD${tip === undefined ? ` symref-target:${head}` : target}`);
  for (const [ref, oid] of refs) {
    if (!isAsked(ref)) continue;
    const leads = peel ? peeled.get(ref) : undefined;
    lines.push(`${oid} ${ref}${leads === undefined ? '' : ` peeled:${leads}`}`);
  }
  return concat([...lines.map((line) => encodePkt(`${line}\n`)), FLUSH_PKT]);
}
