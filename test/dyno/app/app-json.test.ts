import test from 'ava';
import { parseAppJson } from '../../../src/dyno/app/app-json.js';
import { appOptions } from '../../../src/dyno/app/app-options.js';

const whole = {
  name: 'Small Tool',
  description: 'does one thing',
  keywords: ['x'],
  stack: 'heroku-24',
  scripts: { postdeploy: 'bin/seed' },
  env: { STAGE: 'test', KEY: { description: 'signs cookies', generator: 'secret' }, TOKEN: { description: 'of the mailer' }, OPTIONAL: { required: false }, SET: { value: '5' } },
  formation: { web: { quantity: 2, size: 'standard-1x' }, worker: { size: 'standard-2x' } },
  addons: ['heroku-postgresql'],
  buildpacks: [{ url: 'https://example.com/x' }],
  environments: { test: {} },
  other: 1,
};

test('app.json: scripts, config vars, numbers, sizes and stack; what is not done is told', (t) => {
  const manifest = parseAppJson(JSON.stringify(whole));
  t.deepEqual({ ...manifest, warnings: undefined }, {
    name: 'Small Tool',
    stack: 'heroku-24',
    scripts: { postdeploy: 'bin/seed' },
    env: { STAGE: { value: 'test' }, KEY: { description: 'signs cookies', generator: 'secret' }, TOKEN: { description: 'of the mailer' }, OPTIONAL: { required: false }, SET: { value: '5' } },
    formation: { web: { quantity: 2, size: 'standard-1x' }, worker: { size: 'standard-2x' } },
    healthchecks: {},
    warnings: undefined,
  });
  t.deepEqual(manifest.warnings, [
    "app.json: 'addons' is passed over: give what they would set as config vars",
    "app.json: 'buildpacks' is passed over: an image or a slug is built already",
    "app.json: 'environments' is passed over: there is one environment",
    "app.json: 'other' is passed over: it is not known",
  ]);
  t.deepEqual(parseAppJson('\ufeff{}'), { scripts: {}, env: {}, formation: {}, healthchecks: {}, warnings: [] });
});

test('app.json: what it gets wrong is told with line and column, or with its path', (t) => {
  for (const [text, message] of [
    ['{\n  "env": {,}\n}', /^x\.json:2:11: expected a key in double quotes/],
    ['{ "env": {}, "env": {} }', /^x\.json:1:14: duplicate key "env"/],
    ['{ "formtion": {} }', /^x\.json \/formtion: unknown field$/],
    ['[]', /^x\.json: expected an object, found/],
    ['{ "env": { "A": 5 } }', /^x\.json \/env\/A: expected text or /],
    ['{ "env": { "A": { "value": 5 } } }', /^x\.json \/env\/A\/value: expected text, in quotes, found 5/],
    ['{ "env": { "A B": "" } }', /^x\.json \/env\/A B: expected the name of a variable/],
    ['{ "env": { "A": { "generator": "uuid" } } }', /^x\.json \/env\/A\/generator: expected a generator \(secret\)/],
    ['{ "formation": { "web": { "quantity": -1 } } }', /^x\.json \/formation\/web\/quantity: expected an integer from 0 to 1000/],
    ['{ "formation": { "web": 2 } }', /^x\.json \/formation\/web: expected /],
    ['{ "scripts": { "postdeploy": [] } }', /^x\.json \/scripts\/postdeploy: expected text/],
    ['{ "healthchecks": { "web": [{ "path": "x" }] } }', /^x\.json \/healthchecks\/web\/0\/path: expected a path/],
    ['{ "healthchecks": { "web": [{ "type": "life", "path": "/" }] } }', /\/0\/type: expected a type/],
    ['{ "healthchecks": { "web": [{}] } }', /^x\.json \/healthchecks\/web\/0: expected one of command, path, listening and uptime, found none/],
    ['{ "healthchecks": { "web": [{ "path": "/", "uptime": 1 }] } }', /found several/],
    ['{ "healthchecks": { "web": [{ "path": "/", "scheme": "https" }] } }', /\/scheme: expected a scheme/],
  ] as const) {
    t.regex(t.throws(() => parseAppJson(text, { source: 'x.json' }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' }).message, message, text);
  }
});

test('app.json: health checks as Dokku has them, in seconds', (t) => {
  const web = [
    { type: 'startup', name: 'web check', description: 'x', path: '/health', attempts: 5, content: 'ok', httpHeaders: [{ name: 'X-Forwarded-Proto', value: 'https' }], port: 8080 },
    { type: 'liveness', command: ['/bin/check', 'a'], timeout: 1.5, wait: 0, initialDelay: 10 },
    { type: 'readiness', listening: true },
    { uptime: 10 },
  ];
  const times = { retries: 3, timeoutMs: 5000, intervalMs: 5000, initialDelayMs: 0 };
  t.deepEqual(parseAppJson(JSON.stringify({ healthchecks: { web } })).healthchecks, {
    web: [
      { ...times, name: 'web check', purpose: 'startup', retries: 5, probe: { type: 'http', path: '/health', port: 8080, contains: 'ok', headers: { 'X-Forwarded-Proto': 'https' } } },
      { ...times, purpose: 'liveness', probe: { type: 'exec', command: ['/bin/check', 'a'] }, timeoutMs: 1500, intervalMs: 1, initialDelayMs: 10_000 },
      { ...times, purpose: 'readiness', probe: { type: 'tcp' } },
      { ...times, purpose: 'startup', probe: { type: 'alive' }, initialDelayMs: 10_000 },
    ],
  });
});

test('an app.json as options: what is given goes over what it says', async (t) => {
  const manifest = parseAppJson(JSON.stringify({ ...whole, healthchecks: { web: [{ uptime: 1 }], worker: [{ uptime: 2 }] } }));
  const { env = {}, quantities, processTypes = {}, name } = await appOptions(manifest, { name: 'mine', env: { TOKEN: 'given', STAGE: 'live', MORE: '1' }, processTypes: { worker: { command: 'x', health: [] }, other: { command: 'y' } } });
  t.deepEqual({ ...env, KEY: '' }, { STAGE: 'live', TOKEN: 'given', MORE: '1', SET: '5', KEY: '' });
  t.regex(env['KEY'] ?? '', /^[\da-f]{64}$/);
  t.deepEqual([quantities, name], [{ web: 2 }, 'mine']);
  t.deepEqual([processTypes['web']?.health?.length, { ...processTypes['worker'], size: undefined }, processTypes['other']], [1, { command: 'x', health: [], size: undefined }, { command: 'y' }]);
  const other = await appOptions(manifest, { env: { TOKEN: '', KEY: 'kept' }, quantities: { worker: 1 } });
  t.deepEqual([other.env?.['KEY'], other.quantities], ['kept', { worker: 1 }]);
  t.deepEqual(await appOptions(parseAppJson('{}')), { env: {}, processTypes: {} });
});

test('a config var that an app needs and nobody gives stops it', async (t) => {
  const manifest = parseAppJson('{ "env": { "A": { "description": "a\\nb" }, "B": {}, "C": { "required": false } } }');
  await t.throwsAsync(appOptions(manifest), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: 'the app needs the config var "A" ("a\\nb") (and 1 more), which has no value' });
  await t.throwsAsync(appOptions(manifest, { env: { A: '1' } }), { message: 'the app needs the config var "B", which has no value' });
  t.deepEqual((await appOptions(manifest, { env: { A: '', B: '' } })).env, { A: '', B: '' });
});

test('sizes of an app.json are those of process types, unless others are given; one that is not known is passed over', async (t) => {
  const manifest = parseAppJson('{ "formation": { "web": { "size": "Standard-1X" }, "worker": { "quantity": 2, "size": "free" }, "clock": { "size": "eco" } } }');
  t.deepEqual(manifest.warnings, ["app.json: the size 'free' of 'worker' is passed over: it is not known"]);
  const small = { memoryBytes: 2 ** 28 };
  const { processTypes, quantities } = await appOptions(manifest, { processTypes: { clock: { size: small, command: 'tick' } } });
  t.like(processTypes, { web: { size: { memoryBytes: 2 ** 29 } }, clock: { size: small, command: 'tick' } });
  t.deepEqual([processTypes?.['worker'], quantities], [{}, { worker: 2 }]);
  const { processTypes: others, size } = await appOptions(manifest, { size: 'eco', processTypes: { clock: { size: small } } });
  t.deepEqual([others?.['web'], others?.['clock'], size], [{}, { size: small }, 'eco']);
});
