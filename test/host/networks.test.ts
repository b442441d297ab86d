// Networks beyond loopback, in namespaces that stand for host and internet: what is reached, what is not, and that nothing is left.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Runtime } from '../../src/index.js';
import { CliLab } from '../support/cli-lab.js';
import { processes } from '../support/leaks.js';
import { commandLine, farAddress, farAddress6, farPage, hereAddress, hereAddress6, loopbackPort, NetLab } from '../support/net-lab.js';
import { needs } from '../support/needs.js';

const lab = new CliLab();
const net = new NetLab(lab);
const all = ['root', 'userns', 'overlay', 'cgroup2', 'command:ip', 'command:nft', 'command:pasta', 'command:busybox', 'file:/dev/net/tun'] as const;
const here = needs(...all);

test.before(async () => {
  if (process.geteuid?.() === 0) await net.open();
});
test.after.always(() => { net.close(); });

const get = (address: string, port: number) => `get ${address} ${port}`;
const far = get(farAddress, 80);

for (const network of ['user', 'bridge']) {
  here(`${network}: the internet is reached; the host's loopback is not, by its own address or by the gateway's`, async (t) => {
    const gateway = `$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')`;
    const { stdout, stderr, code } = await net.run(['--network', network], `${far}; ${get('127.0.0.1', loopbackPort)}; ${get(gateway, loopbackPort)}; ${get(hereAddress, 8889)}`);
    const [reached, ...others] = stdout.trim().split('\n');
    t.is(reached, farPage, stderr);
    t.false(others.includes(farPage), stdout);
    t.is(code, 0);
    t.is(net.get('127.0.0.1', loopbackPort), farPage, 'which the host itself reaches');
  });

  here(`${network}: nor by naming the interface, which takes no right, and no list changes that`, async (t) => {
    for (const flags of [['--cap-drop', 'ALL'], ['--egress', '0.0.0.0/0', '--egress', '::/0']]) {
      const heard = await net.sentByDevice(async (words) => net.run(['--network', network, ...flags], words));
      t.notRegex(heard, /contained/, flags.join(' '));
    }
  });

  here(`${network}: a list lets through what it names, by port and protocol, and nothing else`, async (t) => {
    const reached = async (...rules: string[]) => (await net.run(['--network', network, ...rules.flatMap((rule) => ['--egress', rule])], far)).stdout.trim() === farPage;
    t.true(await reached(`${farAddress}:80/tcp`, '203.0.113.0/24'));
    t.true(await reached('198.51.100.0/24'));
    for (const rules of [[`${farAddress}:81-90,443`], [`${farAddress}:80/udp`], ['203.0.113.0/24:80']]) t.false(await reached(...rules), rules.join(' '));
  });

  here(`${network}: IPv6, where the host has it: the internet, and neither the host nor what a list leaves out`, async (t) => {
    const far6 = get(farAddress6, 81);
    const said = async (script: string, ...flags: string[]) => (await net.run(['--network', network, ...flags], script)).stdout.trim();
    t.is(await said(far6), farPage);
    t.is(net.get(hereAddress6, 8890), farPage, 'which the host itself reaches');
    const gateway = `$(ip -6 route | sed -n 's/^default via \\([0-9a-f:]*\\).*/\\1/p')`;
    t.false((await said(`${get('::1', 8890)}; ${get(hereAddress6, 8890)}; ${get(gateway, 8890)}`)).includes(farPage));
    t.is(await said(far6, '--egress', `[${farAddress6}]:81/tcp`), farPage);
    for (const rule of ['2001:db8:8::/48', `[${farAddress6}]:80`, '0.0.0.0/0']) t.not(await said(far6, '--egress', rule), farPage, rule);
    t.not(await said(far, '--egress', '::/0'), farPage);
  });

  here(`${network}: names come from the hosts file and the name server that was given`, async (t) => {
    const { stdout } = await net.run(['--network', network, '--dns', '192.0.2.53', '--add-host', `far.test:${farAddress}`], 'cat /etc/resolv.conf; grep far.test /etc/hosts; get far.test 80');
    t.is(stdout, `nameserver 192.0.2.53\n${farAddress}\tfar.test\n${farPage}\n`);
  });
}

here('none: nothing is reached, and nothing is there but loopback', async (t) => {
  const { stdout } = await net.run([], `${far}; ls /sys/class/net`);
  t.false(stdout.includes(farPage));
  t.true(stdout.endsWith('\nlo\n') || stdout === 'lo\n', stdout);
});

here('bridge: containers do not reach each other, though the host reaches both', async (t) => {
  const id = lab.newId();
  const { code, stderr } = await net.tsrun('run', '-d', '--name', id, '--network', 'bridge', lab.image, 'sh', '-c', `mkdir /www; echo ${farPage} >/www/page; exec busybox httpd -f -p 80 -h /www`);
  t.is(code, 0, stderr);
  const pid = (await lab.find(id))?.pid ?? 0;
  const address = net.sh("ip -4 -o addr show dev eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'", pid);
  await lab.until('a server in the container', () => net.get(address, 80) === farPage);
  t.not((await net.run(['--network', 'bridge'], get(address, 80))).stdout.trim(), farPage);
  t.is((await net.run(['--network', 'bridge', '--egress', '0.0.0.0/0'], get(address, 80))).stdout.trim() === farPage, false, 'nor when a list has everything');
  t.regex(net.sh('ip -o link'), /tsrun[0-9a-f]{8}/);
  t.is((await net.tsrun('rm', '-f', id)).code, 0);
  await net.tsrun('gc');
  t.notRegex(net.sh('ip -o link; nft list ruleset'), /tsrun/);
  t.deepEqual(readdirSync(join(lab.stateRoot, 'links')), []);
});

here('bridge: who finds a container and goes takes nothing of it away, nor does who is in another network; when it has ended its own does', async (t) => {
  const id = lab.newId();
  t.is((await net.tsrun('run', '-d', '--name', id, '--network', 'bridge', lab.image, 'sleep', '1000')).code, 0);
  const pid = (await lab.find(id))?.pid ?? 0;
  // As an agent does, which lives on after that.
  const elsewhere = async () => {
    const runtime = await Runtime.open({ root: lab.stateRoot });
    await runtime.find(id).catch(() => undefined);
    await runtime.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
  };
  const links = () => readdirSync(join(lab.stateRoot, 'links'));
  await elsewhere();
  t.is((await net.tsrun('exec', id, 'true')).code, 0);
  t.is(links().length, 1);
  t.true(net.sh('ip -o link').includes(links()[0] ?? 'none'));
  process.kill(pid, 'SIGKILL');
  await lab.until('its end', async () => (await lab.find(id))?.state === 'stopped');
  await elsewhere();
  t.is(links().length, 1);
  await net.tsrun('gc');
  t.notRegex(net.sh('ip -o link; nft list ruleset'), /tsrun/);
  t.deepEqual(links(), []);
  t.is((await net.tsrun('rm', id)).code, 0);
});

here('bridge: a container whose network somebody else holds on to leaves neither its link nor the table', async (t) => {
  const id = lab.newId();
  t.is((await net.tsrun('run', '-d', '--name', id, '--network', 'bridge', '--egress', farAddress, lab.image, 'sleep', '1000')).code, 0);
  const held = spawn('nsenter', [`--net=/proc/${(await lab.find(id))?.pid ?? 0}/ns/net`, 'sh', '-c', 'echo held; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(held.stdout, 'data');
  t.is((await net.tsrun('rm', '-f', id)).code, 0);
  t.notRegex(net.sh('ip -o link; nft list ruleset'), /tsrun/);
  held.kill('SIGKILL');
});

here('bridge: rules that come when everything of their container is gone are not made', async (t) => {
  const id = lab.newId();
  // Who changes rules waits for this.
  const lock = spawn('flock', [net.namespace, 'sh', '-c', 'echo held; read line'], { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(lock.stdout, 'data');
  net.spawn(['run', '--rm', '--name', id, '--network', 'bridge', '--egress', farAddress, lab.image, 'sleep', '1000']);
  await lab.until('a wait for the lock', () => net.programs('flock').length === 1);
  const [late = 0] = net.programs('flock');
  process.kill(late, 'SIGSTOP');
  for (const pid of processes().filter((each) => commandLine(each).includes(id))) process.kill(pid, 'SIGKILL');
  lock.stdin.end();
  await lab.until('an end of all', async () => {
    await net.tsrun('gc');
    return !net.sh('ip -o link; nft list ruleset').includes('tsrun') && !existsSync(join(lab.stateRoot, 'containers', id));
  });
  process.kill(late, 'SIGCONT');
  await lab.until('what waited', () => net.programs('flock').length === 0);
  t.notRegex(net.sh('ip -o link; nft list ruleset'), /tsrun/);
});

here('a list that the container could go around is refused, and so is one without a network', async (t) => {
  const refused = async (...flags: string[]) => (await net.run(flags, 'true')).stderr;
  t.regex(await refused('--network', 'user', '--egress', farAddress, '--cap-add', 'NET_ADMIN'), /CAP_NET_ADMIN the container could go around it/);
  t.regex(await refused('--network', 'user', '--egress', farAddress, '--privileged'), /could go around it/);
  t.regex(await refused('--egress', farAddress), /no network to hold to it/);
  t.regex(await refused('--bridge-range', '10.0.0.0/16'), /no bridge to take addresses for/);
});

here('bridge: root with CAP_NET_ADMIN changes nothing of its list, nor of its address', async (t) => {
  const reached = async (list: string) => (await net.run(['--network', 'bridge', '--cap-add', 'NET_ADMIN', '--cap-add', 'NET_RAW', '--egress', list], `ip addr add 192.0.2.77/32 dev eth0; ${far}`)).stdout.trim() === farPage;
  t.false(await reached('203.0.113.0/24'));
  t.true(await reached(farAddress));
});

here('what the host lacks is said: it does not forward, or reaches the range otherwise; nothing is left of the try', async (t) => {
  t.regex((await net.run(['--network', 'bridge', '--bridge-range', '192.0.0.0/8'], 'true')).stderr, /the range 192\.0\.0\.0\/8 lies over what the host reaches by up0: 192\.0\.2\.0\/24/);
  net.sh('sysctl -qw net.ipv4.ip_forward=0');
  t.regex((await net.run(['--network', 'bridge'], 'true')).stderr, /the host forwards no packets/);
  net.sh('sysctl -qw net.ipv4.ip_forward=1');
  t.notRegex(net.sh('ip -o link; nft list ruleset'), /tsrun/);
});

for (const network of ['user', 'bridge']) {
  here(`${network}: when the command is killed, its network is gone with it`, async (t) => {
    const id = lab.newId();
    const child = net.spawn(['run', '--rm', '--name', id, '--network', network, '--egress', farAddress, lab.image, 'sh', '-c', 'echo up; sleep 1000']);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    t.is(network === 'user' ? net.programs('pasta').length : net.sh('ip -o link').split('tsrun').length - 1, 1);
    // The command, what started it, and the program: whoever names the container.
    for (const pid of processes().filter((each) => commandLine(each).includes(id))) process.kill(pid, 'SIGKILL');
    await lab.until('an end of all', async () => {
      await net.tsrun('gc');
      return net.programs('pasta').length === 0 && !net.sh('ip -o link; nft list ruleset').includes('tsrun') && !existsSync(join(lab.stateRoot, 'containers', id));
    });
    t.pass();
  });
}

lab.declareLeakTest();
