import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { offerFromRegistry } from '../../../src/image/registry/offer-registry.js';
import { digestOf, failureOf, layerBytes, refuse, registryLab, type Seen } from '../../support/fake-registry.js';

const content = Buffer.from(Array.from({ length: 40_000 }, (_, index) => String(index)).join(' '));

/** An image with one layer, and what the registry makes of the questions for it, counted from 0. */
async function lab(t: ExecutionContext, answer: (response: ServerResponse, from: number, question: number, seen: Seen) => boolean, timeouts = {}) {
  const { hosts, start } = registryLab(t);
  const registry = await start();
  registry.addImage('v1', [content]);
  let questions = 0;
  registry.intercept = (seen, response) => {
    if (!seen.url.endsWith(digestOf(content))) return false;
    return answer(response, Number(/\d+/.exec(seen.headers.range ?? '')?.[0] ?? 0), questions++, seen);
  };
  const host = hosts.host();
  const image = await offerFromRegistry(`${registry.host}/app:v1`, { host: { ...host, timeouts: { ...host.timeouts, ...timeouts } } });
  t.teardown(() => image.close());
  return { image, registry, hosts, questions: () => questions };
}

/** Some bytes of the answer, then the connection is gone. */
function cut(response: ServerResponse, from: number, length: number): void {
  const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': content.length - from, ...(from > 0 && range) });
  response.write(content.subarray(from, from + length), () => response.socket?.destroy());
}

test('a download goes on where the connection was lost, as often as it gets further', async (t) => {
  const { image, questions, registry } = await lab(t, (response, from) => {
    cut(response, from, 20_000);
    return true;
  });
  t.deepEqual(await layerBytes(image), content);
  t.is(questions(), Math.ceil(content.length / 20_000));
  const ranges = registry.seen.flatMap(({ headers }) => headers.range ?? []);
  t.true(ranges.length > 5 && ranges.every((range) => /^bytes=\d+-$/.test(range)));
});

test('a server without ranges sends all again, and nothing comes twice', async (t) => {
  const { image, registry } = await lab(t, (response, _, question) => {
    if (question < 2) cut(response, 0, 50_000 + question * 50_000);
    return question < 2;
  });
  registry.ranges = false;
  t.deepEqual(await layerBytes(image), content);
});

test('where it gets no further, it is given up', async (t) => {
  const { image, questions, hosts } = await lab(t, (response, from) => {
    cut(response, from, from === 0 ? 1000 : 0);
    return true;
  });
  const error = await failureOf(layerBytes(image));
  t.is(error.code, 'ERR_TSRUN_REGISTRY');
  t.regex(error.message, /\/v2\/app\/blobs\/sha256:.*: the connection failed/);
  t.true(questions() > 4 && questions() < 30, `${questions()} questions`);
  t.true(hosts.sleeps.length > 3);
});

test('a registry that starts anew while it gives', async (t) => {
  const { hosts, start } = registryLab(t);
  const registry = await start();
  registry.addImage('v1', [content]);
  registry.intercept = ({ url, headers }, response) => {
    if (!url.endsWith(digestOf(content)) || headers.range !== undefined) return false;
    cut(response, 0, 10_000);
    registry.pause();
    return true;
  };
  const host = hosts.host();
  let sleeps = 0;
  const sleep = async () => {
    if (++sleeps === 3) await registry.resume();
  };
  const image = await offerFromRegistry(`${registry.host}/app:v1`, { host: { ...host, sleep } });
  t.deepEqual(await layerBytes(image), content);
  t.true(sleeps >= 3);
  registry.close();
  const error = await failureOf(layerBytes(image));
  t.regex(error.message, /nobody listens there/);
  t.true(sleeps < 10, 'who was never there is not waited for');
});

test('a body that stalls is asked for anew', async (t) => {
  const { image, questions } = await lab(t, (response, from, question) => {
    if (question > 0) return false;
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(from, 5000));
    return true;
  }, { stallMs: 300 });
  t.deepEqual(await layerBytes(image), content);
  t.is(questions(), 2);
});

test('a reader that takes its time is no stall', async (t) => {
  const { image, questions } = await lab(t, () => false, { stallMs: 200 });
  const stream = await image.layers[0]?.open({ offset: 0 });
  if (stream === undefined) throw new Error('no layer');
  await once(stream, 'readable');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  t.deepEqual(Buffer.concat(parts), content);
  t.is(questions(), 1);
});

test('a blob of another size than the manifest says', async (t) => {
  const sizes: readonly (readonly [send: (response: ServerResponse) => void, message: RegExp])[] = [
    [(response) => response.end(content.subarray(1)), /has 228888 bytes|has \d+ bytes, the manifest says \d+/],
    [(response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(Buffer.concat([content, Buffer.from('x')])), /larger than the \d+ bytes/],
    [(response) => response.writeHead(200, { 'content-length': '9'.repeat(15) }).write('x'), /has 9+ bytes, the manifest says/],
    [(response) => response.writeHead(204).end(), /status 204 is no answer/],
    [(response) => response.writeHead(206, { 'content-range': `bytes 0-5/${content.length}` }).end('012345'), /status 206 is no answer/],
  ];
  for (const [send, message] of sizes) {
    const { image } = await lab(t, (response) => {
      send(response);
      return true;
    });
    t.regex((await failureOf(layerBytes(image))).message, message);
  }
});

test('one that ends early without saying its length is given up, and one without end is not read on', async (t) => {
  const short = await lab(t, (response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(content.subarray(0, 100));
    return true;
  });
  t.regex((await failureOf(layerBytes(short.image))).message, /the blob ends after 100 of the \d+ bytes/);
  let sent = 0;
  const endless = await lab(t, (response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    const more = () => {
      for (let room = true; room; sent += content.length) room = response.write(content);
    };
    response.on('drain', more);
    more();
    return true;
  });
  t.regex((await failureOf(layerBytes(endless.image))).message, /larger than/);
  t.true(sent < content.length * 200);
});

test('a part that is not the one that was asked for', async (t) => {
  const total = content.length;
  const wrong = ['', 'bytes 0-9/10', `bytes 999-${total - 1}/${total}`, `bytes 1000-${total}/${total}`, `bytes 1000-${total - 1}/${total + 1}`, `bytes */${total}`, `items 1000-${total - 1}/${total}`];
  for (const range of wrong) {
    const { image } = await lab(t, (response) => {
      response.writeHead(206, { 'content-range': range }).end(content.subarray(1000));
      return true;
    });
    t.regex((await failureOf(layerBytes(image, 0, 1000))).message, /bytes from 1000 on of \d+ were asked for, the answer is '/, range);
  }
  for (const range of [`bytes 1000-${total - 1}/${total}`, `bytes 1000-${total - 1}/*`, `bytes 1000-1999/${total}`]) {
    const { image } = await lab(t, (response, from) => {
      if (from !== 1000) return false;
      response.writeHead(206, { 'content-range': range }).end(content.subarray(1000, range.includes('-1999') ? 2000 : total));
      return true;
    });
    t.deepEqual(await layerBytes(image, 0, 1000), content.subarray(1000), range);
  }
});

test('another server gets a blob\'s question, and nothing that was shown to the registry', async (t) => {
  const { hosts, start } = registryLab(t);
  const [registry, storage] = [await start(), await start()];
  registry.addImage('v1', [content]);
  storage.intercept = (_, response) => {
    response.end(content);
    return true;
  };
  registry.intercept = ({ url, headers }, response) => {
    if (headers.authorization === undefined) {
      refuse(response, 401, 'UNAUTHORIZED', 'who are you', { 'www-authenticate': 'Basic realm="x"' });
      return true;
    }
    if (url.endsWith(digestOf(content))) response.writeHead(307, { location: `http://${storage.host}/presigned?signature=secret` }).end();
    return url.endsWith(digestOf(content));
  };
  hosts.write('home/.docker/config.json', JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from('me:password').toString('base64') } } }));
  const image = await offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host() });
  t.deepEqual(await layerBytes(image), content);
  t.deepEqual(storage.seen.map(({ url, headers }) => [url, headers.authorization, headers.cookie]), [['/presigned?signature=secret', undefined, undefined]]);
  t.true(registry.seen.filter(({ url }) => url.includes('/blobs/')).every(({ headers }) => headers.authorization !== undefined));
  storage.intercept = (_, response) => {
    refuse(response, 401, 'NO', 'who are you', { 'www-authenticate': `Bearer realm="http://${storage.host}/phishing"` });
    return true;
  };
  t.regex((await failureOf(layerBytes(image))).message, /\/presigned answered 401/);
  t.false(storage.paths.includes('/phishing'), 'only the registry is shown a login');
  storage.intercept = (_, response) => {
    refuse(response, 403, 'EXPIRED', 'signature=secret is too old');
    return true;
  };
  const { message } = await failureOf(layerBytes(image));
  t.regex(message, /\/presigned answered 403/);
  t.false(message.includes('?signature'), 'the query of a presigned URL is a secret');
});

test('where a registry sends that is nowhere, in a circle, or in the clear', async (t) => {
  const targets: readonly (readonly [location: string | undefined, message: RegExp])[] = [
    [undefined, /sent on to what is no address/],
    ['http://', /sent on to what is no address/],
    ['file:///etc/passwd', /sent on to what is no address/],
    ['http://user:pass@127.0.0.1/', /sent on to what is no address/],
    ['http://user@127.0.0.1/', /sent on to what is no address/],
    ['http://198.51.100.1/blob', /sent on to http:\/\/198\.51\.100\.1\/blob, in the clear/],
    [`/v2/app/blobs/${digestOf(content)}`, /sent on more than 5 times/],
  ];
  for (const [location, message] of targets) {
    const { image, questions } = await lab(t, (response) => {
      response.writeHead(302, location === undefined ? {} : { location }).end();
      return true;
    });
    t.regex((await failureOf(layerBytes(image))).message, message, location);
    t.true(questions() <= 6);
  }
});

test('a blob that is not there', async (t) => {
  const { image } = await lab(t, (response) => {
    refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    return true;
  });
  const error = await failureOf(layerBytes(image));
  t.regex(error.message, /answered 404 \(BLOB_UNKNOWN: blob unknown to registry\)/);
  t.regex(error.hint ?? '', /pushed incompletely/);
});

test('an AbortSignal ends a download, also one that stalls, and one that nobody reads any more lets go', async (t) => {
  const { image, registry } = await lab(t, (response) => {
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
    return true;
  }, { stallMs: 600_000 });
  const controller = new AbortController();
  const reason = new Error('enough');
  const reading = failureOf(layerBytes(image, 0, 0, controller.signal));
  setTimeout(() => {
    controller.abort(reason);
  }, 50);
  const error = await reading;
  t.is(error.code, 'ERR_TSRUN_ABORTED');
  t.is(error.cause, reason);
  t.is((await failureOf(layerBytes(image, 0, 0, AbortSignal.abort()))).code, 'ERR_TSRUN_ABORTED');
  const gone = new Promise((resolve) => {
    registry.intercept = ({ url }, response) => {
      if (!url.endsWith(digestOf(content))) return false;
      response.once('close', resolve).writeHead(200, { 'content-length': content.length }).write('x');
      return true;
    };
  });
  const stream = await image.layers[0]?.open({ offset: 0 });
  stream?.destroy();
  await gone;
  t.pass('the server saw the connection go');
});

test('closing the image ends its downloads', async (t) => {
  const { image } = await lab(t, (response) => {
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
    return true;
  });
  const reading = layerBytes(image);
  setTimeout(() => void image.close(), 50);
  t.is((await failureOf(reading)).code, 'ERR_TSRUN_REGISTRY');
  t.regex((await failureOf(layerBytes(image))).message, /was closed/);
});
