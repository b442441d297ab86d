import { isIP } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { ipFamily } from '../../src/spec/ip-family.js';

test('addresses are told as node:net tells them', (t) => {
  const known = ['', ':', '::', '::1', '1::', '1::2', ':::', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::', '::2:3:4:5:6:7:8', '1:2:3:4:5:6:7', '1:2:3:4::5:6:7:8', '::ffff:1.2.3.4', '1:2:3:4:5:6:1.2.3.4', '1.2.3.4::', '1.2.3.4', '01.2.3.4', '256.1.1.1', '1.2.3', 'g::', '12345::', '1:2:3:4:5:6:7:1.2.3.4', '::1.2.3.4:5'];
  for (const text of known) t.true(ipFamily(text) === isIP(text), text);
  const pieces = fc.array(fc.constantFrom(':', '::', '.', '0', '1', 'ff', '255', '256', 'abcd', '1.2.3.4'), { maxLength: 16 }).map((parts) => parts.join(''));
  fc.assert(fc.property(fc.oneof(pieces, fc.ipV4(), fc.ipV6()), (text) => ipFamily(text) === isIP(text)), { numRuns: 3000 });
});
