/** Findings about the network `user`, which takes programs of the distribution and a device. */
import type { NetworkFacts } from './doctor-facts.js';
import { good, lack, type Finding } from './finding.js';

const TOPIC = 'network user';
const COST = 'no container has the network "user"; "none", "host" and, for root, "bridge" need nothing of this';

export function networkFindings({ tun, makers, nft }: NetworkFacts): Finding[] {
  const no = (text: string, remedy: string) => lack(TOPIC, 'no', { text, cost: COST, remedy });
  const [maker] = makers;
  const lacks = [
    ...(tun === 'absent' ? [no('there is no /dev/net/tun', 'modprobe tun')] : []),
    ...(tun === 'refused' ? [no('this user may not open /dev/net/tun', 'chmod 666 /dev/net/tun, which is what udev makes it; it gives nobody more than an interface in a network of their own')] : []),
    ...(maker === undefined ? [no('neither pasta nor slirp4netns is installed', 'apt-get install passt')] : []),
    ...(nft === undefined ? [no('nft is not installed', 'apt-get install nftables')] : []),
  ];
  return lacks.length > 0 ? lacks : [good(TOPIC, `${maker ?? ''}, ${nft ?? ''}, and /dev/net/tun can be opened`)];
}
