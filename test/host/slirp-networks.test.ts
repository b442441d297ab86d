// The network `user` on a host that has slirp4netns and no pasta, in namespaces that stand for host and internet.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CliLab } from '../support/cli-lab.js';
import { processes } from '../support/leaks.js';
import { commandLine, farAddress, farPage, hereAddress, loopbackPort, NetLab } from '../support/net-lab.js';
import { needs } from '../support/needs.js';

const cli = new CliLab();
const net = new NetLab(cli, 'pasta');
const here = needs('root', 'userns', 'overlay', 'cgroup2', 'command:ip', 'command:nft', 'command:pasta', 'command:slirp4netns', 'command:busybox', 'file:/dev/net/tun');

test.before(async () => {
  if (process.geteuid?.() === 0) await net.open();
});
test.after.always(() => { net.close(); });

const far = `get ${farAddress} 80`;
const run = async (script: string, ...flags: string[]) => net.run(['--network', 'user', ...flags], script);

here('the internet is reached, and what the host reaches; its loopback is not, by any address or interface', async (t) => {
  const tries = [far, `get ${hereAddress} 8889`, `get 127.0.0.1 ${loopbackPort}`, ...['10.0.2.2', '10.0.2.3'].map((address) => `get ${address} ${loopbackPort}`)];
  const { stdout, stderr, code } = await run(tries.join('; '));
  const [reached, host, ...others] = stdout.trim().split('\n');
  t.is(reached, farPage, stderr);
  t.is(host, farPage, 'an address of the host is one like any other');
  t.false(others.includes(farPage), stdout);
  t.is(code, 0);
  t.notRegex(await net.sentByDevice(async (words) => run(words, '--cap-drop', 'ALL')), /contained/);
});

here('a list lets through what it names; names come from the server that was given', async (t) => {
  t.is((await run(far, '--egress', `${farAddress}:80/tcp`)).stdout.trim(), farPage);
  for (const rule of [`${farAddress}:81`, `${farAddress}:80/udp`, '203.0.113.0/24', '::/0']) t.not((await run(far, '--egress', rule)).stdout.trim(), farPage, rule);
  t.is((await run('cat /etc/resolv.conf; get far.test 80', '--dns', '192.0.2.53', '--add-host', `far.test:${farAddress}`)).stdout, `nameserver 192.0.2.53\n${farPage}\n`);
});

here('it is of the cgroup of its container, and ends with the command that is killed', async (t) => {
  const id = cli.newId();
  const child = net.spawn(['run', '--rm', '--name', id, '--network', 'user', cli.image, 'sh', '-c', 'echo up; sleep 1000']);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const programs = net.programs('slirp4netns');
  t.is(programs.length, 1);
  t.regex(net.sh(`cat /proc/${programs[0] ?? 0}/cgroup`), new RegExp(`/${id}-[^/]+/network$`, 'm'));
  for (const pid of processes().filter((each) => commandLine(each).includes(id))) process.kill(pid, 'SIGKILL');
  await cli.until('an end of all', async () => {
    await net.tsrun('gc');
    return net.programs('slirp4netns').length === 0 && !existsSync(join(cli.stateRoot, 'containers', id));
  });
});

cli.declareLeakTest();
