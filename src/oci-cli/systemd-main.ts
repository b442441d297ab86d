/** The driver for systemd, for `systemd-module.ts`. */
import { openManager } from './systemd/open-manager.js';
import { placeOf } from './systemd/scope.js';
import { unitProperties, withWholePercents } from './systemd/unit-properties.js';
import { provideSystemd } from './systemd-module.js';

provideSystemd({
  placeOf,
  stop: (unit) => {
    openManager().stop(unit);
  },
  exactResources: withWholePercents,
  changeLimits: (unit, resources, facts) => {
    const manager = openManager();
    manager.change(unit, unitProperties(resources, facts, manager.version));
  },
});
