import test from 'ava';
import { allowsEverything, devicePolicy, policyWords } from '../../src/cgroup/device-rules.js';
import type { DeviceRule } from '../../src/spec/types.js';

const own = 'c 1:3 rw, c 1:5 rw, c 1:7 rw, c 1:8 rw, c 1:9 rw, c 5:0 rw, c 5:1 rw, c 5:2 rw, c 136:* rw';

test('a policy in words, in the order in which it is read', (t) => {
  const words = (...rules: DeviceRule[]) => policyWords(devicePolicy(rules));
  t.is(words(), `deny all; allow ${own}`);
  t.is(words({ allow: true, access: 'rwm' }, { allow: false, type: 'b', access: 'mw' }), `allow all; deny b *:* wm; allow ${own}`);
  t.is(words({ allow: true, type: 'c', major: 10, access: 'r' }), `deny all; allow c 10:* r, ${own}`);
  t.is(words({ allow: true, type: 'c', major: 1, minor: 3, access: 'r' }), `deny all; allow c 1:3 r, ${own.replace('c 1:3 rw, ', '')}`);
  t.is(words({ allow: false, access: 'r' }), `deny all; deny a *:* r; allow ${own}`);
});

test('only a policy that denies nothing needs no program', (t) => {
  const everything: DeviceRule = { allow: true, type: 'a', major: -1, minor: -1, access: 'mrw' };
  t.true(allowsEverything(devicePolicy([everything])));
  t.true(allowsEverything(devicePolicy([{ allow: false }, everything, { allow: true, type: 'c', major: 1 }])));
  t.false(allowsEverything(devicePolicy([])));
  t.false(allowsEverything(devicePolicy([everything, { allow: false, type: 'b', major: 8, access: 'm' }])));
  t.false(allowsEverything(devicePolicy([{ allow: true, access: 'rw' }, { allow: true, access: 'm' }])), 'not proven, so held');
});
