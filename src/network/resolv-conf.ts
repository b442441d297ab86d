/** /etc/resolv.conf for a container that has a network, but not the host's loopback. */
import type { HostReader } from '../host/reader.js';

/** Where systemd-resolved says whom it asks itself (systemd-resolved.service(8)); /etc/resolv.conf names only its stub on loopback. */
const upstream = '/run/systemd/resolve/resolv.conf';

/** The host's, less name servers that listen on its loopback. */
export function reachableServers(reader: Pick<HostReader, 'read'>): string {
  const own = withoutLoopback(reader.read('/etc/resolv.conf') ?? '');
  const text = hasServer(own) ? own : withoutLoopback(reader.read(upstream) ?? '');
  return hasServer(text) ? text : `# the host's name servers listen on its loopback\n${own}`;
}

function withoutLoopback(text: string): string {
  return text.split('\n').filter((line) => !/^\s*nameserver\s+(?:127\.|::1\s*$|0\.0\.0\.0)/.test(line)).join('\n');
}

/** Whether there is anybody to ask. */
export function hasServer(text: string): boolean {
  return /^\s*nameserver\s+\S/m.test(text);
}
