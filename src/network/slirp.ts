/** slirp4netns(1), where there is no pasta: IPv4 alone, with an address of its own. */
import { requirePrograms, runProgram } from './programs.js';
import type { UserPlace } from './user-place.js';

/** Neither the gateway nor the name server that it would play lead to the host (--disable-dns is of 1.1.0). */
const closed = ['--disable-host-loopback', '--disable-dns', '--enable-seccomp'];

/**
 * As pasta it goes to its cgroup when it has opened /dev/net/tun, of which it tells at --ready-fd. It stays in the foreground: its pid is
 * said by the shell that becomes it, and the last who could write there has closed the pipe when it is ready, or gone. Its standard error
 * is read as long as it may say why it could not; later nobody does, and it must not die of that.
 */
const executeAndMove = `
cgroup=$1
shift
trap '' PIPE
said=$(setsid sh -c 'echo $$; exec "$@" 6>&1 >/dev/null' sh "$@" &)
pid=\${said%%[!0-9]*}
[ "$said" != "$pid" ] || exit 1
echo "$pid" >"$cgroup/cgroup.procs" || { kill "$pid"; exit 1; }
`;

/** @throws TsrunError `ERR_TSRUN_HOST` */
export async function startSlirp({ cgroup, given, hasUsers, isRoot }: UserPlace): Promise<void> {
  requirePrograms('setsid');
  // Of root it takes all files and capabilities but one; of an ordinary user it would become root of the container, which setegid(2) refuses it.
  const sandbox = isRoot ? ['--enable-sandbox'] : [];
  const users = hasUsers ? ['--userns-path=/proc/self/fd/4'] : [];
  await runProgram('sh', ['-c', executeAndMove, 'slirp4netns', cgroup, 'slirp4netns', '--configure', '--mtu=65520', ...closed, ...sandbox, '--ready-fd=6', '--netns-type=path', ...users, '/proc/self/fd/3', 'eth0'], '', given);
}
