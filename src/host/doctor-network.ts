/** Findings about the network `user`, which takes programs of the distribution and a device. */
import type { NetworkFacts } from './doctor-facts.js';
import type { HostFacts } from './facts.js';
import { good, lack, type Finding } from './finding.js';

const TOPIC = 'network user';
const COST = 'no container has the network "user"; "none", "host" and, for root, "bridge" need nothing of this';

export function networkFindings({ uid }: HostFacts, { tun, makers, nft }: NetworkFacts): Finding[] {
  const no = (text: string, remedy: string) => lack(TOPIC, 'no', { text, cost: COST, remedy });
  const [maker] = makers;
  const lacks = [
    ...(tun === 'absent' ? [no('there is no /dev/net/tun', 'modprobe tun')] : []),
    // The mode of a file keeps no root out; access(2) asks the programs on cgroups as well (devcgroup_inode_permission).
    ...(tun === 'refused' && uid === 0 ? [no('device rules of a cgroup keep root from /dev/net/tun', 'bpftool cgroup tree says whose they are; where tsrun runs in a container, give that the device')] : []),
    ...(tun === 'refused' && uid !== 0 ? [no('this user may not open /dev/net/tun', 'chmod 666 /dev/net/tun, which is what udev makes it; it gives nobody more than an interface in a network of their own')] : []),
    ...(maker === undefined ? [no('neither pasta nor slirp4netns is installed', 'apt-get install passt')] : []),
    ...(nft === undefined ? [no('nft is not installed', 'apt-get install nftables')] : []),
  ];
  return lacks.length > 0 ? lacks : [good(TOPIC, `${maker ?? ''}, ${nft ?? ''}, and /dev/net/tun can be opened`)];
}
