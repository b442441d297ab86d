// The network of an ordinary user's container on a host that has slirp4netns and no pasta.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { RunOptions } from '../../src/index.js';
import { endCgroup, makeCgroup } from '../support/cgroup-tree.js';
import { CliLab } from '../support/cli-lab.js';
import { Lab } from '../support/lab.js';
import { farAddress, farPage, getPage, loopbackPort, NetLab } from '../support/net-lab.js';
import { needs } from '../support/needs.js';
import { UserLab, userNeeds } from '../support/user-lab.js';
import type { Order, Reply } from '../support/user-program.js';

const lab = new Lab();
const net = new NetLab(new CliLab());
const users = new UserLab(lab);
const here = needs(...userNeeds, 'cgroup2', 'command:ip', 'command:nft', 'command:pasta', 'command:slirp4netns', 'command:busybox', 'file:/dev/net/tun');
let cgroup = '';

test.before(async () => {
  if (process.geteuid?.() !== 0) return;
  await net.open();
  cgroup = makeCgroup('slirp');
});
test.after.always(async () => {
  net.close();
  if (cgroup !== '') await endCgroup(cgroup);
});

const far = `get ${farAddress} 80`;
const sh = (script: string, options: RunOptions = {}): Order => ({ do: 'run', options: { network: 'user', command: ['sh', '-c', `${getPage} ${script}`], ...options } });
const place = () => ({ cgroup: join(cgroup, existsSync(join(cgroup, 'tsrun-supervisor')) ? 'tsrun-supervisor' : ''), network: net.namespace, without: 'pasta' });
const ask = async (...orders: readonly Order[]): Promise<Reply[]> => users.user().ask(orders, place());
const told = ({ said, error }: Reply = {}) => said?.trim() ?? error?.message;

here('it is had with or without a user namespace of the container\'s own, and nothing is left when it is killed', async (t) => {
  const own = { namespaces: { user: 'host' } } as const;
  const list = (cidr: string): RunOptions => ({ egress: [{ cidr }] });
  const replies = await ask(sh(far), sh(far, own), sh(far, list(farAddress)), sh(far, list('203.0.113.0/24')), sh(`get 10.0.2.2 ${loopbackPort}`));
  t.deepEqual(replies.map((reply) => told(reply) === farPage), [true, true, true, false, false], JSON.stringify(replies.map(told)));
  const { child, reply } = await users.user().begin([{ do: 'hold', options: { network: 'user', command: ['sleep', '1000'], stdout: 'ignore', stderr: 'ignore' } }], place());
  t.is(net.programs('slirp4netns').length, 1, JSON.stringify(reply));
  child.kill('SIGKILL');
  t.deepEqual(await users.user().leftovers(), []);
  t.deepEqual(net.programs('slirp4netns'), []);
});

here('why it could not is said in its words, and so is that there is neither', async (t) => {
  const closed = await users.user().ask([sh('true')], { ...place(), tun: 'closed' });
  t.regex(told(closed[0]) ?? '', /\/dev\/net\/tun/);
  const [none] = await users.user().ask([sh('true')], { ...place(), without: 'pasta slirp4netns' });
  t.like(none?.error, { code: 'ERR_TSRUN_HOST', message: 'neither pasta nor slirp4netns is to be had, one of which makes the network', hint: 'install one: apt-get install passt, or slirp4netns' });
});

users.declareLeakTests();
