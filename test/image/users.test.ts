import { constants } from 'node:os';
import fc from 'fast-check';
import test from 'ava';
import { parseGroups, parseUsers } from '../../src/image/accounts.js';
import { resolveUser, type ResolvedUser } from '../../src/image/users.js';
import { TsrunError } from '../../src/spec/errors.js';

const passwd = [
  'root:x:0:0:root:/root:/bin/sh',
  'app:x:1000:1001:App:/home/app:/bin/sh',
  'app:x:0:0:second entry:/:/bin/sh',
  '1000:x:0:0:numeric name:/evil:/bin/sh',
  'nohome:x:7:7',
  '',
].join('\n');
const group = ['root:x:0:', 'wheel:x:10:root,app', 'audio:x:29:app', 'app:x:1001:', '29:x:0:app2', ''].join('\n');

function image(users: string | Buffer | null = passwd, groups: string | Buffer | null = group) {
  return (path: string, limit: number): Buffer | null => {
    const content = path === '/etc/passwd' ? users : path === '/etc/group' ? groups : undefined;
    if (content === undefined) throw new Error(`read ${path}`);
    return content === null ? null : Buffer.from(content).subarray(0, limit);
  };
}

function fault(user: string, groups: readonly (string | number)[] = [], read = image()): TsrunError {
  try {
    const resolved = resolveUser(user, groups, read);
    throw new Error(`${JSON.stringify(user)} gave ${JSON.stringify(resolved)}`);
  } catch (error) {
    if (TsrunError.is(error)) return error;
    throw error;
  }
}

const forms: [user: string, expected: ResolvedUser][] = [
  ['app', { uid: 1000, gid: 1001, additionalGids: [1001, 10, 29], home: '/home/app' }],
  ['1000', { uid: 1000, gid: 1001, additionalGids: [1001, 10, 29], home: '/home/app' }],
  ['app:audio', { uid: 1000, gid: 29, additionalGids: [29], home: '/home/app' }],
  ['1000:1', { uid: 1000, gid: 1, additionalGids: [1], home: '/home/app' }],
  ['1000:audio', { uid: 1000, gid: 29, additionalGids: [29], home: '/home/app' }],
  ['app:29', { uid: 1000, gid: 29, additionalGids: [29], home: '/home/app' }],
  ['0', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
  ['4242', { uid: 4242, gid: 0, additionalGids: [0], home: '/' }],
  ['4294967294:4294967294', { uid: 4294967294, gid: 4294967294, additionalGids: [4294967294], home: '/' }],
  ['nohome', { uid: 7, gid: 7, additionalGids: [7], home: '/' }],
];

test('all six forms, the first match wins, digits are numbers', (t) => {
  for (const [user, expected] of forms) t.deepEqual(resolveUser(user, [], image()), expected, user);
});

test('further groups are added once, by name or number', (t) => {
  t.deepEqual(resolveUser('app:audio', ['wheel', 29, '77', 5], image()).additionalGids, [29, 10, 77, 5]);
  t.like(fault('app', ['whel']), { code: 'ERR_TSRUN_USER_NOT_FOUND', field: '/groups/0', hint: 'did you mean "wheel"?' });
});

test('an image without the files has numbers only', (t) => {
  t.deepEqual(resolveUser('5:6', [7], image(null, null)), { uid: 5, gid: 6, additionalGids: [6, 7], home: '/' });
  t.like(fault('app', [], image(null, null)), {
    code: 'ERR_TSRUN_USER_NOT_FOUND',
    field: '/user',
    message: "no user \"app\" in '/etc/passwd' of the image, which has none",
    hint: 'give the user as a number, which needs no entry',
  });
  t.like(fault('0:audi'), { code: 'ERR_TSRUN_USER_NOT_FOUND', hint: 'did you mean "audio"?' });
  t.like(fault('ap'), { code: 'ERR_TSRUN_USER_NOT_FOUND', hint: 'did you mean "app"?' });
});

/** What a lenient reader takes for 0, or for another number than it says (CVE-2026-30892). */
const almostNumbers = [
  '+0', '-0', '-1', '+1', '0x0', '0b0', '0o0', '01e3', '1e3', '0e0', '0.0', '.0', '0.', '4294967295', '04294967295', '4294967296', '18446744073709551616', '-4294967296',
  ' 0', '0 ', '0\n', '\t0', '0\0', '\u00a00', '', ':', ':0', '0:', '1:', '0:0:0', '::', 'a:', ':a', 'a b', 'a,b', 'a\nb', 'x'.repeat(257),
];

test('zeros in front of a number are passed over, as docker does, also where the image holds a user of that name', (t) => {
  const hostile = ['0001000', '00', '01'].map((name) => `${name}:x:0:0::/:`).join('\n');
  t.deepEqual(resolveUser('0001000', [], image(hostile, hostile)), { uid: 1000, gid: 0, additionalGids: [0], home: '/' });
  t.deepEqual(resolveUser('01:0012', ['007', '00'], image(hostile, hostile)), { uid: 1, gid: 12, additionalGids: [12, 7, 0], home: '/' });
  t.is(resolveUser('04294967294', [], image(null, null)).uid, 4_294_967_294);
  t.like(fault('04294967295'), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/user', hint: 'a number is written in plain decimal, from 0 to 4294967294' });
});

test('nothing but decimal digits is a number, even where the image holds a user of that name', (t) => {
  const hostile = ['a', ...almostNumbers].map((name) => `${name}:x:0:0::/:`).join('\n');
  for (const text of almostNumbers) {
    t.is(fault(text, [], image(hostile, hostile)).code, 'ERR_TSRUN_INVALID_ARGUMENT', JSON.stringify(text));
    t.is(fault(`1:${text}`, [], image(hostile, hostile)).code, 'ERR_TSRUN_INVALID_ARGUMENT', JSON.stringify(`1:${text}`));
    t.is(fault('1', [text], image(hostile, hostile)).code, 'ERR_TSRUN_INVALID_ARGUMENT', JSON.stringify([text]));
  }
});

test('malformed lines are passed over', (t) => {
  const lines = [
    'a', 'a:x', 'a:x:1', 'a:x:1:', 'a:x:01:1', 'a:x:-1:1', 'a:x:1 :1', 'a:x:4294967295:1', ':x:1:1', 'a\0:x:1:1', 'a:x:1:1\0', 'b c:x:1:1', '+::::::',
    `a:x:1:1:${'g'.repeat(9000)}:/`, '\ufffda:x:1:1',
  ];
  t.deepEqual(parseUsers(Buffer.from(lines.join('\n'))), []);
  t.deepEqual(parseUsers(Buffer.from('a:x:1:2:g:relative:\nb:x:3:4:g:/h\x7f:')), [
    { name: 'a', uid: 1, gid: 2, home: undefined },
    { name: 'b', uid: 3, gid: 4, home: undefined },
  ]);
  t.deepEqual(parseGroups(Buffer.from('g:x\ng:x:\ng:x:y:a\ng:x:5:a,,b, c\n')), [{ name: 'g', gid: 5, members: ['a', 'b'] }]);
  // Latin-1 in the comment does not take the user away, in the name it does.
  const latin = Buffer.from('jose:x:1:1:Jos\xe9:/home/jose:\njos\xe9:x:2:2::/:\n', 'latin1');
  t.deepEqual(parseUsers(latin), [{ name: 'jose', uid: 1, gid: 1, home: '/home/jose' }]);
});

test('a file that is too large is refused, and no more of it is read', (t) => {
  const read = (_path: string, limit: number) => {
    t.true(limit <= 1024 * 1024 + 1);
    return Buffer.alloc(limit, 0x61);
  };
  const error = fault('app', [], read);
  t.is(error.code, 'ERR_TSRUN_IMAGE');
  t.is(error.message, "'/etc/passwd' of the image is larger than 1048576 bytes");
});

/** As the addon throws it. */
function refusing(errno: number) {
  return (): never => {
    throw Object.assign(new Error('open failed'), { syscall: 'open', errno });
  };
}

test('a file that cannot be read is told of by its errno, and numbers are promised only where they would do', (t) => {
  const { EACCES, EINVAL, EIO, ELOOP, EMFILE, ENFILE } = constants.errno;
  const what = "'/etc/passwd' of the image cannot be read";
  for (const [errno, code, message, hint] of [
    [EACCES, 'ERR_TSRUN_IMAGE', `${what}: permission denied (EACCES)`, /be read.*by who runs tsrun/],
    [EINVAL, 'ERR_TSRUN_IMAGE', `${what}: it is no regular file`, /mend .*, or remove it/],
    [ELOOP, 'ERR_TSRUN_IMAGE', `${what}: links to it lead in a circle`, /mend .*, or remove it/],
    [EIO, 'ERR_TSRUN_IMAGE', `${what}: EIO`, /open\(2\)/],
    [EMFILE, 'ERR_TSRUN_HOST', `${what}: no descriptor is left (EMFILE)`, /ulimit -n/],
    [ENFILE, 'ERR_TSRUN_HOST', `${what}: no descriptor is left (ENFILE)`, /file-max/],
  ] as const) {
    for (const user of ['app', '5', '5:6']) {
      const error = fault(user, [], refusing(errno));
      t.like(error, { code, message }, user);
      t.regex(error.hint ?? '', hint);
    }
  }
  t.is(fault('app:5', ['wheel'], (path) => (path === '/etc/passwd' ? image()(path, 1000) : refusing(EACCES)())).message, "'/etc/group' of the image cannot be read: permission denied (EACCES)");
});

test('more groups than the kernel takes are an error, not a cut list', (t) => {
  const many = Array.from({ length: 70_000 }, (_, gid) => `g:x:${gid}:a`).join('\n');
  t.like(fault('a', [], image('a:x:1:1::/:', many)), { code: 'ERR_TSRUN_IMAGE', message: 'user "a" is in 70000 groups' });
});

test('a near name is looked for in bounded time', (t) => {
  const many = Array.from({ length: 20_000 }, (_, index) => `${'n'.repeat(30)}${index}:x:1:1::/:`).join('\n');
  const start = process.hrtime.bigint();
  t.is(fault('m'.repeat(200), [], image(many)).code, 'ERR_TSRUN_USER_NOT_FOUND');
  t.is(fault('m'.repeat(60), [], image(many)).code, 'ERR_TSRUN_USER_NOT_FOUND');
  t.true(process.hrtime.bigint() - start < 5_000_000_000n);
});

const hostileText = fc.array(fc.oneof(fc.constantFrom(':', '\n', '\0', '0', '1', 'a', 'root', ',', '\r', '4294967296', '/', ' '), fc.string()), { maxLength: 60 });
const hostileBytes = fc.oneof(hostileText.map((parts) => Buffer.from(parts.join(''))), fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));

test('whatever the image holds: a number stays the number, and ids are ids', (t) => {
  fc.assert(
    fc.property(hostileBytes, hostileBytes, fc.integer({ min: 0, max: 4_294_967_294 }), (users, groups, uid) => {
      const resolved = resolveUser(String(uid), [], image(users, groups));
      t.is(resolved.uid, uid);
      for (const gid of [resolved.gid, ...resolved.additionalGids]) t.true(Number.isInteger(gid) && gid >= 0 && gid <= 4_294_967_294);
      t.true(resolved.home.startsWith('/') && !/[\n\0]/.test(resolved.home));
    }),
  );
});

test('whatever is asked for: ids, or one of three errors; root only by 0 or by an entry that says so', (t) => {
  const codes = ['ERR_TSRUN_USER_NOT_FOUND', 'ERR_TSRUN_INVALID_ARGUMENT', 'ERR_TSRUN_IMAGE'];
  const asked = fc.oneof(fc.string(), hostileText.map((parts) => parts.join('')));
  fc.assert(
    fc.property(asked, hostileBytes, hostileBytes, (user, users, groups) => {
      try {
        const { uid } = resolveUser(user, [], image(users, groups));
        const name = user.split(':', 1)[0] ?? '';
        if (uid === 0 && name !== '0') t.true(users.toString().includes(`${name}:`));
      } catch (error) {
        t.true(TsrunError.is(error) && codes.includes(error.code), String(error));
      }
    }),
  );
});
