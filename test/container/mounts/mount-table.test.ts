import test from 'ava';
import { parseMountTable } from '../../../src/container/mounts/mount-table.js';

test('number and path of each mount, in order; what the kernel writes in octal is read', (t) => {
  const text = '22 1 0:20 / /proc rw,nosuid - proc proc rw\n300 22 0:50 / /a\\040b\\134c\\011d ro shared:1 - overlay overlay ro\n301 300 0:51 / /a\\040b\\134c\\011d rw - tmpfs none rw\n';
  t.deepEqual(parseMountTable(text), [{ id: 22, path: '/proc' }, { id: 300, path: '/a b\\c\td' }, { id: 301, path: '/a b\\c\td' }]);
  t.deepEqual(parseMountTable(''), []);
});
