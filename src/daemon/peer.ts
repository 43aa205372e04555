/** Clients' addresses: written in one way, and counted by network. */
import { isIP } from 'node:net';

/** `::ffff:192.0.2.1` is how a listener of IPv6 sees a client of IPv4. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** The address as people know it: without an interface, and IPv4 as IPv4. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.split('%', 1);
  return MAPPED.exec(bare)?.[1] ?? bare;
}

/**
 * What an address counts for in limits: itself in IPv4, its /64 network in IPv6, where everybody has that many addresses. Takes what
 * `plainAddress` gives.
 */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::', 2);
  const groups = (part: string | undefined): readonly string[] =>
    part === undefined || part === '' ? [] : part.split(':');
  const before = groups(head);
  // An embedded IPv4 address takes the room of two groups.
  const after = groups(tail).flatMap((group) => (group.includes('.') ? [group, ''] : [group]));
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
