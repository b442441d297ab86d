// One guest, from power-on to the command's exit status. The emulator never outlives this process.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { MarkedStream } from './marked-stream.mjs';

const consoleTail = 4000;
// The emulator keeps translated code by its address: with random addresses it translates libc and Node anew for every process,
// and a dynamic program takes three times as long to start.
const forSpeed = ['norandmaps', 'cryptomgr.notests', 'mitigations=off'];

/** `stays`: the file of a second disk, which keeps what is written to it. Resolves to { status, console }, or { failure, console } when the guest ended, hung or was interrupted before the command did. */
export function runGuest({ lane, kernel, initramfs, disk, stays, files, timeoutSeconds, output, errors, signal }) {
  const marker = randomBytes(16).toString('hex');
  const args = emulatorArguments({ lane, kernel, initramfs, disk, stays, files: { ...files, marker } });
  // The kernel ends the emulator when this process is killed; everything gentler is handled below.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', lane.machine.emulator, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] });
  return new Promise((resolve) => {
    const log = collectLog([child.stdout, child.stderr]);
    let result = { failure: 'the guest stopped before the command ended' };
    const stop = (reason) => {
      result = reason;
      child.kill('SIGKILL');
    };
    if (signal?.aborted) stop({ failure: 'interrupted' });
    const timer = setTimeout(() => stop({ failure: `no result after ${timeoutSeconds} s`, timedOut: true }), timeoutSeconds * 1000);
    signal?.addEventListener('abort', () => stop({ failure: 'interrupted' }), { once: true });
    readPorts(child, marker, { output, errors }, (status) => stop({ status }));
    child.on('error', (error) => {
      result = { failure: error.message };
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ ...result, console: log() });
    });
  });
}

function readPorts(child, marker, sinks, done) {
  const statuses = new Map();
  const ports = [[child.stdio[3], sinks.output], [child.stdio[4], sinks.errors]];
  for (const [port, sink] of ports) {
    const stream = new MarkedStream(marker, sink);
    port.on('data', (chunk) => {
      const status = stream.push(chunk);
      if (status !== undefined) statuses.set(port, status);
      if (statuses.size === ports.length) done(status);
    });
    // The emulator's end closes the port; the missing marker says the rest.
    port.on('error', () => undefined);
  }
}

function collectLog(streams) {
  let text = '';
  for (const stream of streams) stream.setEncoding('latin1').on('data', (chunk) => { text = (text + chunk).slice(-consoleTail); });
  return () => text;
}

function emulatorArguments({ lane, kernel, initramfs, disk, stays, files }) {
  const { machine } = lane;
  const commandLine = [`console=${machine.console}`, 'quiet', 'panic=-1', 'cgroup_no_v1=all', ...forSpeed, ...machine.commandLine, ...lane.commandLine];
  return [
    '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio',
    ...machine.arguments, '-accel', 'tcg,thread=multi', '-smp', `${lane.cpus}`, '-m', `${lane.memoryMiB}`,
    '-kernel', kernel.image, '-initrd', initramfs, '-append', commandLine.join(' '),
    '-virtfs', 'local,path=/,mount_tag=host,security_model=none,multidevs=remap,readonly=on',
    '-drive', `if=none,id=images,format=raw,snapshot=on,cache=unsafe,file=${escaped(disk)}`, '-device', 'virtio-blk-pci,drive=images',
    ...(stays === undefined ? [] : ['-drive', `if=none,id=stays,format=raw,cache=writeback,file=${escaped(stays)}`, '-device', 'virtio-blk-pci,drive=stays']),
    '-device', 'virtio-serial-pci',
    '-chardev', 'socket,id=output,fd=3', '-device', 'virtserialport,chardev=output,name=output',
    '-chardev', 'socket,id=errors,fd=4', '-device', 'virtserialport,chardev=errors,name=errors',
    ...Object.entries(files).flatMap(([name, text]) => ['-fw_cfg', `name=opt/tsrun/${name},string=${escaped(text)}`]),
  ];
}

/** QEMU's option lists are split at single commas. */
function escaped(text) {
  return text.replaceAll(',', ',,');
}
