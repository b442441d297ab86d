/** pasta(1), of the package passt. */
import { runProgram } from './programs.js';
import type { UserPlace } from './user-place.js';

/** Nothing comes in, and the gateway is not the loopback of the host. */
const closed = ['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none', '--no-map-gw'];

/**
 * In the container's cgroup pasta could not open /dev/net/tun, which its device rules deny: it goes there when it has done so, and has
 * left for the background. The shell lives on when this process is killed, and a container that is gone by then has no cgroup to go to.
 */
const executeAndMove = `
cgroup=$1 file=$2
shift 2
"$@" --pid "$file" && read -r pid <"$file" || exit 1
rm "$file"
echo "$pid" >"$cgroup/cgroup.procs" || { kill "$pid"; exit 1; }
`;

/** @throws TsrunError `ERR_TSRUN_HOST` */
export async function startPasta({ cgroup, pidFile, given, hasUsers, isRoot }: UserPlace): Promise<void> {
  const place = ['--netns', '/proc/self/fd/3', ...(hasUsers ? ['--userns', '/proc/self/fd/4'] : ['--netns-only']), '--no-netns-quit'];
  // As nobody, which is what it makes itself of root, it could not enter the namespaces.
  const identity = isRoot ? ['--runas', '0'] : [];
  await runProgram('sh', ['-c', executeAndMove, 'pasta', cgroup, pidFile, 'pasta', '--quiet', '--config-net', '--ns-ifname', 'eth0', ...closed, ...identity, ...place], '', given);
}
