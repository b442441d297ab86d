/** A valid spec that sets every field there is: its type makes a new field of the spec a compile error here. */

import type { Namespace, Spec } from '../../src/spec/types.js';

/** Namespaces stay as they are: a path makes one that is joined, and time offsets need a new one. */
type Complete<T> = T extends string | number | bigint | boolean | Namespace
  ? T
  : T extends readonly (infer Item)[]
    ? Complete<Item>[]
    : { [K in keyof T]-?: Complete<Exclude<T[K], undefined>> };

/** A fresh copy each time, to be spoilt by a test. */
export function fullSpec(): Complete<Spec> {
  const capabilities = ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE'];
  const hook = () => ({ path: '/bin/hook', args: ['hook', ''], env: ['A=1'], timeout: 5 });
  const throttle = () => [{ major: 8, minor: 16, rate: 600 }];
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs', readonly: true },
    process: {
      terminal: true,
      consoleSize: { height: 25, width: 80 },
      user: { uid: 1, gid: 1, umask: 0o22, additionalGids: [5, 6] },
      args: ['sh', '-c', ''],
      env: ['PATH=/bin'],
      cwd: '/',
      capabilities: {
        bounding: capabilities.slice(),
        effective: capabilities.slice(),
        inheritable: capabilities.slice(),
        permitted: capabilities.slice(),
        ambient: capabilities.slice(),
      },
      rlimits: [
        { type: 'RLIMIT_NOFILE', soft: 1024, hard: 18446744073709551615n },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      ],
      noNewPrivileges: true,
      apparmorProfile: 'profile',
      selinuxLabel: 'system_u:system_r:svirt_lxc_net_t:s0',
      oomScoreAdj: 100,
      scheduler: {
        policy: 'SCHED_DEADLINE',
        nice: 0,
        priority: 0,
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
        runtime: 5000,
        deadline: 10000,
        period: 20000,
      },
      ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
      execCPUAffinity: { initial: '7', final: '0-3,7' },
    },
    hostname: 'box',
    domainname: 'example.test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'], ...maps() },
      { destination: '/data', type: 'none', source: '/srv', options: ['rbind', 'ridmap'], ...maps() },
    ],
    hooks: {
      prestart: [hook()],
      createRuntime: [hook()],
      createContainer: [hook()],
      startContainer: [hook()],
      poststart: [hook()],
      poststop: [hook()],
    },
    annotations: { 'com.example.key': 'value', empty: '' },
    linux: {
      ...maps(),
      sysctl: { 'net.core.somaxconn': '256', 'kernel.shmmax': '1', 'fs.mqueue.msg_max': '9', 'kernel.domainname': 'x' },
      resources: {
        devices: [{ allow: false, type: 'a', major: -1, minor: -1, access: 'rwm' }],
        memory: {
          limit: 536870912,
          reservation: 536870912,
          swap: 536870912,
          kernel: -1,
          kernelTCP: -1,
          swappiness: 0,
          disableOOMKiller: false,
          useHierarchy: true,
          checkBeforeUpdate: true,
        },
        cpu: {
          shares: 1024,
          quota: 1_000_000,
          burst: 1_000_000,
          period: 500_000,
          realtimeRuntime: 950_000,
          realtimePeriod: 1_000_000,
          cpus: '2-3',
          mems: '0-7',
          idle: 0,
        },
        pids: { limit: 32771 },
        blockIO: {
          weight: 10,
          leafWeight: 10,
          weightDevice: [{ major: 8, minor: 0, weight: 500, leafWeight: 300 }],
          throttleReadBpsDevice: throttle(),
          throttleWriteBpsDevice: throttle(),
          throttleReadIOPSDevice: throttle(),
          throttleWriteIOPSDevice: throttle(),
        },
        hugepageLimits: [{ pageSize: '2MB', limit: 209715200 }],
        network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] },
        rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } },
        unified: { 'io.max': '259:0 rbps=2097152\n253:0 rbps=2097152', 'hugetlb.1GB.max': '1073741824' },
      },
      cgroupsPath: '/tsrun/box',
      namespaces: [
        { type: 'pid', path: '/proc/1234/ns/pid' },
        { type: 'network', path: '/run/netns/a' },
        { type: 'user', path: '/run/userns/a' },
        { type: 'mount' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'cgroup' },
        { type: 'time' },
      ],
      devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
      netDevices: { eth0: { name: 'eth%d' } },
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 38,
        architectures: ['SCMP_ARCH_X86_64'],
        flags: ['SECCOMP_FILTER_FLAG_LOG'],
        listenerPath: '/run/seccomp.sock',
        listenerMetadata: 'x',
        syscalls: [
          {
            names: ['clone'],
            action: 'SCMP_ACT_ERRNO',
            errnoRet: 1,
            args: [{ index: 0, value: 0x7e020000, valueTwo: 18446744073709551615n, op: 'SCMP_CMP_MASKED_EQ' }],
          },
        ],
      },
      rootfsPropagation: 'slave',
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      mountLabel: 'system_u:object_r:svirt_sandbox_file_t:s0',
      intelRdt: {
        closID: 'group',
        schemata: ['L3:0=7f0'],
        l3CacheSchema: 'L3:0=7f0',
        memBwSchema: 'MB:0=20',
        enableMonitoring: true,
      },
      memoryPolicy: { mode: 'MPOL_INTERLEAVE', nodes: '2-3', flags: ['MPOL_F_STATIC_NODES'] },
      personality: { domain: 'LINUX32', flags: [] },
      timeOffsets: { monotonic: { secs: 172800, nanosecs: 0 }, boottime: { secs: -5, nanosecs: 1 } },
    },
  };
}

function maps() {
  return {
    uidMappings: [{ containerID: 0, hostID: 1000, size: 32000 }],
    gidMappings: [{ containerID: 0, hostID: 1000, size: 32000 }],
  };
}
