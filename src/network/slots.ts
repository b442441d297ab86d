/** Addresses of bridges: a range is cut into slots of four, one a container, and the name of the interface on the host is that of the slot. */
import { parseCidr } from '../spec/networks.js';
import { linkPrefix } from './nft-rules.js';

export interface Slot {
  /** Name of the interface on the host: the first address of the slot, in hexadecimal digits. */
  readonly link: string;
  /** The host's end, and the container's way out. */
  readonly gateway: string;
  readonly address: string;
  /** Of both, out of a network of their own (RFC 4193), where the host forwards IPv6. */
  readonly gateway6: string;
  readonly address6: string;
}

export const slotPrefix = 30;
export const slotPrefix6 = 126;

/** How many there are in a range. */
export function slotCount(range: string): number {
  return 2 ** (slotPrefix - (parseCidr(range)?.prefix ?? slotPrefix));
}

export function slotAt(range: string, index: number): Slot {
  const { network } = networkOf(range);
  const first = network + index * 4;
  const hex = first.toString(16).padStart(8, '0');
  const sixth = (offset: number) => `fd74:7372:756e::${hex.slice(0, 4)}:${(Number.parseInt(hex.slice(4), 16) + offset).toString(16)}`;
  return { link: `${linkPrefix}${hex}`, gateway: dotted(first + 1), address: dotted(first + 2), gateway6: sixth(1), address6: sixth(2) };
}

/** A route of the host, other than by default, that leads to addresses of the range: `/proc/net/route`. */
export function overlappingRoute(range: string, routes: string): { readonly link: string; readonly cidr: string } | undefined {
  const { network, mask } = networkOf(range);
  for (const line of routes.split('\n').slice(1)) {
    const [link = '', destination = '', , , , , , maskText = ''] = line.trim().split(/\s+/);
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(maskText) || link.startsWith(linkPrefix)) continue;
    const [start, routeMask] = [swapped(destination), swapped(maskText)];
    const common = and(mask, routeMask);
    if (routeMask !== 0 && and(start, common) === and(network, common)) return { link, cidr: `${dotted(start)}/${routeMask.toString(2).replace(/0+$/, '').length}` };
  }
  return undefined;
}

function networkOf(range: string): { network: number; mask: number } {
  const { address, prefix } = parseCidr(range) ?? { address: '0.0.0.0', prefix: slotPrefix };
  const mask = 2 ** 32 - 2 ** (32 - prefix);
  return { network: and(address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0), mask), mask };
}

/** The kernel prints addresses as numbers in its own byte order. */
function swapped(hex: string): number {
  return Buffer.from(hex, 'hex').readUInt32LE();
}

function and(a: number, b: number): number {
  return (a & b) >>> 0;
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}
