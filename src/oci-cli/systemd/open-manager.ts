import { connectToBus } from './bus-socket.js';
import { BusConnection } from './dbus-connection.js';
import { UnitManager } from './unit-manager.js';

/** The caller's: the host's own systemd, or an ordinary user's. @throws RuntimeError where there is none */
export function openManager(): UnitManager {
  const { stream, isDirect } = connectToBus();
  return new UnitManager(new BusConnection(stream), isDirect);
}
