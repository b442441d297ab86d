// Dynos with a network of their own beyond loopback, in namespaces that stand for host and internet: what they reach, who reaches them, and what lists let through.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CliLab, said } from '../support/cli-lab.js';
import { farAddress, farPage, getPage, NetLab } from '../support/net-lab.js';
import { needs } from '../support/needs.js';

const lab = new CliLab();
const net = new NetLab(lab);
const here = needs('root', 'userns', 'overlay', 'cgroup2', 'command:ip', 'command:nft', 'command:pasta', 'command:busybox', 'file:/dev/net/tun');

test.before(async () => {
  if (process.geteuid?.() === 0) await net.open();
});
test.after.always(() => { net.close(); });

const ownPage = 'from a dyno';

function procfile(): string {
  const path = join(lab.imageRoot, 'Procfile-networks');
  writeFileSync(path, `web: mkdir /tmp/www; echo ${ownPage} >/tmp/www/page; exec httpd -f -p $PORT -h /tmp/www\nworker: ${getPage} echo "far: $(get ${farAddress} 80)"; exec sleep 1000\n`);
  return path;
}

for (const network of ['user', 'bridge']) {
  here(`${network}: a dyno reaches the internet, no other dyno, and is reached by the published port alone`, async (t) => {
    const name = lab.newId();
    const child = net.spawn(['up', '--name', name, '--network', network, '--formation', 'web=1,worker=1', '-p', '127.0.0.1::5000', '-f', procfile(), lab.image]);
    const ended = said(child);
    let text = '';
    child.stdout?.on('data', (piece: string) => (text += piece));
    await lab.until('the dynos', () => text.includes('web.1]: State changed from starting to up') && text.includes('worker.1]: far: '));
    t.regex(text, new RegExp(`worker\\.1\\]: far: ${farPage}\n`));
    const port = Number(/Listening on 127\.0\.0\.1:(\d+) for web/.exec(text)?.[1]);
    t.is(net.get('127.0.0.1', port), ownPage);
    const pid = (await lab.find(`${name}.web.1`))?.pid ?? 0;
    const address = net.sh("ip -4 -o addr show scope global | sed 's/.*inet \\([0-9.]*\\).*/\\1/'", pid);
    t.regex(address, /^\d+\.\d+\.\d+\.\d+$/);
    const other = await net.tsrun('exec', `${name}.worker.1`, 'sh', '-c', `${getPage} get ${address} 5000`);
    t.not(other.stdout.trim(), ownPage, other.stderr);
    child.kill('SIGTERM');
    t.is((await ended).code, 0, text);
  });

  here(`${network}: a list of addresses holds for dynos and their one-off dynos`, async (t) => {
    const name = lab.newId();
    const up = await net.tsrun('up', '-d', '--name', name, '--network', network, '--egress', `${farAddress}:81`, '--formation', 'worker=1', '-f', procfile(), lab.image);
    t.is(up.code, 0, up.stderr);
    t.teardown(async () => net.tsrun('stop', '-a', name));
    await lab.until('the worker', async () => (await net.tsrun('logs', '-a', name)).stdout.includes('worker.1]: far: '));
    t.notRegex((await net.tsrun('logs', '-a', name)).stdout, new RegExp(farPage));
    const oneOff = await net.tsrun('run', '-a', name, `${getPage} echo "80 $(get ${farAddress} 80)"; echo "81 $(get ${farAddress} 81)"`);
    t.notRegex(oneOff.stdout, new RegExp(`80 ${farPage}`));
    t.regex(oneOff.stdout, new RegExp(`81 ${farPage}`), oneOff.stderr);
    t.is((await net.tsrun('stop', '-a', name)).code, 0);
  });
}

lab.declareLeakTest();
