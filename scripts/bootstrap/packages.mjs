// Debian packages: which are needed, which of them are missing, and how they come.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { aptPackages, missingPackages } from '../../rootfs-fixtures/packages.mjs';
import { run } from './run.mjs';

// python3 is for node-gyp.
const build = ['g++', 'make', 'python3', ...aptPackages('libraries')];
// nm and strace look at what the native code calls; newuidmap is how an ordinary user gets its ids.
const tools = ['binutils', 'clang-tidy', 'fish', 'strace', 'uidmap', 'zsh'];

const test = [...build, ...tools, ...aptPackages('busybox', 'clients', 'debian', 'drains', 'engines', 'image-tools', 'networks', 'registry', 'vm', 'vm-amd64', 'vm-systemd')];
// The whole of clang-tidy reads what CMake says of each file; the fuzzer is built by clang.
const long = ['clang', 'cmake', 'libclang-rt-dev'];

const needed = {
  start: [...build, ...aptPackages('busybox')],
  // The licences of what is linked are where Debian's packages put them.
  pack: [...build, 'binutils', ...aptPackages('cross-arm64')],
  test,
  vm: test,
  long: [...test, ...long, ...aptPackages('vm-arm64', 'cross-arm64', 'sanitizers')],
};

const install = ['install', '-y', '--no-install-recommends'];
// A machine that has just been booted may be updating itself.
const patience = ['-o', 'DPkg::Lock::Timeout=120', '-q'];

export function lackingPackages(goal) {
  return missingPackages([...new Set(needed[goal])]);
}

export async function addPackages(packages) {
  if (spawnSync('apt-get', ['--version']).error) {
    throw new Error(`this host has no apt-get; tsrun is built on Debian with: ${packages.join(' ')}`);
  }
  if (process.getuid() !== 0) {
    throw new Error(`some packages are missing; run this, then try again:\n\n  sudo apt-get ${[...install, ...packages].join(' ')}`);
  }
  if (!hasLists()) await apt('update');
  try {
    await apt(...install, ...packages);
  } catch {
    // Lists that are older than the archive name files that are gone.
    await apt('update');
    await apt(...install, ...packages);
  }
}

function apt(...args) {
  return run('apt-get', [...patience, ...args], { DEBIAN_FRONTEND: 'noninteractive' });
}

function hasLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => /_Packages(\.|$)/.test(name));
  } catch {
    return false;
  }
}
