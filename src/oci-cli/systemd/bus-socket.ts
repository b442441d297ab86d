/** Where systemd listens to this caller, and the socket to it. */
import { isOfOrdinaryUser } from '../launcher-ids.js';
import { asNode, writeWhole } from '../platform/fs.js';
import { host, readable } from '../platform/host.js';
import { RuntimeError } from '../runtime-error.js';
import type { BusStream } from './dbus-connection.js';

export interface BusAddress {
  readonly path: string;
  /** systemd itself, and no bus between. */
  readonly isDirect: boolean;
}

const pieceBytes = 65_536;
/** As long as runc waits for a unit. */
const patienceMs = 30_000;

type Environment = Readonly<Record<string, string>>;

/** In the order in which they are tried. Who names a bus means that one. */
export function busAddresses(environment: Environment, isUser: boolean): BusAddress[] {
  const given = environment[isUser ? 'DBUS_SESSION_BUS_ADDRESS' : 'DBUS_SYSTEM_BUS_ADDRESS'] ?? '';
  if (given !== '') return given.split(';').flatMap((each) => addressIn(each));
  if (!isUser) return [{ path: '/run/systemd/private', isDirect: true }, { path: '/run/dbus/system_bus_socket', isDirect: false }];
  const folder = environment['XDG_RUNTIME_DIR'] ?? '';
  return folder === '' ? [] : [{ path: `${folder}/bus`, isDirect: false }, { path: `${folder}/systemd/private`, isDirect: true }];
}

/** `unix:path=/run/user/1000/bus,guid=…`, with `%20` for a blank (D-Bus specification, "Server Addresses"). */
function addressIn(text: string): BusAddress[] {
  const path = /^unix:(?:.*,)?path=([^,]+)/.exec(text)?.[1];
  if (path === undefined || /%(?![\da-fA-F]{2})/.test(path)) return [];
  return [{ path: decodeURIComponent(path), isDirect: false }];
}

/** @throws RuntimeError where nobody listens */
export function connectToBus(): { readonly stream: BusStream; readonly isDirect: boolean } {
  const isUser = isOfOrdinaryUser();
  const addresses = busAddresses(host.environment(), isUser);
  for (const { path, isDirect } of addresses) {
    try {
      return { stream: streamOf(host.connectSocket(path)), isDirect };
    } catch {
      // The next one may be there.
    }
  }
  const places = addresses.length === 0 ? 'there is neither XDG_RUNTIME_DIR nor a bus that is named' : `nobody listens at ${addresses.map(({ path }) => path).join(' or ')}`;
  const advice = isUser ? 'log in as the user, or have root run: loginctl enable-linger' : 'leave --systemd-cgroup out, and cgroup files are written instead';
  throw new RuntimeError(`systemd not running on this host, cannot use systemd cgroups manager: ${places} (${advice})`);
}

function streamOf(socket: number): BusStream {
  return {
    write: (bytes) => {
      asNode('bus', () => {
        writeWhole(socket, bytes);
      });
    },
    read: () => {
      if (!host.awaitEvents(socket, readable, patienceMs)) throw new RuntimeError(`systemd does not answer within ${patienceMs / 1000} seconds`);
      return asNode('bus', () => host.read(socket, pieceBytes));
    },
  };
}
