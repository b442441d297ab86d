/** A program that embeds tsrun: one container, from the opening of a runtime to its closing. */
import { Runtime } from '../../src/index.js';

const [root = '', image = '', id = ''] = process.argv.slice(2);
const runtime = await Runtime.open({ root });
const container = await runtime.run(image, { id, command: ['true'], stdout: 'ignore', stderr: 'ignore' });
await container.exited;
await runtime.close();
