/** The few calls of systemd's that make and end transient units (org.freedesktop.systemd1(5)). */
import { RuntimeError } from '../runtime-error.js';
import { BusError, textIn, type BusConnection, type BusObject, type Reply } from './dbus-connection.js';
import { isVariant, type BusValue, type Variant } from './dbus-values.js';

export interface UnitProperty {
  readonly name: string;
  readonly value: Variant;
}

const manager: BusObject = { destination: 'org.freedesktop.systemd1', path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' };
const bus: BusObject = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
const errors = { unitExists: 'org.freedesktop.systemd1.UnitExists', noSuchUnit: 'org.freedesktop.systemd1.NoSuchUnit' } as const;
/** Of two jobs for one unit the later one stays. */
const mode = 'replace';

export class UnitManager {
  readonly #connection: BusConnection;

  /** @param isDirect to systemd itself, which tells such clients of all that happens */
  constructor(connection: BusConnection, isDirect: boolean) {
    this.#connection = connection;
    if (isDirect) return;
    connection.call(bus, 'Hello');
    connection.call(bus, 'AddMatch', 's', [`type='signal',sender='${manager.destination}',path='${manager.path}',interface='${manager.interface}',member='JobRemoved'`]);
    connection.call(manager, 'Subscribe');
  }

  /** `252.39-1~deb12u1` is 252. */
  get version(): number {
    return Number(/\d+/.exec(this.#property('Version'))?.[0] ?? 0);
  }

  /** Of the manager itself, below which all units are; the root of the tree is empty. */
  get controlGroup(): string {
    return this.#property('ControlGroup').replace(/\/$/, '');
  }

  /** @throws RuntimeError where it cannot be started, and BusError where one of that name is there */
  start(unit: string, properties: readonly UnitProperty[]): void {
    try {
      this.#startOnce(unit, properties);
    } catch (error) {
      if (!isNamed(error, errors.unitExists)) throw error;
      // One that failed is kept until somebody has looked at it.
      this.#reset(unit);
      this.#startOnce(unit, properties);
    }
  }

  #startOnce(unit: string, properties: readonly UnitProperty[]): void {
    const result = this.#awaitJob(this.#connection.call(manager, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', [unit, mode, toValues(properties), []]));
    if (result === 'done') return;
    this.#reset(unit);
    throw new RuntimeError(`error creating systemd unit ${unit}: ${result} (systemctl status and journalctl say why)`);
  }

  /** With all that lives in it. One that is not there is none that need be stopped. */
  stop(unit: string): void {
    try {
      this.#awaitJob(this.#connection.call(manager, 'StopUnit', 'ss', [unit, mode]));
    } catch (error) {
      if (!isNamed(error, errors.noSuchUnit)) throw error;
    }
    this.#reset(unit);
  }

  /** Until the unit ends; its files on disk, where there are any, stay. */
  change(unit: string, properties: readonly UnitProperty[]): void {
    if (properties.length > 0) this.#connection.call(manager, 'SetUnitProperties', 'sba(sv)', [unit, true, toValues(properties)]);
  }

  #property(name: string): string {
    const [value] = this.#connection.call({ ...manager, interface: 'org.freedesktop.DBus.Properties' }, 'Get', 'ss', [manager.interface, name]).body;
    if (isVariant(value) && typeof value.value === 'string') return value.value;
    throw new RuntimeError(`systemd does not tell its ${name}`);
  }

  /** What became of the job that an answer names: JobRemoved(id, job, unit, result). From others than who answered it is not believed. */
  #awaitJob({ sender, body: [job] }: Reply): string {
    const { body: [, , , result] } = this.#connection.awaitSignal(({ member, sender: from, body }) => member === 'JobRemoved' && from === sender && body[1] === job);
    return textIn(result);
  }

  #reset(unit: string): void {
    try {
      this.#connection.call(manager, 'ResetFailedUnit', 's', [unit]);
    } catch (error) {
      if (!isNamed(error, errors.noSuchUnit)) throw error;
    }
  }
}

export function isUnitThere(error: unknown): boolean {
  return isNamed(error, errors.unitExists);
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof BusError && error.errorName === name;
}

function toValues(properties: readonly UnitProperty[]): BusValue {
  return properties.map(({ name, value }) => [name, value]);
}
