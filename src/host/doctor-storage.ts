/** Findings about folders: is the runtime state in memory, can what lies in them be id-mapped. */
import type { DoctorFacts, FolderFacts } from './doctor-facts.js';
import type { HostFacts } from './facts.js';
import { good, lack, obstacle, type Finding } from './finding.js';
import { fsTypeName, isMemoryFs, TMPFS_MAGIC } from './fs-types.js';

export function storageFindings(host: HostFacts, { stateRoot, folders }: DoctorFacts): Finding[] {
  const nowhere = folders.every(({ idmap }) => idmap?.ok === false);
  return [stateFinding(stateRoot), ...folders.map((folder) => idmapFinding(host, folder, nowhere))];
}

/** Whoever knows that there is no such folder says so in its place. */
export const stateTopic = 'state root';

function stateFinding({ path, existing, fsType }: FolderFacts): Finding {
  const topic = stateTopic;
  if (fsType !== undefined && isMemoryFs(fsType)) return good(topic, `${path} is in memory`);
  return lack(topic, 'partly', {
    text: `${path} is on a disk (${existing}: ${typeName(fsType)})`,
    cost: 'records of containers outlive a boot and wait for the disk: an fsync there costs a quarter of a start',
    remedy: `mount a tmpfs at ${existing}, or choose another state root on one`,
  });
}

/** `nowhere`: no folder that was tried can hold images for a default run. */
function idmapFinding(host: HostFacts, { label, path, fsType, idmap }: FolderFacts, nowhere: boolean): Finding {
  const topic = `id-mapping: ${label}`;
  const where = `${path} (${typeName(fsType)})`;
  if (host.uid !== 0) {
    return lack(topic, 'no', {
      text: `${where}: an ordinary user cannot id-map file systems`,
      cost: 'the files of an image keep their owners: those of other users belong to nobody in a container',
      remedy: 'run as root',
    });
  }
  // The kernel's answer would be about the namespace, not about the folder.
  if (!host.supports.userNamespaces) {
    return lack(topic, 'partly', { text: `${where}: not tried, since that takes a user namespace`, cost: 'none while no container has one', remedy: 'make user namespaces possible first' });
  }
  if (idmap === undefined) {
    return lack(topic, 'partly', { text: `${where}: not tried`, cost: 'unknown until a container is started', remedy: 'build the addon and ask again' });
  }
  if (idmap.ok) return good(topic, where);
  const old = fsType === TMPFS_MAGIC && !host.supports.idmappedTmpfs;
  const details = {
    text: `${where}: ${idmap.errno}`,
    cost: 'images and volumes there cannot be used with a user namespace, only with --userns host',
    remedy: old ? 'run Linux 6.3 or newer, or use ext4, xfs or btrfs' : 'move it to a file system that can be id-mapped: ext4, xfs, btrfs',
  };
  return nowhere ? obstacle(topic, details) : lack(topic, 'no', details);
}

function typeName(fsType: number | undefined): string {
  return fsType === undefined ? 'unknown file system' : fsTypeName(fsType);
}
