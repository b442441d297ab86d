/** Findings about user namespaces: may the caller make them, and which ids can be mapped into them. */
import type { DoctorFacts, SubordinateFacts, UserNamespaceFacts } from './doctor-facts.js';
import type { HostFacts } from './facts.js';
import { good, lack, obstacle, type Finding } from './finding.js';
import { RANGE_SIZE, type IdRange } from './id-ranges.js';

export function userFindings(host: HostFacts, { userNamespaces, subordinate }: DoctorFacts): Finding[] {
  return [
    namespaceFinding(host, userNamespaces),
    ...surroundingFindings(userNamespaces),
    ...(host.uid === 0 ? [] : subordinateFindings(subordinate)),
  ];
}

function subordinateFindings(facts: SubordinateFacts): Finding[] {
  return [
    helperFinding(facts),
    rangeFinding('subordinate uids', '/etc/subuid', facts.uids, facts.user),
    rangeFinding('subordinate gids', '/etc/subgid', facts.gids, facts.user),
  ];
}

const TOPIC = 'user namespaces';

function namespaceFinding(host: HostFacts, facts: UserNamespaceFacts): Finding {
  const root = host.uid === 0;
  const cost = root
    ? 'containers only with --userns host: root in the container is root of the host, with fewer capabilities'
    : 'an ordinary user cannot start any container';
  const blocked = (text: string, remedy: string) => obstacle(TOPIC, { text, cost, remedy });
  if (facts.max === 0) return blocked('the sysctl user.max_user_namespaces is 0', 'sysctl -w user.max_user_namespaces=65536');
  if (!root && facts.unprivilegedClone === 0) {
    return blocked('the sysctl kernel.unprivileged_userns_clone is 0', 'sysctl -w kernel.unprivileged_userns_clone=1, or run as root');
  }
  if (!root && facts.apparmorRestricts === 1) {
    return blocked(
      'AppArmor takes all capabilities from the user namespaces of ordinary users (kernel.apparmor_restrict_unprivileged_userns is 1)',
      "give tsrun's node an AppArmor profile with 'userns,', or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root",
    );
  }
  if (!host.supports.userNamespaces) return blocked('the kernel has no user namespaces', 'boot a kernel with CONFIG_USER_NS');
  return good(TOPIC, facts.max === undefined ? 'can be made' : `can be made, at most ${facts.max}`);
}

/** Not wrong in itself; but the walls of the surrounding container are the likeliest reason for whatever else fails. */
function surroundingFindings({ nested, containerMark }: UserNamespaceFacts): Finding[] {
  if (!nested && containerMark === undefined) return [good('surroundings', 'not inside another container')];
  return [
    lack('surroundings', 'partly', {
      text: nested ? 'tsrun itself runs inside a user namespace' : `tsrun itself runs inside a container (${containerMark ?? ''})`,
      cost: nested
        ? 'only ids that are mapped here can be given to containers, file systems cannot be id-mapped, no device nodes'
        : 'the outer seccomp filter, masked /proc paths and dropped capabilities can refuse namespaces and mounts',
      remedy: 'run on the host, or start the outer container privileged',
    }),
  ];
}

function helperFinding({ newuidmap, newgidmap }: SubordinateFacts): Finding {
  if (newuidmap !== undefined && newgidmap !== undefined) return good('newuidmap', `${newuidmap}, ${newgidmap}`);
  const absent = [newuidmap === undefined ? 'newuidmap' : '', newgidmap === undefined ? 'newgidmap' : ''].filter((name) => name !== '');
  return obstacle('newuidmap', {
    text: `${absent.join(' and ')} not found`,
    cost: 'an ordinary user cannot start any container',
    remedy: 'apt-get install uidmap',
  });
}

function rangeFinding(topic: string, file: string, ranges: readonly IdRange[], user: string): Finding {
  const total = ranges.reduce((sum, range) => sum + range.size, 0);
  const remedy = `add a line '${user}:<start>:65536' to ${file} (usermod ${topic.endsWith('uids') ? '--add-subuids' : '--add-subgids'})`;
  if (ranges.some((range) => range.size >= RANGE_SIZE)) return good(topic, `${total} ids in ${file}`);
  if (total > 0) {
    return lack(topic, 'partly', {
      text: `${total} ids in ${file}, no range of 65536`,
      cost: 'files of users above the range belong to nobody in the container',
      remedy,
    });
  }
  return obstacle(topic, { text: `no range for ${user} in ${file}`, cost: 'an ordinary user cannot start any container', remedy });
}
