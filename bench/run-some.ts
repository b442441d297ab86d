/** `run-some ROOTFS STATE COUNT`: so many containers with the default profile, one after the other; something to trace. */
import { Runtime } from '../src/index.js';
import { defaultRun } from './orders.js';

const [rootfs = '', root = '', count = '1'] = process.argv.slice(2);
const runtime = await Runtime.open({ root });
for (let number = 0; number < Number(count); number++) {
  const container = await runtime.run(rootfs, defaultRun);
  const { code } = await container.exited;
  if (code !== 0) throw new Error(`/bin/true ended with ${code}`);
}
await runtime.close();
