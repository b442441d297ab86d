/** A pair of veth interfaces, one end of which is the container's eth0, and NAT by a table of our own. As root. */
import { randomBytes, randomInt } from 'node:crypto';
import { systemReader } from '../host/reader.js';
import { TsrunError } from '../spec/errors.js';
import type { AttachedNetwork } from '../spec/networks.js';
import { bridgeScript, endScript, linkPrefix } from './nft-rules.js';
import { ProgramFailure, runProgram } from './programs.js';
import { overlappingRoute, slotAt, slotCount, slotPrefix, slotPrefix6, type Slot } from './slots.js';

export interface Link {
  /** Of the interface on the host. */
  readonly name: string;
  /** Its hardware address, so that nobody takes another's for it: of what it is made with, the kernel heeds no alias (rtnl_newlink_create). */
  readonly token: string;
}

export interface BridgeInput {
  readonly network: Extract<AttachedNetwork, { kind: 'bridge' }>;
  /** Path of the container's network namespace. */
  readonly namespace: string;
  /** Notes a link before it is made; false where that name is noted already. */
  readonly note: (link: Link) => boolean;
  readonly forget: (link: Link) => void;
}

/** Neighbours in a row are taken only by chance; a range that is full has none left. */
const mostTries = 64;

/** @throws TsrunError `ERR_TSRUN_HOST` */
export async function attachBridge(input: BridgeInput): Promise<void> {
  checkHost(input.network.range);
  const hasIpv6 = read('/proc/sys/net/ipv6/conf/all/forwarding') === '1';
  const { slot, link } = await takeSlot(input);
  await ip([`addr add ${slot.gateway}/${slotPrefix} dev ${link.name}`, ...(hasIpv6 ? [`addr add ${slot.gateway6}/${slotPrefix6} dev ${link.name} nodad`] : []), `link set dev ${link.name} up`]);
  const inner = [
    `addr add ${slot.address}/${slotPrefix} dev eth0`,
    ...(hasIpv6 ? [`addr add ${slot.address6}/${slotPrefix6} dev eth0 nodad`] : []),
    'link set dev eth0 up',
    `route add default via ${slot.gateway}`,
    ...(hasIpv6 ? [`route add ::/0 via ${slot.gateway6}`] : []),
  ];
  await runProgram('nsenter', [`--net=${input.namespace}`, 'ip', '-batch', '-'], lines(inner));
  await locked(['sh', '-c', addScript, 'sh', link.name, link.token], bridgeScript(link.name, input.network.egress));
}

/** Makes nothing of the host's: whether packets are forwarded is for who administers it to say. */
function checkHost(range: string): void {
  if (read('/proc/sys/net/ipv4/ip_forward') !== '1') {
    throw new TsrunError('ERR_TSRUN_HOST', 'the host forwards no packets', { field: '/network', hint: 'let it: sysctl -w net.ipv4.ip_forward=1; or use the network "user"' });
  }
  const route = overlappingRoute(range, systemReader.read('/proc/net/route') ?? '');
  if (route === undefined) return;
  throw new TsrunError('ERR_TSRUN_HOST', `the range ${range} lies over what the host reaches by ${route.link}: ${route.cidr}`, { field: '/bridgeRange', hint: 'choose another' });
}

/** The kernel gives each name once, so that the link itself is the lock of its addresses, and is free again when it is gone. */
async function takeSlot({ network: { range }, namespace, note, forget }: BridgeInput): Promise<{ slot: Slot; link: Link }> {
  const count = slotCount(range);
  const start = randomInt(count);
  for (let tried = 0; tried < Math.min(count, mostTries); tried++) {
    const slot = slotAt(range, (start + tried) % count);
    const link = { name: slot.link, token: hardwareAddress() };
    if (!note(link)) continue;
    try {
      await ip([`link add name ${link.name} address ${link.token} type veth peer name eth0 netns ${namespace}`]);
      return { slot, link };
    } catch (error) {
      forget(link);
      if (!(error instanceof ProgramFailure) || !error.said.includes('File exists')) throw error;
    }
  }
  throw new TsrunError('ERR_TSRUN_HOST', `the range ${range} has no addresses left`, { field: '/bridgeRange', hint: 'stop a container, or choose a larger one' });
}

/** Locally administered, of one interface. */
function hardwareAddress(): string {
  return ['02', ...randomBytes(5).toString('hex').match(/../g) ?? []].join(':');
}

/** When the container has ended meanwhile, somebody may have removed its link, and with the last link the table: nobody would remove what came then. */
const addScript = `
case "$(ip -o link show dev "$1" 2>/dev/null)" in
  *"link/ether $2 "*) exec nft -f - ;;
esac
echo "the interface $1 is gone" >&2
exit 1
`;

/** What is another's by now stays. */
const removeScript = `
while [ $# -gt 2 ]; do
  case "$(ip -o link show dev "$1" 2>/dev/null)" in
    *"link/ether $2 "*) ip link delete dev "$1" 2>/dev/null; printf %s "$3" | nft -f - ;;
    "") printf %s "$3" | nft -f - ;;
  esac
  shift 3
done
grep -q "^ *${linkPrefix}[0-9a-f]*:" /proc/net/dev || nft delete table inet tsrun
`;

/** Removes links of containers that have ended, with their rules; and the table with the last. */
export async function removeLinks(links: readonly Link[]): Promise<void> {
  await locked(['sh', '-c', removeScript, 'sh', ...links.flatMap(({ name, token }) => [name, token, endScript(name)])]);
}

/** One after the other in a network namespace, whatever state root each is of: the namespace itself is the lock. A link is there before its rules are. */
async function locked(words: readonly string[], input = ''): Promise<void> {
  await runProgram('flock', [`/proc/${process.pid}/ns/net`, ...words], input);
}

async function ip(commands: readonly string[]): Promise<void> {
  await runProgram('ip', ['-batch', '-'], lines(commands));
}

function lines(commands: readonly string[]): string {
  return `${commands.join('\n')}\n`;
}

function read(path: string): string | undefined {
  return systemReader.read(path)?.trim();
}
