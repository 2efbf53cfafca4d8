import { BlockList, isIP } from 'node:net';

/** What of IPv4 is nobody's on the open network: private, loopback, link-local, shared, for documents, multicast, reserved. */
const NOT_PUBLIC_4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/** What is not, inside of the part of IPv6 that is: tunnels into IPv4 among it. */
const NOT_PUBLIC_6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

/** Whether an address is on the open network, where a server may be sent by anybody. */
export function isPublic(address: string): boolean {
  const bare = address.split('%', 1)[0] ?? '';
  switch (isIP(bare)) {
    case 4:
      return !listed(NOT_PUBLIC_4, 'ipv4').check(bare, 'ipv4');
    case 6:
      return listed([['2000::', 3]], 'ipv6').check(bare, 'ipv6') && !listed(NOT_PUBLIC_6, 'ipv6').check(bare, 'ipv6');
    default:
      return false;
  }
}

function listed(networks: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}
