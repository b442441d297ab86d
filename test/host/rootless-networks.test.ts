// The network of an ordinary user's container, in namespaces that stand for host and internet: what is reached through it, what is not, and
// that it ends with the container.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { RunOptions } from '../../src/index.js';
import { endCgroup, makeCgroup } from '../support/cgroup-tree.js';
import { CliLab } from '../support/cli-lab.js';
import { Lab } from '../support/lab.js';
import { farAddress, farAddress6, farPage, getPage, hereAddress, hereAddress6, loopbackPort, NetLab } from '../support/net-lab.js';
import { needs } from '../support/needs.js';
import { UserLab, userNeeds } from '../support/user-lab.js';
import type { Order, Reply } from '../support/user-program.js';

const lab = new Lab();
const net = new NetLab(new CliLab());
const users = new UserLab(lab);
const here = needs(...userNeeds, 'cgroup2', 'command:ip', 'command:nft', 'command:pasta', 'command:busybox', 'file:/dev/net/tun');
let cgroup = '';

test.before(async () => {
  if (process.geteuid?.() !== 0) return;
  await net.open();
  cgroup = makeCgroup('network');
});
test.after.always(async () => {
  net.close();
  if (cgroup !== '') await endCgroup(cgroup);
});

const get = (address: string, port: number) => `get ${address} ${port}`;
const [far, far6] = [get(farAddress, 80), get(farAddress6, 81)];
const sh = (script: string, options: RunOptions = {}): Order => ({ do: 'run', options: { network: 'user', command: ['sh', '-c', `${getPage} ${script}`], ...options } });
const to = (cidr: string, ...ports: number[]): RunOptions => ({ egress: [{ cidr, ...(ports.length > 0 && { ports }) }] });
/** In a part of the cgroup that the user has been given: the first of its processes makes room in it for the next ones. */
const ask = async (...orders: readonly Order[]): Promise<Reply[]> => users.user().ask(orders, { cgroup: join(cgroup, existsSync(join(cgroup, 'tsrun-supervisor')) ? 'tsrun-supervisor' : ''), network: net.namespace });
const told = ({ said, error }: Reply = {}) => said?.trim() ?? error?.message;

here('user: an ordinary user\'s container reaches the internet, by both families, and no loopback but its own', async (t) => {
  const gateway = `$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')`;
  const [reached, others] = await ask(
    sh(`${far}; ${far6}`),
    sh([get('127.0.0.1', loopbackPort), get(gateway, loopbackPort), get(hereAddress, 8889), get('::1', 8890), get(hereAddress6, 8890)].join('; ')),
  );
  t.is(told(reached), `${farPage}\n${farPage}`);
  t.is(others?.status?.code, 0);
  t.false(told(others)?.includes(farPage), others?.said);
  t.is(net.get('127.0.0.1', loopbackPort), farPage, 'which the host itself reaches');
  t.is(net.get(hereAddress6, 8890), farPage);
});

here('user: also for one that is not root in its container, or has no user namespace of its own', async (t) => {
  t.deepEqual((await ask(sh(far, { user: 'app' }), sh(far, { namespaces: { user: 'host' } }), sh(far, { namespaces: { user: 'host' }, ...to(farAddress) }))).map(told), Array(3).fill(farPage));
});

here('user: nor by naming the interface, which takes no right', async (t) => {
  t.notRegex(await net.sentByDevice(async (words) => ask({ do: 'run', options: { network: 'user', command: ['sh', '-c', words] } })), /contained/);
});

here('user: a capability with which the loopback of the host is reached all the same is warned of', async (t) => {
  const replies = await ask(sh('true', { capAdd: ['NET_RAW'] }), sh('true'), sh('true', { network: 'none', capAdd: ['NET_RAW'] }));
  const warned = replies.map(({ warnings = [] }) => warnings.filter((text) => text.includes('the loopback of the host')));
  t.deepEqual(warned, [['with CAP_NET_RAW the container can write packets that reach the loopback of the host by its network: drop them, or use the network bridge'], [], []]);
});

here('user: a list lets through what it names, and the container cannot change it', async (t) => {
  const rules = 'ip link set eth0 down; nft flush ruleset; iptables -F; true';
  const replies = await ask(
    sh(far, to(farAddress, 80)), sh(far6, to(farAddress6, 81)),
    sh(`(${rules}) >/dev/null 2>&1; ${far}`, to(farAddress, 81)), sh(far, to('203.0.113.0/24')), sh(far6, to(farAddress6, 80)), sh(far6, to('0.0.0.0/0')),
    sh('true', { ...to(farAddress), capAdd: ['NET_ADMIN'] }),
  );
  t.deepEqual(replies.slice(0, 6).map((reply) => told(reply) === farPage), [true, true, false, false, false, false], JSON.stringify(replies.map(told)));
  t.regex(told(replies[6]) ?? '', /CAP_NET_ADMIN the container could go around it/);
});

here('user: nothing of it is left when the container has ended, or its owner was killed', async (t) => {
  const { child, reply } = await users.user().begin([{ do: 'hold', options: { network: 'user', command: ['sleep', '1000'], stdout: 'ignore', stderr: 'ignore' } }], { cgroup: join(cgroup, 'tsrun-supervisor'), network: net.namespace });
  t.is(net.programs('pasta').length, 1, JSON.stringify(reply));
  child.kill('SIGKILL');
  t.deepEqual(await users.user().leftovers(), []);
  t.deepEqual(net.programs('pasta'), []);
});

here('user: without a cgroup, or a bridge: said with the reason', async (t) => {
  const [bridge] = await ask(sh('true', { network: 'bridge' }));
  t.like(bridge?.error, { code: 'ERR_TSRUN_HOST', hint: 'use the network "user"' });
  const [bare] = await users.user().ask([sh('true')], { network: net.namespace });
  t.like(bare?.error, { code: 'ERR_TSRUN_HOST' });
  t.regex(told(bare) ?? '', /no cgroup to be had/);
});

users.declareLeakTests();
