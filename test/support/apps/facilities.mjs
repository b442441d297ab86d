// What Node programs use of a kernel beyond files: each line says what came of one thing.
import { exec, execFile, fork, spawnSync } from 'node:child_process';
import cluster from 'node:cluster';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, watch, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createConnection, createServer as createNetServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { constants, setPriority, getPriority, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

const self = fileURLToPath(import.meta.url);

const facilities = {
  async 'worker threads'() {
    const source = `const { parentPort, workerData } = require('node:worker_threads'); Atomics.add(new Int32Array(workerData), 0, 1); parentPort.postMessage('up')`;
    const shared = new SharedArrayBuffer(4);
    const workers = Array.from({ length: 4 }, () => new Worker(source, { eval: true, workerData: shared }));
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    return new Int32Array(shared)[0];
  },
  async 'child processes'() {
    const { stdout } = await promisify(exec)('echo one; exit 0');
    const { status } = spawnSync('sh', ['-c', 'exit 3']);
    const child = fork(self, ['child']);
    const [message] = await once(child, 'message');
    const [code] = await once(child, 'exit');
    return `${stdout.trim()} ${status} ${message} ${code}`;
  },
  async 'a killed child'() {
    const child = execFile('sleep', ['100']);
    child.kill('SIGKILL');
    return (await once(child, 'exit'))[1];
  },
  async 'fetch to itself'() {
    const server = createServer((request, response) => response.end(request.url)).listen(0);
    await once(server, 'listening');
    const { port } = server.address();
    const texts = await Promise.all(['127.0.0.1', 'localhost', '[::1]'].map(async (host) => (await fetch(`http://${host}:${port}/x`)).text()));
    server.close();
    server.closeAllConnections();
    return texts.join(' ');
  },
  async 'unix sockets'() {
    const server = createNetServer((socket) => socket.pipe(socket)).listen('/tmp/socket');
    await once(server, 'listening');
    const socket = createConnection('/tmp/socket').setEncoding('utf8');
    socket.write('through');
    const [text] = await once(socket, 'data');
    socket.destroy();
    server.close();
    return text;
  },
  async datagrams() {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.send('datagram', socket.address().port, '127.0.0.1');
    const [message] = await once(socket, 'message');
    socket.close();
    return message.toString();
  },
  async cluster() {
    cluster.setupPrimary({ exec: self, args: ['worker'] });
    const workers = [cluster.fork(), cluster.fork()];
    const messages = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    await Promise.all(workers.map((worker) => {
      worker.kill();
      return once(worker, 'exit');
    }));
    return messages.join(' ');
  },
  async 'a watched folder'() {
    const watcher = watch('/tmp');
    setImmediate(() => writeFileSync('/tmp/new', ''));
    const [, name] = await once(watcher, 'change');
    watcher.close();
    return name;
  },
  cryptography: () => `${generateKeyPairSync('ed25519').publicKey.asymmetricKeyType} ${createHash('sha256').update('').digest('hex').slice(0, 8)}`,
  'the user': () => `${userInfo().username} ${process.getuid()}`,
  'names of hosts': async () => (await lookup('localhost', { family: 4 })).address,
  'a lower priority': () => {
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
    return getPriority(0);
  },
  'only its own processes': () => spawnSync('sh', ['-c', 'ls -d /proc/[0-9]*']).stdout.toString().trim().split('\n').length < 5,
  'a title': () => {
    process.title = 'renamed';
    return readFileSync('/proc/self/cmdline', 'latin1').split('\0')[0].trim();
  },
};

async function main() {
  for (const [name, facility] of Object.entries(facilities)) {
    const result = await Promise.resolve().then(facility).catch((error) => `${error.code ?? ''} ${error.message}`);
    console.log(`${name}: ${result}`);
  }
}

if (process.argv[2] === 'child') process.send('forked', () => process.exit(5));
else if (process.argv[2] === 'worker') process.send('worker');
else await main();
