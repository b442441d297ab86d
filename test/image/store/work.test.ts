import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import type { ImageProgress } from '../../../src/image/image-types.js';
import { startWork } from '../../../src/image/store/work.js';

const progress: ImageProgress = { stage: 'fetching', doneBytes: 1 };

test('who iterates hears the news, and then of the failure, before and after it', async (t) => {
  const fault = new Error('no');
  const work = startWork(async (tell) => {
    tell(progress);
    return Promise.reject(fault);
  });
  const heard: ImageProgress[] = [];
  const listen = async () => {
    for await (const each of work) heard.push(each);
  };
  t.is(await t.throwsAsync(listen()), fault);
  t.deepEqual(heard, [progress]);
  t.is(await t.throwsAsync(listen()), fault, 'who comes late');
  t.is(await t.throwsAsync(work.done), fault);
});

test('the loop of work that succeeds ends, and so does one that is left', async (t) => {
  const work = startWork(async (tell) => {
    tell(progress);
    return Promise.resolve(7);
  });
  const heard: ImageProgress[] = [];
  for await (const each of work) heard.push(each);
  t.deepEqual(heard, [progress]);
  t.is(await work.done, 7);
  const failing = startWork(async (tell) => {
    tell(progress);
    return Promise.reject(new Error('after it was left'));
  });
  for await (const each of failing) {
    t.is(each, progress);
    break;
  }
  await t.throwsAsync(failing.done);
});

test.serial('nobody is killed by a failure that is not looked at', async (t) => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => { unhandled.push(reason); };
  process.on('unhandledRejection', listen);
  t.teardown(() => { process.off('unhandledRejection', listen); });
  const left = startWork(async () => Promise.reject(new Error('left alone')));
  const watched = startWork(async () => Promise.reject(new Error('only watched')));
  await t.throwsAsync(async () => { for await (const each of watched) t.log(each); });
  const awaited = startWork(async () => Promise.reject(new Error('only awaited')));
  await t.throwsAsync(awaited.done);
  await setTimeout(20);
  t.deepEqual(unhandled, []);
  await t.throwsAsync(left.done);
});
