/** File systems by the magic number of statfs(2), as far as a person needs their names. */

export const CGROUP2_MAGIC = 0x63677270;
export const TMPFS_MAGIC = 0x01021994;
export const RAMFS_MAGIC = 0x858458f6;

const names: ReadonlyMap<number, string> = new Map([
  [CGROUP2_MAGIC, 'cgroup2'],
  [TMPFS_MAGIC, 'tmpfs'],
  [RAMFS_MAGIC, 'ramfs'],
  [0xef53, 'ext2/ext3/ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0x794c7630, 'overlay'],
  [0x6969, 'nfs'],
  [0x01021997, '9p'],
  [0x65735546, 'fuse'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x73717368, 'squashfs'],
  [0xe0f5e1e2, 'erofs'],
  [0x4d44, 'vfat'],
  [0x00c36400, 'ceph'],
]);

/** Both live in memory: an fsync there costs nothing and nothing outlives a boot. */
export function isMemoryFs(type: number): boolean {
  return type === TMPFS_MAGIC || type === RAMFS_MAGIC;
}

export function fsTypeName(type: number): string {
  return names.get(type) ?? `file system 0x${type.toString(16)}`;
}
