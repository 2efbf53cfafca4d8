/**
 * Whose a remote address is, as far as the address tells: an IPv4 address is a host's own, also where it is written as an IPv6 one; of
 * IPv6, one host commonly has a whole /64 to itself. Gives what is no address as it is.
 */
export function networkOf(address: string): string {
  const bare = address.split('%', 1)[0] ?? '';
  const mapped = /^(?:0*:)*:?ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;
  if (!bare.includes(':')) return bare;
  const groups = expanded(bare);
  if (groups.length !== 8) return bare;
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [groups[6], groups[7]].map((group = 0) => `${group >> 8}.${group & 0xff}`).join('.');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight groups of an IPv6 address; another number of them for what is none. */
function expanded(address: string): number[] {
  const read = (part: string): number[] => (part === '' ? [] : part.split(':').flatMap(groupsOf));
  const [before = '', after, more] = address.split('::');
  if (more !== undefined) return [];
  if (after === undefined) return read(before);
  const [head, tail] = [read(before), read(after)];
  return [...head, ...Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail];
}

/** One group, or the two that an IPv4 address at the end stands for. */
function groupsOf(group: string): number[] {
  if (!group.includes('.')) return /^[0-9a-f]{1,4}$/i.test(group) ? [Number.parseInt(group, 16)] : [];
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}
