/**
 * Numbers of the system calls that are younger than the libseccomp of the distributions in use, whose tables end at
 * Linux 5.17 or 6.7. They are the same on x86_64 and arm64, but for two that arm64 does not have.
 */

const since451 = [
  'cachestat', 'fchmodat2', 'map_shadow_stack', 'futex_wake', 'futex_wait', 'futex_requeue', 'statmount', 'listmount',
  'lsm_get_self_attr', 'lsm_set_self_attr', 'lsm_list_modules', 'mseal', 'setxattrat', 'getxattrat', 'listxattrat',
  'removexattrat', 'open_tree_attr', 'file_getattr', 'file_setattr', 'listns', 'rseq_slice_yield',
];

const common: readonly (readonly [string, number])[] = since451.map((name, index) => [name, 451 + index]);

export const recentSyscalls: Readonly<Record<'x64' | 'arm64', ReadonlyMap<string, number>>> = {
  x64: new Map([...common, ['uretprobe', 335], ['uprobe', 336]]),
  arm64: new Map(common),
};
