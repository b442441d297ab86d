// The first thing that `npm start` and `npm test` run, on a machine that may have Node and npm only: it needs no package itself.
// It brings a checkout to where something can be run, doing only what is not done yet, and goes on to the demonstration or the tests.
const minimum = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

// Before anything else is loaded: older versions stumble over what newer ones know, and say nothing helpful.
if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
  console.error(`tsrun needs Node ${minimum.join('.')} or newer, this is ${process.versions.node}`);
  process.exit(1);
}
if (process.platform !== 'linux') {
  console.error(`tsrun runs on Linux only, this is ${process.platform}`);
  process.exit(1);
}

const { prepare } = await import('./bootstrap/prepare.mjs');
process.exitCode = await prepare(process.argv[2], process.argv.slice(3));
